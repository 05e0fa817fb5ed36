package main

import (
	"errors"
	"fmt"
	"strings"

	"tasuki/internal/charter"
	"tasuki/spec/dsse"
)

// BoardKeygenCmd is `tasuki board keygen`.
type BoardKeygenCmd struct {
	ID      string `required:"" placeholder:"SEAT" help:"Name of the seat on the board, such as b1: a-z, 0-9 and hyphens."`
	Holder  string `required:"" placeholder:"TEXT" help:"Who holds the key: a body or a person, as it is to stand in the charter."`
	List    string `xor:"list" placeholder:"ID" help:"Id of the list that the key is for (64 hex digits): it will sign for no other."`
	Genesis bool   `xor:"list" help:"The list is not founded yet, or its id not at hand: the key is bound to none."`
	Out     string `arg:"" type:"path" help:"File to write the private key to. It must not exist."`
}

// Run writes the private key and prints the public seat.
func (c *BoardKeygenCmd) Run(p *Program) error {
	if c.List == "" && !c.Genesis {
		return errors.New("say for which list with --list ID, or --genesis for a key that is bound to none")
	}
	private, err := charter.NewKey(p.Rand)
	if err != nil {
		return err
	}
	k := &charter.BoardKey{List: strings.ToLower(c.List), ID: c.ID, Private: private}
	// A file that could not be read again would be found out on the day when it is needed.
	if _, err := charter.ParseBoardKey(k.Marshal()); err != nil {
		return errors.New("--id takes a-z, 0-9 and single hyphens, at most 32 characters; --list takes 64 hex digits")
	}
	seat := seatText(charter.BoardSeat{ID: k.ID, Holder: c.Holder, Key: dsse.EncodeKey(k.Public())})
	if _, err := parseSeat(seat); err != nil {
		return err
	}
	if err := k.WriteFile(c.Out); err != nil {
		return err
	}
	fmt.Fprintln(p.Stdout, seat)
	p.hint(
		"This line is public: hand it to whoever drafts the charter (tasuki charter draft --board-seat). The file is not: keep it offline, and a copy elsewhere.",
		"この行は公開してよいものです。憲章の案を作る人に渡してください（tasuki charter draft --board-seat）。ファイルは秘密です。オフラインで保管し、複製を別の場所に置いてください。")
	return nil
}

// seatText is a seat as it is handed over: id, key and holder between commas.
func seatText(s charter.BoardSeat) string { return s.ID + "," + s.Key + "," + s.Holder }

// parseSeat reads what "board keygen" printed. What it holds is judged when the charter is drafted.
func parseSeat(text string) (charter.BoardSeat, error) {
	f := strings.SplitN(strings.TrimSpace(text), ",", 3)
	if len(f) != 3 || f[0] == "" || strings.TrimSpace(f[2]) == "" {
		return charter.BoardSeat{}, errors.New("a seat is ID,KEY,HOLDER, as \"tasuki board keygen\" prints it")
	}
	if _, err := dsse.ParseKey(f[1]); err != nil {
		return charter.BoardSeat{}, fmt.Errorf("seat %s: not a raw Ed25519 key in base64", f[0])
	}
	return charter.BoardSeat{ID: f[0], Key: f[1], Holder: f[2]}, nil
}

// hint says something to whoever runs the command, in their language.
func (p *Program) hint(en, ja string) {
	if p.language() == "ja" {
		en = ja
	}
	fmt.Fprintln(p.Stderr, en)
}

// RoleKeygen makes the key of a machine.
type RoleKeygen struct {
	Name string `required:"" placeholder:"NAME" help:"Name of the key, best a host and path of your own, such as m1.example/tasuki: no spaces and no plus sign."`
	Out  string `arg:"" type:"path" help:"File to write the private key to. It must not exist."`
}

func (c RoleKeygen) make(p *Program, role charter.Role) (*charter.RoleKey, error) {
	private, err := charter.NewKey(p.Rand)
	if err != nil {
		return nil, err
	}
	k := &charter.RoleKey{Role: role, Name: c.Name, Private: private}
	vkey, err := k.VKey()
	if err != nil {
		return nil, fmt.Errorf("--name: %w", err)
	}
	if err := k.WriteFile(c.Out); err != nil {
		return nil, err
	}
	fmt.Fprintln(p.Stdout, vkey)
	return k, nil
}

// MirrorKeygenCmd is `tasuki mirror keygen`.
type MirrorKeygenCmd struct{ RoleKeygen }

// Run makes a mirror's key.
func (c *MirrorKeygenCmd) Run(p *Program) error {
	if _, err := c.make(p, charter.RoleMirror); err != nil {
		return err
	}
	p.hint(
		"This is the key that the charter names (tasuki charter draft --mirror KEY,URL). The file stays on the mirror.",
		"これが憲章に載る鍵です（tasuki charter draft --mirror 鍵,URL）。ファイルはミラーに置いてください。")
	return nil
}

// WitnessKeygenCmd is `tasuki witness keygen`.
type WitnessKeygenCmd struct{ RoleKeygen }

// Run makes a witness's key.
func (c *WitnessKeygenCmd) Run(p *Program) error {
	if _, err := c.make(p, charter.RoleWitness); err != nil {
		return err
	}
	p.hint(
		"This is the key that the charter's policy names (a line \"witness NAME KEY URL\"). The file stays on the witness.",
		"これが憲章の証人の規則に載る鍵です（「witness 名前 鍵 URL」の行）。ファイルは証人の機械に置いてください。")
	return nil
}

// NodeKeygenCmd is `tasuki node keygen`.
type NodeKeygenCmd struct{ RoleKeygen }

// Run makes the key of an authority's own node. Its events are signed with the raw key, its receipts are notes.
func (c *NodeKeygenCmd) Run(p *Program) error {
	k, err := c.make(p, charter.RoleNode)
	if err != nil {
		return err
	}
	fmt.Fprintln(p.Stdout, dsse.EncodeKey(k.Public()))
	p.hint(
		"First the key that verifies this node's receipts, then the same key raw, as events name it. The file stays on the node.",
		"一行目は受領証を検証する鍵、二行目はイベントに載る同じ鍵です。ファイルはこのノードに置いてください。")
	return nil
}
