package event

import (
	"crypto/sha256"
	"fmt"
	"io"
	"time"

	"tasuki/internal/ledger"
	"tasuki/spec/cve"
)

// Entry is one leaf with what stands beside it, as projections fold it.
type Entry struct {
	*Event
	Index int64
	Back  int64
	Time  time.Time    // o.t: when it entered the log
	Doc   *Doc         // the public body; nil when there is none or it was erased
	Own   *ledger.Own  // opens the identifier's committed owner; nil on all but its first public leaf
	Sigs  []ledger.Sig // of the author over the event; none where the operator attests it
	// Private is the body behind a commitment, canonical JSON; nil where this copy does not hold it or it was erased.
	Private []byte
	// Before reads the leaves before this one while the entry is being folded. Their bodies are as this copy has them now, so that
	// folding the log again, without what was erased, sees what folding it the first time would have to forget.
	Before Reader
}

// Open reads a stored leaf. body may be nil.
func Open(index int64, leaf []byte, body *ledger.Body) (*Entry, error) {
	l, err := ledger.ParseLeaf(leaf)
	if err != nil {
		return nil, fmt.Errorf("leaf %d: %w", index, err)
	}
	e, err := Parse(l.Event)
	if err != nil {
		return nil, fmt.Errorf("leaf %d: %w", index, err)
	}
	entry := &Entry{Event: e, Index: index, Back: l.Stamp.Back, Time: time.UnixMilli(l.Stamp.Time).UTC(), Own: l.Stamp.Own, Sigs: l.Sigs}
	if body != nil {
		entry.Doc = &Doc{Body: body}
	}
	return entry, nil
}

// Doc is a public body with what was computed from it. Everything computed is a pure function of the bytes, so it can be
// made before the write transaction, by other goroutines, and thrown away at will. A Doc serves one goroutine at a time.
type Doc struct {
	Body   *ledger.Body
	raw    []byte
	digest *[32]byte
	record *cve.Record
	memo   map[any]any
}

// Pack makes a Doc of raw bytes, ready to stand beside a leaf.
func Pack(rand io.Reader, raw []byte) (*Doc, error) {
	b, err := ledger.Pack(rand, raw)
	if err != nil {
		return nil, err
	}
	return &Doc{Body: b, raw: raw}, nil
}

// Unpacked is a Doc of raw bytes that are in no log: something to assemble a record from. It has no Body.
func Unpacked(raw []byte) *Doc { return &Doc{raw: raw} }

// Bytes are the original bytes.
func (d *Doc) Bytes() ([]byte, error) {
	if d.raw == nil {
		raw, err := d.Body.Bytes()
		if err != nil {
			return nil, err
		}
		d.raw = raw
	}
	return d.raw, nil
}

// SHA256 is the digest of the original bytes.
func (d *Doc) SHA256() ([32]byte, error) {
	if d.digest == nil {
		raw, err := d.Bytes()
		if err != nil {
			return [32]byte{}, err
		}
		sum := sha256.Sum256(raw)
		d.digest = &sum
	}
	return *d.digest, nil
}

// SetSHA256 spares SHA256 its work where the digest is known already.
func (d *Doc) SetSHA256(sum [32]byte) { d.digest = &sum }

// Record is the body read as a CVE record. A member of a type that the format does not allow is read as if it were
// absent: a list that is brought in whole refuses no record for its shape, and lint reports it.
func (d *Doc) Record() (*cve.Record, error) {
	if d.record == nil {
		raw, err := d.Bytes()
		if err != nil {
			return nil, err
		}
		if d.record, _, err = cve.DecodeLoose(raw); err != nil {
			return nil, err
		}
	}
	return d.record, nil
}

// Memo returns what make returned the first time it was asked under key.
func Memo[T any](d *Doc, key any, make func(*Doc) (T, error)) (T, error) {
	if v, ok := d.memo[key]; ok {
		return v.(T), nil
	}
	v, err := make(d)
	if err != nil {
		return v, err
	}
	if d.memo == nil {
		d.memo = map[any]any{}
	}
	d.memo[key] = v
	return v, nil
}

// Trim forgets the raw bytes and the parsed record, which are large, and keeps what was computed from them.
func (d *Doc) Trim() { d.raw, d.record = nil, nil }
