package authority

import (
	"regexp"
	"slices"
	"strings"
)

var (
	endOfLife = regexp.MustCompile(`(?i)end[- ]of[- ](life|service|support|technical|manufacturing|sale)|\bEo(L|S|TS|MS)\b|` +
		`\bunsupported\b|no longer supported`)
	denied  = regexp.MustCompile(`(?i)exclud|except|not inclu(de|ding)|not be (assigned|issued)|not (assign|issue)|not yet|does not`)
	company = regexp.MustCompile(`(?i)[,.]* (incorporated|inc|llc|ltd|limited|corp|corporation|gmbh|ag|se|s\.?a|s\.?l|s\.?r\.?o|s\.?p\.?a|b\.?v|co|company|` +
		`pvt|pte|plc|ab|a/s|as|oy|kg|kk|k\.k|holdings?|group)\.?$`)
	aside  = regexp.MustCompile(`\(([^()]*)\)`)
	former = regexp.MustCompile(`(?i)^(formerly|including|aka|also known as) `)
	// lead is the list of names that a scope begins with: "All Seagate or LaCie software", "Tcpdump and Libpcap only".
	lead = regexp.MustCompile(`^(?:Primarily |Any |All |Only |Supported |Vulnerabilities (?:related to|in|for) |the )*([^.;:()]{1,160}?)(?:'s|’s)?` +
		` (?:branded |brand |supported |product )*(?:products|product issues|issues|software|solutions|projects?|only)\b`)
	acronym = regexp.MustCompile(`^[A-Z][A-Z0-9]{1,7}$`)
	commas  = regexp.MustCompile(`,? and |,? or |, `)
	capital = regexp.MustCompile(`^[A-Z0-9]`)
	generic = regexp.MustCompile(`(?i)^(open|third|other|its|our|supported|software|hardware|vulnerabilit|security|internet|industrial|` +
		`medical|product|service)`)
	desk = regexp.MustCompile(`(?i)[ _-](psirt|cna|cert|csirt|prodsec|security)$`)
)

// derive reads out of a CNA's scope in words what programs can check. It guesses only what the list means by its own
// columns: a vendor's scope covers the vendor's products.
func (s *Scope) derive(short, name string, types []string) {
	products := slices.ContainsFunc(types, func(t string) bool { return t == "Vendor" || t == "Open Source" || t == "Hosted Service" })
	for _, clause := range strings.FieldsFunc(s.Text, func(r rune) bool { return r == ';' || r == '.' }) {
		switch {
		case !endOfLife.MatchString(clause):
		case denied.MatchString(clause):
			s.EOL = EOLExcluded
		case s.EOL == EOLSilent:
			s.EOL = EOLIncluded
		}
	}
	if !products {
		s.Kind = Coordination
		return
	}
	names := []string{desk.ReplaceAllString(short, ""), withoutCompany(aside.ReplaceAllString(name, " "))}
	for _, in := range aside.FindAllStringSubmatch(name, -1) {
		if acronym.MatchString(in[1]) || former.MatchString(in[1]) {
			names = append(names, withoutCompany(former.ReplaceAllString(in[1], "")))
		}
	}
	if m := lead.FindStringSubmatch(s.Text); m != nil {
		for _, n := range commas.Split(m[1], -1) {
			if n = strings.TrimSpace(n); len(strings.Fields(n)) <= 4 && capital.MatchString(n) && !generic.MatchString(n) {
				names = append(names, withoutCompany(n))
			}
		}
	}
	seen := map[string]bool{}
	for _, n := range names {
		n = strings.ReplaceAll(n, "*", "")
		key := foldName(n)
		if key == "" || seen[key] {
			continue
		}
		seen[key] = true
		s.Include = append(s.Include, Match{Derived: true, Vendor: n})
		if slices.Contains(types, "Open Source") {
			s.Include = append(s.Include, Match{Derived: true, Product: n}) // a project is named by its product
		}
	}
}

// withoutCompany is a name without the words for its legal form.
func withoutCompany(name string) string {
	name = strings.Join(strings.Fields(name), " ")
	for {
		next := strings.TrimRight(company.ReplaceAllString(name, ""), " ,.&")
		if next == name || next == "" {
			return strings.TrimPrefix(name, "The ")
		}
		name = next
	}
}
