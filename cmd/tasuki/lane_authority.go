package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// AuthorityBlockCmd is `tasuki authority block`.
type AuthorityBlockCmd struct {
	Grant BlockGrantCmd `cmd:"" help:"Grant numbers to an authority that assigns by itself."`
	List  BlockListCmd  `cmd:"" help:"List the granted blocks and whose they are."`
	Close BlockCloseCmd `cmd:"" help:"Close a block: what nobody published of it is nobody's any more."`
}

// BlockGrantCmd is `tasuki authority block grant`.
type BlockGrantCmd struct {
	Org  string `required:"" placeholder:"NAME" help:"Short name of the authority."`
	Key  string `placeholder:"KEY" help:"Public key of its node, as \"tasuki node init\" prints it (default: that of its newest block)."`
	Year int64  `placeholder:"YEAR" help:"This year or the next (default: this one)."`
	Size int64  `placeholder:"N" help:"How many numbers, at least 100 (default: what the authority, or the node of --key, lacks of 1,000, or of twice what the authority used in a year)."`
	JSON bool   `name:"json" help:"Print as JSON."`
}

// Run grants them.
func (c *BlockGrantCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	year := cmp.Or(c.Year, int64(p.Now().UTC().Year()))
	b, err := operated[blockAnswer](ctx, p, s, access{}, "authority block grant", blockRequest{Org: c.Org, Year: year, Size: c.Size, Key: c.Key})
	switch {
	case err != nil:
		return err
	case c.JSON:
		return p.json(b)
	case b.Last == 0:
		fmt.Fprintf(p.Stdout, "%s lacks no numbers of %d\n", c.Org, year)
		return nil
	}
	fmt.Fprintf(p.Stdout, "%d %d-%d granted to %s, leaf %d\n", b.Year, b.First, b.Last, b.Org, b.Leaf)
	return nil
}

// BlockListCmd is `tasuki authority block list`.
type BlockListCmd struct {
	Org  string `placeholder:"NAME" help:"Only this authority's."`
	JSON bool   `name:"json" help:"Print one line of JSON per block."`
}

// Run lists them.
func (c *BlockListCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	list, err := operated[[]blockAnswer](ctx, p, s, access{}, "authority block list", blockRequest{Org: c.Org})
	if err != nil {
		return err
	}
	var rows [][]string
	for _, b := range list {
		if c.JSON {
			if err := p.json(b); err != nil {
				return err
			}
		}
		state := "open"
		if b.Closed != "" {
			state = "closed"
		}
		rows = append(rows, []string{fmt.Sprintf("%d %d-%d", b.Year, b.First, b.Last), b.Org, thousands(b.Published), state, b.Key})
	}
	if !c.JSON && len(rows) > 0 {
		p.terminal(p.Stdout).table(p.Stdout, []string{"BLOCK", "OWNER", "PUBLISHED", "STATE", "KEY"}, rows)
	}
	return nil
}

// BlockCloseCmd is `tasuki authority block close`.
type BlockCloseCmd struct {
	Year   int64  `arg:"" help:"Year of the block."`
	Block  string `arg:"" placeholder:"FIRST-LAST" help:"Its numbers."`
	Reason string `required:"" placeholder:"TEXT" help:"Why; everybody will read it."`
}

// Run closes it.
func (c *BlockCloseCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	first, last, ok := strings.Cut(c.Block, "-")
	q := blockRequest{Year: c.Year, Reason: c.Reason}
	var err, err2 error
	q.First, err = strconv.ParseInt(first, 10, 64)
	q.Last, err2 = strconv.ParseInt(last, 10, 64)
	if !ok || err != nil || err2 != nil {
		return errors.New("a block is FIRST-LAST, such as 30001-31000")
	}
	if _, err := operated[struct{}](ctx, p, s, access{}, "authority block close", q); err != nil {
		return err
	}
	fmt.Fprintf(p.Stdout, "%d %d-%d closed\n", q.Year, q.First, q.Last)
	return nil
}

// AuthorityKeyCmd is `tasuki authority key`.
type AuthorityKeyCmd struct {
	Add    KeyAddCmd    `cmd:"" help:"Add a public key: what it signs is the authority's own word."`
	Revoke KeyRevokeCmd `cmd:"" help:"Revoke a key: what it signs from now on counts for nothing."`
	List   KeyListCmd   `cmd:"" help:"List an authority's keys, and whose word counts for it."`
}

// KeyAddCmd is `tasuki authority key add`.
type KeyAddCmd struct {
	Org      string `arg:"" help:"Short name of the authority."`
	Key      string `arg:"" help:"Raw Ed25519 public key in base64."`
	Label    string `required:"" placeholder:"TEXT" help:"What the authority calls it, such as node-eu. Everybody will read it: no person's name."`
	Recovery bool   `help:"A key kept on paper, which adds and revokes keys and signs nothing else."`
	JSON     bool   `name:"json" help:"Print the authority's keys as JSON."`
}

// Run adds it.
func (c *KeyAddCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	use := "events"
	if c.Recovery {
		use = "recovery"
	}
	return p.toldKeys(ctx, s, c.JSON, "authority key add", keyRequest{Org: c.Org, Key: c.Key, Label: c.Label, Use: use})
}

// KeyRevokeCmd is `tasuki authority key revoke`.
type KeyRevokeCmd struct {
	Org    string `arg:"" help:"Short name of the authority."`
	Key    string `arg:"" help:"The public key."`
	Reason string `required:"" placeholder:"TEXT" help:"Why; everybody will read it."`
	JSON   bool   `name:"json" help:"Print the authority's keys as JSON."`
}

// Run revokes it.
func (c *KeyRevokeCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	return p.toldKeys(ctx, s, c.JSON, "authority key revoke", keyRequest{Org: c.Org, Key: c.Key, Reason: c.Reason})
}

// KeyListCmd is `tasuki authority key list`.
type KeyListCmd struct {
	Org  string `arg:"" help:"Short name of the authority."`
	JSON bool   `name:"json" help:"Print as JSON."`
}

// Run lists them.
func (c *KeyListCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	return p.toldKeys(ctx, s, c.JSON, "authority key list", keyRequest{Org: c.Org})
}

// AuthorityAttestCmd is `tasuki authority attest`.
type AuthorityAttestCmd struct {
	Org  string `arg:"" help:"Short name of the authority."`
	Mode string `arg:"" enum:"self,operator" help:"self: only its own keys speak for it, and only they can take this back. operator: the operator's word counts."`
	JSON bool   `name:"json" help:"Print the authority's keys as JSON."`
}

// Run sets it.
func (c *AuthorityAttestCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	return p.toldKeys(ctx, s, c.JSON, "authority attest", keyRequest{Org: c.Org, Mode: c.Mode})
}

func (p *Program) toldKeys(ctx context.Context, s *Settings, asJSON bool, act string, q keyRequest) error {
	a, err := operated[keysAnswer](ctx, p, s, access{}, act, q)
	if err != nil {
		return err
	}
	if asJSON {
		return p.json(a)
	}
	rows := [][]string{}
	for _, k := range a.Keys {
		state := "in force"
		if k.Revoked != "" {
			state = "revoked: " + k.Reason
		}
		rows = append(rows, []string{k.Key, k.Label, k.Use, state})
	}
	fmt.Fprintf(p.Stdout, "%s: attested by %s\n", a.Org, map[string]string{"self": "its own keys", "operator": "the operator"}[a.Attest])
	if len(rows) > 0 {
		p.terminal(p.Stdout).table(p.Stdout, []string{"KEY", "LABEL", "USE", "STATE"}, rows)
	}
	return nil
}
