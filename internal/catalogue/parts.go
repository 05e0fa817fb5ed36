package catalogue

import (
	"context"
	"fmt"
	"slices"

	"tasuki/internal/event"
	"tasuki/internal/ledger"
	"tasuki/internal/store"
	"tasuki/spec/cve"
)

// parts are the leaves that one version of a record is made of: the newest whole document, if there is one, and the containers
// put since. No table lists them. Each leaf names the one before it about the same identifier, so that the leaf of a version leads
// to all the others, whatever came later; its row only says how
// many there are.
type parts struct {
	base     *event.Entry   // nil when the record began with a container
	puts     []*event.Entry // oldest first
	assigner string         // UUID; "" when it is who put the first container
}

// gather follows the chain from the newest of n leaves of a record, without their bodies.
func gather(ctx context.Context, log event.Reader, newest *event.Entry, n int64) (p parts, err error) {
	for e := newest; ; {
		switch {
		case e.Kind.Whole():
			p.base, n = e, n-1
		case e.Kind.OfRecord():
			p.puts, n = append(p.puts, e), n-1
		}
		if n == 0 {
			slices.Reverse(p.puts)
			return p, nil
		}
		if e.Back < 0 || p.base != nil {
			return p, fmt.Errorf("catalogue: %s, leaf %d: %d leaves before leaf %d are missing", newest.ID, newest.Index, n, e.Index)
		}
		if e, err = log.Leaf(ctx, e.Back); err != nil {
			return p, fmt.Errorf("catalogue: %w", err)
		}
	}
}

// load fetches the bodies that the version shows, still packed, and finds whose the identifier was when the record began. It
// returns ErrErased when one of the bodies is gone.
func (p *parts) load(ctx context.Context, tx *store.Tx, log event.Reader) (err error) {
	needed := make([]*event.Entry, 0, 4)
	if p.base != nil {
		needed = append(needed, p.base)
	}
	for n, shown := range event.Shown(p.puts) {
		if shown {
			needed = append(needed, p.puts[n])
		}
	}
	for _, e := range needed {
		if e.Doc == nil {
			if e.Doc, err = log.Doc(ctx, e.Index); err != nil {
				return err
			}
		}
		if e.Doc == nil {
			return fmt.Errorf("%s, leaf %d: %w", e.ID, e.Index, ErrErased)
		}
	}
	if p.base == nil && p.puts[0].Own != nil {
		p.assigner, err = opened(ctx, tx, log, p.puts[0])
	}
	return err
}

// opened is the organisation that a first container's opening names: nearly always who put it, else one of this list's; "" when it
// is none of them. Only what is public is asked, so that a copy without the private facts finds the same.
func opened(ctx context.Context, tx *store.Tx, log event.Reader, first *event.Entry) (string, error) {
	commitment, err := log.Leaf(ctx, first.Own.Index)
	if err != nil {
		return "", fmt.Errorf("catalogue: owner of %s: %w", first.ID, err)
	}
	if commitment.OpensTo(first.Own.Salt, first.ID, first.By) {
		return first.By, nil
	}
	rows, err := tx.Query(ctx, orgList)
	if err != nil {
		return "", err
	}
	defer rows.Close() //nolint:errcheck // Err below says what went wrong
	for rows.Next() {
		var org string
		if err := rows.Scan(&org); err != nil {
			return "", err
		}
		if commitment.OpensTo(first.Own.Salt, first.ID, org) {
			return org, nil
		}
	}
	return "", rows.Err()
}

// assemble makes the record, as compact JSON where it is made of several leaves.
func (p *parts) assemble() ([]byte, error) {
	return event.Assemble(p.base, p.puts, func(ledger.Own) (string, error) { return p.assigner, nil })
}

// packed is how many bytes the loaded bodies have as they are stored.
func (p *parts) packed() (n int) {
	if p.base != nil {
		n = packedBytes(p.base)
	}
	for _, e := range p.puts {
		n += packedBytes(e)
	}
	return n
}

func packedBytes(e *event.Entry) int {
	if e.Doc == nil {
		return 0
	}
	return len(e.Doc.Body.Packed)
}

// all gives the leaves in the order of the log.
func (p *parts) all() []*event.Entry {
	if p.base == nil {
		return p.puts
	}
	return append([]*event.Entry{p.base}, p.puts...)
}

// role is what a leaf is in its record's proof.
func role(e *event.Entry) string {
	switch {
	case e.Kind.Whole():
		return "base"
	case e.Container() == cve.ADP:
		return "adp:" + e.By
	}
	return cve.CNA
}
