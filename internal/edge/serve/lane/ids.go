package lane

import (
	"context"
	"errors"
	"slices"
	"strings"

	"tasuki/internal/authority"
	"tasuki/internal/lane"
	"tasuki/internal/program"
	"tasuki/internal/registry"
	"tasuki/spec/cve"
)

// ID reads one identifier: all of it for the authority's own people; for others, and of a number of the authority's blocks that was
// not given out, its state alone (continuity E.5). registry.ErrNotFound.
func (n *Node) ID(_ context.Context, c authority.Caller, id string) (program.Identifier, error) {
	i := n.find(id)
	if i == nil {
		if !n.inBlock(id) {
			return program.Identifier{}, registry.ErrNotFound
		}
		return program.Identifier{Identifier: registry.Identifier{ID: id, State: cve.Reserved}}, nil
	}
	out := n.show(i)
	out.Whole = c.Role == authority.Member
	return out, nil
}

func (n *Node) show(i *own) program.Identifier {
	out := program.Identifier{Identifier: registry.Identifier{ID: i.id, State: i.state(), Owner: n.Options.Org, Record: len(i.said) > 0,
		Reserved: i.reserved, Public: i.modified(), Modified: i.modified()}, OwnerName: n.Short, RequesterOrg: n.Short, RequesterUser: i.user, Whole: true}
	_, err := n.People.Find(i.user)
	out.Foreign = err != nil
	return out
}

// IDs lists what was given out, by identifier.
func (n *Node) IDs(_ context.Context, _ authority.Caller, f registry.Filter) (out []program.Identifier, total int64, err error) {
	n.mu.Lock()
	var found []*own
	for _, i := range n.ids {
		if passes(i, f) {
			found = append(found, &own{i.id, i.reserved, i.user, slices.Clone(i.said)})
		}
	}
	n.mu.Unlock()
	slices.SortFunc(found, func(a, b *own) int { return strings.Compare(a.id, b.id) })
	from := min(max(f.Offset, 0), len(found))
	for _, i := range found[from:min(from+f.Limit, len(found))] {
		out = append(out, n.show(i))
	}
	return out, int64(len(found)), nil
}

// passes is the filter of the list; times are strict.
func passes(i *own, f registry.Filter) bool {
	id, err := cve.ParseID(i.id)
	reserved, modified := i.reserved.UnixMilli(), i.modified().UnixMilli()
	switch {
	case f.State != "" && i.state() != f.State,
		f.Year != 0 && (err != nil || int64(id.Year) != f.Year),
		!f.ReservedAfter.IsZero() && reserved <= f.ReservedAfter.UnixMilli(),
		!f.ReservedBefore.IsZero() && reserved >= f.ReservedBefore.UnixMilli(),
		!f.ModifiedAfter.IsZero() && modified <= f.ModifiedAfter.UnixMilli(),
		!f.ModifiedBefore.IsZero() && modified >= f.ModifiedBefore.UnixMilli():
		return false
	}
	return true
}

// batches are the journal's names of those of CVE Services. A single number comes from where numbers in a row come from: an
// authority's blocks have no low numbers.
var batches = map[registry.Batch]lane.Batch{registry.Single: lane.Single, registry.Sequential: lane.Sequential, registry.NonSequential: lane.NonSequential}

// Reserve gives out numbers of the journal's lanes, with the errors of program.Service in their order. What it tells is on disk.
func (n *Node) Reserve(ctx context.Context, c authority.Caller, r program.Reservation) (out program.Reserved, err error) {
	switch {
	case r.Owner != n.Short:
		return out, program.ErrReserveForOther
	case r.Amount <= 0:
		return out, program.ErrAmount
	case r.Amount > 1 && (r.Batch == nil || *r.Batch == ""):
		return out, program.ErrNoBatch
	}
	q := n.quota()
	out.Remaining = q.Available
	if r.Amount > q.Available {
		return out, &program.QuotaError{Quota: q.Quota, Reserved: q.Reserved, Available: q.Available}
	}
	batch, err := r.Kind()
	switch {
	case err != nil:
		return out, err
	case !slices.Contains(n.Journal.Years(), r.Year):
		return out, registry.ErrNoRange
	case r.Amount > n.Journal.Free(r.Year):
		return out, registry.ErrRangeFull
	}
	who := n.username(c)
	for left := r.Amount; left > 0; {
		amount := min(left, lane.MaxAmount)
		given, numbers, err := n.Journal.Give(lane.Request{Year: r.Year, Amount: amount, Batch: batches[batch]})
		if errors.Is(err, lane.ErrNoNumbers) { // somebody was faster; what this request got so far is given out and listed
			return out, registry.ErrRangeFull
		}
		if err != nil {
			return out, err
		}
		left -= amount
		n.mu.Lock()
		ids := make([]string, len(numbers))
		for k, num := range numbers {
			i := &own{id: num.ID, reserved: given.At, user: who}
			n.ids[num.ID], ids[k] = i, num.ID
			out.IDs = append(out.IDs, n.show(i))
		}
		n.mu.Unlock()
		if err := n.noteAsked(who, ids); err != nil { // the numbers are out: only who asked is forgotten at the next start
			n.Log.WarnContext(ctx, "who asked was not written down", "err", err)
		}
	}
	out.Remaining -= int64(len(out.IDs))
	return out, nil
}

// username is who a caller is; "" for one whose key was taken back meanwhile.
func (n *Node) username(c authority.Caller) string {
	all, err := n.People.List()
	if err != nil {
		return ""
	}
	for _, p := range all {
		if p.ID == c.User {
			return p.Username
		}
	}
	return ""
}

// quota is what is reserved here, and what the lanes have left to give, up to the largest quota that there is.
func (n *Node) quota() program.Quota {
	var q program.Quota
	n.mu.Lock()
	for _, i := range n.ids {
		if i.state() == cve.Reserved {
			q.Reserved++
		}
	}
	n.mu.Unlock()
	for _, year := range n.Journal.Years() {
		q.Available += n.Journal.Free(year)
	}
	q.Available = min(q.Available, authority.MaxQuota)
	q.Quota = q.Reserved + q.Available
	return q
}
