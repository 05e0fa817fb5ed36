package web

import (
	"net/http"
	"net/url"

	page "tasuki/web/evidence"
	"tasuki/web/i18n"
)

// evidence is the page of what somebody signed and should not have. The files themselves are the relay's, below /evidence/.
func (s *server) evidence(w http.ResponseWriter, r *http.Request) {
	found, more, err := s.Continuity.Evidence(r.Context())
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	p, node := s.Page(w, r)
	p.Title = p.Lang.T("evidence.title")
	v := page.View{Page: p, More: more, Check: "tasuki evidence export --from " + s.BaseURL + " NAME evidence.json\n" +
		"tasuki evidence verify --from " + s.BaseURL + " --list " + node.ListID + " evidence.json\n"}
	for _, f := range found {
		v.Found = append(v.Found, page.Finding{Name: f.Name, Kind: string(f.Kind), Known: i18n.Has("evidence.kind." + string(f.Kind)), Origin: f.Origin, Text: f.Text, At: f.At,
			Href: "/evidence/" + url.PathEscape(f.Name), Holds: f.Holds, Facts: f.Facts, Open: f.Proven.Open})
	}
	s.Send(w, r, http.StatusOK, page.Body(v))
}
