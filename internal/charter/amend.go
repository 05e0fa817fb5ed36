package charter

import (
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"tasuki/spec/dsse"
)

// Amend drafts charter v+1: a copy of the head, linked to it and dated, in which change may alter anything. The draft
// is unsigned, and its form is checked; whether it is valid is for Extend to say once it is signed.
func (c *Chain) Amend(now func() time.Time, change func(*Charter)) (*Document, error) {
	head := c.Head()
	next := head.charter.clone()
	next.V++
	next.Prev, next.Genesis = head.hash, c.ListID()
	next.Issued = now().UTC().Format(issuedLayout)
	// What the last charter said about itself does not hold for the next one.
	next.ContinueAt, next.Reason = nil, ""
	change(&next)
	d, err := New(next)
	if err != nil {
		return nil, fmt.Errorf("draft charter %d: %w", next.V, err)
	}
	return d, nil
}

// Epoch is what an amendment needs to open the next epoch.
type Epoch struct {
	Log    ed25519.PublicKey // a fresh log key
	Slug   string            // "" keeps the operator's
	URL    string            // "" keeps the operator's
	Org    string            // "" keeps the operator's
	Size   int64             // continue_at: leaves of the tree that goes on
	Root   [32]byte          // continue_at: their root
	Reason string
	Change func(*Charter) // anything else, such as the first mirrors; nil for nothing
}

// OpenEpoch drafts the charter of a new epoch on the same tree: after a restore, for a new log key, or to add the
// first mirrors. The board signs it.
func (c *Chain) OpenEpoch(now func() time.Time, e Epoch) (*Document, error) {
	return c.Amend(now, func(next *Charter) {
		o := &next.Operator
		o.Epoch++
		o.Key = dsse.EncodeKey(e.Log)
		for _, f := range []struct {
			into *string
			from string
		}{{&o.Slug, e.Slug}, {&o.URL, e.URL}, {&o.Org, e.Org}} {
			if f.from != "" {
				*f.into = f.from
			}
		}
		next.ContinueAt = &ContinueAt{Size: e.Size, Root: hex.EncodeToString(e.Root[:])}
		next.Reason = e.Reason
		if e.Change != nil {
			e.Change(next)
		}
	})
}

// AddFeatures drafts the amendment that an upgraded node makes for itself: nothing but more features. While the
// charter has no mirrors the log key may sign it, under the id LogSigner.
func (c *Chain) AddFeatures(now func() time.Time, reason string, features ...string) (*Document, error) {
	return c.Amend(now, func(next *Charter) {
		next.Features = append(next.Features, features...)
		slices.Sort(next.Features)
		next.Features = slices.Compact(next.Features)
		next.Reason = reason
	})
}
