package web

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tasuki/internal/catalogue"
	"tasuki/internal/edge/serve/page"
	"tasuki/internal/program"
	"tasuki/internal/query"
	"tasuki/web/chart"
	"tasuki/web/cnas"
	"tasuki/web/i18n"
	"tasuki/web/search"
)

// orgMonths is how far the activity of an organisation's page looks back.
const orgMonths = 24

var orgProblem = page.Error{Status: http.StatusNotFound, Name: "org"}

// organisation is the page of one organisation, by short name or UUID; also of an assigner that is known by its records alone.
func (s *server) organisation(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("short")
	d, err := s.Authority.Directory(r.Context())
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	o := d.Find(name)
	if o != nil && orgURL(o) != cnaURL(name) {
		s.Preferences(w, r)
		to := orgURL(o)
		if r.URL.RawQuery != "" {
			to += "?" + r.URL.RawQuery
		}
		http.Redirect(w, r, to, http.StatusMovedPermanently)
		return
	}
	p, _ := s.Page(w, r)
	v := cnas.Org{Page: p, Short: name, Name: name, Imported: o == nil}
	if o != nil {
		if err := s.fillOrg(r.Context(), &v, d, o); err != nil {
			s.Fail(w, r, err)
			return
		}
	}
	known, err := s.fillActivity(r.Context(), &v)
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	if o == nil && !known && !v.Warming {
		s.Refuse(w, r, orgProblem)
		return
	}
	v.Page.Title = v.Name
	status := http.StatusOK
	if v.Warming && o == nil {
		w.Header().Set("Retry-After", "5")
		status = http.StatusServiceUnavailable
	}
	s.Send(w, r, status, cnas.OrgBody(v))
}

// fillOrg says what the list knows of an organisation.
func (s *server) fillOrg(ctx context.Context, v *cnas.Org, d *program.Directory, o *program.Listed) error {
	l := v.Page.Lang
	v.Short, v.Name, v.ID, v.Adopted = o.Short, cmp.Or(o.Name, o.Short), o.ID, o.Adopted
	fact := func(term, text string) {
		if text != "" {
			v.Facts = append(v.Facts, cnas.Fact{Term: term, Text: text})
		}
	}
	fact(l.T("cnas.roles"), roleWords(l, o))
	fact(l.T("cnas.filter.country"), o.Profile.Country)
	fact(l.T("cnas.filter.type"), strings.Join(o.Profile.Types, l.T("list.comma")))
	fact(l.T("cnas.partner"), o.Profile.PartnerID)
	v.Contact, v.Policies, v.Advises = contactOf(o), addresses(o.Profile.Policies), addresses(o.Profile.Advisories)
	grants, err := s.Authority.Grants(ctx, o.Short)
	if err != nil {
		return err
	}
	for i := range grants {
		g := s.grantOf(l, d, &grants[i])
		if grants[i].Stands || grants[i].Ended.IsZero() && grants[i].From.After(s.Now()) {
			v.Grants = append(v.Grants, g)
		} else {
			v.Former = append(v.Former, g)
		}
	}
	for seen := map[string]bool{o.Short: true}; ; {
		above := d.Find(cmp.Or(o.Above, "\x00"))
		if above == nil || seen[above.Short] {
			break
		}
		seen[above.Short] = true
		v.Chain = append(v.Chain, orgLink(above.Short))
		o = above
	}
	for _, short := range d.Find(v.Short).Below {
		v.Below = append(v.Below, orgRow(l, d.Find(short), nil))
	}
	return s.fillKeeping(ctx, v)
}

// fillKeeping says how an organisation keeps its deadlines, and which cases it is in.
func (s *server) fillKeeping(ctx context.Context, v *cnas.Org) error {
	l := v.Page.Lang
	a, err := s.Authority.Activity(ctx, v.Short)
	if err != nil {
		return err
	}
	v.Keeps = &cnas.Keeps{Met: a.Met, Missed: a.Missed, Running: a.Running, Overdue: a.Overdue, Share: share(a.Met, a.Missed), Published: a.Published}
	if a.Published > 0 {
		v.Keeps.Median = lasting(l, a.Median)
	}
	for _, c := range a.Cases {
		v.Cases = append(v.Cases, s.caseRow(l, &c))
	}
	if a.Running+a.Overdue == 0 {
		return nil
	}
	running, err := s.Authority.Clocks(ctx)
	if err != nil {
		return err
	}
	for _, k := range running {
		if k.OrgName == v.Short && len(v.Clocks) < onEntry {
			v.Clocks = append(v.Clocks, s.clockRow(l, &k))
		}
	}
	return nil
}

// share is how much of what ended, or ran out, was met.
func share(met, missed int64) string {
	if met+missed == 0 {
		return ""
	}
	return strconv.FormatInt(100*met/(met+missed), 10) + " %"
}

// lasting is a length of time in words.
func lasting(l i18n.Lang, d time.Duration) string {
	if d < 48*time.Hour {
		return l.N("cnas.hours", int64(d/time.Hour))
	}
	return l.N("cnas.days", int64(d/(24*time.Hour)))
}

// fillActivity counts the records of an assigner; known says that there are any.
func (s *server) fillActivity(ctx context.Context, v *cnas.Org) (known bool, err error) {
	if v.Warming = s.warming(); v.Warming {
		return false, nil
	}
	l := v.Page.Lang
	published, rejected := written(is("assigner", v.Short), is("state", "published")), written(is("assigner", v.Short), is("state", "rejected"))
	now := s.Now().UTC()
	var edges []int64
	first := time.Date(now.Year(), now.Month()-orgMonths+1, 1, 0, 0, 0, 0, time.UTC)
	for i := range orgMonths + 1 {
		edges = append(edges, first.AddDate(0, i, 0).UnixMilli())
	}
	found, err := s.ask(ctx, published, func(q *catalogue.Query) {
		q.Limit, q.Series = onEntry, []catalogue.Series{{Num: "published", Edges: edges}}
	})
	var unreadable *query.Error
	if errors.As(err, &unreadable) {
		return false, nil // no assigner is called so
	}
	if err != nil {
		return false, err
	}
	undone, err := s.ask(ctx, rejected, func(q *catalogue.Query) { q.Series = []catalogue.Series{{Num: "changed", Edges: edges}} })
	if err != nil {
		return false, err
	}
	v.Records, v.Rejected = int64(found.Total), int64(undone.Total)
	text := written(is("assigner", v.Short))
	v.Find, v.Feed = finds(text), addressOf("/search.atom", url.Values{"q": {text}})
	v.Newest = search.Column{Hits: hits(l, found.Hits), More: v.Find}
	v.Over, v.Undone = l.T("cnas.months", strconv.Itoa(orgMonths)), l.T("cnas.months.rejected", strconv.Itoa(orgMonths))
	if len(found.Series) > 0 {
		v.Months = months(found.Series[0], first, func(month string) string { return finds(published + " published:" + month) })
	}
	if len(undone.Series) > 0 && slices.ContainsFunc(undone.Series[0], func(n int) bool { return n > 0 }) {
		v.Rejects = months(undone.Series[0], first, func(month string) string { return finds(rejected + " changed:" + month) })
	}
	if known = v.Records+v.Rejected > 0; known {
		v.Assigner = nameURL("assigner", v.Short)
	}
	return known, nil
}

// months are the bars of a chart; each January is named below its bar, and the first and last month.
func months(series []int, first time.Time, href func(month string) string) (bins []chart.Bin) {
	for i, n := range series {
		at := first.AddDate(0, i, 0)
		month := at.Format("2006-01")
		b := chart.Bin{Label: month, N: int64(n), Href: href(month)}
		if last := len(series) - 1; i == 0 || i == last || at.Month() == time.January && i > 3 && last-i > 3 {
			b.Tick = month
		}
		bins = append(bins, b)
	}
	return bins
}

func contactOf(o *program.Listed) cnas.Contact {
	return cnas.Contact{Emails: o.Profile.Emails, Pages: addresses(o.Profile.Pages)}
}

// addresses are those of the texts that are addresses of pages.
func addresses(list []string) (out []string) {
	for _, address := range list {
		if u, err := url.Parse(address); err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" {
			out = append(out, address)
		}
	}
	return out
}
