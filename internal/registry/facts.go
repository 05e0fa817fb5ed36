package registry

import (
	"errors"
	"fmt"

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
	from string // id.requester: the server that it was pulled from, "" for our own
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
	w.Key("org")
	w.String(f.org)
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
	case f.id == "" || f.org == "" || f.kind == requesterFact && f.user == "":
		return f, false, fmt.Errorf("%w: %s lacks a member", ErrFact, f.kind)
	}
	return f, true, nil
}
