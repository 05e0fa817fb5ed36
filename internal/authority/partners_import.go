package authority

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"tasuki/internal/event"
	"tasuki/internal/store"
)

// Imported counts what an import of partners did.
type Imported struct {
	Made, Adopted, Changed int // organisations
	Given, Ended           int // grants
}

// ImportPartners makes organisations and grants of a partner list, each grant under that of its Root. idOf gives the permanent
// UUID of an organisation that is known elsewhere (an imported assigner) by its short name, "" for a fresh one; it may be nil.
// An organisation of that short name that is here is kept and brought up to date; importing the same list again does nothing.
// by is the organisation that decided it, "" for the operator.
func ImportPartners(ctx context.Context, tx *store.Tx, t event.Turn, list []Partner, idOf func(short string) string, by string) (Imported, error) {
	var n Imported
	orgs := make(map[string]string, len(list)) // short name to UUID
	for _, p := range list {
		id, err := importOrg(ctx, tx, t, p, idOf, by, &n)
		if err != nil {
			return n, fmt.Errorf("partner %s: %w", p.Short, err)
		}
		orgs[p.Short] = id
	}
	// Grants stand under grants, so each role waits for those it may stand under: heads, then Roots, then the others.
	grants := map[string]map[OrgRole]string{}
	for _, known := range partnerRoles {
		for _, p := range list {
			i := slices.IndexFunc(p.Roles, func(r PartnerRole) bool { return r.Role == known.role })
			if i < 0 {
				continue
			}
			g := NewGrant{Org: orgs[p.Short], Role: known.role, Scope: p.Roles[i].Scope, By: by,
				Decision: Decision{Text: "as the Program's partner list has it"}}
			switch known.role {
			case Root:
				g.Parent = grants[p.TopLevel][TopLevelRoot]
			case CNA, LastResort:
				g.Parent = p.above(grants)
			}
			id, err := importGrant(ctx, tx, t, g, &n)
			if err != nil {
				return n, fmt.Errorf("partner %s: %w", p.Short, err)
			}
			if grants[p.Short] == nil {
				grants[p.Short] = map[OrgRole]string{}
			}
			grants[p.Short][known.role] = id
		}
	}
	return n, nil
}

// above is the grant that a CNA stands under: its own as a Root, else its Root's, else that of the head of its hierarchy.
func (p *Partner) above(grants map[string]map[OrgRole]string) string {
	for _, short := range []string{p.Short, p.Root, p.TopLevel} {
		for _, role := range []OrgRole{Root, TopLevelRoot} {
			if id := grants[short][role]; id != "" {
				return id
			}
		}
	}
	return ""
}

func importOrg(ctx context.Context, tx *store.Tx, t event.Turn, p Partner, idOf func(string) string, by string, n *Imported) (string, error) {
	o, err := GetOrg(ctx, tx, t.Now(), p.Short)
	known := ""
	if idOf != nil {
		known = idOf(p.Short)
	}
	if errors.Is(err, ErrNoOrg) && known != "" {
		o, err = GetOrg(ctx, tx, t.Now(), known) // it is here by another short name
	}
	switch {
	case errors.Is(err, ErrNoOrg):
		fresh := NewOrg{ID: known, Short: p.Short, Name: p.Name, Profile: p.Profile, By: by}
		if known == "" {
			n.Made++
			o, err = Register(ctx, tx, t, fresh)
		} else {
			n.Adopted++
			o, err = Adopt(ctx, tx, t, fresh)
		}
		return o.ID, err
	case err != nil:
		return "", err
	case o.Name == p.Name && o.Short == p.Short && reflect.DeepEqual(o.Profile, p.Profile):
		return o.ID, nil
	}
	n.Changed++
	c := OrgChange{Name: &p.Name, Profile: &p.Profile, By: by}
	if o.Short != p.Short {
		c.Short = &p.Short
	}
	_, err = ChangeOrg(ctx, tx, t, o.ID, c)
	return o.ID, err
}

// importGrant gives a role unless it is held just so; one that is held otherwise is ended. It returns the grant that stands.
func importGrant(ctx context.Context, tx *store.Tx, t event.Turn, g NewGrant, n *Imported) (string, error) {
	have, err := GrantsOf(ctx, tx, g.Org)
	if err != nil {
		return "", err
	}
	var stale []string
	for _, h := range have {
		if h.Role != g.Role || !h.StandsAt(t.Now()) {
			continue
		}
		if h.Parent == g.Parent && reflect.DeepEqual(h.Scope, g.Scope) {
			return h.ID, nil
		}
		// What somebody wrote for programs is not undone by what was derived from words; nor is a scope that was stated.
		if h.Decision.Text != g.Decision.Text && (len(h.Scope.Include) > 0 || h.Scope.Text != "") {
			return h.ID, nil
		}
		stale = append(stale, h.ID)
	}
	made, err := GiveGrant(ctx, tx, t, g)
	if err != nil {
		return "", err
	}
	n.Given++
	for _, id := range stale {
		n.Ended++
		if err := EndGrant(ctx, tx, t, id, "replaced", g.By); err != nil {
			return "", err
		}
	}
	return made.ID, nil
}
