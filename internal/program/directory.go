package program

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"tasuki/internal/authority"
	"tasuki/internal/governance"
	"tasuki/internal/registry"
	"tasuki/internal/store"
	"tasuki/spec/cve"
)

// Listed is an organisation as everybody may see it. Its quota, users and reserved identifiers are nobody's business.
type Listed struct {
	ID, Short, Name string
	Profile         authority.Profile
	Adopted         bool // made from an imported assigner
	Created         time.Time
	Grants          []authority.Grant // standing ones, the highest role first
	Above           string            // short name of the organisation that it stands under, "" for none
	Head            string            // of the head of its hierarchy, itself included; "" where it is in none
	Below           []string          // short names of those that stand under it, in alphabetical order
}

// Has says that it holds a role.
func (o *Listed) Has(r authority.OrgRole) bool {
	return slices.ContainsFunc(o.Grants, func(g authority.Grant) bool { return g.Role == r })
}

// Directory is every organisation of a list and whose scopes are whose, at one moment. It is shared: nobody changes it.
type Directory struct {
	Size   int64 // leaves of the log that it covers
	Orgs   []*Listed
	Scopes *authority.Scopes

	named map[string]*Listed // by folded short name
	ids   map[string]*Listed
	until time.Time // when a grant begins or ends by itself; zero for never
}

// Find is an organisation by short name, whatever the letters' case, or by UUID; nil when there is none.
func (d *Directory) Find(name string) *Listed {
	return cmp.Or(d.named[strings.ToLower(name)], d.ids[strings.ToLower(name)])
}

// Public is what anybody may ask of a list's authority. Whoever asks is Anonymous, so surfaces without a sign-in cannot show more.
type Public struct {
	acts *Service

	mu  sync.Mutex
	now *Directory
}

// NewPublic returns the reads of a list for everybody.
func NewPublic(acts *Service) *Public { return &Public{acts: acts} }

var stranger = authority.Caller{Role: authority.Anonymous}

// Directory is the organisations as they are. Until the log grows or a grant's time comes it is read once.
func (p *Public) Directory(ctx context.Context) (out *Directory, err error) {
	s := p.acts
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		head, err := s.Log.Head(ctx, tx)
		if err != nil {
			return err
		}
		at := s.Now()
		p.mu.Lock()
		out = p.now
		p.mu.Unlock()
		if out != nil && out.Size == head.Size && (out.until.IsZero() || at.Before(out.until)) && !at.Before(out.Scopes.At) {
			return nil
		}
		if out, err = readDirectory(ctx, tx, at); err != nil {
			return err
		}
		out.Size = head.Size
		p.mu.Lock()
		p.now = out
		p.mu.Unlock()
		return nil
	})
	return out, err
}

// ranks are the roles by how much they decide; an organisation's place in the hierarchy is that of its highest.
var ranks = []authority.OrgRole{authority.Board, authority.Secretariat, authority.TopLevelRoot, authority.Root, authority.LastResort, authority.CNA,
	authority.ADP, authority.SupplierADP, authority.RootCNA, authority.BulkDownload}

func readDirectory(ctx context.Context, tx *store.Tx, at time.Time) (*Directory, error) {
	d := &Directory{named: map[string]*Listed{}, ids: map[string]*Listed{}}
	_, total, err := authority.Orgs(ctx, tx, at, 0, 1)
	if err != nil {
		return nil, err
	}
	orgs, _, err := authority.Orgs(ctx, tx, at, 0, total)
	if err != nil {
		return nil, err
	}
	for _, o := range orgs {
		if o.Short == "" {
			continue // its naming was erased
		}
		l := &Listed{ID: o.ID, Short: o.Short, Name: o.Name, Profile: o.Profile, Adopted: o.Adopted, Created: o.Created}
		d.Orgs = append(d.Orgs, l)
		d.ids[l.ID], d.named[strings.ToLower(l.Short)] = l, l
	}
	slices.SortFunc(d.Orgs, func(a, b *Listed) int {
		return cmp.Or(cmp.Compare(strings.ToLower(a.Short), strings.ToLower(b.Short)), cmp.Compare(a.Short, b.Short))
	})
	if d.Scopes, err = authority.ScopesAt(ctx, tx, at); err != nil {
		return nil, err
	}
	grants, err := authority.Grants(ctx, tx)
	if err != nil {
		return nil, err
	}
	for _, g := range grants {
		if g.Ended.IsZero() {
			for _, t := range []time.Time{g.From, g.To} {
				if t.After(at) && (d.until.IsZero() || t.Before(d.until)) {
					d.until = t
				}
			}
		}
		if o := d.ids[g.Org]; o != nil && g.StandsAt(at) {
			o.Grants = append(o.Grants, g)
		}
	}
	for _, o := range d.Orgs {
		d.place(o)
	}
	for _, o := range d.Orgs {
		if above := d.Find(o.Above); above != nil && o.Above != "" {
			above.Below = append(above.Below, o.Short)
		}
	}
	return d, nil
}

// place finds where an organisation stands.
func (d *Directory) place(o *Listed) {
	rank := func(g authority.Grant) int { return slices.Index(ranks, g.Role) }
	slices.SortStableFunc(o.Grants, func(a, b authority.Grant) int { return cmp.Compare(rank(a), rank(b)) })
	for _, g := range o.Grants {
		chain := d.Scopes.Chain(g.ID)
		for _, l := range chain {
			if above := d.ids[l.Grant.Org]; above != nil && above != o && o.Above == "" {
				o.Above = above.Short
			}
			if above := d.ids[l.Grant.Org]; above != nil && l.Grant.Role == authority.TopLevelRoot {
				o.Head = above.Short
			}
		}
		if o.Above != "" || o.Head != "" {
			return
		}
	}
}

// Grants are the grants of an organisation, ended ones too; see Service.Grants.
func (p *Public) Grants(ctx context.Context, short string) ([]GrantView, error) {
	return p.acts.Grants(ctx, short)
}

// Activity is what an organisation does in public; see Service.ActivityOf.
func (p *Public) Activity(ctx context.Context, short string) (Activity, error) {
	return p.acts.ActivityOf(ctx, short)
}

// State is the state of an identifier that this list gave out or took in, "" for any other. Whose it is is no part of it.
func (p *Public) State(ctx context.Context, id string) (cve.State, error) {
	i, err := p.acts.ID(ctx, stranger, id)
	if errors.Is(err, registry.ErrNotFound) {
		return "", nil
	}
	return i.State, err
}

// Clocks are the running clocks; see Service.Clocks.
func (p *Public) Clocks(ctx context.Context) ([]ClockView, error) {
	return p.acts.Clocks(ctx, stranger)
}

// Cases are the cases of a workflow; see Service.Cases.
func (p *Public) Cases(ctx context.Context, w governance.Workflow) ([]CaseView, error) {
	return p.acts.Cases(ctx, stranger, w)
}

// Case is one case; see Service.Case.
func (p *Public) Case(ctx context.Context, id string) (CaseView, error) {
	return p.acts.Case(ctx, stranger, id)
}

// CasesAbout are the cases that an identifier is part of; see Service.CasesAbout.
func (p *Public) CasesAbout(ctx context.Context, id string) ([]CaseView, error) {
	return p.acts.CasesAbout(ctx, stranger, id)
}

// Tally is how an organisation keeps its deadlines.
type Tally struct {
	Short string
	governance.Timeliness
}

// Tallies counts public clocks by organisation, those with the most overdue ones first.
func (p *Public) Tallies(ctx context.Context) (out []Tally, err error) {
	err = p.acts.DB.View(ctx, func(tx *store.Tx) error {
		counts, err := governance.Tallies(ctx, tx, p.acts.Now())
		if err != nil {
			return err
		}
		n := newNames(tx, p.acts.Now())
		for org, t := range counts {
			short, err := n.org(ctx, org)
			if err != nil {
				return err
			}
			out = append(out, Tally{cmp.Or(short, org), t})
		}
		return nil
	})
	slices.SortFunc(out, func(a, b Tally) int {
		return cmp.Or(cmp.Compare(b.Overdue, a.Overdue), cmp.Compare(b.Missed, a.Missed), cmp.Compare(strings.ToLower(a.Short), strings.ToLower(b.Short)))
	})
	return out, err
}

// Ended are the clocks that ended since a time, at most limit, the newest first.
func (p *Public) Ended(ctx context.Context, since time.Time, limit int) (out []ClockView, err error) {
	err = p.acts.DB.View(ctx, func(tx *store.Tx) error {
		list, err := governance.Ended(ctx, tx, since, limit)
		if err != nil {
			return err
		}
		n, packs := newNames(tx, p.acts.Now()), map[string]*authority.RulePack{}
		for _, k := range list {
			v := ClockView{Clock: k, Key: k.ID()}
			if v.OrgName, err = n.org(ctx, k.Org); err != nil {
				return err
			}
			rules, ok := packs[k.Pack]
			if !ok {
				if rules, err = authority.RulesOf(ctx, tx, k.Pack); err != nil && !errors.Is(err, authority.ErrRulePack) {
					return fmt.Errorf("rules of %s: %w", k.Pack, err)
				}
				packs[k.Pack] = rules
			}
			v.rule(rules)
			out = append(out, v)
		}
		return nil
	})
	return out, err
}
