package web

import (
	"fmt"
	"net/http"
	"strings"

	"tasuki/web/verify"
)

// verify is the page that checks a proof in the browser: /verify?id=<CVE id>, /verify?leaf=<index>, or /verify alone for a
// proof file that the reader brings.
func (s *server) verify(w http.ResponseWriter, r *http.Request) {
	p, _ := s.Page(w, r)
	p.Scripts = []string{"verify-record.js", "verify.js"}
	v := verify.View{Page: p, Leaf: -1}
	q := r.URL.Query()
	typed := strings.TrimSpace(q.Get("id"))
	switch index, err := parseIndex(q.Get("leaf")); {
	case q.Get("leaf") != "" && err != nil:
		s.Refuse(w, r, entryProblem)
		return
	case err == nil:
		v.Leaf = index
		v.Proof = logAddress(index) + ".tlog-proof"
		v.Commands = s.leafCommands(index, nil)
	case typed != "":
		id, ok := readID(typed)
		if !ok {
			s.Refuse(w, r, proofProblem)
			return
		}
		v.ID, v.Proof = id, "/proof/"+id
		v.Commands = s.recordCommands(id)
	default:
		v.Commands = s.recordCommands("CVE-2024-38190")
	}
	v.Page.Title = p.Lang.T("verify.title")
	if v.ID != "" {
		v.Page.Title = p.Lang.T("verify.title.of", v.ID)
	}
	s.Send(w, r, http.StatusOK, verify.Body(v))
}

// recordCommands check a record without this server's code.
func (s *server) recordCommands(id string) string {
	return fmt.Sprintf("curl -fsS -o %[1]s.tlog-proof %[2]s/proof/%[1]s\ncurl -fsSO %[2]s/cve/%[1]s.json\n"+
		"tasuki verify record %[1]s.tlog-proof --list-id %[3]s --record %[1]s.json", id, s.BaseURL, pinHere)
}
