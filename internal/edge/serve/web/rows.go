package web

import (
	"strconv"
	"strings"

	"tasuki/internal/catalogue"
	"tasuki/web/i18n"
	"tasuki/web/search"
	"tasuki/web/severity"
)

// hits are the rows of a list of records.
func hits(l i18n.Lang, found []catalogue.Hit) []search.Hit {
	rows := make([]search.Hit, len(found))
	for i, h := range found {
		summary, lang := h.Summary, tagged(l, h.Lang)
		if h.Title != "" {
			summary, lang = h.Title, otherLanguage(l, h.Title)
		}
		rows[i] = search.Hit{
			ID: h.ID, Products: products(h.Products), Summary: summary, Language: lang, Score: score(h.Score),
			CWE: h.CWE, KEV: h.KEV, SSVC: h.SSVC, State: string(h.State), Published: h.Published, Changed: h.Changed, Assigner: h.Assigner,
		}
	}
	return rows
}

// products joins the first products of a record and counts the rest.
func products(names []string) string {
	const most = 3
	if len(names) > most {
		return strings.Join(names[:most], " · ") + " +" + strconv.Itoa(len(names)-most)
	}
	return strings.Join(names, " · ")
}

func score(s *catalogue.Score) *severity.Score {
	if s == nil {
		return nil
	}
	return &severity.Score{Version: s.Version, Value: s.Value, Level: severity.Level(s.Severity), Vector: s.Vector, Source: s.Source}
}
