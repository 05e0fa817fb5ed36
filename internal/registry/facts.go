package registry

import (
	"errors"
	"fmt"
	"time"

	"tasuki/internal/ledger"
	"tasuki/spec/jcs"
)

// The private facts of this package: bodies of committed events.
const (
	ownerFact     = "id.owner/1"
	requesterFact = "id.requester/1"
)

// ErrFact means a private body that says it is one of ours and cannot be read.
var ErrFact = errors.New("registry: malformed private fact")

// fact is what a private body of ours says.
type fact struct {
	kind string
	id   string // CVE identifier
	org  string // UUID: the owner, or who asked
	user string // id.requester: UUID

	// Of an id.requester that was pulled from another server. Who asked there may be nobody we know: org and user are "" then.
	from     string    // the server
	reserved time.Time // when it was reserved there
}

// marshal writes the fact as canonical JSON.
func (f fact) marshal() ([]byte, error) {
	var w jcs.Writer
	w.Object()
	if f.from != "" {
		w.Key("from")
		w.String(f.from)
	}
	w.Key("id")
	w.String(f.id)
	w.Key("kind")
	w.String(f.kind)
	if f.org != "" {
		w.Key("org")
		w.String(f.org)
	}
	if !f.reserved.IsZero() {
		w.Key("reserved")
		w.String(f.reserved.UTC().Format(ledger.TimeFormat))
	}
	if f.user != "" {
		w.Key("user")
		w.String(f.user)
	}
	w.EndObject()
	return w.Bytes()
}

// readFact reads a private body; ok is false for one that is not of this package.
func readFact(body []byte) (f fact, ok bool, err error) {
	r, err := jcs.NewReader(body, ledger.MaxBody)
	if err != nil {
		return f, false, fmt.Errorf("%w: %w", ErrFact, err)
	}
	for r.Enter('{'); r.Next(); {
		switch r.Key() {
		case "from":
			f.from = r.String()
		case "id":
			f.id = r.String()
		case "kind":
			f.kind = r.String()
			if f.kind != ownerFact && f.kind != requesterFact {
				return fact{}, false, nil
			}
		case "org":
			f.org = r.String()
		case "reserved":
			text := r.String()
			if f.reserved, err = time.Parse(ledger.TimeFormat, text); err != nil {
				return fact{}, false, fmt.Errorf("%w: %w", ErrFact, err)
			}
		case "user":
			f.user = r.String()
		default:
			r.Raw()
		}
	}
	switch err := r.End(); {
	case err != nil && f.kind == "":
		return fact{}, false, nil
	case err != nil:
		return f, false, fmt.Errorf("%w: %w", ErrFact, err)
	case f.kind == "":
		return fact{}, false, nil
	case f.lacking():
		return f, false, fmt.Errorf("%w: %s lacks a member", ErrFact, f.kind)
	}
	return f, true, nil
}

// lacking says that the fact does not say what it is about. Only of what was pulled may nobody know who asked.
func (f fact) lacking() bool {
	pulled := f.kind == requesterFact && f.from != ""
	return f.id == "" || !pulled && (f.org == "" || f.kind == requesterFact && f.user == "")
}
