package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"tasuki/internal/charter"
	"tasuki/spec/c2sp"
	"tasuki/spec/dsse"
)

// CharterDraftCmd is `tasuki charter draft`.
type CharterDraftCmd struct {
	Out  string `arg:"" help:"File for the draft. It must not exist."`
	From string `placeholder:"SOURCE" help:"The charters so far: a chain file, the URL of a node, or a data directory (default: the node of this data directory)."`
	Edit string `type:"existingfile" placeholder:"FILE" help:"JSON merge patch (RFC 7396) of the charter's signed part; other flags come after it."`

	OperatorSlug *string `group:"Operator" placeholder:"NAME" help:"Who is to run the list, as in the log's name: a-z, 0-9 and hyphens."`
	OperatorURL  *string `group:"Operator" name:"operator-url" placeholder:"URL" help:"Where."`
	OperatorOrg  *string `group:"Operator" placeholder:"UUID" help:"The operator's organisation in the list."`
	LogKey       string  `group:"Operator" placeholder:"KEY" help:"The new epoch's log key: what \"tasuki charter log-key\" printed, or its file."`
	ContinueAt   string  `group:"Operator" type:"existingfile" placeholder:"FILE" help:"Checkpoint at which the next epoch continues, where mirrors cannot say (default: the newest of the node that --from means)."`

	Mirror       []string `group:"Mirrors and witnesses" sep:"none" placeholder:"KEY,URL" help:"Add a mirror, or change the one of that name: the key that \"tasuki mirror keygen\" printed, and where it serves. Repeat for more."`
	RemoveMirror []string `group:"Mirrors and witnesses" placeholder:"NAME" help:"Remove a mirror."`
	Q            *int64   `group:"Mirrors and witnesses" name:"q" placeholder:"N" help:"How many mirrors must have stored a write before it counts (default: the fewest that are safe)."`
	F            *int64   `group:"Mirrors and witnesses" name:"f" placeholder:"N" help:"How many mirrors may lie (default: as before, at first 0)."`
	Policy       string   `group:"Mirrors and witnesses" type:"existingfile" placeholder:"FILE" help:"Witnesses and their quorum, in the language of c2sp.org/tlog-policy."`
	NoPolicy     bool     `group:"Mirrors and witnesses" help:"Ask no witness."`

	BoardSeat  []string `group:"Board" sep:"none" placeholder:"SEAT" help:"Add a seat, or change the one of that name: the line that \"tasuki board keygen\" printed. Repeat for more."`
	RemoveSeat []string `group:"Board" placeholder:"NAME" help:"Remove a seat."`
	K          *int64   `group:"Board" name:"k" placeholder:"N" help:"How many keys decide (default: as before, or the smallest majority)."`
	KE         *int64   `group:"Board" name:"k-e" placeholder:"N" help:"How many suffice in an emergency (no charter of that kind is followed yet)."`

	Mandate string   `group:"Rest" placeholder:"FROM..UNTIL" help:"The operator's term in days, such as 2026-11-21..2029-11-20, or none."`
	Names   []string `group:"Rest" placeholder:"HOST" help:"All host names that belong to the list, or none."`
	Escrow  []string `group:"Rest" placeholder:"RECIPIENT" help:"All age recipients that private facts are encrypted to, or none."`
	Feature []string `group:"Rest" placeholder:"NAME" help:"Bring a feature into force."`
	Reason  string   `group:"Rest" placeholder:"TEXT" help:"Why, for everybody to read."`
}

// nothing is how a flag empties a list.
const nothing = "none"

// Run writes the draft and says in words what it changes and who has to sign.
func (c *CharterDraftCmd) Run(ctx context.Context, p *Program, s *Settings) (err error) {
	chain, siblings, src, err := p.openChain(ctx, s, c.From)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	if len(siblings) > 0 {
		return fmt.Errorf("%w: the list has to settle on one of them first", charter.ErrSibling)
	}
	doc, err := c.draft(ctx, p, chain, src)
	if err != nil {
		return err
	}
	if err := chain.Check(doc); err != nil && !errors.Is(err, charter.ErrThreshold) {
		return err
	}
	if err := writeCharter(c.Out, doc); err != nil {
		return err
	}
	for _, line := range charter.Changes(chain.Head(), doc, p.language()) {
		fmt.Fprintln(p.Stdout, line)
	}
	fmt.Fprintln(p.Stdout)
	w := p.boardWords()
	w.count(p.Stdout, doc, chain.Head())
	fmt.Fprintf(p.Stdout, w.written, c.Out)
	return nil
}

// draft makes the next charter twice: first to see whether the changes open an epoch, then with what such a charter needs.
func (c *CharterDraftCmd) draft(ctx context.Context, p *Program, chain *charter.Chain, src *charterSource) (*charter.Document, error) {
	head := chain.Head()
	amend := func(more func(*charter.Charter) error) (*charter.Document, error) {
		var failed error
		doc, err := chain.Amend(p.Now, func(next *charter.Charter) {
			if failed = c.change(next); failed == nil && more != nil {
				failed = more(next)
			}
		})
		if failed != nil {
			return nil, failed
		}
		return doc, err
	}
	doc, err := amend(nil)
	if err != nil || !head.OpensEpoch(doc) {
		if err == nil && c.ContinueAt != "" {
			err = errors.New("--continue-at: nothing here opens an epoch")
		}
		return doc, err
	}
	if doc.Charter().Operator.Key == head.Charter().Operator.Key {
		return nil, fmt.Errorf("another operator, mirror or policy opens epoch %d, which needs a log key of its own: whoever is to run it makes one "+
			"with \"tasuki charter log-key\" and tells its public part, for --log-key", head.Charter().Operator.Epoch+1)
	}
	return amend(func(next *charter.Charter) error {
		next.Operator.Epoch = head.Charter().Operator.Epoch + 1
		if c.ContinueAt == "" && head.Charter().Mirrors != nil {
			return nil // the mirrors' reports say where
		}
		at, err := c.continueAt(ctx, chain, src)
		next.ContinueAt = at
		return err
	})
}

// continueAt is the size and root of a checkpoint that the present log key has signed.
func (c *CharterDraftCmd) continueAt(ctx context.Context, chain *charter.Chain, src *charterSource) (*charter.ContinueAt, error) {
	var signed []byte
	var err error
	switch {
	case c.ContinueAt != "":
		signed, err = readBounded(c.ContinueAt, 1<<20)
	case src.checkpoint != nil:
		signed, err = src.checkpoint(ctx)
	default:
		err = errors.New("without mirrors the charter itself says where the next epoch continues: draft it beside the node, or give its newest " +
			"checkpoint with --continue-at")
	}
	if err != nil {
		return nil, err
	}
	opened, err := note.Open(signed, note.VerifierList(chain.Opening().Verifier()))
	if err != nil {
		return nil, fmt.Errorf("the checkpoint to continue at: %w", err)
	}
	cp, err := c2sp.ParseCheckpoint(opened.Text)
	if err != nil {
		return nil, fmt.Errorf("the checkpoint to continue at: %w", err)
	}
	return &charter.ContinueAt{Size: cp.Size, Root: hex.EncodeToString(cp.Root[:])}, nil
}

// change does what the flags say to a copy of the present charter. What the whole then is worth is judged by its form.
func (c *CharterDraftCmd) change(next *charter.Charter) error {
	if c.Edit != "" {
		patch, err := readBounded(c.Edit, charter.MaxSize)
		if err != nil {
			return err
		}
		if err := next.Edit(patch); err != nil {
			return fmt.Errorf("%s: %w", c.Edit, err)
		}
	}
	for _, f := range []struct {
		into *string
		from *string
	}{{&next.Operator.Slug, c.OperatorSlug}, {&next.Operator.URL, c.OperatorURL}, {&next.Operator.Org, c.OperatorOrg}} {
		if f.from != nil {
			*f.into = *f.from
		}
	}
	if err := errors.Join(c.changeLogKey(next), c.changeMirrors(next), c.changePolicy(next), c.changeBoard(next), c.changeMandate(next)); err != nil {
		return err
	}
	for _, f := range []struct {
		into *[]string
		from []string
	}{{&next.Names, c.Names}, {&next.Escrow, c.Escrow}} {
		if len(f.from) > 0 {
			*f.into = slices.DeleteFunc(slices.Clone(f.from), func(v string) bool { return v == nothing })
		}
	}
	if len(next.Names) == 0 {
		next.Names = nil
	}
	if len(next.Escrow) == 0 {
		next.Escrow = nil
	}
	next.Features = append(next.Features, c.Feature...)
	slices.Sort(next.Features)
	next.Features = slices.Compact(next.Features)
	if c.Reason != "" {
		next.Reason = c.Reason
	}
	return nil
}

// changeLogKey takes a verifier key or a key file; the name in it must be the origin that comes of this charter, lest the key of
// another list or epoch slip in.
func (c *CharterDraftCmd) changeLogKey(next *charter.Charter) error {
	if c.LogKey == "" {
		return nil
	}
	var name string
	var key []byte
	text := c.LogKey
	if _, err := os.Stat(c.LogKey); err == nil {
		raw, err := readBounded(c.LogKey, charter.MaxSize)
		if err != nil {
			return fmt.Errorf("--log-key: %w", err)
		}
		if k, err := charter.ParseLogKey(raw); err == nil {
			name, key = k.Origin, k.Public()
		}
		text = strings.TrimSpace(string(raw))
	}
	if key == nil {
		k, err := c2sp.ParseVKey(text)
		if err != nil || k.Alg != c2sp.AlgEd25519 {
			return errors.New("--log-key: neither what \"tasuki charter log-key\" printed nor a file with that or with the key")
		}
		name, key = k.Name, k.Key
	}
	if want := charter.Origin(next.Genesis, next.Operator.Epoch+1, next.Operator.Slug); name != want {
		return fmt.Errorf("--log-key: the key is of %s, the next epoch will be %s", name, want)
	}
	next.Operator.Key = dsse.EncodeKey(key)
	return nil
}

func (c *CharterDraftCmd) changeMirrors(next *charter.Charter) error {
	if len(c.Mirror)+len(c.RemoveMirror) == 0 && c.Q == nil && c.F == nil {
		return nil
	}
	if next.Mirrors == nil {
		next.Mirrors = &charter.Mirrors{}
	}
	m := next.Mirrors
	named := func(name string) int {
		return slices.IndexFunc(m.List, func(one charter.Mirror) bool { return strings.HasPrefix(one.VKey, name+"+") })
	}
	for _, name := range c.RemoveMirror {
		i := named(name)
		if i < 0 {
			return fmt.Errorf("--remove-mirror: there is no mirror %s", name)
		}
		m.List = slices.Delete(m.List, i, i+1)
	}
	for _, text := range c.Mirror {
		vkey, address, ok := strings.Cut(text, ",")
		k, err := c2sp.ParseVKey(vkey)
		if !ok || err != nil {
			return errors.New("--mirror: KEY,URL is needed, the key as \"tasuki mirror keygen\" printed it")
		}
		one := charter.Mirror{VKey: vkey, URL: address}
		if i := named(k.Name); i >= 0 {
			m.List[i] = one
		} else {
			m.List = append(m.List, one)
		}
	}
	if len(m.List) == 0 {
		next.Mirrors = nil
		return nil
	}
	if c.F != nil {
		m.F = *c.F
	}
	if c.Q != nil {
		m.Q = *c.Q
	} else {
		m.Q = (int64(len(m.List))+m.F)/2 + 1 // the fewest with 2q > m+f
	}
	return nil
}

func (c *CharterDraftCmd) changePolicy(next *charter.Charter) error {
	if c.NoPolicy {
		next.Policy = ""
	}
	if c.Policy == "" {
		return nil
	}
	if c.NoPolicy {
		return errors.New("--policy and --no-policy exclude each other")
	}
	raw, err := readBounded(c.Policy, charter.MaxSize)
	if err != nil {
		return err
	}
	if _, err := c2sp.ParsePolicy(string(raw)); err != nil {
		return fmt.Errorf("%s: %w", c.Policy, err)
	}
	next.Policy = string(raw)
	return nil
}

func (c *CharterDraftCmd) changeBoard(next *charter.Charter) error {
	b := &next.Board
	named := func(id string) int {
		return slices.IndexFunc(b.Keys, func(s charter.BoardSeat) bool { return s.ID == id })
	}
	for _, id := range c.RemoveSeat {
		i := named(id)
		if i < 0 {
			return fmt.Errorf("--remove-seat: there is no seat %s", id)
		}
		b.Keys = slices.Delete(b.Keys, i, i+1)
	}
	for _, text := range c.BoardSeat {
		seat, err := parseSeat(text)
		if err != nil {
			return fmt.Errorf("--board-seat: %w", err)
		}
		if i := named(seat.ID); i >= 0 {
			b.Keys[i] = seat
		} else {
			b.Keys = append(b.Keys, seat)
		}
	}
	n := int64(len(b.Keys))
	if c.K != nil {
		b.K = *c.K
	} else if 2*b.K <= n || b.K > n {
		b.K = n/2 + 1
	}
	if c.KE != nil {
		b.Emergency = *c.KE
	}
	if b.Emergency > b.K && c.KE == nil {
		b.Emergency = b.K
	}
	return nil
}

func (c *CharterDraftCmd) changeMandate(next *charter.Charter) error {
	switch from, until, ok := strings.Cut(c.Mandate, ".."); {
	case c.Mandate == "":
	case c.Mandate == nothing:
		next.Mandate = nil
	case ok:
		next.Mandate = &charter.Mandate{From: from, Until: until}
	default:
		return errors.New("--mandate: two days, such as 2026-11-21..2029-11-20, or none")
	}
	return nil
}

// CharterLogKeyCmd is `tasuki charter log-key`.
type CharterLogKeyCmd struct {
	Out  string `arg:"" type:"path" help:"File to write the private key to. It must not exist."`
	From string `placeholder:"SOURCE" help:"The charters so far: a chain file, the URL of a node, or a data directory (default: the node of this data directory)."`
	Slug string `placeholder:"NAME" help:"Who is to run the list, as in the log's name (default: the present operator's)."`
}

// Run makes a log key for the epoch after the present one.
func (c *CharterLogKeyCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	chain, _, err := p.readChain(ctx, s, c.From)
	if err != nil {
		return err
	}
	op := chain.Head().Charter().Operator
	if c.Slug != "" {
		op.Slug = c.Slug
	}
	private, err := charter.NewKey(p.Rand)
	if err != nil {
		return err
	}
	k := &charter.LogKey{Origin: charter.Origin(chain.ListID(), op.Epoch+1, op.Slug), Private: private}
	vkey, err := c2sp.NewVKey(k.Origin, c2sp.AlgEd25519, k.Public())
	if err != nil {
		return fmt.Errorf("--slug: %w", err)
	}
	if err := k.WriteFile(c.Out); err != nil {
		return err
	}
	fmt.Fprintln(p.Stdout, vkey)
	p.hint("This is the key for the charter (tasuki charter draft --log-key). The file opens the epoch (tasuki promote --key) and stays with the operator.",
		"これが憲章に載る鍵です（tasuki charter draft --log-key）。ファイルは期を開くときに使い（tasuki promote --key）、運用者の手元に置きます。")
	return nil
}
