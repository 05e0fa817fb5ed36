package catalogue

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"tasuki/internal/event"
	"tasuki/internal/ledger"
	"tasuki/internal/store"
	"tasuki/spec/cve"
)

// parts are the leaves that a version is assembled from: the newest whole document, if there is one, and of the containers put
// since those that are needed (event.Needed). The row of the version lists them, so that a version is read without its history and
// however often a record is updated, an update costs the same.
type parts struct {
	base     *event.Entry   // nil when the record began with a container
	puts     []*event.Entry // oldest first
	assigner string         // UUID; "" when it is who put the first container
}

var errParts = errors.New("catalogue: malformed list of parts")

// gather reads the leaves of a version, without their bodies: those that the row lists, or the one of the version itself.
func gather(ctx context.Context, log event.Reader, leaf int64, list string) (p parts, err error) {
	indexes := []int64{leaf}
	if list != "" {
		indexes = indexes[:0]
		for text := range strings.SplitSeq(list, ",") {
			index, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return p, fmt.Errorf("%w: %w", errParts, err)
			}
			indexes = append(indexes, index)
		}
	}
	for n, index := range indexes {
		e, err := log.Leaf(ctx, index)
		if err != nil {
			return p, fmt.Errorf("catalogue: %w", err)
		}
		switch {
		case n == 0 && e.Kind.Whole():
			p.base = e
		case e.Kind.OfRecord() && !e.Kind.Whole():
			p.puts = append(p.puts, e)
		default:
			return p, fmt.Errorf("%w: leaf %d is %s", errParts, index, e.Kind)
		}
	}
	return p, nil
}

// list is the row's way to say which leaves they are.
func (p *parts) list() string {
	var b []byte
	for n, e := range p.all() {
		if n > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, e.Index, 10)
	}
	return string(b)
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
	if p.owned() != none {
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

// owned is the leaf of the commitment that the first container opens, -1 where nothing is opened. Who holds it as well can tell
// from the record whose the identifier was when the record began.
func (p *parts) owned() int64 {
	if p.base == nil && p.puts[0].Own != nil {
		return p.puts[0].Own.Index
	}
	return none
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
