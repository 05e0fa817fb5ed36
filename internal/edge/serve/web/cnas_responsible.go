package web

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"tasuki/internal/authority"
	"tasuki/internal/program"
	"tasuki/web/cnas"
	"tasuki/web/i18n"
)

// Bounds of the question who is responsible.
const (
	maxAsked = 1000 // bytes of each of its texts
	onNamed  = 5    // organisations of the vendor's name
)

// responsible answers who is responsible: /responsible?vendor=&product=&code=&eol=1. code is a package URL or a CPE name; purl and cpe
// are taken too, as the native API has them.
func (s *server) responsible(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	ask := cnas.Question{Vendor: strings.TrimSpace(q.Get("vendor")), Product: strings.TrimSpace(q.Get("product")),
		Code: strings.TrimSpace(cmp.Or(q.Get("code"), q.Get("purl"), q.Get("cpe"))), EOL: q.Get("eol") != "" && q.Get("eol") != "0"}
	if max(len(ask.Vendor), len(ask.Product), len(ask.Code)) > maxAsked {
		s.Refuse(w, r, queryProblem)
		return
	}
	d, err := s.Authority.Directory(r.Context())
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	p, _ := s.Page(w, r)
	p.Title = p.Lang.T("cnas.who")
	v := cnas.Answer{Page: p, Ask: ask, Asked: ask.Vendor+ask.Product+ask.Code != ""}
	if v.Asked {
		product := authority.Product{Vendor: ask.Vendor, Name: ask.Product, EOL: ask.EOL}
		if code := ask.Code; strings.HasPrefix(strings.ToLower(code), "cpe:") {
			product.CPE = code
		} else {
			product.PURL = code
		}
		answer(p.Lang, &v, d, d.Scopes.Responsible(product))
		v.Page.Title = v.Headline
	}
	s.Send(w, r, http.StatusOK, cnas.AnswerBody(v))
}

// answer puts an answer into words: whom to write to, then why.
func answer(l i18n.Lang, v *cnas.Answer, d *program.Directory, a *authority.Responsibility) {
	names := func(claims []authority.Claim) string {
		var out []string
		for _, c := range claims {
			out = append(out, nameOf(d, c.Grant.Org, c.Short))
		}
		return strings.Join(out, l.T("list.comma"))
	}
	switch {
	case a.Overlap():
		v.Kind, v.Headline = "overlap", l.T("cnas.overlap", names(a.Holders))
		v.Explain = append(v.Explain, l.T("cnas.overlap.text"))
		if v.Arbiter = l.T("cnas.arbiter.council"); a.Arbiter != nil {
			v.Arbiter, v.ArbiterOrg = l.T("cnas.arbiter"), orgLink(a.Arbiter.Short)
		}
	case len(a.Holders) > 0:
		v.Kind, v.Headline = "holder", l.T("cnas.holder", names(a.Holders[:1]))
		if a.Holders[0].Match.Derived {
			v.Explain = append(v.Explain, l.T("cnas.holder.derived"))
		}
	case len(a.LastResort) > 0:
		v.Kind, v.Headline = "gap", l.T("cnas.gap", names(a.LastResort[:1]))
		v.Explain = append(v.Explain, l.T("cnas.gap.text"))
	default:
		v.Kind, v.Headline = "nobody", l.T("cnas.nobody")
		v.Explain = append(v.Explain, l.T("cnas.nobody.text"))
	}
	for _, c := range a.Outside {
		v.Explain = append(v.Explain, outsideWords(l, nameOf(d, c.Grant.Org, c.Short), c))
	}
	if len(a.Holders) > 0 {
		for _, c := range a.Holders {
			v.Write = append(v.Write, writer(l, d, c, l.T("cnas.why", matchWords(l, c.Match))))
		}
	} else {
		for _, c := range a.Coordinators {
			v.Write = append(v.Write, writer(l, d, c, l.T("cnas.why.coordinates")))
		}
		for _, c := range a.LastResort {
			v.Write = append(v.Write, writer(l, d, c, l.T("cnas.role."+string(authority.LastResort))))
		}
	}
	for i, link := range a.Chain {
		role := l.T("cnas.role." + string(link.Grant.Role))
		if i > 0 && link.Grant.Org == a.Chain[i-1].Grant.Org {
			v.Chain[len(v.Chain)-1].Role += l.T("list.comma") + role
			continue
		}
		v.Chain = append(v.Chain, cnas.Step{Org: orgLink(link.Short), Name: nameOf(d, link.Grant.Org, ""), Role: role})
	}
	for _, g := range []struct {
		name   string
		claims []authority.Claim
	}{{"wider", a.Wider}, {"outside", a.Outside}, {"coordinators", a.Coordinators}, {"lastresort", a.LastResort}} {
		if len(g.claims) == 0 || g.name == "lastresort" && a.Gap() {
			continue // those are whom to write to
		}
		group := cnas.Group{Title: l.T("cnas.group." + g.name), Text: l.T("cnas.group." + g.name + ".text")}
		for _, c := range g.claims {
			claim := cnas.Claim{Org: orgLink(c.Short), Name: nameOf(d, c.Grant.Org, ""), Match: matchWords(l, c.Match)}
			if c.Why != "" {
				claim.Why = whyWords(l, c)
			}
			group.Claims = append(group.Claims, claim)
		}
		v.Groups = append(v.Groups, group)
	}
	v.Named = named(l, d, v.Ask.Vendor, a)
}

// outsideWords says in a sentence why a claim does not hold.
func outsideWords(l i18n.Lang, name string, c authority.Claim) string {
	if c.Why == "end of life" {
		return l.T("cnas.outside.eol", name)
	}
	return l.T("cnas.outside.excluded", name, matchWords(l, c.Match))
}

func whyWords(l i18n.Lang, c authority.Claim) string {
	if c.Why == "end of life" {
		return l.T("cnas.why.eol")
	}
	return l.T("cnas.why.excluded")
}

func writer(l i18n.Lang, d *program.Directory, c authority.Claim, why string) cnas.Writer {
	w := cnas.Writer{Org: orgLink(c.Short), Name: nameOf(d, c.Grant.Org, c.Short), Why: why}
	if o := d.Find(c.Grant.Org); o != nil {
		w.Contact, w.Policy = contactOf(o), addresses(o.Profile.Policies)
	}
	return w
}

// named are organisations that are called like the vendor, that the answer does not name and whose scope is in words alone.
func named(l i18n.Lang, d *program.Directory, vendor string, a *authority.Responsibility) (out []cnas.Row) {
	vendor = strings.ToLower(vendor)
	if len(vendor) < 3 || len(a.Holders) > 0 {
		return nil
	}
	for _, o := range d.Orgs {
		likely := strings.Contains(strings.ToLower(o.Name), vendor) || strings.Contains(strings.ToLower(o.Short), vendor)
		said := slices.ContainsFunc(slices.Concat(a.Outside, a.Coordinators, a.LastResort), func(c authority.Claim) bool { return c.Grant.Org == o.ID })
		if likely && !said && o.Has(authority.CNA) && len(out) < onNamed {
			out = append(out, orgRow(l, o, nil))
		}
	}
	return out
}

// nameOf is what an organisation is called; other where there is none of it here.
func nameOf(d *program.Directory, id, other string) string {
	if o := d.Find(id); o != nil {
		return cmp.Or(o.Name, o.Short)
	}
	return other
}
