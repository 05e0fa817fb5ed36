package lane

import (
	"context"
	"errors"
	"strings"

	"tasuki/internal/authority"
	"tasuki/internal/lane"
	"tasuki/internal/program"
)

// Org is the authority itself, by short name or UUID; of others nothing is known here: authority.ErrOtherOrg.
func (n *Node) Org(_ context.Context, _ authority.Caller, name string) (authority.Org, error) {
	if name != n.Short && !strings.EqualFold(name, n.Options.Org) {
		return authority.Org{}, authority.ErrOtherOrg
	}
	o := authority.MemberOf(n.org(), authority.User{}, authority.CNA).Org
	o.Quota = n.quota().Quota
	return o, nil
}

// QuotaOf is what is reserved here, and the free numbers of the lanes: authority.ErrOtherOrg.
func (n *Node) QuotaOf(_ context.Context, _ authority.Caller, short string) (program.Quota, error) {
	if short != n.Short {
		return program.Quota{}, authority.ErrOtherOrg
	}
	return n.quota(), nil
}

// User is one of those who have a key: authority.ErrOtherOrg, authority.ErrNoUser.
func (n *Node) User(_ context.Context, _ authority.Caller, short, username string) (authority.User, error) {
	if short != n.Short {
		return authority.User{}, authority.ErrOtherOrg
	}
	p, err := n.People.Find(username)
	if errors.Is(err, lane.ErrNobody) {
		return authority.User{}, authority.ErrNoUser
	}
	return n.user(p), err
}

// UsersOf lists those who have a key: authority.ErrOtherOrg.
func (n *Node) UsersOf(_ context.Context, _ authority.Caller, short string, offset, limit int) (out []authority.User, total int, err error) {
	if short != n.Short {
		return nil, 0, authority.ErrOtherOrg
	}
	all, err := n.People.List()
	if err != nil {
		return nil, 0, err
	}
	from := min(max(offset, 0), len(all))
	for _, p := range all[from:min(from+limit, len(all))] {
		out = append(out, n.user(p))
	}
	return out, len(all), nil
}
