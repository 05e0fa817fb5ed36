package main

import (
	"context"
	"strings"

	"tasuki/internal/authority"
	"tasuki/internal/store"
)

type whoRequest struct {
	Vendor, Product, PURL, CPE string
	EOL                        bool
}

// claimAnswer is a role whose scope has to do with a product.
type claimAnswer struct {
	Org   string `json:"org"` // short name
	ID    string `json:"org_UUID"`
	Role  string `json:"role"`
	Grant string `json:"grant"`
	Match string `json:"match,omitzero"` // the pattern that fits
	Why   string `json:"why,omitzero"`   // of a claim that does not hold
}

type whoAnswer struct {
	Holders      []claimAnswer `json:"holders"`
	Wider        []claimAnswer `json:"wider,omitempty"`
	Outside      []claimAnswer `json:"outside,omitempty"`
	Coordinators []claimAnswer `json:"coordinators,omitempty"`
	LastResort   []claimAnswer `json:"last_resort,omitempty"`
	Chain        []claimAnswer `json:"chain"`
	Arbiter      *claimAnswer  `json:"arbiter,omitempty"`
	Overlap      bool          `json:"overlap"`
	Gap          bool          `json:"gap"`
}

func (n *node) responsible(ctx context.Context, q whoRequest, _ Reporter) (out whoAnswer, err error) {
	err = n.db.View(ctx, func(tx *store.Tx) error {
		r, err := authority.Responsible(ctx, tx, n.now(), authority.Product{Vendor: q.Vendor, Name: q.Product, PURL: q.PURL, CPE: q.CPE, EOL: q.EOL})
		if err != nil {
			return err
		}
		out = whoAnswer{Holders: claims(r.Holders), Wider: claims(r.Wider), Outside: claims(r.Outside), Coordinators: claims(r.Coordinators),
			LastResort: claims(r.LastResort), Chain: links(r.Chain), Arbiter: linkOf(r.Arbiter), Overlap: r.Overlap(), Gap: r.Gap()}
		return nil
	})
	return out, err
}

type scopesAnswer struct {
	Overlaps []overlapAnswer `json:"overlaps"`
	TextOnly []claimAnswer   `json:"text_only"`
	Orphans  []claimAnswer   `json:"orphans"`
}

type overlapAnswer struct {
	Match   string        `json:"match"`
	Holders []claimAnswer `json:"holders"`
	Arbiter *claimAnswer  `json:"arbiter,omitempty"` // absent: the Council of Roots
}

func (n *node) reviewScopes(ctx context.Context, _ struct{}, _ Reporter) (out scopesAnswer, err error) {
	err = n.db.View(ctx, func(tx *store.Tx) error {
		s, err := authority.ScopesAt(ctx, tx, n.now())
		if err != nil {
			return err
		}
		r := s.Review()
		out = scopesAnswer{Overlaps: []overlapAnswer{}, TextOnly: links(r.TextOnly), Orphans: links(r.Orphans)}
		for _, o := range r.Overlaps {
			out.Overlaps = append(out.Overlaps, overlapAnswer{matchText(o.Match), claims(o.Holders), linkOf(o.Arbiter)})
		}
		return nil
	})
	return out, err
}

func claims(list []authority.Claim) []claimAnswer {
	out := []claimAnswer{}
	for _, c := range list {
		a := *linkOf(&authority.Link{Grant: c.Grant, Short: c.Short})
		a.Match, a.Why = matchText(c.Match), c.Why
		out = append(out, a)
	}
	return out
}

func links(list []authority.Link) []claimAnswer {
	out := []claimAnswer{}
	for _, l := range list {
		out = append(out, *linkOf(&l))
	}
	return out
}

func linkOf(l *authority.Link) *claimAnswer {
	if l == nil {
		return nil
	}
	return &claimAnswer{Org: l.Short, ID: l.Grant.Org, Role: string(l.Grant.Role), Grant: l.Grant.ID}
}

// matchText says a pattern in one line.
func matchText(m authority.Match) string {
	var parts []string
	for _, p := range []struct{ name, value string }{{"vendor", m.Vendor}, {"product", m.Product}, {"packages", m.Namespace}, {"purl", m.PURL}, {"cpe", m.CPE}} {
		if p.value != "" {
			parts = append(parts, p.name+" "+p.value)
		}
	}
	if m.Derived {
		parts = append(parts, "(read out of words)")
	}
	return strings.Join(parts, " ")
}
