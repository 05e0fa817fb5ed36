// Package event is the vocabulary of the log: what an event may say, how it is written into a leaf and read back. The
// services meet here instead of importing each other. The list of kinds, who may write each and what mirrors check is
// docs/protocols/log.md.
package event

import (
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"tasuki/internal/ledger"
	"tasuki/spec/jcs"
)

// Kind names what an event says, with the version of its form. Kinds evolve by addition.
type Kind string

// The kinds this program writes and understands (feature "events-1").
const (
	EpochOpened    Kind = "epoch.opened/1"
	CharterNoted   Kind = "charter.noted/1"
	Heartbeat      Kind = "heartbeat/1"
	ImportNoted    Kind = "import.noted/1"
	RecordImported Kind = "record.imported/1"
	BodyErased     Kind = "body.erased/1"
	PrivateFact    Kind = "private/1"
)

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

	ID string // the CVE identifier the event is about: record.imported

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

	// epoch.opened, charter.noted
	Charter string // hash of the charter's signed part
	Epoch   int64
	Root    string // tree the epoch continues, 64 hex digits
	Size    int64
	Skips   map[string]Skip // by year, after an unplanned epoch: never issue a number twice

	// body.erased
	Leaf   *int64
	Reason string
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
	w.Key("at")
	w.String(e.At.UTC().Format(ledger.TimeFormat))
	if e.Base {
		w.Key("base")
		w.Bool(true)
	}
	if e.Body != nil {
		w.Key("body")
		w.Object()
		w.Key("h")
		w.Hex(e.Body.H[:])
		if e.Body.N >= 0 {
			w.Key("n")
			w.Int(e.Body.N)
		}
		w.EndObject()
	}
	w.Key("by")
	w.String(e.By)
	text := func(key, v string) {
		if v != "" {
			w.Key(key)
			w.String(v)
		}
	}
	text("charter", e.Charter)
	if len(e.Counts) > 0 {
		w.Key("counts")
		w.Object()
		for _, k := range sorted(e.Counts) {
			w.Key(k)
			w.Int(e.Counts[k])
		}
		w.EndObject()
	}
	if e.Dates != (Dates{}) {
		w.Key("dates")
		w.Object()
		text("published", e.Dates.Published)
		text("rejected", e.Dates.Rejected)
		text("reserved", e.Dates.Reserved)
		text("updated", e.Dates.Updated)
		w.EndObject()
	}
	text("digest", e.Digest)
	if e.Epoch != 0 {
		w.Key("epoch")
		w.Int(e.Epoch)
	}
	text("id", e.ID)
	w.Key("kind")
	w.String(string(e.Kind))
	if e.Leaf != nil {
		w.Key("leaf")
		w.Int(*e.Leaf)
	}
	w.Key("list")
	w.String(e.List)
	text("reason", e.Reason)
	text("root", e.Root)
	if e.Sample {
		w.Key("sample")
		w.Bool(true)
	}
	if e.Kind == EpochOpened {
		w.Key("size")
		w.Int(e.Size)
	}
	if len(e.Skips) > 0 {
		w.Key("skips")
		w.Object()
		for _, year := range sorted(e.Skips) {
			w.Key(year)
			w.Object()
			w.Key("general")
			w.Int(e.Skips[year].General)
			w.Key("priority")
			w.Int(e.Skips[year].Priority)
			w.EndObject()
		}
		w.EndObject()
	}
	text("source", e.Source)
	if !e.SourceTime.IsZero() {
		w.Key("source_time")
		w.String(e.SourceTime.UTC().Format(ledger.TimeFormat))
	}
	text("state", e.State)
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
	r := p.r
	switch key {
	case "at":
		e.At = p.time()
	case "base":
		e.Base = p.yes()
	case "body":
		e.Body = &BodyRef{N: -1}
		for r.Enter('{'); r.Next(); {
			switch r.Key() {
			case "h":
				h, err := hex.DecodeString(r.String())
				if err != nil || len(h) != 32 {
					r.Refuse("64 hex digits")
				}
				copy(e.Body.H[:], h)
			case "n":
				e.Body.N = r.Int()
			default:
				r.Unknown()
			}
		}
	case "by":
		e.By = r.String()
	case "charter":
		e.Charter = r.String()
	case "counts":
		e.Counts = map[string]int64{}
		for r.Enter('{'); r.Next(); {
			k := r.Key()
			e.Counts[k] = r.Int()
		}
	case "dates":
		for r.Enter('{'); r.Next(); {
			switch r.Key() {
			case "published":
				e.Dates.Published = r.String()
			case "rejected":
				e.Dates.Rejected = r.String()
			case "reserved":
				e.Dates.Reserved = r.String()
			case "updated":
				e.Dates.Updated = r.String()
			default:
				r.Unknown()
			}
		}
	case "digest":
		e.Digest = r.String()
	case "epoch":
		e.Epoch = r.Int()
	case "id":
		e.ID = r.String()
	case "kind":
		e.Kind = Kind(r.String())
	case "leaf":
		n := r.Int()
		e.Leaf = &n
	case "list":
		e.List = r.String()
	case "reason":
		e.Reason = r.String()
	case "root":
		e.Root = r.String()
	case "sample":
		e.Sample = p.yes()
	case "size":
		e.Size = r.Int()
	case "skips":
		e.Skips = map[string]Skip{}
		for r.Enter('{'); r.Next(); {
			year := r.Key()
			var s Skip
			for r.Enter('{'); r.Next(); {
				switch r.Key() {
				case "general":
					s.General = r.Int()
				case "priority":
					s.Priority = r.Int()
				default:
					r.Unknown()
				}
			}
			e.Skips[year] = s
		}
	case "source":
		e.Source = r.String()
	case "source_time":
		e.SourceTime = p.time()
	case "state":
		e.State = r.String()
	default:
		if p.unknown == "" {
			p.unknown = key
		}
		r.Raw()
	}
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
