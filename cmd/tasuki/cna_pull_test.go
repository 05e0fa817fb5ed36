package main

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
)

// presentServer is where a CNA is before it moves: 1,200 reserved identifiers in pages of 500, three rejected ones, of which one has a
// record, and two users.
type presentServer struct {
	*httptest.Server
	lock   sync.Mutex
	asked  map[string]int
	failed string // a path that the server fails at
}

func newPresentServer(t *testing.T) *presentServer {
	s := &presentServer{asked: map[string]int{}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.lock.Lock()
		s.asked[r.URL.Path]++
		failed := s.failed
		s.lock.Unlock()
		if r.Method != http.MethodGet || r.Header.Get("CVE-API-KEY") != cnaKey {
			t.Errorf("%s %s with %q", r.Method, r.URL, r.Header.Get("CVE-API-KEY"))
		}
		if r.URL.Path == failed {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		switch r.URL.Path {
		case "/api/org/acme":
			fmt.Fprint(w, `{"UUID":"7A777777-7777-4777-8777-777777777777","short_name":"acme","name":"アクメ","authority":{"active_roles":["SECRETARIAT","CNA"]},"policies":{"id_quota":5000}}`)
		case "/api/org/acme/id_quota":
			fmt.Fprint(w, `{"id_quota":5000,"total_reserved":1200,"available":3800}`)
		case "/api/org/acme/users":
			fmt.Fprint(w, `{"users":[{"username":"ann@acme.test","UUID":"88888888-8888-4888-8888-888888888888","active":true,"authority":{"active_roles":["ADMIN"]},"name":{"first":"Ann"},"time":{"created":"2020-01-05T09:00:00.000Z"}},`+
				`{"username":"no","UUID":"99999999-9999-4999-8999-999999999999","active":true}]}`)
		case "/api/cve-id":
			s.list(w, r)
		case "/api/cve/CVE-2025-0002":
			fmt.Fprint(w, `{"dataType":"CVE_RECORD"}`)
		default:
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"error":"CVE_RECORD_DNE","message":"There is no record for this CVE ID."}`)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *presentServer) list(w http.ResponseWriter, r *http.Request) {
	entry := func(id, state, owner string) string {
		return fmt.Sprintf(`{"cve_id":%q,"cve_year":"2026","state":%q,"owning_cna":%q,"requested_by":{"cna":"acme","user":"ann@acme.test"},"reserved":"2026-01-05T10:00:00.118Z"}`, id, state, owner)
	}
	if r.URL.Query().Get("state") == "REJECTED" {
		fmt.Fprintf(w, `{"cve_ids":[%s,%s,%s]}`, entry("CVE-2025-0001", "REJECTED", "acme"), entry("CVE-2025-0002", "REJECTED", "acme"), entry("CVE-2025-0003", "REJECTED", "other"))
		return
	}
	page, next := 0, "null"
	_, _ = fmt.Sscan(r.URL.Query().Get("page"), &page)
	page = max(page, 1)
	var entries []string
	for n := (page-1)*500 + 1; n <= min(page*500, 1200); n++ {
		entries = append(entries, entry(fmt.Sprintf("CVE-2026-%04d", n), "RESERVED", "acme"))
	}
	if page < 3 {
		next = fmt.Sprint(page + 1)
	}
	fmt.Fprintf(w, `{"cve_ids":[%s],"totalCount":1200,"itemsPerPage":500,"pageCount":3,"currentPage":%d,"prevPage":null,"nextPage":%s}`, strings.Join(entries, ","), page, next)
}

// A move of many identifiers: asked for once each, taken in by parts, and again without effect. What cannot come is named and is an
// exit code; what fails before its end has taken in nothing that a second try would trip over.
func TestCnaPull(t *testing.T) {
	s := newPresentServer(t)
	dir := filepath.Join(t.TempDir(), "list")
	run := func(args ...string) (code int, sum PullSummary, errs string) {
		var stdout, stderr strings.Builder
		env := map[string]string{cnaOrgEnv: "acme", cnaUserEnv: "ann@acme.test", cnaKeyEnv: cnaKey}
		p := &Program{Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr, Getenv: func(name string) string { return env[name] },
			Now: time.Now, Rand: rand.Reader, Backend: backend()}
		code = p.Run(t.Context(), append([]string{"cna", "pull", "--json", "--data", dir, "--from", s.URL}, args...))
		if stdout.Len() > 0 {
			if err := json.Unmarshal([]byte(stdout.String()), &sum); err != nil {
				t.Fatal(err)
			}
		}
		if strings.Contains(stdout.String()+stderr.String(), cnaKey) {
			t.Error("the key is told")
		}
		return code, sum, stderr.String()
	}

	s.failed = "/api/cve/CVE-2025-0001"
	if code, _, errs := run(); code != exitServer || !strings.Contains(errs, "500") {
		t.Errorf("a failing server: exit %d %s", code, errs)
	}
	s.failed, s.asked = "", map[string]int{}
	code, sum, errs := run()
	if code != exitPart || sum.Of != "added" || sum.Users != (PullCount{1, 0, 1}) || sum.IDs != (PullCount{1201, 0, 0}) || sum.Record != 1 || !sum.Key {
		t.Errorf("exit %d %+v\n%s", code, sum, errs)
	}
	if !strings.Contains(errs, "conflict no: ") || !strings.Contains(errs, "note: the role SECRETARIAT stays there") {
		t.Errorf("%s", errs)
	}
	if s.asked["/api/cve-id"] != 4 || s.asked["/api/cve/CVE-2025-0001"] != 1 || s.asked["/api/cve/CVE-2025-0003"] != 0 {
		t.Errorf("asked %v", s.asked)
	}
	code, sum, errs = run()
	if code != exitPart || sum.Of != "unchanged" || sum.IDs != (PullCount{0, 1201, 0}) || sum.Users != (PullCount{0, 1, 1}) || sum.Key {
		t.Errorf("again: exit %d %+v\n%s", code, sum, errs)
	}
	if n := s.asked["/api/cve/CVE-2025-0001"]; n != 1 {
		t.Errorf("the server was asked %d times for what is known here", n)
	}

	k := openKit(t, kitOptions{dir: dir})
	k.sound(t)
}
