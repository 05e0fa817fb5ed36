package authority

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"tasuki/spec/jcs"
)

// ErrScope means a scope that breaks the rules for scopes; wrapped with the reason.
var ErrScope = errors.New("authority: not a scope")

// Scope says what a grant covers (CNA rules, section 3): in words for people and, as far as it goes, for programs.
type Scope struct {
	Calendar string    `json:"calendar,omitzero"` // of the rule pack, for deadlines of those below this grant; "" inherits
	EOL      EOL       `json:"eol,omitzero"`
	Exclude  []Match   `json:"exclude,omitempty"` // what of Include is not covered
	Include  []Match   `json:"include,omitempty"`
	Kind     ScopeKind `json:"kind,omitzero"`
	Text     string    `json:"text,omitzero"`
}

// EOL is whether identifiers are assigned for products at the end of their life. Silence means they are handled like everything
// else (CNA rules 4.2.17.6).
type EOL string

// The policies for products at the end of their life.
const (
	EOLSilent   EOL = ""
	EOLIncluded EOL = "included"
	EOLExcluded EOL = "excluded"
)

// ScopeKind is by what a scope is drawn.
type ScopeKind string

// The kinds of scopes.
const (
	Supplier     ScopeKind = ""             // by products: its own, or those it is asked to stand for
	Coordination ScopeKind = "coordination" // by activity: found or coordinated by it, unless another CNA covers the product
)

// Match is a pattern for products; all of its members that are set must fit. Names compare without regard to case, and spaces,
// "_" and "-" are one; "*" stands for any run of characters.
type Match struct {
	CPE       string `json:"cpe,omitzero"`       // "cpe:2.3:o:acme:*", component by component; what is left out is "*"
	Derived   bool   `json:"derived,omitzero"`   // guessed from words, not stated by the organisation
	Namespace string `json:"namespace,omitzero"` // of packages, "npm/@acme", "maven/org.acme": it and all below it
	Product   string `json:"product,omitzero"`
	PURL      string `json:"purl,omitzero"` // "pkg:pypi/acme*", without version, qualifiers and subpath
	Vendor    string `json:"vendor,omitzero"`
}

// Bounds of a scope: what is larger is a mistake, and must not make every question slow.
const (
	maxMatches   = 2000
	maxPattern   = 512
	maxScopeText = 20_000
)

// ParseScope reads a scope as a person or a form writes it: ordinary JSON with the members of Scope. ErrScope.
func ParseScope(raw []byte) (Scope, error) {
	canonical, err := jcs.FromJSON(raw)
	if err != nil {
		return Scope{}, fmt.Errorf("%w: %w", ErrScope, err)
	}
	var s Scope
	if err := jcs.Decode(canonical, &s); err != nil {
		return Scope{}, fmt.Errorf("%w: %w", ErrScope, err)
	}
	return s, s.Check()
}

// Check holds a scope to the rules; ErrScope. A scope may be empty, and must not consist of exclusions alone.
func (s *Scope) Check() error {
	no := func(format string, args ...any) error {
		return fmt.Errorf("%w: "+format, append([]any{ErrScope}, args...)...)
	}
	switch {
	case s.EOL != EOLSilent && s.EOL != EOLIncluded && s.EOL != EOLExcluded:
		return no("eol is %q", s.EOL)
	case s.Kind != Supplier && s.Kind != Coordination:
		return no("kind is %q", s.Kind)
	case len(s.Exclude) > 0 && len(s.Include) == 0 && s.Kind == Supplier:
		return no("it consists of exclusions alone")
	case len(s.Include)+len(s.Exclude) > maxMatches:
		return no("more than %d patterns", maxMatches)
	case utf8.RuneCountInString(s.Text) > maxScopeText || !utf8.ValidString(s.Text) || strings.Contains(s.Text, "\x00"):
		return no("text")
	case len(s.Calendar) > maxPattern || !printable(s.Calendar):
		return no("calendar")
	}
	for i, m := range s.Include {
		if why := m.check(); why != "" {
			return no("include %d: %s", i, why)
		}
	}
	for i, m := range s.Exclude {
		if why := m.check(); why != "" {
			return no("exclude %d: %s", i, why)
		}
	}
	return nil
}

func (m *Match) check() string {
	some := false
	for name, text := range map[string]string{"cpe": m.CPE, "namespace": m.Namespace, "product": m.Product, "purl": m.PURL, "vendor": m.Vendor} {
		switch {
		case len(text) > maxPattern || !printable(text):
			return name + " is too long or holds control characters"
		case text != "" && strings.Trim(foldName(text), "* ") == "":
			return name + " says nothing"
		case strings.Count(text, "*") > 16:
			return name + " holds too many wildcards"
		}
		some = some || text != ""
	}
	switch {
	case !some:
		return "it is empty"
	case m.CPE != "" && !strings.HasPrefix(m.CPE, cpePrefix):
		return "cpe does not begin with " + cpePrefix
	case m.PURL != "" && !strings.HasPrefix(m.PURL, purlPrefix):
		return "purl does not begin with " + purlPrefix
	case m.Namespace != "" && (strings.Contains(m.Namespace, "*") || strings.HasPrefix(m.Namespace, "/") || !strings.Contains(m.Namespace, "/")):
		return "namespace is not type/namespace"
	}
	return ""
}

func printable(s string) bool { return utf8.ValidString(s) && !strings.ContainsFunc(s, control) }

// foldName is a name as names are compared.
func foldName(s string) string {
	gap := func(r rune) bool { return strings.ContainsRune(" _-\u00a0\t", r) }
	return strings.Join(strings.FieldsFunc(strings.ToLower(s), gap), " ")
}
