package authority

import (
	"errors"
	"fmt"
	"html"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
)

// ErrPartners means that a text is no partner list.
var ErrPartners = errors.New("authority: not a partner list")

// Partner is one entry of the Program's list of partners (CNAsList.json of the CVE web site).
type Partner struct {
	Short, Name string
	Profile     Profile
	Roles       []PartnerRole // of governance, the highest first
	Root        string        // short name of the Root it reports to, "" for none
	TopLevel    string        // short name of the head of its hierarchy, "" for a head
}

// PartnerRole is a role with its scope.
type PartnerRole struct {
	Role  OrgRole
	Scope Scope
}

// listed is the part of an entry that is read. Members that are not listed here are passed over: the list is somebody else's.
type listed struct {
	ShortName        string `json:"shortName"`
	CNAID            string `json:"cnaID"`
	OrganizationName string `json:"organizationName"`
	Scope            string `json:"scope"`
	Country          string `json:"country"`
	Contact          []struct {
		Email []struct {
			EmailAddr string `json:"emailAddr"`
		} `json:"email"`
		Contact []link `json:"contact"`
		Form    []link `json:"form"`
	} `json:"contact"`
	DisclosurePolicy   []link `json:"disclosurePolicy"`
	SecurityAdvisories struct {
		Advisories []link `json:"advisories"`
	} `json:"securityAdvisories"`
	CNA struct {
		Root struct {
			ShortName string `json:"shortName"`
		} `json:"root"`
		TLR struct {
			ShortName string `json:"shortName"`
		} `json:"TLR"`
		Type  []string `json:"type"`
		Roles []struct {
			Role string `json:"role"`
		} `json:"roles"`
	} `json:"CNA"`
}

type link struct {
	URL string `json:"url"`
}

// partnerRoles are the list's words for roles, in the order in which their grants depend on each other.
var partnerRoles = []struct {
	word string
	role OrgRole
}{
	{"Secretariat", Secretariat}, {"Top-Level Root", TopLevelRoot}, {"Root", Root}, {"CNA-LR", LastResort}, {"CNA", CNA}, {"ADP", ADP},
}

// LoadPartners reads the Program's list of partners. The list says scopes in words; what can be read out of the words for
// programs (whose products, whether products at the end of their life are covered) is marked as derived. ErrPartners, also for
// a role that there is not and a Root that is not in the list.
func LoadPartners(raw []byte) ([]Partner, error) {
	var entries []listed
	if err := json.Unmarshal(raw, &entries); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPartners, err)
	}
	if len(entries) == 0 {
		return nil, fmt.Errorf("%w: it is empty", ErrPartners)
	}
	var out []Partner
	place := map[string]int{}
	for i := range entries {
		p, err := entries[i].partner()
		if err != nil {
			return nil, err
		}
		if _, twice := place[p.Short]; twice {
			return nil, fmt.Errorf("%w: %q stands twice", ErrPartners, p.Short)
		}
		place[p.Short] = len(out)
		out = append(out, p)
	}
	has := func(short string, roles ...OrgRole) bool {
		i, ok := place[short]
		return ok && slices.ContainsFunc(out[i].Roles, func(r PartnerRole) bool { return slices.Contains(roles, r.Role) })
	}
	for _, p := range out {
		if p.Root != "" && !has(p.Root, Root, TopLevelRoot) || p.TopLevel != "" && !has(p.TopLevel, TopLevelRoot) {
			return nil, fmt.Errorf("%w: %q reports to %q under %q, which are no Roots of it", ErrPartners, p.Short, p.Root, p.TopLevel)
		}
	}
	return out, nil
}

func (e *listed) partner() (Partner, error) {
	p := Partner{Short: plainText(e.ShortName), Name: plainText(e.OrganizationName), Root: named(e.CNA.Root.ShortName),
		TopLevel: named(e.CNA.TLR.ShortName)}
	b := orgBody{Name: p.Name, Short: p.Short}
	if err := b.check(); err != nil {
		return Partner{}, fmt.Errorf("%w: %q: %w", ErrPartners, p.Short, err)
	}
	p.Profile = Profile{Country: named(e.Country), PartnerID: e.CNAID}
	for _, t := range e.CNA.Type {
		if named(t) != "" {
			p.Profile.Types = append(p.Profile.Types, t)
		}
	}
	for _, c := range e.Contact {
		for _, m := range c.Email {
			p.Profile.Emails = append(p.Profile.Emails, strings.TrimSpace(m.EmailAddr))
		}
		p.Profile.Pages = append(p.Profile.Pages, addresses(slices.Concat(c.Contact, c.Form))...)
	}
	p.Profile.Policies, p.Profile.Advisories = addresses(e.DisclosurePolicy), addresses(e.SecurityAdvisories.Advisories)
	scopes := splitScope(plainText(e.Scope))
	held := map[string]bool{}
	for _, r := range e.CNA.Roles {
		held[r.Role] = true
	}
	for _, known := range partnerRoles {
		if !held[known.word] {
			continue
		}
		delete(held, known.word)
		scope := Scope{Text: scopes[known.word]}
		if scope.Text == "" {
			scope.Text = scopes[""]
		}
		if known.role == CNA {
			scope.derive(p.Short, p.Name, p.Profile.Types)
		}
		if err := scope.Check(); err != nil {
			return Partner{}, fmt.Errorf("%w: %q: %w", ErrPartners, p.Short, err)
		}
		p.Roles = append(p.Roles, PartnerRole{Role: known.role, Scope: scope})
	}
	for word := range held {
		return Partner{}, fmt.Errorf("%w: %q has the role %q", ErrPartners, p.Short, word)
	}
	return p, nil
}

// named is a text of the list, "" where it says that there is none.
func named(s string) string {
	s = plainText(s)
	if strings.EqualFold(s, "n/a") {
		return ""
	}
	return s
}

func addresses(links []link) []string {
	var out []string
	for _, l := range links {
		if u := strings.TrimSpace(l.URL); strings.HasPrefix(u, "https://") || strings.HasPrefix(u, "http://") {
			out = append(out, u)
		}
	}
	return distinct(out)
}

var (
	tag      = regexp.MustCompile(`<[^<>]*>`)
	breaks   = regexp.MustCompile(`(?i)<br */?>|</p>|</li>`)
	spaces   = regexp.MustCompile(`\s+`)
	roleHead = regexp.MustCompile(`(Top-Level Root|Root|CNA-LR|CNA|ADP|Secretariat) Scope:`)
)

// plainText is a text of the list without its markup.
func plainText(s string) string {
	s = tag.ReplaceAllString(breaks.ReplaceAllString(s, ". "), "")
	s = html.UnescapeString(s)
	s = strings.Map(func(r rune) rune {
		if control(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return strings.TrimSpace(spaces.ReplaceAllString(s, " "))
}

// splitScope parts a text that states a scope for each of several roles; key "" is the whole.
func splitScope(text string) map[string]string {
	out := map[string]string{"": text}
	heads := roleHead.FindAllStringSubmatchIndex(text, -1)
	for i, h := range heads {
		end := len(text)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		out[text[h[2]:h[3]]] = strings.Trim(text[h[1]:end], " .")
	}
	return out
}
