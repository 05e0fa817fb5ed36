package event

import (
	"errors"
	"fmt"
	"strings"

	"tasuki/internal/ledger"
	"tasuki/spec/cve"
)

// ErrErased means a record that cannot be assembled any more: a body that it needs was erased.
var ErrErased = errors.New("event: the record's body was erased")

// Assemble makes the record that the leaves of one identifier say: the newest whole document (nil if there never was one) and the
// containers put since, oldest first. owner finds whom the first container's opening names; it may be nil, and where it gives ""
// the first container's author is the assigner.
//
// It reads nothing else, so whoever holds the leaves gets the same bytes. An erased container that a later one replaced is not
// missed; ErrErased is for those that would be shown.
func Assemble(base *Entry, puts []*Entry, owner func(ledger.Own) (string, error)) ([]byte, error) {
	var whole []byte
	if base != nil {
		if base.Doc == nil {
			return nil, fmt.Errorf("leaf %d: %w", base.Index, ErrErased)
		}
		var err error
		if whole, err = base.Doc.Bytes(); err != nil {
			return nil, err
		}
	}
	list := make([]cve.Put, 0, len(puts))
	shown := Shown(puts)
	for n, e := range puts {
		body := []byte("{}")
		switch {
		case e.Doc != nil:
			var err error
			if body, err = e.Doc.Bytes(); err != nil {
				return nil, err
			}
		case shown[n]:
			return nil, fmt.Errorf("leaf %d: %w", e.Index, ErrErased)
		}
		p := cve.Put{ID: e.ID, Cont: e.Container(), Org: e.By, At: e.At, DataVersion: twoParts(e.DV), Assigner: e.Org, AssignerName: e.Short, Rejected: e.Kind == RecordRejected, Body: body}
		if !e.Reserved.IsZero() {
			p.Reserved = cve.FormatTime(e.Reserved)
		}
		if e.Own != nil && owner != nil {
			var err error
			if p.Assigner, err = owner(*e.Own); err != nil {
				return nil, err
			}
		}
		list = append(list, p)
	}
	return cve.Assemble(whole, list)
}

// twoParts is a format version as a record's dataVersion names it: "5.2" for 5.2.0.
func twoParts(dv string) string {
	if parts := strings.Split(dv, "."); len(parts) > 2 {
		return strings.Join(parts[:2], ".")
	}
	return dv
}
