package portal

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tasuki/internal/authority"
	"tasuki/internal/program"
	"tasuki/internal/registry"
	"tasuki/web/portal"
)

// freshReserve is the form as it opens: one identifier of this year, as most are.
func (s *server) freshReserve(v *visit) portal.Reserve {
	return portal.Reserve{For: v.whose(v.r.URL.Query()), Amount: "1", Year: strconv.Itoa(s.Now().UTC().Year()), Batch: "sequential"}
}

func (s *server) showReserve(v *visit, status int, out portal.Reserve) error {
	if err := v.me.MustBeCNA(); err != nil {
		return err
	}
	out.ForMany = v.me.IsSecretariat()
	h, err := s.Acts.Holdings(v.r.Context(), v.me.Caller, out.For)
	switch {
	case errors.Is(err, authority.ErrNoOrg): // the form says so
	case err != nil:
		return err
	}
	out.Quota = portal.Meter(h.Quota)
	v.title(v.frame.Page.Lang.T("portal.reserve.open"))
	out.Frame = v.frame
	s.Send(v.w, v.r, status, portal.ReserveBody(out))
	return nil
}

func (s *server) reserve(v *visit) error {
	form, lang := v.r.PostForm, v.frame.Page.Lang
	out := portal.Reserve{For: strings.TrimSpace(form.Get("for")), Amount: strings.TrimSpace(form.Get("amount")), Year: strings.TrimSpace(form.Get("year")),
		Batch: form.Get("batch")}
	wrong := func(field, text string) {
		out.Problems = append(out.Problems, portal.Problem{Field: field, Text: text})
	}
	amount, err := strconv.ParseInt(out.Amount, 10, 32)
	if err != nil || amount < 1 {
		wrong("amount", lang.T("portal.amount.bad"))
	}
	year, err := strconv.ParseInt(out.Year, 10, 32)
	if err != nil || len(out.Year) != 4 {
		wrong("year", lang.T("portal.year.bad"))
	}
	if len(out.Problems) > 0 {
		return s.showReserve(v, http.StatusUnprocessableEntity, out)
	}
	ask := program.Reservation{Owner: out.For, Year: year, Amount: amount}
	if amount > 1 || out.Batch != "sequential" {
		ask.Batch = &out.Batch // one alone, in a row, is of the priority block: no batch is named for it
	}
	got, err := s.Acts.Reserve(v.r.Context(), v.me.Caller, ask)
	var spent *program.QuotaError
	switch {
	case err == nil:
		first, last := got.IDs[0].Reserved, got.IDs[len(got.IDs)-1].Reserved
		q := url.Values{"from": {strconv.FormatInt(first.UnixMilli(), 10)}, "to": {strconv.FormatInt(last.UnixMilli(), 10)}}
		if out.For != v.me.Org.Short {
			q.Set("org", out.For)
		}
		return v.back("/portal/reserved?" + q.Encode())
	case errors.As(err, &spent):
		wrong("amount", lang.T("portal.amount.quota", lang.Count(max(0, spent.Available))))
	case errors.Is(err, program.ErrOverTen):
		wrong("amount", lang.T("portal.amount.ten"))
	case errors.Is(err, authority.ErrNoOrg):
		wrong("for", lang.T("portal.for.bad"))
	case errors.Is(err, registry.ErrNoRange):
		wrong("year", lang.T("portal.year.closed"))
	case errors.Is(err, registry.ErrRangeFull):
		wrong("year", lang.T("portal.year.full"))
	default:
		return err
	}
	return s.showReserve(v, http.StatusUnprocessableEntity, out)
}

// justReserved are the identifiers that whoever asks reserved from one moment to another: what one reservation gave, under an
// address that can be loaded again and does not say what it shows.
func (s *server) justReserved(v *visit) ([]program.Identifier, string, error) {
	q := v.r.URL.Query()
	of := v.whose(q)
	at := func(name string) time.Time {
		ms, err := strconv.ParseInt(q.Get(name), 10, 64)
		if err != nil {
			return time.Time{}
		}
		return time.UnixMilli(ms)
	}
	from, to := at("from"), at("to")
	if from.IsZero() || to.IsZero() || to.Before(from) || to.Sub(from) > time.Minute {
		return nil, of, registry.ErrNotFound
	}
	f := registry.Filter{ReservedAfter: from.Add(-time.Millisecond), ReservedBefore: to.Add(time.Millisecond), Limit: authority.MaxQuota}
	all, _, err := s.Acts.IDsOf(v.r.Context(), v.me.Caller, of, f)
	if err != nil {
		return nil, of, err
	}
	var mine []program.Identifier
	for _, i := range all {
		if i.RequesterUser == v.me.User.Username && i.RequesterOrg == v.me.Org.Short {
			mine = append(mine, i)
		}
	}
	if len(mine) == 0 {
		err = registry.ErrNotFound
	}
	return mine, of, err
}

func (s *server) reserved(v *visit) error {
	list, of, err := s.justReserved(v)
	if err != nil {
		return err
	}
	h, err := s.Acts.Holdings(v.r.Context(), v.me.Caller, of)
	if err != nil {
		return err
	}
	out := portal.Reserved{For: of, CSV: "/portal/reserved.csv?" + v.r.URL.RawQuery, Quota: portal.Meter(h.Quota)}
	for i := range list {
		out.IDs = append(out.IDs, list[i].ID)
	}
	v.title(v.frame.Page.Lang.T("portal.reserve.open"))
	out.Frame = v.frame
	s.Send(v.w, v.r, http.StatusOK, portal.ReservedBody(out))
	return nil
}

func (s *server) reservedCSV(v *visit) error {
	list, _, err := s.justReserved(v)
	if err != nil {
		return err
	}
	_ = writeIDs(v.csv("cve-ids.csv"), list) // a reader who went away
	return nil
}
