package authority

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"tasuki/internal/store"
)

// Scopes are the standing grants of one moment, ready for many questions. They are read once and never change.
type Scopes struct {
	At     time.Time
	grants []*standingGrant
	byID   map[string]*standingGrant // ended grants too: whoever stands under one is looked for elsewhere
}

type standingGrant struct {
	Grant
	short            string
	stands           bool
	include, exclude []pattern
}

// Claim is a grant that has to do with a product.
type Claim struct {
	Grant  Grant
	Short  string // of the organisation, now
	Match  Match  // the pattern that fits; zero where the scope has none
	Weight int    // how narrowly it fits; greater is narrower
	Why    string // of a claim that does not hold: "excluded" or "end of life"
}

// Link is one grant in a chain of responsibility.
type Link struct {
	Grant Grant
	Short string
}

// Responsibility answers "who is responsible for this product?".
type Responsibility struct {
	// Holders are the CNAs whose scope fits most narrowly. More than one organisation is an overlap: they cooperate, and
	// Arbiter decides where they cannot. None is a gap.
	Holders []Claim
	Wider   []Claim // CNAs whose scope covers it less narrowly
	// Outside are CNAs whose scope would cover it but for an exclusion or their policy for the end of life.
	Outside      []Claim
	Coordinators []Claim // by activity, where they found or coordinate it and there is no holder
	// LastResort are the CNAs of last resort to ask when there is no holder, or the holder refuses; the nearest in the
	// hierarchy first.
	LastResort []Claim
	// Chain leads from the first holder, or else the first CNA of last resort, up to the head of its hierarchy.
	Chain []Link
	// Arbiter is the lowest grant that all holders stand under; nil without overlap, and where the overlap crosses
	// hierarchies: then the Council of Roots decides.
	Arbiter *Link
}

// Overlap says that more than one organisation is responsible.
func (r *Responsibility) Overlap() bool {
	return slices.ContainsFunc(r.Holders, func(c Claim) bool { return c.Grant.Org != r.Holders[0].Grant.Org })
}

// Gap says that no CNA is responsible; those of last resort are.
func (r *Responsibility) Gap() bool { return len(r.Holders) == 0 }

// ScopesAt reads the grants that stand at a time.
func ScopesAt(ctx context.Context, tx *store.Tx, at time.Time) (*Scopes, error) {
	grants, err := Grants(ctx, tx)
	if err != nil {
		return nil, err
	}
	orgs, err := scanOrgs(ctx, tx, math.MaxInt32, 0) // those without a grant come in between
	if err != nil {
		return nil, err
	}
	short := make(map[string]string, len(orgs))
	for _, o := range orgs {
		short[o.ID] = o.Short
	}
	s := &Scopes{At: at, byID: make(map[string]*standingGrant, len(grants))}
	for _, g := range grants {
		sg := compileGrant(g, short[g.Org], g.StandsAt(at))
		s.byID[g.ID] = sg
		if sg.stands {
			s.grants = append(s.grants, sg)
		}
	}
	return s, nil
}

func compileGrant(g Grant, short string, stands bool) *standingGrant {
	sg := &standingGrant{Grant: g, short: short, stands: stands}
	for _, m := range g.Scope.Include {
		sg.include = append(sg.include, m.compile())
	}
	for _, m := range g.Scope.Exclude {
		sg.exclude = append(sg.exclude, m.compile())
	}
	return sg
}

// Responsible answers one question; see ScopesAt for many.
func Responsible(ctx context.Context, tx *store.Tx, at time.Time, p Product) (*Responsibility, error) {
	s, err := ScopesAt(ctx, tx, at)
	if err != nil {
		return nil, err
	}
	return s.Responsible(p), nil
}

// Responsible says who is responsible for a product.
func (s *Scopes) Responsible(p Product) *Responsibility {
	ask := p.ask()
	r := &Responsibility{}
	for _, g := range s.grants {
		switch g.Role {
		case CNA:
			c, fits := g.claim(&ask)
			switch {
			case !fits:
			case c.Why != "":
				r.Outside = append(r.Outside, c)
			case g.Scope.Kind == Coordination:
				r.Coordinators = append(r.Coordinators, c)
			default:
				r.Holders = append(r.Holders, c)
			}
		case LastResort:
			c, fits := g.claim(&ask)
			if len(g.include) == 0 {
				c, fits = Claim{Grant: g.Grant, Short: g.short}, true
			}
			if fits && c.Why != "excluded" { // the end of life is what they are for
				c.Why = ""
				r.LastResort = append(r.LastResort, c)
			}
		}
	}
	narrowest := func(a, b Claim) int {
		return cmp.Or(cmp.Compare(b.Weight, a.Weight), cmp.Compare(a.Grant.Leaf, b.Grant.Leaf))
	}
	// One claim of each organisation, its narrowest: who holds a product by one grant is not outside it by another.
	has := map[string]bool{}
	for _, claims := range []*[]Claim{&r.Holders, &r.Outside, &r.Coordinators} {
		slices.SortFunc(*claims, narrowest)
		*claims = slices.DeleteFunc(*claims, func(c Claim) bool {
			again := has[c.Grant.Org]
			has[c.Grant.Org] = true
			return again
		})
	}
	if len(r.Holders) > 0 {
		n := slices.IndexFunc(r.Holders, func(c Claim) bool { return c.Weight < r.Holders[0].Weight })
		if n > 0 {
			r.Holders, r.Wider = r.Holders[:n:n], r.Holders[n:]
		}
		r.Coordinators = nil
	}
	s.hierarchy(r)
	return r
}

// claim says whether a scope has to do with a product, and how narrowly.
func (g *standingGrant) claim(ask *question) (Claim, bool) {
	c := Claim{Grant: g.Grant, Short: g.short}
	fits := false
	for i := range g.include {
		if p := &g.include[i]; p.fits(ask) && (!fits || p.weight > c.Weight) {
			fits, c.Match, c.Weight = true, g.Scope.Include[i], p.weight
		}
	}
	if !fits {
		return c, false
	}
	for i := range g.exclude {
		if g.exclude[i].fits(ask) {
			c.Match, c.Why = g.Scope.Exclude[i], "excluded"
			return c, true
		}
	}
	if ask.eol && g.Scope.EOL == EOLExcluded {
		c.Why = "end of life"
	}
	return c, true
}

// hierarchy fills in what the claims' places in the hierarchy say.
func (s *Scopes) hierarchy(r *Responsibility) {
	from := slices.Concat(r.Holders, r.Outside)
	near := map[string]int{} // grant to its distance from the first claim
	if len(from) > 0 {
		for i, l := range s.Chain(from[0].Grant.ID) {
			near[l.Grant.ID] = i
		}
	}
	distance := func(c Claim) int {
		for i, l := range s.Chain(c.Grant.ID) {
			if d, ok := near[l.Grant.ID]; ok {
				return 100*d + i
			}
		}
		return 100_000
	}
	slices.SortStableFunc(r.LastResort, func(a, b Claim) int {
		// Of those that are as far, the one whose scope names the product; then the one nearer to the head, whose scope is wider.
		return cmp.Or(cmp.Compare(distance(a), distance(b)), cmp.Compare(b.Weight, a.Weight),
			cmp.Compare(len(s.Chain(a.Grant.ID)), len(s.Chain(b.Grant.ID))), cmp.Compare(a.Grant.Leaf, b.Grant.Leaf))
	})
	switch {
	case len(r.Holders) > 0:
		r.Chain = s.Chain(r.Holders[0].Grant.ID)
	case len(r.LastResort) > 0:
		r.Chain = s.Chain(r.LastResort[0].Grant.ID)
	}
	if r.Overlap() {
		r.Arbiter = s.ancestor(r.Holders)
	}
}

// Chain leads from a grant (itself first) up to the head of its hierarchy. Where a parent grant has ended, the organisation's
// standing grant of the same role takes its place; where there is none, the chain ends.
func (s *Scopes) Chain(grant string) []Link {
	var out []Link
	seen := map[string]bool{}
	for g := s.byID[grant]; g != nil && !seen[g.ID]; g = s.above(g) {
		seen[g.ID] = true
		out = append(out, Link{Grant: g.Grant, Short: g.short})
	}
	return out
}

func (s *Scopes) above(g *standingGrant) *standingGrant {
	parent := s.byID[g.Parent]
	if parent == nil || parent.stands {
		return parent
	}
	for _, other := range s.grants {
		if other.Org == parent.Org && other.Role == parent.Role {
			return other
		}
	}
	return nil
}

// ancestor is the lowest grant that all claims stand under.
func (s *Scopes) ancestor(claims []Claim) *Link {
	for _, l := range s.Chain(claims[0].Grant.ID)[1:] {
		all := true
		for _, c := range claims[1:] {
			above := s.Chain(c.Grant.ID)[1:]
			all = all && slices.ContainsFunc(above, func(o Link) bool { return o.Grant.ID == l.Grant.ID })
		}
		if all {
			return &l
		}
	}
	return nil
}

// CalendarOf names the rule pack's calendar by which deadlines under a grant are counted: the nearest that a scope in its chain
// names, "" for the pack's first.
func (s *Scopes) CalendarOf(grant string) string {
	for _, l := range s.Chain(grant) {
		if l.Grant.Scope.Calendar != "" {
			return l.Grant.Scope.Calendar
		}
	}
	return ""
}

// Overlap is a product, or a whole vendor, that more than one organisation holds equally narrowly.
type Overlap struct {
	Match   Match   // the pattern it was found by
	Holders []Claim // of different organisations
	Arbiter *Link   // nil: the Council of Roots
}

// Overlaps lists where scopes of different organisations meet. It asks, for every pattern, who is responsible for what the
// pattern names, so it says of each overlap what Responsible would say; patterns that meet only in products that neither
// names are not found.
func (s *Scopes) Overlaps() []Overlap {
	var out []Overlap
	seen := map[string]bool{}
	for _, g := range s.grants {
		if g.Role != CNA || g.Scope.Kind == Coordination {
			continue
		}
		for _, m := range g.Scope.Include {
			r := s.Responsible(m.witness())
			if !r.Overlap() {
				continue
			}
			key := ""
			for _, c := range r.Holders {
				m := c.Match
				key += strings.Join([]string{c.Grant.ID, foldName(m.Vendor), foldName(m.Product), strings.ToLower(m.Namespace), strings.ToLower(m.PURL),
					strings.ToLower(m.CPE), ""}, "\x00")
			}
			if !seen[key] {
				seen[key] = true
				out = append(out, Overlap{Match: m, Holders: r.Holders, Arbiter: r.Arbiter})
			}
		}
	}
	return out
}

// witness is a product that the pattern fits, and as little else as can be.
func (m *Match) witness() Product {
	fill := func(s string) string { return strings.ReplaceAll(s, "*", "x") }
	p := Product{Vendor: fill(m.Vendor), Name: fill(m.Product), PURL: fill(m.PURL)}
	if m.Namespace != "" && m.PURL == "" {
		p.PURL = purlPrefix + m.Namespace + "/x"
	}
	if m.CPE != "" {
		p.CPE = fill(m.CPE)
	}
	return p
}

// Gaps are those of the products that no CNA is responsible for.
func (s *Scopes) Gaps(products []Product) []Product {
	return slices.DeleteFunc(slices.Clone(products), func(p Product) bool { return !s.Responsible(p).Gap() })
}

// Review is what a Root or the Secretariat would want to look at.
type Review struct {
	Overlaps []Overlap
	TextOnly []Link // CNAs, by products, whose scope no program can read: their products look like gaps
	Orphans  []Link // standing grants whose parent has ended, with nobody in its place
}

// Review lists what is wrong with the scopes as a whole.
func (s *Scopes) Review() Review {
	r := Review{Overlaps: s.Overlaps()}
	for _, g := range s.grants {
		l := Link{Grant: g.Grant, Short: g.short}
		if g.Role == CNA && g.Scope.Kind == Supplier && len(g.include) == 0 {
			r.TextOnly = append(r.TextOnly, l)
		}
		if g.Parent != "" && s.above(g) == nil {
			r.Orphans = append(r.Orphans, l)
		}
	}
	return r
}

// DeadlineUnder is RulePack.Deadline by the calendar of a grant's place in the hierarchy.
func (s *Scopes) DeadlineUnder(p *RulePack, trigger string, at time.Time, grant string) (time.Time, error) {
	due, err := p.Deadline(trigger, at, s.CalendarOf(grant))
	if errors.Is(err, ErrCalendar) {
		return time.Time{}, fmt.Errorf("grant %s: %w", grant, err)
	}
	return due, err
}
