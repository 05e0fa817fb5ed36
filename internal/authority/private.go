package authority

import (
	"fmt"
	"time"

	"tasuki/internal/ledger"
	"tasuki/spec/jcs"
)

// Kinds of private bodies that this package writes and folds (ADR 0011). A body says the whole new state of what it is about.
const (
	userAdded   = "user.added"
	userChanged = "user.changed"
	userRemoved = "user.removed"
	secretSet   = "secret.set"
	quotaSet    = "quota.set"
	contactSet  = "contact.set"
	totpSet     = "totp.set"
)

// userFact is user.added and user.changed.
type userFact struct {
	Active   bool     `json:"active"`
	Added    int64    `json:"added,omitzero"` // leaf of user.added, which does not say it of itself
	Created  string   `json:"created"`
	First    string   `json:"first"`
	Kind     string   `json:"kind"`
	Last     string   `json:"last"`
	Middle   string   `json:"middle"`
	Org      string   `json:"org"`
	Roles    []string `json:"roles"`
	Suffix   string   `json:"suffix"`
	User     string   `json:"user"`
	Username string   `json:"username"`
}

type removedFact struct {
	Kind string `json:"kind"`
	User string `json:"user"`
}

type secretFact struct {
	Kind string `json:"kind"`
	PHC  string `json:"phc"`
	User string `json:"user"`
}

// totpFact is the key of somebody's one-time passwords; an empty one switches them off.
type totpFact struct {
	Kind   string `json:"kind"`
	Secret string `json:"secret"` // base32
	User   string `json:"user"`
}

type quotaFact struct {
	Kind  string `json:"kind"`
	Org   string `json:"org"`
	Quota int64  `json:"quota"`
}

type contactFact struct {
	Contacts []Contact `json:"contacts"`
	Kind     string    `json:"kind"`
	Org      string    `json:"org"`
}

// parsePrivate reads a private body: a pointer to one of the facts above, or nil for a kind that is somebody else's.
func parsePrivate(raw []byte) (any, error) {
	r, err := jcs.NewReader(raw, ledger.MaxBody)
	if err != nil {
		return nil, fmt.Errorf("private body: %w", err)
	}
	kind := ""
	for r.Enter('{'); r.Next(); {
		if r.Key() == "kind" {
			kind = r.String()
		} else {
			r.Raw()
		}
	}
	if err := r.End(); err != nil {
		return nil, fmt.Errorf("private body: %w", err)
	}
	var f interface{ check() bool }
	switch kind {
	case userAdded, userChanged:
		f = &userFact{}
	case userRemoved:
		f = &removedFact{}
	case secretSet:
		f = &secretFact{}
	case totpSet:
		f = &totpFact{}
	case quotaSet:
		f = &quotaFact{}
	case contactSet:
		f = &contactFact{}
	default:
		return nil, nil
	}
	if err := jcs.Decode(raw, f); err != nil {
		return nil, fmt.Errorf("private body %s: %w", kind, err)
	}
	if !f.check() {
		return nil, fmt.Errorf("private body %s: it does not say whom it is about, or since when", kind)
	}
	return f, nil
}

func (f *userFact) check() bool {
	_, err := time.Parse(ledger.TimeFormat, f.Created)
	return f.User != "" && f.Org != "" && err == nil && (f.Added > 0) == (f.Kind == userChanged)
}

func (f *removedFact) check() bool { return f.User != "" }
func (f *secretFact) check() bool  { return f.User != "" }
func (f *totpFact) check() bool    { return f.User != "" }
func (f *quotaFact) check() bool   { return f.Org != "" }
func (f *contactFact) check() bool { return f.Org != "" }
