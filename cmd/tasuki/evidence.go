package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"tasuki/internal/charter"
	"tasuki/internal/continuity"
	"tasuki/internal/edge/mirror"
)

// EvidenceCmd is `tasuki evidence`: what somebody signed and should not have.
type EvidenceCmd struct {
	List   EvidenceListCmd   `cmd:"" help:"List what was found: forks, refused leaves, two charters of one version, cloned lanes."`
	Show   EvidenceShowCmd   `cmd:"" help:"Print one piece, and say what it proves."`
	Export EvidenceExportCmd `cmd:"" help:"Write one piece to a file that anybody can check."`
	Verify EvidenceVerifyCmd `cmd:"" help:"Say what a file proves, by the list's charters alone."`
}

// EvidenceFrom is where evidence is asked for.
type EvidenceFrom struct {
	From string `placeholder:"URL" help:"Ask this server instead of the node of the data directory."`
}

func (c EvidenceFrom) session(ctx context.Context, p *Program, s *Settings) (*session, error) {
	if c.From != "" {
		return elsewhere(c.From)
	}
	return p.session(ctx, s, access{})
}

// EvidenceListCmd is `tasuki evidence list`.
type EvidenceListCmd struct {
	EvidenceFrom
	JSON bool `name:"json" help:"Print one line of JSON for each."`
}

// evidenceRow is one piece in the list, as GET /evidence/ has it.
type evidenceRow struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	At   string `json:"at"`
	URL  string `json:"url"`
}

// Run lists.
func (c *EvidenceListCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	x, err := c.session(ctx, p, s)
	if err != nil {
		return err
	}
	raw, err := x.fetch(ctx, "/evidence/", 4<<20)
	if err = errors.Join(err, x.Close()); err != nil {
		return err
	}
	var got struct {
		Evidence []evidenceRow `json:"evidence"`
	}
	if err := json.Unmarshal(raw, &got); err != nil {
		return fmt.Errorf("/evidence/: not a list: %w", err)
	}
	if c.JSON {
		for _, row := range got.Evidence {
			if err := p.json(row); err != nil {
				return err
			}
		}
		return nil
	}
	if len(got.Evidence) == 0 {
		fmt.Fprintln(p.Stderr, "nothing was found wrong with anybody")
		return nil
	}
	var rows [][]string
	for _, row := range got.Evidence {
		rows = append(rows, []string{row.Name, row.Kind, row.At})
	}
	p.terminal(p.Stdout).table(p.Stdout, []string{"NAME", "KIND", "FOUND"}, rows)
	return nil
}

// fetchEvidence reads one piece, and the charters that whoever has it has.
func (c EvidenceFrom) fetchEvidence(ctx context.Context, p *Program, s *Settings, name string) (raw []byte, err error) {
	x, err := c.session(ctx, p, s)
	if err != nil {
		return nil, err
	}
	raw, err = x.fetch(ctx, "/evidence/"+url.PathEscape(name), continuity.MaxEvidence)
	return raw, errors.Join(err, x.Close())
}

// EvidenceShowCmd is `tasuki evidence show`.
type EvidenceShowCmd struct {
	Name string `arg:"" help:"Name of the piece, as list has it."`
	EvidenceFrom
	Raw bool `help:"Print the file."`
}

// Run prints one piece for people: what it says, what it proves, the signed notes.
func (c *EvidenceShowCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	raw, err := c.fetchEvidence(ctx, p, s, c.Name)
	if err != nil {
		return err
	}
	if c.Raw {
		_, err := p.Stdout.Write(raw)
		return err
	}
	e, err := continuity.ParseEvidence(raw)
	if err != nil {
		return err
	}
	chain, siblings, err := p.readChain(ctx, s, c.From)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.Stdout, "%s, found %s\n%s\n", clean(e.Name), stampText(e.At), clean(e.Text))
	proven, perr := continuity.Prove(chain, siblings, e)
	p.printProven(proven)
	for i, note := range e.Notes {
		fmt.Fprintf(p.Stdout, "\n--- piece %d ---\n", i+1)
		for line := range strings.Lines(string(note)) {
			fmt.Fprintln(p.Stdout, clean(strings.TrimSuffix(line, "\n")))
		}
	}
	return perr
}

// EvidenceExportCmd is `tasuki evidence export`.
type EvidenceExportCmd struct {
	Name string `arg:"" help:"Name of the piece, as list has it."`
	File string `arg:"" type:"path" help:"File to write, which must not exist."`
	EvidenceFrom
}

// Run writes the file.
func (c *EvidenceExportCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	raw, err := c.fetchEvidence(ctx, p, s, c.Name)
	if err != nil {
		return err
	}
	if _, err := continuity.ParseEvidence(raw); err != nil {
		return err
	}
	return writeNew(c.File, raw)
}

// EvidenceVerifyCmd is `tasuki evidence verify`.
type EvidenceVerifyCmd struct {
	File  string `arg:"" type:"existingfile" help:"The evidence."`
	Chain string `placeholder:"FILE" xor:"charters" required:"" help:"Charters of the list, one document on each line (tasuki charter chain --raw)."`
	From  string `placeholder:"URL" xor:"charters" required:"" help:"Server to fetch the charters from; what it says is proven by --list."`
	List  string `placeholder:"ID" help:"Id of the list, 64 hex digits: the one thing that is believed."`
	JSON  bool   `name:"json" help:"Print JSON."`
	AllowTest
}

// errUnproven means evidence that holds nothing against anybody by itself.
var errUnproven = errors.New("by itself this file proves nothing against anybody")

// Run says what the file proves. It fails where that is nothing.
func (c *EvidenceVerifyCmd) Run(ctx context.Context, p *Program) error {
	raw, err := readBounded(c.File, continuity.MaxEvidence)
	if err != nil {
		return err
	}
	e, err := continuity.ParseEvidence(raw)
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	chain, siblings, err := c.charters(ctx, p)
	if err != nil {
		return err
	}
	proven, err := continuity.Prove(chain, siblings, e)
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	if c.JSON {
		err = p.json(struct {
			List   string   `json:"list"`
			Pinned bool     `json:"pinned"`
			Kind   string   `json:"kind"`
			Holds  bool     `json:"holds"`
			Facts  []string `json:"facts"`
			Open   []string `json:"open"`
		}{chain.ListID(), c.List != "", string(e.Kind), proven.Holds, append([]string{}, proven.Facts...), append([]string{}, proven.Open...)})
	} else {
		fmt.Fprintf(p.Stdout, "list %s\n", chain.ListID())
		p.printProven(proven)
	}
	if err == nil && !proven.Holds {
		err = errUnproven
	}
	return err
}

func (c *EvidenceVerifyCmd) charters(ctx context.Context, p *Program) (chain *charter.Chain, siblings []*charter.Document, err error) {
	list := strings.ToLower(c.List)
	switch {
	case list != "" && !isListID(list):
		return nil, nil, errors.New("--list: the id of a list has 64 hex digits")
	case c.From != "" && list == "":
		return nil, nil, errors.New("--from needs --list: a server's charters vouch for themselves only")
	case c.From != "":
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		// The longest valid chain; a conflict that the evidence is about brings its own documents.
		if chain, err = mirror.NewPeer(c.From, newHTTPClient()).Chain(ctx, list); err != nil {
			return nil, nil, err
		}
	default:
		docs, err := readCharters(c.Chain)
		if err != nil {
			return nil, nil, err
		}
		if chain, siblings, err = chainOf(docs); err != nil {
			return nil, nil, err
		}
		if list != "" && chain.ListID() != list {
			return nil, nil, charter.ErrOtherList
		}
		if list == "" {
			p.hint("Compare the list's id with the one that you know from elsewhere, or give it with --list: a chain vouches for itself only.",
				"リストのIDを、別のところで知ったIDと見比べるか、--list で与えてください。連鎖が保証するのは、それ自身のことだけです。")
		}
	}
	if chain.Test() && !c.AllowTest.AllowTest {
		return nil, nil, errTestList
	}
	return chain, siblings, nil
}

func (p *Program) printProven(v continuity.Proven) {
	for _, f := range v.Facts {
		fmt.Fprintf(p.Stdout, "proven:     %s\n", f)
	}
	for _, o := range v.Open {
		fmt.Fprintf(p.Stdout, "not proven: %s\n", o)
	}
}
