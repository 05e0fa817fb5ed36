package charter

import (
	"crypto/ed25519"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/google/uuid"

	"tasuki/spec/dsse"
)

// Options is what the founder of a list may say. The zero value plus Log is a private node's list.
type Options struct {
	ListName string            // "" means cve
	Slug     string            // of the operator; "" means first
	URL      string            // of the operator; "" means http://127.0.0.1:8080
	Holder   string            // of the only board key; "" means "founder"
	Org      string            // the operator's UUID; "" draws one
	Features []string          // nil means events-1
	Escrow   []string          // age recipients
	Names    []string          // host names
	Mandate  *Mandate          // nil means open-ended
	Test     bool              // a test list for good
	Log      ed25519.PublicKey // the log key of epoch 1
}

// Genesis founds a list: a signed first charter with a board of one, and that board's key, which belongs in a file of
// its own that the operator takes away (BoardKey.WriteFile). rand is read for the organisation's UUID and the key.
func Genesis(o Options, rand io.Reader, now func() time.Time) (*Document, *BoardKey, error) {
	def := func(s *string, v string) {
		if *s == "" {
			*s = v
		}
	}
	def(&o.ListName, "cve")
	def(&o.Slug, "first")
	def(&o.URL, "http://127.0.0.1:8080")
	def(&o.Holder, "founder")
	if o.Features == nil {
		o.Features = []string{FeatureEvents1}
	}
	if o.Org == "" {
		id, err := uuid.NewRandomFromReader(rand)
		if err != nil {
			return nil, nil, fmt.Errorf("found a list: %w", err)
		}
		o.Org = id.String()
	}
	private, err := NewKey(rand)
	if err != nil {
		return nil, nil, fmt.Errorf("found a list: %w", err)
	}
	key := &BoardKey{ID: "b1", Private: private}
	d, err := New(Charter{
		V: 1, ListName: o.ListName, Issued: now().UTC().Format(issuedLayout), Features: o.Features,
		Board:    Board{K: 1, Emergency: 1, Keys: []BoardSeat{{ID: key.ID, Holder: o.Holder, Key: dsse.EncodeKey(key.Public())}}},
		Operator: Operator{Org: o.Org, Slug: o.Slug, Epoch: 1, URL: o.URL, Key: dsse.EncodeKey(o.Log)},
		Escrow:   o.Escrow, Names: o.Names, Mandate: o.Mandate, Test: o.Test,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("found a list: %w", err)
	}
	key.List = d.ListID()
	d.Sign(key.ID, key.Private)
	return d, key, nil
}

// Sign adds a signature under id: a seat of this board or of the previous one, or LogSigner. Signing twice changes
// nothing.
func (d *Document) Sign(id string, key ed25519.PrivateKey) {
	s := Sig{ID: id, Sig: dsse.Sign(key, dsse.TypeCharter, d.signed)}
	if at, found := slices.BinarySearchFunc(d.sigs, s, compareSigs); !found {
		d.sigs = slices.Insert(slices.Clone(d.sigs), at, s)
	}
}
