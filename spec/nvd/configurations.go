package nvd

import (
	"slices"
	"strconv"
	"strings"

	"tasuki/spec/cve"
)

// Where configurations come from, as x_configurationsFrom says it.
const (
	FromCNA     = "cna"     // cpeApplicability of the CNA
	FromADP     = "adp"     // cpeApplicability of an ADP
	FromDerived = "derived" // made from affected entries with CPE names
)

// Applicable is what a record says about the products it applies to, in NVD's shape.
type Applicable struct {
	Configurations []Configuration
	From           string // FromCNA, FromADP, FromDerived, or "" when there are none
	Unmapped       []Unmapped
}

// Configurations gives the first that exists: the CNA's cpeApplicability, that of the ADPs (those who
// say the same merged), and what derives from affected entries with CPE names, the CNA's before an ADP's.
// Without derive the last is left out. Rejected records have none.
func Configurations(rec *cve.Record, derive bool) Applicable {
	var out Applicable
	if rec.Metadata.State == cve.Rejected {
		return out
	}
	var said distinct[string]
	var keys []string
	for i, c := range Containers(rec) {
		if i >= 0 && out.From == FromCNA {
			break
		}
		configurations, unmapped := applicability(c)
		out.Unmapped = append(out.Unmapped, unmapped...)
		if len(configurations) == 0 {
			continue
		}
		out.From = FromADP
		if i < 0 {
			out.From = FromCNA
		}
		for _, conf := range configurations {
			n := len(keys)
			if said.add(&keys, conf.key()); len(keys) > n {
				out.Configurations = append(out.Configurations, conf)
			}
		}
	}
	if out.From != "" || !derive {
		return out
	}
	for i, c := range Containers(rec) {
		var g gathering
		d := deriver{emit: g.add, note: g.note}
		d.container(c)
		if len(g.groups) > 0 {
			out.Configurations, out.Unmapped, out.From = g.configurations(), g.unmapped, FromDerived
			return out
		}
		if i < 0 {
			out.Unmapped = append(out.Unmapped, g.unmapped...)
		}
	}
	return out
}

// configured tells which container Configurations would draw on first, without building them.
func configured(rec *cve.Record) (container int, ok bool) {
	for i, c := range Containers(rec) {
		for _, a := range c.CPEApplicability {
			for _, n := range a.Nodes {
				for j := range n.CPEMatch {
					if _, err := parseName(n.CPEMatch[j].Criteria); err == nil {
						return i, true
					}
				}
			}
		}
	}
	d := deriver{
		emit: func(*item, CPEMatch) bool { return false },
		note: func(*cve.Affected, string) {},
	}
	for i, c := range Containers(rec) {
		if !d.container(c) {
			return i, true
		}
	}
	return 0, false
}

// applicability brings the cpeApplicability of a container into NVD's shape.
func applicability(c *cve.Container) (out []Configuration, unmapped []Unmapped) {
	for i := range c.CPEApplicability {
		a := &c.CPEApplicability[i]
		conf := Configuration{Negate: a.Negate}
		for j := range a.Nodes {
			n := &a.Nodes[j]
			node := Node{Operator: operator(n.Operator), Negate: n.Negate}
			for k := range n.CPEMatch {
				from := &n.CPEMatch[k]
				name, err := parseName(from.Criteria)
				if err != nil {
					unmapped = append(unmapped, Unmapped{Product: from.Criteria, Reason: badName})
					continue
				}
				m := CPEMatch{
					Vulnerable: from.Vulnerable, Criteria: name.String(),
					VersionStartIncluding: from.VersionStartIncluding, VersionStartExcluding: from.VersionStartExcluding,
					VersionEndIncluding: from.VersionEndIncluding, VersionEndExcluding: from.VersionEndExcluding,
				}
				m.MatchCriteriaID = MatchCriteriaID(m)
				node.CPEMatch = append(node.CPEMatch, m)
			}
			if len(node.CPEMatch) > 0 {
				conf.Nodes = append(conf.Nodes, node)
			}
		}
		if len(conf.Nodes) == 0 {
			continue
		}
		if len(conf.Nodes) > 1 && operator(a.Operator) == "AND" {
			conf.Operator = "AND"
		}
		out = append(out, conf)
	}
	return out, unmapped
}

func operator(s string) string {
	if strings.EqualFold(s, "AND") {
		return "AND"
	}
	return "OR"
}

// key is equal for configurations that say the same. Criteria hold no line feed, and bounds are quoted.
func (c Configuration) key() string {
	b := strconv.AppendBool([]byte(c.Operator+"\n"), c.Negate)
	for i := range c.Nodes {
		n := &c.Nodes[i]
		b = strconv.AppendBool(append(b, "\n\n"+n.Operator+"\n"...), n.Negate)
		for j := range n.CPEMatch {
			m := &n.CPEMatch[j]
			b = strconv.AppendBool(append(b, '\n'), m.Vulnerable)
			for _, s := range [...]string{m.Criteria, m.VersionStartIncluding, m.VersionStartExcluding, m.VersionEndIncluding, m.VersionEndExcluding} {
				b = strconv.AppendQuote(b, s)
			}
		}
	}
	return string(b)
}

// gathering collects derived criteria: one node per product, products of one entry in one node.
type gathering struct {
	groups   []*group
	byName   map[string]*group
	last     *item
	current  *group
	unmapped []Unmapped
	noted    distinct[Unmapped]
}

type group struct {
	matches   []CPEMatch
	seen      map[CPEMatch]bool
	platforms []cpeName
}

func (g *gathering) add(it *item, m CPEMatch) bool {
	if it != g.last {
		g.last, g.current = it, g.group(it)
	}
	if !g.current.seen[m] {
		g.current.seen[m] = true
		m.MatchCriteriaID = MatchCriteriaID(m)
		g.current.matches = append(g.current.matches, m)
	}
	return true
}

// group finds the node of an entry: that of the first of its products which has one, under the same platforms.
func (g *gathering) group(it *item) *group {
	if g.byName == nil {
		g.byName = map[string]*group{}
	}
	var under strings.Builder
	for _, p := range it.platforms {
		under.WriteString(p.String())
	}
	var found *group
	keys := make([]string, 0, len(it.names))
	for _, n := range it.names {
		key := n[attrPart] + ":" + n[attrVendor] + ":" + n[attrProduct] + "\n" + under.String()
		keys = append(keys, key)
		if found == nil {
			found = g.byName[key]
		}
	}
	if found == nil {
		found = &group{seen: map[CPEMatch]bool{}, platforms: it.platforms}
		g.groups = append(g.groups, found)
	}
	for _, key := range keys {
		if g.byName[key] == nil {
			g.byName[key] = found
		}
	}
	return found
}

func (g *gathering) note(a *cve.Affected, reason string) {
	u := Unmapped{a.Vendor, a.Product, reason}
	if u.Product == "" {
		u.Product = a.PackageName
	}
	g.noted.add(&g.unmapped, u)
}

func (g *gathering) configurations() []Configuration {
	out := make([]Configuration, 0, len(g.groups))
	for _, group := range g.groups {
		conf := Configuration{Nodes: []Node{{Operator: "OR", CPEMatch: group.matches}}}
		if len(group.platforms) > 0 {
			system := Node{Operator: "OR"}
			for _, p := range group.platforms {
				m := CPEMatch{Criteria: p.String()}
				m.MatchCriteriaID = MatchCriteriaID(m)
				if !slices.Contains(system.CPEMatch, m) {
					system.CPEMatch = append(system.CPEMatch, m)
				}
			}
			conf.Operator, conf.Nodes = "AND", append(conf.Nodes, system)
		}
		out = append(out, conf)
	}
	return out
}
