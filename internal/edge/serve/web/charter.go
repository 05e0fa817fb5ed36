package web

import (
	"net/http"
	"slices"
	"time"

	"tasuki/web/charter"
)

// Charter is one document of the chain.
type Charter struct {
	Version   int64
	Issued    time.Time
	Origin    string
	Operator  string // slug
	Org       string // permanent identifier of the operator
	Hash      string // hex, of the signed part
	File      string // the name under which the log's surface serves it
	Reason    string
	Sentences []string // what it says, in the language asked for
}

// charter is the page that says who runs the list: the sentences of the charter in force, then the chain, newest first.
func (s *server) charter(w http.ResponseWriter, r *http.Request) {
	p, node := s.Page(w, r)
	p.Title = p.Lang.T("charter.title")
	v := charter.View{Page: p, ListID: node.ListID}
	for _, c := range slices.Backward(s.Ledger.Charters(string(p.Lang))) {
		if v.Sentences == nil {
			v.Sentences = c.Sentences
		}
		v.Documents = append(v.Documents, charter.Document{Version: c.Version, Issued: c.Issued, Origin: c.Origin, Hash: c.Hash, Reason: c.Reason,
			Href: "/charter/" + c.File})
	}
	s.Send(w, r, http.StatusOK, charter.Body(v))
}
