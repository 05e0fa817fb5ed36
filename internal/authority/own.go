package authority

// MemberOf is the standing of a member where no list's tables say it: at an authority's own node, whose keeper vouches for both. The
// roles are the organisation's, under the built-in rules.
func MemberOf(o Org, u User, roles ...OrgRole) Standing {
	s := Standing{Caller: Caller{Role: Member, Org: o.ID, User: u.ID}, Org: o, User: u, Roles: roles, rules: Builtin()}
	s.Org.Roles = nil
	for _, r := range roles {
		s.Org.addRole(r)
	}
	return s
}
