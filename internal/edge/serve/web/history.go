package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"tasuki/internal/catalogue"
	"tasuki/spec/cve"
	"tasuki/spec/cve/diff"
	"tasuki/web/history"
	"tasuki/web/i18n"
)

// How many versions a list shows, on the record's page and on the page of its history; for how many of those on the record's
// page it is told what changed, since each costs the reading of a version; and how many changes stand in one line.
const (
	onRecord  = 8
	onHistory = 25
	told      = 3
	inOneLine = 4
)

// history is the page of a record's versions.
func (s *server) history(w http.ResponseWriter, r *http.Request) {
	id, ok := s.identified(w, r)
	if !ok {
		return
	}
	versions, err := s.Catalogue.Versions(r.Context(), id)
	if err != nil {
		s.absent(w, r, id, catalogue.At{}, err)
		return
	}
	p, _ := s.Page(w, r)
	pages := (len(versions) + onHistory - 1) / onHistory
	page := min(number(r, "page"), pages)
	v := history.View{Page: p, ID: id}
	if v.List, err = s.list(r.Context(), p.Lang, id, versions, span{(page - 1) * onHistory, onHistory, onHistory}); err != nil {
		s.Fail(w, r, err)
		return
	}
	v.List.All = ""
	if page < pages {
		v.Older = p.Here("page", strconv.Itoa(page+1))
	}
	if page > 1 {
		v.Newer = p.Here("page", strconv.Itoa(page-1))
	}
	v.Headline, v.HeadlineLang = s.headline(r.Context(), p.Lang, id)
	v.Page.Title = id + " " + p.Lang.T("history.title")
	s.Send(w, r, http.StatusOK, history.Body(v))
}

// headline is the current record in one line; "" for one that cannot be read any more.
func (s *server) headline(ctx context.Context, l i18n.Lang, id string) (text, lang string) {
	v, err := s.Catalogue.Get(ctx, id)
	if err != nil {
		return "", ""
	}
	return headline(l, v.Record)
}

// span is which of a record's versions a list shows: so many from one on, and for the first of them what they changed.
type span struct{ from, n, told int }

// list is versions, which come newest first, with what they changed.
func (s *server) list(ctx context.Context, l i18n.Lang, id string, versions []catalogue.Version, part span) (history.List, error) {
	x := history.List{ID: id, Total: len(versions)}
	to := min(part.from+part.n, len(versions))
	x.Versions = rows(versions)[part.from:to]
	if to-part.from < len(versions) {
		x.All = "/cve/" + id + "/history"
	}
	var newer *catalogue.View // the version that the row before was compared with
	for i := range x.Versions[:min(part.told, len(x.Versions))] {
		row := &x.Versions[i]
		if row.Erased || row.First || versions[part.from+i+1].Erased {
			newer = nil
			continue
		}
		if newer == nil {
			v, err := s.version(ctx, id, row.Index)
			if v == nil {
				if err != nil {
					return x, err
				}
				continue
			}
			newer = v
		}
		older, err := s.version(ctx, id, versions[part.from+i+1].Index)
		if err != nil {
			return x, err
		}
		if older != nil {
			changes, err := compare(older, newer)
			if err != nil {
				return x, err
			}
			brief(l, changes, row)
		}
		newer = older
	}
	return x, nil
}

// version is one version of a record, nil when its body was erased since the list of versions was read.
func (s *server) version(ctx context.Context, id string, index int64) (*catalogue.View, error) {
	v, err := s.Catalogue.Version(ctx, id, index)
	if errors.Is(err, catalogue.ErrErased) {
		return nil, nil
	}
	return v, err
}

func compare(older, newer *catalogue.View) ([]diff.Change, error) {
	a, err := older.Compact()
	if err != nil {
		return nil, err
	}
	b, err := newer.Compact()
	if err != nil {
		return nil, err
	}
	return diff.Records(a, b)
}

// rows numbers the versions, which come newest first.
func rows(versions []catalogue.Version) []history.Version {
	rows := make([]history.Version, len(versions))
	for i, v := range versions {
		kind, _, _ := strings.Cut(v.Kind, "/")
		if v.Cont == cve.ADP {
			kind += ".adp"
		}
		rows[i] = history.Version{
			N: len(versions) - i, Index: v.Index, Logged: v.Logged, Source: v.Source, Kind: kind,
			Erased: v.Erased, First: i == len(versions)-1,
		}
	}
	return rows
}

// earliest is when the source first had the record.
func earliest(versions []catalogue.Version) time.Time {
	first := versions[0].Source
	for _, v := range versions {
		if v.Source.Before(first) {
			first = v.Source
		}
	}
	return first
}

// brief says what a version changed in one line, and whose statements changed. That dates moved is said only where nothing
// else did.
func brief(l i18n.Lang, changes []diff.Change, row *history.Version) {
	row.Told = true
	telling := slices.DeleteFunc(slices.Clone(changes), func(c diff.Change) bool { return c.Kind == diff.Date || c.Kind == diff.Provider })
	if len(telling) == 0 {
		telling = changes
	}
	for _, c := range telling {
		if who := partyName(c); who != "" && !slices.Contains(row.Who, who) {
			row.Who = append(row.Who, who)
		}
		if len(row.Lines) == inOneLine {
			row.More++
			continue
		}
		row.Lines = append(row.Lines, words(l, c))
	}
}
