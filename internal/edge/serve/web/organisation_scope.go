package web

import (
	"strings"

	"tasuki/internal/authority"
	"tasuki/internal/program"
	"tasuki/web/cnas"
	"tasuki/web/i18n"
)

// grantOf is a role with its scope in words.
func (s *server) grantOf(l i18n.Lang, d *program.Directory, g *program.GrantView) cnas.Grant {
	out := cnas.Grant{Role: l.T("cnas.role." + string(g.Role)), Text: g.Scope.Text, EOL: l.T("cnas.eol." + eolKey(g.Scope.EOL)), Above: orgLink(g.Above),
		Decision: g.Decision.Text, From: g.From, To: g.To, Pack: g.Pack, Leaf: g.Leaf, Ended: g.Ended, Reason: g.Reason}
	if g.Scope.Kind == authority.Coordination {
		out.Kind = l.T("cnas.kind.coordination")
	}
	for _, m := range g.Scope.Include {
		out.Covers = append(out.Covers, matchWords(l, m))
		out.Derived = out.Derived || m.Derived
	}
	for _, m := range g.Scope.Exclude {
		out.Not = append(out.Not, matchWords(l, m))
	}
	if ref := addresses([]string{g.Decision.Ref}); len(ref) > 0 {
		out.Ref = ref[0]
	} else if g.Decision.Ref != "" {
		out.Decision = strings.TrimSpace(out.Decision + " " + g.Decision.Ref)
	}
	if by := d.Find(g.Decision.By); by != nil && g.Decision.By != "" {
		out.Decided = orgLink(by.Short)
	}
	return out
}

func eolKey(e authority.EOL) string {
	if e == authority.EOLSilent {
		return "silent"
	}
	return string(e)
}

// matchWords says a pattern in words: what all of a product has to be.
func matchWords(l i18n.Lang, m authority.Match) string {
	var out []string
	for _, part := range []struct{ name, value string }{{"vendor", m.Vendor}, {"product", m.Product}, {"namespace", m.Namespace}, {"purl", m.PURL}, {"cpe", m.CPE}} {
		if part.value != "" {
			out = append(out, l.T("cnas.match."+part.name, part.value))
		}
	}
	if len(out) == 0 {
		return l.T("cnas.match.all")
	}
	return strings.Join(out, l.T("list.comma"))
}
