package web

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"tasuki/internal/catalogue"
	"tasuki/spec/cve"
	"tasuki/web/i18n"
	"tasuki/web/record"
)

// maxNear is how many other ids a 404 offers.
const maxNear = 5

// malformed is the page of an address that names no CVE id.
func (s *server) malformed(w http.ResponseWriter, r *http.Request, typed string) {
	p, _ := s.Page(w, r)
	v := record.Absent{Page: p, Heading: p.Lang.T("absent.id.title"), Texts: []string{p.Lang.T("absent.id.text")}}
	v.Ways = append(v.Ways, record.Way{Label: p.Lang.T("absent.search", typed), Href: "/search?q=" + url.QueryEscape(typed)})
	v.Page.Title = v.Heading
	s.Send(w, r, http.StatusNotFound, record.Gone(v))
}

// absent is the page of an id that has no record to show at a moment. It says what is known: that its text was erased, that
// the list heard of it later, that it is reserved, that it is newer than anything here, or that it never came.
func (s *server) absent(w http.ResponseWriter, r *http.Request, id string, at catalogue.At, err error) {
	p, _ := s.Page(w, r)
	l := p.Lang
	v := record.Absent{Page: p}
	switch versions, known := s.Catalogue.Versions(r.Context(), id); {
	case err == nil:
		v.Heading, v.Texts = l.T("absent.reserved.title", id), []string{l.T("absent.reserved.text")}
	case errors.Is(err, catalogue.ErrAt):
		s.Refuse(w, r, momentProblem)
		return
	case errors.Is(err, catalogue.ErrErased):
		v.Heading, v.Texts = l.T("absent.erased.title", id), []string{l.T("absent.erased.text")}
		v.Ways = append(v.Ways, record.Way{Label: l.T("record.history"), Href: "/cve/" + id + "/history"})
	case !errors.Is(err, catalogue.ErrNotFound):
		s.Fail(w, r, err)
		return
	case known == nil && len(versions) > 0:
		s.later(l, id, at, versions, errors.Is(err, catalogue.ErrBefore), &v)
	case known != nil && !errors.Is(known, catalogue.ErrNotFound):
		s.Fail(w, r, known)
		return
	default:
		if err := s.unheld(r, l, id, &v); err != nil {
			s.Fail(w, r, err)
			return
		}
	}
	v.Page.Title = v.Heading
	s.Send(w, r, http.StatusNotFound, record.Gone(v))
}

// unheld says what became of an id without a record: what this list's authority did with it, that it is beyond this copy, or nothing.
func (s *server) unheld(r *http.Request, l i18n.Lang, id string, v *record.Absent) error {
	var state cve.State
	if s.Authority != nil {
		var err error
		if state, err = s.Authority.State(r.Context(), id); err != nil {
			return err
		}
	}
	newest, beyond := s.beyond(r, id)
	switch {
	case state == cve.Reserved:
		v.Heading, v.Texts = l.T("absent.reserved.title", id), []string{l.T("absent.reserved.text")}
		return nil
	case state == cve.Rejected:
		v.Heading, v.Texts = l.T("absent.rejected.title", id), []string{l.T("absent.rejected.text")}
		return nil
	case beyond:
		v.Heading, v.Texts = l.T("absent.beyond.title", id), []string{l.T("absent.beyond.text", newest)}
	default:
		v.Heading, v.Texts = l.T("absent.record.title", id), []string{l.T("absent.record.text")}
	}
	v.Near = s.near(r, l, id)
	return nil
}

// later says since when an id is known that was not known at a moment.
func (s *server) later(l i18n.Lang, id string, at catalogue.At, versions []catalogue.Version, blank bool, v *record.Absent) {
	first := versions[len(versions)-1]
	v.Heading = l.T("absent.later.title", id, said(l, at))
	switch {
	case at.Clock == catalogue.SourceClock && at.Size == 0:
		v.Texts = append(v.Texts, l.T("absent.later.source", l.Date(earliest(versions))))
	case blank:
		v.Texts = append(v.Texts, l.T("absent.before"), l.T("absent.later.log", l.Date(first.Logged)))
	default:
		v.Texts = append(v.Texts, l.T("absent.later.log", l.Date(first.Logged)))
	}
	v.Ways = []record.Way{
		{Label: l.T("absent.first"), Href: "/cve/" + id + "?size=" + strconv.FormatInt(first.Index+1, 10)},
		{Label: l.T("asof.tonow"), Href: "/cve/" + id},
	}
	if at.Clock != catalogue.SourceClock && at.Size == 0 && !earliest(versions).After(at.Time) {
		at.Clock = catalogue.SourceClock
		v.Texts = append(v.Texts, l.T("absent.bysource"))
		v.Ways = append(v.Ways, record.Way{Label: l.T("absent.source"), Href: "/cve/" + id + address(at)})
	}
}

// beyond reports whether an id is of a later year than anything that this copy has, and how new that is.
func (s *server) beyond(r *http.Request, id string) (newest string, beyond bool) {
	page, err := s.Catalogue.Search(r.Context(), catalogue.Query{Limit: 1, Sort: catalogue.Newest})
	if err != nil || len(page.Hits) == 0 {
		return "", false
	}
	at := page.Hits[0].Published
	year, err := strconv.Atoi(id[4:8])
	return at.UTC().Format("2006-01-02"), err == nil && !at.IsZero() && year > at.UTC().Year()
}

// near are records whose ids somebody may have meant.
func (s *server) near(r *http.Request, l i18n.Lang, id string) (out []record.Near) {
	for _, other := range neighbours(id) {
		if len(out) == maxNear {
			break
		}
		if v, err := s.Catalogue.Get(r.Context(), other); err == nil && v.State != cve.Reserved {
			text, lang := headline(l, v.Record)
			out = append(out, record.Near{ID: other, Summary: text, Lang: lang})
		}
	}
	return out
}
