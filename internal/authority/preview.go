package authority

import "maps"

// With are the scopes as they would be with a grant, which stands, beside the others or in the place of the one of its ID: for
// those who want to see what a scope does before they give it. short is the holder's short name.
func (s *Scopes) With(g Grant, short string) *Scopes {
	sg := compileGrant(g, short, true)
	out := &Scopes{At: s.At, byID: maps.Clone(s.byID)}
	out.byID[g.ID] = sg
	for _, old := range s.grants {
		if old.ID != g.ID {
			out.grants = append(out.grants, old)
		}
	}
	out.grants = append(out.grants, sg)
	return out
}
