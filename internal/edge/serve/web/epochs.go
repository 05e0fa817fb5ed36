package web

import (
	"net/http"
	"slices"
	"strconv"

	"tasuki/internal/continuity"
	page "tasuki/web/epochs"
	"tasuki/web/i18n"
)

// epochs is the page of the list's epochs, newest first.
func (s *server) epochs(w http.ResponseWriter, r *http.Request) {
	list, err := s.Continuity.Epochs(r.Context())
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	p, _ := s.Page(w, r)
	p.Title = p.Lang.T("epochs.title")
	v := page.View{Page: p}
	for _, e := range slices.Backward(list) {
		row := page.Epoch{Number: e.Epoch, Operator: e.Operator.Name, URL: e.Operator.URL, Origin: e.Origin, Charter: e.Charter, Issued: issuedAt(e.Issued),
			Href: "/charter/" + strconv.FormatInt(e.Charter, 10) + "-" + e.Hash[:min(8, len(e.Hash))] + ".json", Opened: e.Opened, First: e.First, Last: e.Last, At: e.At,
			How: began(p.Lang, &e), Need: int64(e.Need), Present: e.Present}
		for _, report := range e.Reports {
			row.Reports = append(row.Reports, page.Report{By: report.By.Name, Size: report.Size, Root: report.Root.String(), At: report.At})
		}
		v.Epochs = append(v.Epochs, row)
	}
	s.Send(w, r, http.StatusOK, page.Body(v))
}

// began says by what an epoch could begin.
func began(l i18n.Lang, e *continuity.EpochState) string {
	switch e.How {
	case continuity.WayFounded:
		return l.T("epochs.how.founded")
	case continuity.WayBoard:
		return l.T("epochs.how.continue_at", l.Count(e.First))
	case continuity.WayReports:
		return l.T("epochs.how.reports", l.Count(e.First), l.Count(int64(len(e.Reports))))
	}
	if e.Present {
		return l.T("epochs.how.awaited")
	}
	return l.T("epochs.how.unopened")
}
