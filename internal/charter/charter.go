// Package charter says who runs this list: the numbered, hash-linked documents that a board signs, the chain of them
// from the genesis on, and the keys behind them. It implements the continuity protocol's part F as the event
// vocabulary amends it.
//
// # What is frozen here
//
// A charter on the wire is {"signed":{…},"sigs":[{"id","sig"}…]} in restricted canonical JSON (package jcs), at most
// 64 KiB. Its hash is the lower-case hex SHA-256 of the bytes of signed; the list id is the hash of the genesis.
// Signatures are Ed25519 over DSSE's encoding of those bytes (package dsse). Inside:
//
//   - keys ("ed25519") and signatures ("sig") are base64, standard alphabet with padding; hashes ("prev", "genesis",
//     "root") are lower-case hex; mirror keys are verifier keys (name+hash+base64) of type 4, cosignature/v1;
//   - policy is in the language of c2sp.org/tlog-policy, names no log (the operator is the log), and its witnesses have
//     keys of type 4. One key has one role: of the board, the log, the mirrors and the witnesses no two share one;
//   - in the genesis v is 1 and prev and genesis are "";
//   - an optional member that says nothing is left out: no "", no 0 days, no empty list, no false. A document has one
//     spelling, so Parse refuses the others;
//   - issued is UTC to the second; mandate dates are days;
//   - features are sorted; sigs are sorted by id, then by sig;
//   - origin and verifier key are always derived: tasuki/<first 16 hex of the list id>/<epoch>-<slug>.
//
// testdata/genesis.json holds one such document for good.
//
// Two readings that the text leaves open: a board may not hold one key twice, and what is constant for a list (its
// id, whether it is a test list) may not change by amendment.
package charter

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"tasuki/spec/dsse"
	"tasuki/spec/jcs"
)

// MaxSize is the largest charter document, signatures included, in bytes.
const MaxSize = 64 << 10

// The vocabularies of events that this program writes.
const (
	FeatureEvents1 = "events-1" // importing and keeping records
	FeatureEvents2 = "events-2" // the numbering authority: organisations, identifiers, records of our own, governance
	FeatureEvents3 = "events-3" // continuity: keys of authorities, blocks, aliases, the reports that an epoch rests on
)

// ErrTest means the charter of a test list, where a real one is wanted: nothing in it counts.
var ErrTest = errors.New("charter: this is a test list, and nothing in it counts")

// LogSigner is the id under which the log key signs the one amendment that it may sign (see Chain.Extend). No board
// key bears it.
const LogSigner = "log"

// Charter is the signed part of a document. Optional members are nil or zero when absent.
type Charter struct {
	V          int64       `json:"v"`
	ListName   string      `json:"list_name"` // [a-z0-9-], such as cve
	Prev       string      `json:"prev"`      // hash of charter v−1, "" in the genesis
	Genesis    string      `json:"genesis"`   // list id, "" in the genesis
	Issued     string      `json:"issued"`    // 2026-11-21T09:00:00Z
	Board      Board       `json:"board"`
	Operator   Operator    `json:"operator"`
	Features   []string    `json:"features"` // what kinds of events and which validators hold, sorted
	Mandate    *Mandate    `json:"mandate,omitzero"`
	Mirrors    *Mirrors    `json:"mirrors,omitzero"`
	Policy     string      `json:"policy,omitzero"` // witnesses, in C2SP tlog-policy's language
	Emergency  *Emergency  `json:"emergency,omitzero"`
	Names      []string    `json:"names,omitempty"`  // host names that legacy clients know
	Escrow     []string    `json:"escrow,omitempty"` // age recipients of private bodies
	ContinueAt *ContinueAt `json:"continue_at,omitzero"`
	Test       bool        `json:"test,omitzero"`
	Reason     string      `json:"reason,omitzero"`
}

// Board is the key holders and how many of them decide: n/2 < K ≤ n normally, 1 ≤ Emergency ≤ K in an emergency.
type Board struct {
	K         int64       `json:"k"`
	Emergency int64       `json:"k_e"`
	Keys      []BoardSeat `json:"keys"`
}

// BoardSeat is one key of the board and who holds it.
type BoardSeat struct {
	ID     string `json:"id"` // [a-z0-9-], unique within the board
	Holder string `json:"holder"`
	Key    string `json:"ed25519"`
}

// Operator is the one party that may append in this epoch.
type Operator struct {
	Org   string `json:"org"` // permanent UUID; operator events say by = this
	Slug  string `json:"slug"`
	Epoch int64  `json:"epoch"`
	URL   string `json:"url"`
	Key   string `json:"ed25519"` // the log key of this epoch
}

// Mandate is the operator's term, both days included. When it ends nothing stops (F.4).
type Mandate struct {
	From  string `json:"from"` // 2026-11-21
	Until string `json:"until"`
}

// Mirrors are the validating copies: a checkpoint counts with Q of them, up to F may lie, 2Q > m+F (D.5).
type Mirrors struct {
	Q    int64    `json:"q"`
	F    int64    `json:"f"`
	List []Mirror `json:"list"`
}

// Mirror is one validating copy: its cosignature key and where it serves.
type Mirror struct {
	VKey string `json:"vkey"`
	URL  string `json:"url"`
}

// Emergency is the dead-man switch's setting (F.4).
type Emergency struct {
	SilenceDays int64 `json:"silence_days,omitzero"` // 0: silence opens nothing
	MandateOver bool  `json:"mandate_over,omitzero"`
	NoticeHours int64 `json:"notice_hours"`
}

// ContinueAt says where a new epoch continues the tree when no mirrors' reports do.
type ContinueAt struct {
	Size int64  `json:"size"`
	Root string `json:"root"` // hex, RFC 6962 root of the first Size leaves
}

// Sig is one signature over the signed part. ID is a seat of this board or of the previous one, or LogSigner.
type Sig struct {
	ID  string `json:"id"`
	Sig string `json:"sig"`
}

// Document is a charter with its signatures. What Parse returns has a valid form; whether its signatures give it force
// is for the chain to say.
type Document struct {
	charter Charter
	signed  []byte
	hash    string
	sigs    []Sig
}

// ErrSize means a document longer than MaxSize.
var ErrSize = errors.New("charter: longer than 64 KiB")

// envelope is the document on the wire.
type envelope struct {
	Signed Charter `json:"signed"`
	Sigs   []Sig   `json:"sigs"`
}

// New makes an unsigned document of c. The error is an Invalid listing everything wrong with c.
func New(c Charter) (*Document, error) {
	if bad := c.problems(); len(bad) > 0 {
		return nil, bad
	}
	signed, err := jcs.Canonical(c)
	if err != nil {
		return nil, fmt.Errorf("write charter %d: %w", c.V, err)
	}
	// Read back, so that the document shares no slice with the caller's value.
	var own Charter
	if err := jcs.Decode(signed, &own); err != nil {
		return nil, fmt.Errorf("write charter %d: %w", c.V, err)
	}
	sum := sha256.Sum256(signed)
	return &Document{charter: own, signed: signed, hash: hex.EncodeToString(sum[:])}, nil
}

// Parse reads a document. The error is a *jcs.Error or an Invalid, both with JSON pointers, or ErrSize.
func Parse(raw []byte) (*Document, error) {
	if len(raw) > MaxSize {
		return nil, fmt.Errorf("%w: %d bytes", ErrSize, len(raw))
	}
	var env envelope
	if err := jcs.Decode(raw, &env); err != nil {
		return nil, fmt.Errorf("read charter: %w", err)
	}
	d, err := New(env.Signed)
	if err != nil {
		return nil, err
	}
	if bad := sigProblems(env.Sigs); len(bad) > 0 {
		return nil, bad
	}
	d.sigs = env.Sigs
	// The Go types leave out what says nothing; a document that spells it has another hash for the same meaning.
	if again, err := d.Bytes(); err != nil {
		return nil, err
	} else if string(again) != string(raw) {
		return nil, Invalid{{Pointer: "", Rule: "spelling", Message: "an optional member that says nothing must be left out, a required one be present"}}
	}
	return d, nil
}

// Bytes is the document on the wire.
func (d *Document) Bytes() ([]byte, error) {
	var w jcs.Writer
	w.Object()
	w.Key("signed")
	w.Raw(d.signed)
	w.Key("sigs")
	w.Array()
	for _, s := range d.sigs {
		w.Object()
		w.Key("id")
		w.String(s.ID)
		w.Key("sig")
		w.String(s.Sig)
		w.EndObject()
	}
	w.EndArray()
	w.EndObject()
	raw, err := w.Bytes()
	if err != nil {
		return nil, fmt.Errorf("write charter %d: %w", d.charter.V, err)
	}
	if len(raw) > MaxSize {
		return nil, fmt.Errorf("%w: %d bytes", ErrSize, len(raw))
	}
	return raw, nil
}

// Charter is the signed part. Its slices and pointers belong to the document and must not be changed.
func (d *Document) Charter() Charter { return d.charter }

// Signed is the exact bytes that are hashed and signed; not to be changed.
func (d *Document) Signed() []byte { return d.signed }

// Sigs are the signatures, sorted; not to be changed.
func (d *Document) Sigs() []Sig { return d.sigs }

// Hash is the lower-case hex SHA-256 of the signed part.
func (d *Document) Hash() string { return d.hash }

// FileName is the name under which the document is served: <v>-<first 8 hex of the hash>.json.
func (d *Document) FileName() string { return fmt.Sprintf("%d-%s.json", d.charter.V, d.hash[:8]) }

// ListID is the hash of the genesis: what clients pin.
func (d *Document) ListID() string {
	if d.charter.V == 1 {
		return d.hash
	}
	return d.charter.Genesis
}

// Origin is the name of the log in this charter's epoch (C.4).
func (d *Document) Origin() string {
	return Origin(d.ListID(), d.charter.Operator.Epoch, d.charter.Operator.Slug)
}

// Origin is the name of a log: of a list (its id, of which the first 16 digits count), an epoch and an operator.
func Origin(list string, epoch int64, slug string) string {
	return fmt.Sprintf("tasuki/%s/%d-%s", list[:16], epoch, slug)
}

// LogKey is the public log key of this charter's epoch.
func (d *Document) LogKey() ed25519.PublicKey {
	key, err := dsse.ParseKey(d.charter.Operator.Key)
	if err != nil {
		panic("charter: a document with a checked key has a bad one: " + err.Error())
	}
	return key
}

// VKey is the log key as a note verifier key, named by the origin.
func (d *Document) VKey() string {
	vkey, err := note.NewEd25519VerifierKey(d.Origin(), d.LogKey())
	if err != nil {
		panic("charter: a document with a checked key has a bad one: " + err.Error())
	}
	return vkey
}

// Verifier verifies the checkpoints of this charter's epoch.
func (d *Document) Verifier() note.Verifier {
	v, err := note.NewVerifier(d.VKey())
	if err != nil {
		panic("charter: a derived verifier key does not parse: " + err.Error())
	}
	return v
}

// clone copies a charter so deeply that changing the copy leaves the original alone.
func (c Charter) clone() Charter {
	c.Board.Keys = append([]BoardSeat(nil), c.Board.Keys...)
	c.Features = append([]string(nil), c.Features...)
	c.Names = append([]string(nil), c.Names...)
	c.Escrow = append([]string(nil), c.Escrow...)
	if c.Mandate != nil {
		m := *c.Mandate
		c.Mandate = &m
	}
	if c.Mirrors != nil {
		m := *c.Mirrors
		m.List = append([]Mirror(nil), m.List...)
		c.Mirrors = &m
	}
	if c.Emergency != nil {
		e := *c.Emergency
		c.Emergency = &e
	}
	if c.ContinueAt != nil {
		a := *c.ContinueAt
		c.ContinueAt = &a
	}
	return c
}

// Problem is one thing wrong with a document.
type Problem struct{ Pointer, Rule, Message string }

// Invalid is everything wrong with a document's form.
type Invalid []Problem

func (i Invalid) Error() string {
	lines := make([]string, len(i))
	for n, p := range i {
		at := p.Pointer
		if at == "" {
			at = "the document"
		}
		lines[n] = fmt.Sprintf("%s: %s (%s)", at, p.Message, p.Rule)
	}
	return "charter: " + strings.Join(lines, "; ")
}
