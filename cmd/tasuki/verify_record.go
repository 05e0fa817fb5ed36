package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"tasuki/internal/event"
	"tasuki/internal/ledger"
	"tasuki/spec/cve"
)

// errParts means leaves that are all in the log and are not the parts of one record.
var errParts = errors.New("the proof's leaves are not the parts of one record")

// errOther means a record that is another than the proved leaves make.
var errOther = errors.New("the record is another than the proved leaves make")

// provedRecord is a verified proof with the bodies that the reader brought.
type provedRecord struct {
	parts []ledger.VerifiedPart
	base  *event.Entry   // nil when the record began with a container, or the proof is of one leaf alone
	puts  []*event.Entry // oldest first
	owner *event.Entry   // the commitment that the first container opens; nil where there is none
	given map[int64][]byte
}

// readParts reads the leaves of a proof as one record's. What the parts are called is nobody's signed word: the leaves themselves
// say what they are. A proof of one leaf, whatever it is about, has neither base nor puts.
func readParts(parts []ledger.VerifiedPart) (*provedRecord, error) {
	r := &provedRecord{parts: parts, given: map[int64][]byte{}}
	if len(parts) == 1 && parts[0].Role == "leaf" {
		return r, nil
	}
	for n, part := range parts {
		e, err := event.Parse(part.Leaf.Event)
		if err != nil {
			return nil, fmt.Errorf("%w: part %d: %w", errParts, n, err)
		}
		entry := &event.Entry{Event: e, Index: part.Index, Back: part.Leaf.Stamp.Back, Time: time.UnixMilli(part.Leaf.Stamp.Time).UTC(), Own: part.Leaf.Stamp.Own}
		role := "base"
		switch {
		case (e.Kind == event.PrivateFact || e.Kind == event.BlockGranted) && n == len(parts)-1 && len(r.puts) > 0 && r.puts[0].Own != nil && r.puts[0].Own.Index == part.Index:
			r.owner, role = entry, "owner"
		case e.Kind.Whole() && n == 0:
			r.base = entry
		case e.Kind.OfRecord() && !e.Kind.Whole() && (n == 0 || parts[n-1].Index < part.Index):
			r.puts, role = append(r.puts, entry), roleOf(e)
		default:
			return nil, fmt.Errorf("%w: leaf %d, of the kind %s, has no place as part %d", errParts, part.Index, e.Kind, n)
		}
		if part.Role != role || r.owner == nil && e.ID != r.id() {
			return nil, fmt.Errorf("%w: leaf %d is %s of %s, not %s of %s", errParts, part.Index, role, e.ID, part.Role, r.id())
		}
	}
	return r, nil
}

func roleOf(e *event.Event) string {
	if e.Container() == cve.ADP {
		return "adp:" + e.By
	}
	return cve.CNA
}

func (r *provedRecord) id() string {
	if r.base != nil {
		return r.base.ID
	}
	return r.puts[0].ID
}

// take finds the leaf that a body stands beside; an error says what keeps it from being the first one's that has none yet.
func (r *provedRecord) take(body []byte) (err error) {
	for i := range r.parts {
		part := &r.parts[i]
		if part.BodyOK {
			continue
		}
		wrong := part.Check(body)
		if wrong == nil {
			part.BodyOK, r.given[part.Index] = true, body
			return nil
		}
		if err == nil {
			err = fmt.Errorf("part %d (%s, leaf %d): %w", i, part.Role, part.Index, wrong)
		}
	}
	if err == nil {
		err = fmt.Errorf("%w: every leaf has its body already", ledger.ErrBody)
	}
	return err
}

// takeFrom takes what a record shows of the leaves: of a document it is the whole, of containers each. What does not fit is no
// error: a record over a base shows only some of that.
func (r *provedRecord) takeFrom(record []byte) error {
	if r.base != nil && len(r.puts) == 0 {
		_ = r.take(record)
		return nil
	}
	bodies, err := cve.Unassemble(record)
	if err != nil {
		return err
	}
	for _, body := range bodies {
		_ = r.take(body)
	}
	return nil
}

// missing are the addresses of the bodies without which the record cannot be assembled, and whether one of them was erased.
func (r *provedRecord) missing() (addresses []string, erased bool) {
	needed := map[int64]bool{}
	if r.base != nil {
		needed[r.base.Index] = true
	}
	for n, shown := range event.Shown(r.puts) {
		needed[r.puts[n].Index] = shown
	}
	for _, part := range r.parts {
		if needed[part.Index] && !part.BodyOK {
			h := hex.EncodeToString(part.BodyHash[:])
			addresses, erased = append(addresses, "/body/"+h[:2]+"/"+h), erased || part.Erased
		}
	}
	return addresses, erased
}

// assemble makes the record that the leaves say. record is what it should be, and may be nil: it tells whom to try as the owner that
// the first container opens.
func (r *provedRecord) assemble(record []byte) ([]byte, error) {
	if r.base != nil {
		r.base.Doc = event.Unpacked(r.given[r.base.Index])
	}
	for _, e := range r.puts {
		if body, ok := r.given[e.Index]; ok {
			e.Doc = event.Unpacked(body)
		}
	}
	return event.Assemble(r.base, r.puts, func(own ledger.Own) (string, error) { return r.assigner(own, record) })
}

// assigner is whom the first container's opening names.
func (r *provedRecord) assigner(own ledger.Own, record []byte) (string, error) {
	if r.base != nil {
		return "", nil // the base says it
	}
	if r.owner == nil {
		return "", fmt.Errorf("%w: the commitment to the owner, leaf %d, is missing", errParts, own.Index)
	}
	try := []string{r.puts[0].By}
	if rec, _, err := cve.DecodeLoose(record); record != nil && err == nil {
		try = append(try, rec.Metadata.AssignerOrgID)
	}
	for _, org := range try {
		if r.owner.OpensTo(own.Salt, r.id(), org) {
			return org, nil
		}
	}
	return "", fmt.Errorf("%w: leaf %d does not say that %s was %s's", errOther, own.Index, r.id(), strings.Join(try, "'s or "))
}

// madeRecord is the record that the proved leaves make.
type madeRecord struct {
	State   string `json:"state"`
	Updated string `json:"updated,omitzero"`
	Bytes   int    `json:"bytes"`
	SHA256  string `json:"sha256"`
	Same    bool   `json:"same"` // the record that was given is this one
}

// made assembles the record and compares it with the one that was given, nil if none was. It returns nil where bodies are missing
// and no record was given.
func (r *provedRecord) made(record []byte) (*madeRecord, error) {
	if r.base == nil && len(r.puts) == 0 {
		if record != nil {
			return nil, fmt.Errorf("%w: the proof is of one leaf; give what stands beside it with --body", errParts)
		}
		return nil, nil
	}
	if record != nil {
		if err := r.takeFrom(record); err != nil {
			return nil, err
		}
	}
	switch missing, erased := r.missing(); {
	case len(missing) == 0:
	case record == nil:
		return nil, nil
	case erased:
		return nil, fmt.Errorf("%w: a body that it would need was erased", errOther)
	case r.base != nil && len(r.puts) == 0:
		return nil, r.take(record) // says in what the document differs from the leaf's
	default:
		return nil, fmt.Errorf("%w, or bodies are missing: get %s and give them with --body", errOther, strings.Join(missing, ", "))
	}
	whole, err := r.assemble(record)
	if err != nil {
		return nil, err
	}
	rec, _, err := cve.DecodeLoose(whole)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(whole)
	m := &madeRecord{State: string(rec.Metadata.State), Updated: rec.Metadata.DateUpdated, Bytes: len(whole), SHA256: hex.EncodeToString(sum[:]), Same: record != nil}
	if record != nil && !bytes.Equal(whole, record) {
		compact := jsontext.Value(bytes.Clone(record))
		if err := compact.Compact(); err != nil || !bytes.Equal(whole, compact) {
			return nil, errOther
		}
	}
	return m, nil
}

func (m *madeRecord) String() string {
	text := fmt.Sprintf("record %s, updated %s: %d bytes, SHA-256 %s, assembled from these leaves", m.State, m.Updated, m.Bytes, m.SHA256)
	if m.Same {
		text += "; the record given is the same"
	}
	return text
}
