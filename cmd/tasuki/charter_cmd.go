package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"tasuki/internal/charter"
)

// CharterCmd is `tasuki charter`: who runs the list, and how that changes.
type CharterCmd struct {
	Draft   CharterDraftCmd   `cmd:"" help:"Draft the next charter, for the board to sign."`
	LogKey  CharterLogKeyCmd  `cmd:"" name:"log-key" help:"Make the log key of the next epoch, on the machine of whoever is to run the list."`
	Show    CharterShowCmd    `cmd:"" help:"Say in plain words who runs the list, until when, and who can replace them."`
	Verify  CharterVerifyCmd  `cmd:"" help:"Check a chain of charters offline, from the genesis on."`
	Chain   CharterChainCmd   `cmd:"" help:"List all charters with who signed them."`
	Diff    CharterDiffCmd    `cmd:"" help:"Say in plain words how two charters differ."`
	Publish CharterPublishCmd `cmd:"" help:"Hand a signed charter to a node."`
}

// CharterShowCmd is `tasuki charter show`.
type CharterShowCmd struct {
	Source string `arg:"" optional:"" help:"A file, the URL of a node, or a data directory (default: the node of this data directory)."`
	V      int64  `name:"v" placeholder:"N" help:"Show charter N instead of the newest."`
	Raw    bool   `help:"Print the document as it is served."`
}

// Run shows one charter. A document without its chain is shown as well: a draft has none.
func (c *CharterShowCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	src, err := p.openCharters(ctx, s, c.Source)
	if err != nil {
		return err
	}
	if err := src.Close(); err != nil {
		return err
	}
	var doc, old *charter.Document
	var siblings []*charter.Document
	if len(src.docs) == 1 && (c.V == 0 || c.V == src.docs[0].Charter().V) {
		doc = src.docs[0]
	} else {
		chain, beside, err := chainOf(src.docs)
		if err != nil {
			return err
		}
		v := c.V
		if v == 0 {
			v = chain.Head().Charter().V
		}
		if v < 1 || v > chain.Head().Charter().V {
			return fmt.Errorf("--v: the chain has charters 1 to %d", chain.Head().Charter().V)
		}
		if doc = chain.At(v); v > 1 {
			old = chain.At(v - 1)
		}
		siblings = slices.DeleteFunc(beside, func(d *charter.Document) bool { return d.Charter().V != v })
	}
	if c.Raw {
		raw, err := doc.Bytes()
		if err != nil {
			return err
		}
		_, err = p.Stdout.Write(raw)
		return err
	}
	for _, line := range charter.Describe(doc, p.language()) {
		fmt.Fprintln(p.Stdout, line)
	}
	rows := [][]string{{"list", doc.ListID()}, {"hash", doc.Hash()}}
	if prev := doc.Charter().Prev; prev != "" {
		rows = append(rows, []string{"prev", prev})
	}
	rows = append(rows, []string{"origin", doc.Origin()}, []string{"log key", doc.VKey()}, []string{"file", doc.FileName()})
	fmt.Fprintln(p.Stdout)
	for _, row := range rows {
		fmt.Fprintf(p.Stdout, "%-8s %s\n", row[0], row[1])
	}
	fmt.Fprintln(p.Stdout)
	p.boardWords().count(p.Stdout, doc, old)
	for _, d := range siblings {
		fmt.Fprintf(p.Stdout, "CONFLICT: the board has signed another charter %d, %s\n", d.Charter().V, d.Hash())
	}
	return nil
}

// CharterVerifyCmd is `tasuki charter verify`.
type CharterVerifyCmd struct {
	List  string   `placeholder:"ID" help:"The list's id as you know it from elsewhere: the chain must begin with it."`
	Files []string `arg:"" type:"existingfile" name:"file" help:"Documents or chains, in any order."`
	AllowTest
}

// Run checks that the files make one chain from its genesis on, without a sibling.
func (c *CharterVerifyCmd) Run(p *Program) error {
	var docs []*charter.Document
	for _, name := range c.Files {
		more, err := readCharters(name)
		if err != nil {
			return err
		}
		docs = append(docs, more...)
	}
	slices.SortStableFunc(docs, func(a, b *charter.Document) int { return int(a.Charter().V - b.Charter().V) })
	chain, siblings, err := chainOf(docs)
	if err != nil {
		return err
	}
	if c.List != "" && !strings.EqualFold(c.List, chain.ListID()) {
		return fmt.Errorf("%w: this chain begins with %s", charter.ErrOtherList, chain.ListID())
	}
	if chain.Test() && !c.AllowTest.AllowTest {
		return errTestList
	}
	for _, d := range siblings {
		fmt.Fprintf(p.Stderr, "tasuki: the board has signed two charters %d: %s and %s\n", d.Charter().V, chain.At(d.Charter().V).Hash(), d.Hash())
	}
	if len(siblings) > 0 {
		return charter.ErrSibling
	}
	head := chain.Head()
	fmt.Fprintf(p.Stdout, "valid: list %s up to charter %d, %s\n", chain.ListID(), head.Charter().V, head.Hash())
	if c.List == "" {
		p.hint("Compare the list's id with the one that you know from elsewhere, or give it with --list: a chain vouches for itself only.",
			"リストのIDを、別のところで知ったIDと見比べるか、--list で与えてください。連鎖が保証するのは、それ自身のことだけです。")
	}
	return nil
}

// CharterChainCmd is `tasuki charter chain`.
type CharterChainCmd struct {
	Source string `arg:"" optional:"" help:"A file, the URL of a node, or a data directory (default: the node of this data directory)."`
	Raw    bool   `xor:"form" help:"Print the documents, one on each line: a file for machines without a network."`
	JSON   bool   `name:"json" xor:"form" help:"Print one line of JSON for each."`
}

// charterRow is one charter in the list.
type charterRow struct {
	V       int64    `json:"v"`
	Hash    string   `json:"hash"`
	Issued  string   `json:"issued"`
	Epoch   int64    `json:"epoch"`
	Origin  string   `json:"origin"`
	Signed  []string `json:"signed"`
	Need    int64    `json:"need"`
	Sibling bool     `json:"sibling,omitzero"`
}

// Run lists the chain, and what stands beside it.
func (c *CharterChainCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	chain, siblings, err := p.readChain(ctx, s, c.Source)
	if err != nil {
		return err
	}
	docs := chain.Documents()
	var rows [][]string
	for i, d := range append(docs, siblings...) {
		if c.Raw {
			if i >= len(docs) {
				break // a chain file holds one chain
			}
			raw, err := d.Bytes()
			if err != nil {
				return err
			}
			fmt.Fprintf(p.Stdout, "%s\n", raw)
			continue
		}
		row := rowOf(chain, d)
		row.Sibling = i >= len(docs)
		if c.JSON {
			if err := p.json(row); err != nil {
				return err
			}
			continue
		}
		v := strconv.FormatInt(row.V, 10)
		if row.Sibling {
			v += " CONFLICT"
		}
		rows = append(rows, []string{v, row.Issued, strconv.FormatInt(row.Epoch, 10), d.Charter().Operator.Slug, row.Hash[:16],
			fmt.Sprintf("%s (%d needed)", strings.Join(row.Signed, " "), row.Need)})
	}
	if rows != nil {
		p.terminal(p.Stdout).table(p.Stdout, []string{"V", "ISSUED", "EPOCH", "OPERATOR", "HASH", "SIGNED"}, rows)
	}
	return nil
}

// rowOf says who signed a charter: seats of the board that had to, its own for a genesis.
func rowOf(chain *charter.Chain, d *charter.Document) charterRow {
	c := d.Charter()
	row := charterRow{V: c.V, Hash: d.Hash(), Issued: c.Issued, Epoch: c.Operator.Epoch, Origin: d.Origin(), Signed: []string{}}
	var old *charter.Document
	if c.V > 1 {
		old = chain.At(c.V - 1)
	}
	t := d.Tally(old)
	seats := t.New.Signed
	row.Need = t.New.Need
	if t.Old != nil {
		row.Need = t.Old.Need
		seats = slices.Clone(t.Old.Signed)
		for _, s := range t.New.Signed {
			if !slices.ContainsFunc(seats, func(have charter.BoardSeat) bool { return have.ID == s.ID }) {
				seats = append(seats, s)
			}
		}
	}
	for _, s := range seats {
		row.Signed = append(row.Signed, s.ID)
	}
	if t.Log {
		row.Signed = append(row.Signed, charter.LogSigner)
	}
	return row
}

// CharterDiffCmd is `tasuki charter diff`.
type CharterDiffCmd struct {
	Old  string `arg:"" help:"The older one: a file (of a chain, the newest counts), or its number in the chain of --from."`
	New  string `arg:"" help:"The newer one, likewise."`
	From string `placeholder:"SOURCE" help:"Chain that numbers mean: a file, the URL of a node, or a data directory (default: the node of this data directory)."`
}

// Run says what differs.
func (c *CharterDiffCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	var chain *charter.Chain
	read := func(arg string) (*charter.Document, error) {
		v, err := strconv.ParseInt(arg, 10, 64)
		if err != nil {
			docs, err := readCharters(arg)
			if err != nil {
				return nil, err
			}
			return docs[len(docs)-1], nil
		}
		if chain == nil {
			if chain, _, err = p.readChain(ctx, s, c.From); err != nil {
				return nil, err
			}
		}
		if v < 1 || v > chain.Head().Charter().V {
			return nil, fmt.Errorf("the chain has charters 1 to %d", chain.Head().Charter().V)
		}
		return chain.At(v), nil
	}
	old, err := read(c.Old)
	if err != nil {
		return err
	}
	next, err := read(c.New)
	if err != nil {
		return err
	}
	for _, line := range charter.Changes(old, next, p.language()) {
		fmt.Fprintln(p.Stdout, line)
	}
	return nil
}

// CharterPublishCmd is `tasuki charter publish`.
type CharterPublishCmd struct {
	File   string `arg:"" type:"existingfile" help:"The signed charter."`
	Server string `placeholder:"URL" help:"Hand it to the node at this URL, operator or mirror, instead of that of the data directory."`
}

// Run hands the charter over; the node checks it.
func (c *CharterPublishCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	doc, err := readCharter(c.File)
	if err != nil {
		return err
	}
	raw, err := doc.Bytes()
	if err != nil {
		return err
	}
	if c.Server != "" {
		return offerCharter(ctx, p, c.Server, doc, raw)
	}
	got, err := operated[charterAnswer](ctx, p, s, access{}, "charter publish", charterRequest{Document: string(raw)})
	if err != nil {
		return err
	}
	fmt.Fprintf(p.Stdout, "charter %d is in force: %s\n", got.V, got.Hash)
	return nil
}

// offerCharter posts a charter to a copy of the list, which verifies it, keeps it, and passes it on.
func offerCharter(ctx context.Context, p *Program, server string, doc *charter.Document, raw []byte) error {
	x, err := elsewhere(server)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, x.base+"/charter", bytes.NewReader(raw))
	if err != nil {
		return fmt.Errorf("ask /charter: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := x.client.Do(req)
	if err != nil {
		return fmt.Errorf("ask /charter: %w", err)
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
		fmt.Fprintf(p.Stdout, "charter %d was known there: %s\n", doc.Charter().V, doc.Hash())
	case http.StatusCreated:
		fmt.Fprintf(p.Stdout, "charter %d is in force there: %s\n", doc.Charter().V, doc.Hash())
	case http.StatusAccepted:
		return fmt.Errorf("charter %d: %w; it is kept there and shown to everybody", doc.Charter().V, charter.ErrSibling)
	default:
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
		return errors.New(resp.Status + ": " + complaint(text))
	}
	return nil
}
