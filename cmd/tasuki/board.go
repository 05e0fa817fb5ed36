package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"tasuki/internal/charter"
	"tasuki/spec/dsse"
)

// BoardCmd is `tasuki board`: what the members of the board do, each on a machine of their own that needs no network.
type BoardCmd struct {
	Keygen  BoardKeygenCmd  `cmd:"" help:"Make a member's key, and print the public seat."`
	Sign    BoardSignCmd    `cmd:"" help:"Show a draft in plain words, and sign it."`
	Combine BoardCombineCmd `cmd:"" help:"Put the members' signatures together, and say who is missing."`
}

// BoardSignCmd is `tasuki board sign`.
type BoardSignCmd struct {
	Key   string `required:"" type:"existingfile" placeholder:"FILE" help:"The member's key."`
	Chain string `placeholder:"SOURCE" help:"The list's charters so far, to show what changes: a file (tasuki charter chain --raw), the URL of a node, or a data directory."`
	Yes   bool   `help:"Sign without asking."`
	Draft string `arg:"" type:"existingfile" help:"The draft, or the same with signatures of others."`
	Out   string `arg:"" optional:"" help:"File for the signed document (default: the draft's name with the seat's). It must not exist."`
}

// Run shows what is to be signed, asks, and signs.
func (c *BoardSignCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	k, err := charter.ReadBoardKey(c.Key)
	if err != nil {
		return err
	}
	doc, err := readCharter(c.Draft)
	if err != nil {
		return err
	}
	if k.List != "" && k.List != doc.ListID() {
		return fmt.Errorf("%w: the key is for list %s", charter.ErrOtherList, k.List)
	}
	var old *charter.Document
	if c.Chain != "" {
		chain, _, err := p.readChain(ctx, s, c.Chain)
		if err != nil {
			return err
		}
		if old, err = mayFollow(chain, doc); err != nil {
			return err
		}
	}
	if !seatOf(k, doc) && (old == nil || !seatOf(k, old)) {
		if old == nil && doc.Charter().V > 1 {
			return fmt.Errorf("the board of this draft has no such key as %s; if it leaves the board, give the charters so far with --chain", k.ID)
		}
		return fmt.Errorf("neither the present board nor the draft's has such a key as %s", k.ID)
	}
	w := p.boardWords()
	w.present(p.Stdout, k, old, doc, p.language())
	if err := c.ask(p, w); err != nil {
		return err
	}
	doc.Sign(k.ID, k.Private)
	out := c.Out
	if out == "" {
		ext := filepath.Ext(c.Draft)
		out = strings.TrimSuffix(c.Draft, ext) + "." + k.ID + ext
	}
	if err := writeCharter(out, doc); err != nil {
		return err
	}
	fmt.Fprintf(p.Stdout, w.signed, out)
	return nil
}

// ask wants a whole word for an answer: a signature cannot be taken back.
func (c *BoardSignCmd) ask(p *Program, w *boardWords) error {
	if c.Yes {
		return nil
	}
	if _, ok := p.keyboard(); !ok {
		return errors.New("nobody can be asked here: read the above, and give --yes")
	}
	fmt.Fprint(p.Stderr, w.question)
	line, err := bufio.NewReader(p.Stdin).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("answer: %w", err)
	}
	if answer := strings.TrimSpace(line); answer != "yes" && answer != "はい" {
		return errDeclined
	}
	return nil
}

// mayFollow is the charter that a draft is to follow. A draft that no signatures could make valid is refused, above all one for a
// version that the list has already: signed, it would split the list.
func mayFollow(chain *charter.Chain, doc *charter.Document) (*charter.Document, error) {
	if doc.ListID() != chain.ListID() {
		return nil, fmt.Errorf("%w: the charters are of list %s", charter.ErrOtherList, chain.ListID())
	}
	if v := doc.Charter().V; v <= chain.Head().Charter().V {
		if there := chain.At(v); there.Hash() == doc.Hash() {
			return nil, fmt.Errorf("charter %d: %w", v, charter.ErrKnown)
		}
		return nil, fmt.Errorf("the list has a charter %d already: to sign another one would split it. Draft charter %d instead", v, chain.Head().Charter().V+1)
	}
	if err := chain.Check(doc); err != nil && !errors.Is(err, charter.ErrThreshold) {
		return nil, err
	}
	return chain.Head(), nil
}

// seatOf says whether the key has a seat on the document's board.
func seatOf(k *charter.BoardKey, d *charter.Document) bool {
	key := dsse.EncodeKey(k.Public())
	return slices.ContainsFunc(d.Charter().Board.Keys, func(s charter.BoardSeat) bool { return s.ID == k.ID && s.Key == key })
}

// BoardCombineCmd is `tasuki board combine`.
type BoardCombineCmd struct {
	Chain  string   `placeholder:"SOURCE" help:"The list's charters so far, to count the votes of the present board too: a file, the URL of a node, or a data directory."`
	Out    string   `short:"o" placeholder:"FILE" help:"File for the document with all signatures (default: its own name, such as 2-9c1f00aa.json). It must not exist."`
	Draft  string   `arg:"" type:"existingfile" help:"The draft."`
	Signed []string `arg:"" type:"existingfile" help:"The same, signed."`
}

// Run writes the document with all signatures and counts them.
func (c *BoardCombineCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	draft, err := readCharter(c.Draft)
	if err != nil {
		return err
	}
	var signed []*charter.Document
	for _, name := range c.Signed {
		d, err := readCharter(name)
		if err != nil {
			return err
		}
		if d.Hash() != draft.Hash() {
			return fmt.Errorf("%s: %w", name, charter.ErrOtherDocument)
		}
		signed = append(signed, d)
	}
	doc, err := charter.Combine(draft, signed...)
	if err != nil {
		return err
	}
	var old *charter.Document
	if c.Chain != "" {
		chain, _, err := p.readChain(ctx, s, c.Chain)
		if err != nil {
			return err
		}
		if old, err = mayFollow(chain, doc); err != nil {
			return err
		}
	}
	out := c.Out
	if out == "" {
		out = doc.FileName()
	}
	if err := writeCharter(out, doc); err != nil {
		return err
	}
	w := p.boardWords()
	w.count(p.Stdout, doc, old)
	fmt.Fprintf(p.Stdout, w.written, out)
	return nil
}
