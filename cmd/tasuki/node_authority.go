package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tasuki/internal/authority"
	"tasuki/internal/catalogue"
	"tasuki/internal/program"
	"tasuki/internal/registry"
)

// foundRequest asks for the first Secretariat.
type foundRequest struct {
	Short, Name, User, First, Last string
	Emails, Pages                  []string
	Years                          []int64
	Margin, MarginPriority         int64
	Secret                         string
}

// foundedAnswer says what began.
type foundedAnswer struct {
	Org    orgAnswer     `json:"org"`
	User   string        `json:"user"`
	Secret string        `json:"secret,omitzero"` // where one was drawn
	Pack   string        `json:"rule_pack"`
	Ranges []rangeAnswer `json:"ranges"`
}

// rangeAnswer says how far a year has come.
type rangeAnswer struct {
	Year     int64 `json:"year"`
	Priority int64 `json:"priority"` // last number given out of each block
	General  int64 `json:"general"`
	Last     int64 `json:"last"`
}

func (r rangeAnswer) text() string {
	return fmt.Sprintf("%d is open: single identifiers go on at CVE-%d-%04d, batches at CVE-%d-%d", r.Year, r.Year, r.Priority+1, r.Year, r.General+1)
}

func rangeAnswers(list []registry.Range) []rangeAnswer {
	out := make([]rangeAnswer, len(list))
	for i, r := range list {
		out[i] = rangeAnswer{r.Year, r.Priority, r.General, r.Last}
	}
	return out
}

func (n *node) foundAuthority(ctx context.Context, q foundRequest, _ Reporter) (foundedAnswer, error) {
	got, err := n.acts.Found(ctx, operator("authority init"), program.NewSecretariat{Short: q.Short, Name: q.Name,
		Profile:  authority.Profile{Emails: q.Emails, Pages: q.Pages},
		Username: q.User, Person: authority.PersonName{First: q.First, Last: q.Last}, Secret: q.Secret, Years: q.Years,
		Margin: registry.Margin{Priority: q.MarginPriority, General: q.Margin}})
	return foundedAnswer{orgAnswerOf(got.Org), got.User.Username, got.Secret, got.Pack, rangeAnswers(got.Ranges)}, err
}

type rangesRequest struct {
	Years                  []int64
	Margin, MarginPriority int64
}

type rangesAnswer struct {
	Ranges []rangeAnswer `json:"ranges"`
}

func (n *node) openRanges(ctx context.Context, q rangesRequest, _ Reporter) (rangesAnswer, error) {
	got, _, err := n.acts.EnsureRanges(ctx, operator("authority range open"), q.Years, registry.Margin{Priority: q.MarginPriority, General: q.Margin})
	return rangesAnswer{rangeAnswers(got)}, err
}

type partnersRequest struct{ List string }

type partnersAnswer struct {
	Partners int64 `json:"partners"`
	Made     int64 `json:"made"`
	Adopted  int64 `json:"adopted"`
	Changed  int64 `json:"changed"`
	Given    int64 `json:"given"`
	Ended    int64 `json:"ended"`
}

func (n *node) importPartners(ctx context.Context, q partnersRequest, report Reporter) (partnersAnswer, error) {
	list, err := authority.LoadPartners([]byte(q.List))
	if err != nil {
		return partnersAnswer{}, err
	}
	total := int64(len(list))
	got, err := n.acts.ImportPartners(ctx, operator("import cna"), list, func(done int) {
		report.Progress(Progress{Step: "import partners", Done: int64(done), Total: total, Unit: "partners"})
	})
	return partnersAnswer{total, int64(got.Made), int64(got.Adopted), int64(got.Changed), int64(got.Given), int64(got.Ended)}, err
}

type adoptRequest struct {
	Names                  []string
	All                    bool
	As                     string
	WithoutRoles, DryRun   bool
	Margin, MarginPriority int64
}

type adoptedAnswer struct {
	Adopted int64         `json:"adopted"` // in a dry run: what would be
	Here    int64         `json:"here"`
	Refused int64         `json:"refused"`
	Orgs    []adoptedOrg  `json:"organizations"`
	Ranges  []rangeAnswer `json:"ranges,omitempty"`
}

type adoptedOrg struct {
	ID      string `json:"id"`
	Short   string `json:"short_name"`
	Outcome string `json:"outcome"`
	Reason  string `json:"reason,omitzero"`
	Records int64  `json:"records"`
}

// adoptAssigners adopts in batches. Afterwards this year and the next are open above what was imported.
func (n *node) adoptAssigners(ctx context.Context, q adoptRequest, report Reporter) (out adoptedAnswer, err error) {
	list, err := n.candidates(ctx)
	if err != nil {
		return out, err
	}
	if !q.All {
		if list, err = chosen(list, q.Names); err != nil {
			return out, err
		}
	}
	records := map[string]int64{}
	var plan []program.Adoption
	for _, c := range list {
		records[c.ID] = c.Records
		a := program.Adoption{ID: c.ID, Short: c.Short, Name: c.Short, Roles: c.RolesFor()}
		if q.As != "" {
			a.Short = q.As
		}
		if q.WithoutRoles {
			a.Roles = nil
		}
		if !q.DryRun {
			plan = append(plan, a)
			continue
		}
		d := program.Adopted{Adoption: a, Outcome: program.WasAdopted}
		if c.Adopted {
			d.Outcome = program.WasHere
		}
		out.add(d, c.Records)
	}
	total := int64(len(plan))
	err = n.acts.Adopt(ctx, operator("authority adopt"), plan, func(done []program.Adopted) {
		for _, d := range done {
			out.add(d, records[d.ID])
			if d.Outcome == program.WasRefused {
				report.Item(Item{Outcome: d.Outcome, Name: d.Short, ID: d.ID, Reason: d.Reason})
			}
		}
		report.Progress(Progress{Step: "adopt", Done: int64(len(out.Orgs)), Total: total, Unit: "organisations"})
	})
	if err != nil || q.DryRun {
		return out, err
	}
	this := int64(n.now().UTC().Year())
	ranges, _, err := n.acts.EnsureRanges(ctx, operator("authority adopt"), []int64{this, this + 1},
		registry.Margin{Priority: q.MarginPriority, General: q.Margin})
	out.Ranges = rangeAnswers(ranges)
	return out, err
}

func (a *adoptedAnswer) add(d program.Adopted, records int64) {
	switch d.Outcome {
	case program.WasAdopted:
		a.Adopted++
	case program.WasHere:
		a.Here++
	default:
		a.Refused++
	}
	a.Orgs = append(a.Orgs, adoptedOrg{d.ID, d.Short, d.Outcome, d.Reason, records})
}

// chosen are the candidates of these short names or UUIDs.
func chosen(list []program.Candidate, names []string) (out []program.Candidate, err error) {
	for _, name := range names {
		i := slices.IndexFunc(list, func(c program.Candidate) bool { return c.Short == name || c.ID == strings.ToLower(name) })
		if i < 0 {
			err = errors.Join(err, fmt.Errorf("no imported record names %q", name))
			continue
		}
		out = append(out, list[i])
	}
	return out, err
}

// candidates are the assigners that imported records name, and those who put containers into them.
func (n *node) candidates(ctx context.Context) ([]program.Candidate, error) {
	list, err := n.acts.Candidates(ctx)
	if err != nil {
		return nil, err
	}
	page, err := n.catalogue.Search(ctx, catalogue.Query{Facets: []string{"source"}, Top: everybody, IDsOnly: true, Limit: 1})
	if err != nil {
		return nil, err
	}
	for _, f := range page.Facets["source"] {
		if slices.ContainsFunc(list, func(c program.Candidate) bool { return c.ID == f.Value }) {
			continue
		}
		c, err := n.provider(ctx, f.Value)
		if err != nil {
			return nil, err
		}
		if c.Short != "" {
			list = append(list, c)
		}
	}
	return list, nil
}

// provider is who puts ADP containers into records under a UUID, as the newest of those records calls them.
func (n *node) provider(ctx context.Context, id string) (c program.Candidate, err error) {
	page, err := n.catalogue.Search(ctx, catalogue.Query{Filters: []catalogue.Filter{{Dim: "source", Values: []string{id}}}, Sort: catalogue.Newest,
		IDsOnly: true, Limit: 1})
	if err != nil || len(page.Hits) == 0 {
		return c, err
	}
	v, err := n.catalogue.Get(ctx, page.Hits[0].ID)
	if errors.Is(err, catalogue.ErrNotFound) {
		return c, nil // erased since
	}
	if err != nil {
		return c, err
	}
	for _, p := range v.Record.Containers.ADP {
		if p.Provider.OrgID == id {
			c.ID, c.Short = id, p.Provider.ShortName
		}
	}
	if c.ID == "" {
		return c, nil
	}
	got, err := n.acts.Org(ctx, operator("authority adopt"), id)
	if errors.Is(err, authority.ErrNoOrg) {
		err = nil
	}
	c.Adopted = got.Adopted
	return c, err
}
