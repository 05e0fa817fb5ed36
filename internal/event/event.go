// Package event is the vocabulary of the log: what an event may say, how it is written into a leaf and read back. The
// services meet here instead of importing each other. The list of kinds, who may write each and what mirrors check is
// docs/protocols/log.md.
package event

import (
	"errors"
	"fmt"
	"time"

	"tasuki/internal/ledger"
	"tasuki/spec/jcs"
)

// Kind names what an event says, with the version of its form. Kinds evolve by addition.
type Kind string

// ErrUnknown means an event of a kind, or with a member, that this program has no meaning for. Such a leaf is kept and
// hashed but nothing is derived from it.
var ErrUnknown = errors.New("event: unknown kind or member")

// ErrMalformed means an event that its kind does not allow.
var ErrMalformed = errors.New("event: malformed")

// Event is one fact. Which members a kind uses is said beside each; the others must be zero.
type Event struct {
	At   time.Time // when the author says it happened; milliseconds, UTC
	By   string    // organisation's permanent UUID
	Kind Kind
	List string   // list id, 64 hex digits: stops replay in another list
	Body *BodyRef // the public body beside the leaf, or (private/1) the commitment alone

	ID string // the CVE identifier the event is about

	// id.reserved, record.*: see also ID
	Cont     string    // record.put: "cna" or "adp"
	DV       string    // version of the record format that the body was checked against, "5.2.0"
	Prev     string    // event hash of the newest leaf for the same identifier, container and organisation
	Reserved time.Time // of the first container: when the identifier was reserved
	Short    string    // of the first container: the owner's short name then

	// range.opened, pool.carved, block.*
	Year, First, Last int64

	// keys and blocks of authorities
	Key   string // raw Ed25519 public key in base64: the organisation's, or the one that signs for the lanes of a block
	Label string // of a key, the organisation's own word for it; never a person's name
	Use   string // of a key: UseEvents or UseRecovery
	Mode  string // attest.set: AttestOperator or AttestSelf
	Owner string // block.granted: commitment to the owner, see BlockOwner
	Alias string // id.alias: the identifier under the other scheme

	// organisations and grants
	Org                string // the organisation the event is about, UUID
	Grant, Parent      string // UUIDs of grants
	Role               string
	ValidFrom, ValidTo time.Time
	From, To           string // id.transferred: owners, UUIDs; of a case: who began it, and whom it is with

	// workflows
	Case    string   // UUID of a dispute, refusal or direction
	IDs     []string // identifiers beside ID
	Level   string   // who decides: cna, root, tl-root, council, board; of a notice: first, second, third
	Outcome string
	Due     time.Time // deadline as the rule pack had it computed
	Dues    []Due     // further deadlines that begin with the event
	Pack    string    // version of the rule pack that a decision was made under

	// record.imported: a whole document from elsewhere. Dates stand as the document has them.
	State      string
	Dates      Dates
	SourceTime time.Time // when the source says it held this version; zero for a plain import
	Base       bool      // no import other than the sample had finished: the list's own beginning

	// import.noted
	Source string // base name of what was imported
	Digest string // of the snapshot, 64 hex digits
	Sample bool   // the sample that comes with the program
	Counts map[string]int64

	// epoch.opened, charter.noted. The body of epoch.opened is its reports; it is never erased.
	Charter string // hash of the charter's signed part
	Epoch   int64
	Root    string // tree the epoch continues, 64 hex digits
	Size    int64
	Skips   map[string]Skip // by year, after an unplanned epoch: never issue a number twice

	// body.erased
	Leaf   *int64
	Reason string
}

// Due is a deadline by the rule pack's name for it.
type Due struct {
	For string
	At  time.Time
}

// BodyRef binds a body: h = SHA-256(salt ‖ bytes), n its length (absent for a commitment).
type BodyRef struct {
	H [32]byte
	N int64 // −1 for a commitment: its length is nobody's business
}

// Dates are a record's dates as its document writes them; "" where it has none.
type Dates struct{ Published, Rejected, Reserved, Updated string }

// Skip says where the counters of a year go on after an unplanned epoch.
type Skip struct{ Priority, General int64 }

// Subject is what the leaf's back chain links: the identifier, else the author.
func (e *Event) Subject() string {
	if e.Kind == PrivateFact {
		return "" // a commitment says of itself only that it exists: back is −1
	}
	if e.ID != "" {
		return e.ID
	}
	return e.By
}

// Marshal writes the event in its one canonical encoding.
func (e *Event) Marshal() ([]byte, error) {
	var w jcs.Writer
	w.Object()
	for i := range members {
		if m := &members[i]; m.common || m.has(e) {
			w.Key(m.key)
			m.write(&w, e)
		}
	}
	w.EndObject()
	raw, err := w.Bytes()
	if err != nil {
		return nil, fmt.Errorf("event %s: %w", e.Kind, err)
	}
	return raw, nil
}

// Parse reads an event and checks that its members belong to its kind. An unknown kind or member wraps ErrUnknown,
// anything wrong in a known one ErrMalformed.
func Parse(raw []byte) (*Event, error) {
	r, err := jcs.NewReader(raw, ledger.MaxLeaf)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	e := &Event{}
	p := parser{r: r}
	for r.Enter('{'); r.Next(); {
		p.member(e, r.Key())
	}
	switch err := r.End(); {
	case p.unknown != "":
		return nil, fmt.Errorf("%w: member %q", ErrUnknown, p.unknown)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if err := e.check(); err != nil {
		return nil, err
	}
	return e, nil
}

type parser struct {
	r       *jcs.Reader
	unknown string
}

func (p *parser) member(e *Event, key string) {
	if m := byKey[key]; m != nil {
		m.read(p, e)
		return
	}
	if p.unknown == "" {
		p.unknown = key
	}
	p.r.Raw()
}

func (p *parser) time() time.Time {
	t, err := time.Parse(ledger.TimeFormat, p.r.String())
	if err != nil {
		p.r.Refuse("a time as " + ledger.TimeFormat)
	}
	return t
}

func (p *parser) yes() bool {
	v := p.r.Bool()
	if !v {
		p.r.Refuse("true: a flag that is not set is left out")
	}
	return v
}
