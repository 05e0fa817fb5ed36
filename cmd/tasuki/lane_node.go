package main

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	json "github.com/go-json-experiment/json"

	"tasuki/internal/lane"
)

// NodeInitCmd is `tasuki node init`.
type NodeInitCmd struct {
	Dir    string   `arg:"" type:"path" help:"Folder to make."`
	List   string   `required:"" placeholder:"ID" help:"Id of the list (64 hex digits), from a source you trust."`
	Org    string   `required:"" placeholder:"UUID" help:"The authority's permanent UUID."`
	Short  string   `required:"" placeholder:"NAME" help:"Its short name."`
	Name   string   `default:"node" placeholder:"NAME" help:"Your own name for this node, such as node-eu: two places are two nodes (default ${default})."`
	URL    []string `name:"url" placeholder:"URL" help:"Where the list is: operator or mirrors. Only hints: what they say is verified."`
	Scheme string   `default:"CVE" placeholder:"TEXT" help:"CVE, or GCVE-<number> for an authority without accreditation (default ${default})."`
}

// Run makes the folder, its key and an empty journal.
func (c *NodeInitCmd) Run(ctx context.Context, p *Program) (err error) {
	f, err := lane.OpenFolder(c.Dir, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	n := &laneNode{Folder: f, laneConfig: laneConfig{List: strings.ToLower(c.List), Org: strings.ToLower(c.Org), Short: c.Short, Node: c.Name, Scheme: c.Scheme, URLs: c.URL},
		keys: map[string]ed25519.PrivateKey{}, now: p.Now}
	if len(n.laneConfig.List) != 64 {
		return errors.New("--list: 64 hex digits")
	}
	if _, err := f.Read(laneAbout); err == nil {
		return lane.ErrExists
	}
	secret := make([]byte, 32)
	if _, err := p.Rand.Read(secret); err != nil {
		return err
	}
	n.env = lane.Env{Disk: f, Place: f, Now: p.Now, Rand: p.Rand, Secret: [32]byte(secret)}
	if err := f.Replace(laneSecret, secret); err != nil {
		return err
	}
	key, err := n.drawLaneKey(p)
	if err != nil {
		return err
	}
	if n.journal, err = lane.Init(n.env, lane.Config{Scheme: lane.Scheme(c.Scheme), List: n.laneConfig.List[:16], Org: c.Short, Node: c.Name, Key: key}); err != nil {
		return err
	}
	about, err := json.Marshal(n.laneConfig)
	if err != nil {
		return err
	}
	if err := f.Replace(laneAbout, append(about, '\n')); err != nil {
		return err
	}
	fmt.Fprintln(p.Stdout, key)
	p.hint("This public key is what the operator grants numbers to: tasuki authority block grant --org "+c.Short+" --key KEY. The folder is this machine's: never copy it back from a backup; \"tasuki node restore\" goes on elsewhere.",
		"この公開鍵に対して、運用者が番号を割り当てます（tasuki authority block grant --org "+c.Short+" --key 鍵）。このフォルダはこの機械だけのものです。バックアップからそのまま戻さず、tasuki node restore を使ってください。")
	if len(c.URL) == 0 {
		return nil
	}
	if err := n.learn(ctx, laneClient()); err != nil {
		fmt.Fprintf(p.Stderr, "the list was not reached, which changes nothing yet: %v\n", err)
	}
	return nil
}

// NodeBlocksCmd is `tasuki node blocks`.
type NodeBlocksCmd struct {
	Dir   string   `arg:"" type:"existingdir" help:"The node's folder."`
	Proof []string `arg:"" optional:"" type:"existingfile" help:"Proof files of block.granted leaves, for a node without a network. Else the list is asked."`
	Lane  int64    `default:"100" placeholder:"N" help:"Numbers of a lane, 100 to 1000 (default ${default})."`
}

// Run takes the blocks in that were granted to the node's keys, each with the proof that it stands in the log.
func (c *NodeBlocksCmd) Run(ctx context.Context, p *Program) (err error) {
	n, err := p.openLane(c.Dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	if len(c.Proof) > 0 {
		for _, file := range c.Proof {
			raw, err := readBounded(file, maxProofFile)
			if err != nil {
				return err
			}
			if err := n.takeBlock(p, raw, c.Lane); err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
		}
		return nil
	}
	taken, err := n.fetchBlocks(ctx, p, laneClient(), c.Lane)
	if err == nil && taken == 0 {
		fmt.Fprintln(p.Stderr, "no new numbers were granted to this node")
	}
	return err
}

// NodeAssignCmd is `tasuki node assign`.
type NodeAssignCmd struct {
	Dir      string `arg:"" type:"existingdir" help:"The node's folder."`
	Amount   int64  `short:"n" default:"1" placeholder:"N" help:"How many (default ${default})."`
	Year     int64  `placeholder:"YEAR" help:"Year of the identifiers (default: this one)."`
	Batch    string `enum:"sequential,non-sequential," default:"" placeholder:"TYPE" help:"sequential or non-sequential, for more than one."`
	Subject  string `placeholder:"HEX" help:"Salted commitment to what the numbers are for (SHA-256), for the receipts."`
	Receipts string `type:"path" placeholder:"DIR" help:"Folder for a receipt of each, to hand to who asked."`
	JSON     bool   `name:"json" help:"Print one line of JSON per identifier."`
}

// Run assigns. Nobody is asked; what is printed is nobody else's.
func (c *NodeAssignCmd) Run(p *Program) (err error) {
	n, err := p.openLane(c.Dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	r := lane.Request{Year: c.Year, Amount: c.Amount, Batch: lane.Batch(c.Batch)}
	if r.Year == 0 {
		r.Year = int64(p.Now().UTC().Year())
	}
	if c.Batch == "" {
		if r.Batch = lane.Single; c.Amount > 1 {
			return errors.New("say --batch sequential or --batch non-sequential for more than one")
		}
	}
	_, key, err := n.present()
	if err != nil {
		return err
	}
	at := p.Now().UTC().Truncate(time.Second)
	numbers, err := n.journal.Assign(r)
	if errors.Is(err, lane.ErrNoNumbers) {
		return fmt.Errorf("%w: %d left; take newly granted ones in with \"tasuki node blocks\"", err, n.journal.Free(r.Year))
	}
	if err != nil {
		return err
	}
	for _, num := range numbers {
		receipt, err := n.journal.Receipt(num, at, strings.ToLower(c.Subject)).Sign(key)
		if err != nil {
			return err
		}
		if c.Receipts != "" {
			if err := os.MkdirAll(c.Receipts, 0o700); err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(c.Receipts, num.ID+".receipt"), receipt, 0o600); err != nil {
				return err
			}
		}
		if c.JSON {
			if err := p.json(struct {
				ID      string `json:"id"`
				Lane    int64  `json:"lane"`
				N       int64  `json:"n"`
				Receipt string `json:"receipt"`
			}{num.ID, num.Lane, num.N, string(receipt)}); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintln(p.Stdout, num.ID)
	}
	return nil
}

// NodeStatusCmd is `tasuki node status`.
type NodeStatusCmd struct {
	Dir  string `arg:"" type:"existingdir" help:"The node's folder."`
	JSON bool   `name:"json" help:"Print as JSON."`
}

type laneStatus struct {
	List    string          `json:"list"`
	Org     string          `json:"org"`
	Node    string          `json:"node"`
	Key     string          `json:"key"`
	Life    int64           `json:"life"`
	Free    map[int64]int64 `json:"free"`
	Given   int64           `json:"given"`
	Blocks  []string        `json:"blocks"`
	Waiting int             `json:"waiting"`
	Servers []string        `json:"servers"`
	Charter int64           `json:"charter"`
}

// Run says what the node holds.
func (c *NodeStatusCmd) Run(p *Program) (err error) {
	n, err := p.openLane(c.Dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	config := n.journal.Config()
	s := laneStatus{List: n.laneConfig.List, Org: n.Short, Node: n.Node, Key: config.Key, Life: n.journal.Life(), Free: map[int64]int64{}, Blocks: []string{}, Servers: n.servers()}
	for _, b := range n.journal.Blocks() {
		s.Blocks = append(s.Blocks, b.String())
	}
	for _, year := range n.journal.Years() {
		s.Free[year] = n.journal.Free(year)
	}
	n.journal.Given(func(_ lane.Given, numbers []lane.Number) { s.Given += int64(len(numbers)) })
	waiting, err := n.outbox.Waiting()
	if err != nil {
		return err
	}
	s.Waiting = len(waiting)
	if n.chain != nil {
		s.Charter = n.chain.Head().Charter().V
	}
	if c.JSON {
		return p.json(s)
	}
	rows := [][]string{{"authority", s.Org + ", node " + s.Node}, {"list", s.List}, {"key", s.Key}, {"life", fmt.Sprint(s.Life)}}
	for _, b := range s.Blocks {
		rows = append(rows, []string{"block", b})
	}
	for _, year := range n.journal.Years() {
		rows = append(rows, []string{"free", fmt.Sprintf("%s of %d", thousands(s.Free[year]), year)})
	}
	rows = append(rows, []string{"given out", thousands(s.Given)}, []string{"outbox", fmt.Sprintf("%d waiting", s.Waiting)})
	for _, u := range s.Servers {
		rows = append(rows, []string{"server", u})
	}
	p.terminal(p.Stdout).table(p.Stdout, []string{"WHAT", "VALUE"}, rows)
	return nil
}

// NodeRestoreCmd is `tasuki node restore`.
type NodeRestoreCmd struct {
	Dir string `arg:"" type:"existingdir" help:"A copy of the node's folder, where it is to go on."`
}

// Run goes on with a copy: in lanes that the original never opens.
func (c *NodeRestoreCmd) Run(p *Program) (err error) {
	n, err := p.openLaneFolder(c.Dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	key, err := n.drawLaneKey(p)
	if err != nil {
		return err
	}
	_, r, err := lane.Restore(n.env, key)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.Stdout, "%s\n", key)
	p.hint(fmt.Sprintf("Life %d of this journal: %d lanes closed, %s numbers given up, %s left in lanes kept for restores. Ask for numbers for the new key above.",
		r.Life, len(r.Closed), thousands(r.Burnt), thousands(r.Left)),
		fmt.Sprintf("この記録の %d 代目です。%d 本のレーンを閉じ、%s 個の番号を放棄しました。復元用のレーンに残る番号は %s 個です。上の新しい鍵に番号の割当を受けてください。",
			r.Life, len(r.Closed), thousands(r.Burnt), thousands(r.Left)))
	return nil
}
