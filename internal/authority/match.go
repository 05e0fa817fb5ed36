package authority

import (
	"net/url"
	"strings"
)

// Product is what somebody asks about: any of vendor and name, package URL, CPE name.
type Product struct {
	Vendor, Name string
	PURL         string // "pkg:npm/%40acme/core@1.2.3"
	CPE          string // "cpe:2.3:a:acme:core:1.2.3:*:*:*:*:*:*:*"
	EOL          bool   // every version in question is at the end of its life
}

const (
	cpePrefix  = "cpe:2.3:"
	purlPrefix = "pkg:"
)

// question is a Product made ready for many comparisons.
type question struct {
	vendors, names []string // folded
	purl           string   // type/namespace/name, lower case, nothing escaped
	cpe            []string // components from part on, lower case
	eol            bool
}

func (p *Product) ask() question {
	ask := question{purl: purlPath(p.PURL), cpe: cpeParts(p.CPE), eol: p.EOL}
	add := func(to *[]string, name string) {
		if name = foldName(name); name != "" && name != "*" {
			*to = append(*to, name)
		}
	}
	add(&ask.vendors, p.Vendor)
	add(&ask.names, p.Name)
	if len(ask.cpe) > 2 {
		add(&ask.vendors, ask.cpe[1])
		add(&ask.names, ask.cpe[2])
	}
	if i := strings.LastIndexByte(ask.purl, '/'); i >= 0 {
		add(&ask.names, ask.purl[i+1:])
	}
	return ask
}

// pattern is a Match made ready for many comparisons.
type pattern struct {
	vendor, product, namespace, purl string
	cpe                              []string
	weight                           int
}

// Weights: a product that is named counts more than a vendor, a name without wildcard more than one with. What is named by
// vendor and product weighs as much whichever way it is named.
const (
	vendorWeight  = 30
	productWeight = 40
)

func (m *Match) compile() pattern {
	p := pattern{vendor: foldName(m.Vendor), product: foldName(m.Product), namespace: strings.TrimSuffix(strings.ToLower(unescape(m.Namespace)), "/"),
		purl: purlPath(m.PURL), cpe: cpeParts(m.CPE)}
	p.weight = weigh(p.vendor, vendorWeight) + weigh(p.product, productWeight)
	if len(p.cpe) > 1 {
		w := weigh(p.cpe[1], vendorWeight)
		if len(p.cpe) > 2 {
			w += weigh(p.cpe[2], productWeight)
		}
		p.weight = max(p.weight, w)
	}
	if p.namespace != "" {
		// A deeper namespace is narrower, and none as narrow as a package.
		p.weight = max(p.weight, min(vendorWeight+strings.Count(p.namespace, "/")+strings.Count(p.namespace, "."), vendorWeight+productWeight-1))
	}
	if i := strings.LastIndexByte(p.purl, '/'); i >= 0 {
		p.weight = max(p.weight, vendorWeight+weigh(p.purl[i+1:], productWeight))
	}
	return p
}

// weigh is what a name counts: all of full, or half with a wildcard, or nothing where it says nothing.
func weigh(name string, full int) int {
	switch {
	case name == "" || strings.Trim(name, "* ") == "":
		return 0
	case strings.Contains(name, "*"):
		return full / 2
	}
	return full
}

// fits says whether every member of the pattern fits the question. What the question does not say fits no pattern about it.
func (p *pattern) fits(ask *question) bool {
	if p.vendor != "" && !anyFits(p.vendor, ask.vendors) || p.product != "" && !anyFits(p.product, ask.names) {
		return false
	}
	if p.namespace != "" && !below(ask.purl, p.namespace) {
		return false
	}
	if p.purl != "" && !glob(p.purl, ask.purl) {
		return false
	}
	if len(p.cpe) > 0 && len(ask.cpe) == 0 {
		return false
	}
	for i, part := range p.cpe {
		if part == "*" || i < len(ask.cpe) && glob(part, ask.cpe[i]) {
			continue
		}
		return false
	}
	return true
}

// below says whether a package is in a namespace. Maven's group identifiers go down at dots, not at slashes.
func below(purl, namespace string) bool {
	rest, ok := strings.CutPrefix(purl, namespace)
	return ok && (rest == "" || rest[0] == '/' || rest[0] == '.' && strings.HasPrefix(namespace, "maven/"))
}

func anyFits(pattern string, names []string) bool {
	for _, name := range names {
		if glob(pattern, name) {
			return true
		}
	}
	return false
}

// glob compares with "*" for any run of characters, in time linear in the product of the lengths at worst.
func glob(pattern, s string) bool {
	star, mark := -1, 0
	i, j := 0, 0
	for j < len(s) {
		switch {
		case i < len(pattern) && pattern[i] == '*':
			star, mark = i, j
			i++
		case i < len(pattern) && pattern[i] == s[j]:
			i++
			j++
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	for i < len(pattern) && pattern[i] == '*' {
		i++
	}
	return i == len(pattern)
}

// purlPath is the part of a package URL that names the package: type/namespace/name, unescaped, in lower case. "" where the
// text is no package URL. An @ that begins a namespace segment ("@angular") is not the one before a version.
func purlPath(text string) string {
	rest, ok := strings.CutPrefix(strings.ToLower(strings.TrimSpace(text)), purlPrefix)
	if !ok {
		return ""
	}
	rest, _, _ = strings.Cut(rest, "#")
	rest, _, _ = strings.Cut(rest, "?")
	if i := strings.LastIndexByte(rest, '@'); i > 0 && rest[i-1] != '/' {
		rest = rest[:i]
	}
	return unescape(strings.Trim(rest, "/"))
}

func unescape(s string) string {
	if u, err := url.PathUnescape(s); err == nil {
		return u
	}
	return s
}

// cpeParts are the components of a CPE 2.3 formatted string from the part on, unquoted, in lower case; nil where the text is
// none.
func cpeParts(text string) []string {
	rest, ok := strings.CutPrefix(strings.ToLower(strings.TrimSpace(text)), cpePrefix)
	if !ok {
		return nil
	}
	parts := []string{""}
	for i := 0; i < len(rest); i++ {
		switch c := rest[i]; {
		case c == '\\' && i+1 < len(rest):
			i++
			parts[len(parts)-1] += string(rest[i])
		case c == ':':
			parts = append(parts, "")
		default:
			parts[len(parts)-1] += string(c)
		}
	}
	return parts
}
