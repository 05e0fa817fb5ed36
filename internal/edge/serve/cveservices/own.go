package cveservices

import (
	"context"
	"net/http"

	"tasuki/internal/authority"
	"tasuki/internal/catalogue"
	"tasuki/internal/program"
	"tasuki/internal/registry"
	"tasuki/spec/cve"
	"tasuki/spec/cve/schema"
)

// Own is a server that answers for one authority alone: its own node, which assigns and signs while the list cannot be reached. It
// keeps to the acts of program.Service, to their errors and to the order in which they come, so that its callers see one protocol.
type Own interface {
	// Enter finds who asks, by the three headers: authority.ErrUnauthorized.
	Enter(ctx context.Context, org, user, key, source string) (authority.Standing, error)
	// Deny notes a refusal and returns it.
	Deny(ctx context.Context, c authority.Caller, why error) error

	ID(ctx context.Context, c authority.Caller, id string) (program.Identifier, error)
	IDs(ctx context.Context, c authority.Caller, f registry.Filter) (out []program.Identifier, total int64, err error)
	Reserve(ctx context.Context, c authority.Caller, r program.Reservation) (program.Reserved, error)
	Publish(ctx context.Context, c authority.Caller, s program.Submission) (record []byte, err error)
	Reject(ctx context.Context, c authority.Caller, s program.Submission) (record []byte, err error)

	Org(ctx context.Context, c authority.Caller, name string) (authority.Org, error)
	QuotaOf(ctx context.Context, c authority.Caller, short string) (program.Quota, error)
	User(ctx context.Context, c authority.Caller, short, username string) (authority.User, error)
	UsersOf(ctx context.Context, c authority.Caller, short string, offset, limit int) (out []authority.User, total int, err error)
}

// Records are the records of a server of its own, as compact JSON.
type Records interface {
	// Record is the present record of an identifier: catalogue.ErrNotFound.
	Record(ctx context.Context, id string) ([]byte, error)
}

// OwnOptions are what HandlerOf is made of.
type OwnOptions struct {
	Acts    Own
	Records Records
	Schema  *schema.Validator
}

// HandlerOf answers the part of Prefix that an authority's own node can answer for. The other endpoints are not there: only the list
// can say who is who, change hands of an identifier, or show everybody's. Of o, Acts and Catalogue are not looked at.
func HandlerOf(own OwnOptions, o Options) http.Handler {
	o.Acts, o.Catalogue = nil, nil
	return &handler{Options: o, acts: own.Acts, schema: own.Schema, record: own.Records.Record, own: true, limit: newWindow(o.RateLimit, o.Now)}
}

// ours marks routes that a server of its own has.
func ours(rt route) route {
	rt.own = true
	return rt
}

// serves says whether an endpoint is there.
func (h *handler) serves(rt *route) bool {
	return h.own && rt.own || !h.own && (h.acts != nil || rt.who == anyone)
}

// text is the present record of a list as compact JSON.
func (h *handler) text(ctx context.Context, id string) ([]byte, error) {
	v, err := h.Catalogue.Text(ctx, id)
	if err == nil && v.State == cve.Reserved {
		err = catalogue.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return v.Compact()
}
