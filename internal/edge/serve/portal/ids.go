package portal

import (
	"encoding/csv"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"tasuki/internal/program"
	"tasuki/internal/registry"
	"tasuki/spec/cve"
	"tasuki/web/portal"
)

// perPage is how many identifiers a page of the list has.
const perPage = 100

// aboutIDs mounts what is about identifiers.
func (s *server) aboutIDs() {
	s.handle("GET /portal/ids", func(v *visit) error { return s.listIDs(v, v.r.URL.Query(), nil) })
	s.handle("GET /portal/ids.csv", s.idsCSV)
	s.handle("GET /portal/ids/{id}", s.oneID)
	s.handle("GET /portal/ids/batch", func(v *visit) error { return v.back("/portal/ids") }) // a page of it, loaded again by its address
	s.handle("POST /portal/ids/batch", s.batch)
	s.handle("GET /portal/reserve", func(v *visit) error { return s.showReserve(v, http.StatusOK, s.freshReserve(v)) })
	s.handle("POST /portal/reserve", s.reserve)
	s.handle("GET /portal/reserved", s.reserved)
	s.handle("GET /portal/reserved.csv", s.reservedCSV)
}

// whose is the organisation that a list is about: one that was named, else one's own.
func (v *visit) whose(form url.Values) string {
	if org := form.Get("org"); org != "" {
		return org
	}
	return v.me.Org.Short
}

// narrowed reads what a list is narrowed to. What is no state or year narrows nothing.
func narrowed(form url.Values) (f registry.Filter) {
	switch state := cve.State(form.Get("state")); state {
	case cve.Reserved, cve.Published, cve.Rejected:
		f.State = state
	}
	if year, err := strconv.ParseInt(form.Get("year"), 10, 32); err == nil && year > 0 {
		f.Year = year
	}
	return f
}

// query writes what a list is narrowed to, as narrowed reads it.
func (v *visit) query(of string, f registry.Filter) url.Values {
	q := url.Values{}
	if of != v.me.Org.Short {
		q.Set("org", of)
	}
	if f.State != "" {
		q.Set("state", string(f.State))
	}
	if f.Year != 0 {
		q.Set("year", strconv.FormatInt(f.Year, 10))
	}
	return q
}

func (s *server) listIDs(v *visit, form url.Values, wrong portal.Problems) error {
	of, f := v.whose(form), narrowed(form)
	page, err := strconv.Atoi(form.Get("page"))
	if err != nil || page < 1 || page > 1_000_000 {
		page = 1
	}
	f.Limit, f.Offset = perPage, (page-1)*perPage
	list, total, err := s.Acts.IDsOf(v.r.Context(), v.me.Caller, of, f)
	if err != nil {
		return err
	}
	v.title(v.frame.Page.Lang.T("portal.ids.of", of))
	out := portal.IDs{Frame: v.frame, Of: of, State: string(f.State), Rows: rows(list), Total: total, From: int64(f.Offset) + 1, Problems: wrong}
	if f.Year != 0 {
		out.Year = strconv.FormatInt(f.Year, 10)
	}
	q := v.query(of, f)
	out.CSV = "/portal/ids.csv?" + q.Encode()
	turn := func(to int) string {
		q.Set("page", strconv.Itoa(to))
		return "/portal/ids?" + q.Encode()
	}
	if page > 1 {
		out.Prev = turn(page - 1)
	}
	if int64(page*perPage) < total {
		out.Next = turn(page + 1)
	}
	status := http.StatusOK
	if len(wrong) > 0 {
		status = http.StatusUnprocessableEntity
	}
	s.Send(v.w, v.r, status, portal.IDsBody(out))
	return nil
}

func rows(list []program.Identifier) []portal.IDRow {
	out := make([]portal.IDRow, len(list))
	for i := range list {
		out[i] = row(&list[i])
	}
	return out
}

func row(i *program.Identifier) portal.IDRow {
	r := portal.IDRow{ID: i.ID, State: string(i.State), Record: i.Record, Modified: i.Public}
	if i.Whole {
		r.Reserved, r.Modified, r.By = i.Reserved, i.Modified, i.RequesterUser
		if r.By != "" && i.RequesterOrg != i.OwnerName {
			r.By += " (" + i.RequesterOrg + ")"
		}
	}
	return r
}

func (s *server) oneID(v *visit) error {
	i, err := s.Acts.ID(v.r.Context(), v.me.Caller, v.r.PathValue("id"))
	if err != nil {
		return err
	}
	cases, err := s.Acts.CasesAbout(v.r.Context(), v.me.Caller, i.ID)
	if err != nil {
		return err
	}
	v.title(i.ID)
	out := portal.ID{Frame: v.frame, IDRow: row(&i), Mine: i.Whole && i.Owner != "", Assigner: v.me.MustBeCNA() == nil}
	if i.Whole || i.State != cve.Reserved {
		out.Owner = i.OwnerName
	}
	for j := range cases {
		out.Cases = append(out.Cases, caseRow(&cases[j], cases[j].Overdue(s.Now())))
	}
	s.Send(v.w, v.r, http.StatusOK, portal.IDBody(out))
	return nil
}

// idsCSV is the list as a table for other programs, all of it.
func (s *server) idsCSV(v *visit) error {
	form := v.r.URL.Query()
	of, f := v.whose(form), narrowed(form)
	f.Limit = 1000
	list, total, err := s.Acts.IDsOf(v.r.Context(), v.me.Caller, of, f)
	if err != nil {
		return err
	}
	w := v.csv("cve-ids.csv")
	for {
		if err := writeIDs(w, list); err != nil {
			return nil //nolint:nilerr // a reader who went away
		}
		f.Offset += len(list)
		if len(list) == 0 || int64(f.Offset) >= total {
			return nil
		}
		if list, _, err = s.Acts.IDsOf(v.r.Context(), v.me.Caller, of, f); err != nil {
			// Half a table must not look like a whole one.
			panic(http.ErrAbortHandler)
		}
	}
}

// csv begins a table that the browser keeps as a file.
func (v *visit) csv(name string) *csv.Writer {
	h := v.w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	w := csv.NewWriter(v.w)
	_ = w.Write([]string{"cve_id", "state", "owner", "reserved", "reserved_by", "changed"}) // the buffer takes it
	return w
}

func writeIDs(w *csv.Writer, list []program.Identifier) error {
	for i := range list {
		r := row(&list[i])
		_ = w.Write([]string{r.ID, r.State, plainCell(list[i].OwnerName), stamp(r.Reserved), plainCell(r.By), stamp(r.Modified)}) // Error tells
	}
	w.Flush()
	return w.Error()
}

// plainCell keeps a spreadsheet from taking somebody's name for a formula.
func plainCell(s string) string {
	if s != "" && (s[0] == '=' || s[0] == '+' || s[0] == '-' || s[0] == '@' || s[0] == '\t' || s[0] == '\r') {
		return "'" + s
	}
	return s
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return cve.FormatTime(t)
}
