package lane_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// FuzzNode: whatever is asked by whomever, the answer is one that the reference knows, and never 500: from 400 on a JSON object with a
// documented code and a message; and no number is ever told to two.
func FuzzNode(f *testing.F) {
	raw, err := os.ReadFile("testdata/transcript.txt")
	if err != nil {
		f.Fatal(err)
	}
	for block := range strings.SplitSeq(string(raw), "\nas: ") { // a request ends with who asks, and its body follows
		_, body, _ := strings.Cut(block, "\n> ")
		body, _, _ = strings.Cut(body, "\n")
		for method := range methods {
			if _, rest, ok := strings.Cut(block, "\n"+methods[method]+" "); ok {
				target, _, _ := strings.Cut(rest, "\n")
				f.Add(true, uint8(method), target, []byte(body))
				f.Add(false, uint8(method), target, []byte(`{"cnaContainer":[[[{"a":null}]]]}`))
			}
		}
	}
	record := []byte(`{"cnaContainer":{"descriptions":[{"lang":"en","value":"A flaw."}],"affected":[{"vendor":"Acme","product":"Rocket","versions":[{"version":"1",` +
		`"status":"affected"}]}],"references":[{"url":"https://acme.example/1"}]}}`)
	for _, target := range []string{"/api/cve/CVE-2026-30001/cna", "/api/cve/CVE-2026-30002/reject", "/API//cve/", "/api/org/%2e%2e/users", "/api/org/acme/user/..%2f..%2fsecret",
		"/api/cve-id?amount[a][b]=1&amount[]=3", "/api/cve-id?time_reserved.lt=2026-11-21&page=99999999999999"} {
		f.Add(true, uint8(1), target, record)
		f.Add(true, uint8(2), target, []byte(`{"cnaContainer":{"rejectedReasons":[{"lang":"en","value":"No flaw."}]}}`))
	}
	codes := documentedCodes(f)
	var w *world
	var told map[string]bool
	dir, age := f.TempDir(), 0
	f.Cleanup(func() {
		if w != nil {
			w.close(f)
		}
	})
	f.Fuzz(func(t *testing.T, ann bool, method uint8, target string, body []byte) {
		u, err := url.ParseRequestURI(target)
		if err != nil || !strings.HasPrefix(target, "/") {
			return // net/http refuses it before us
		}
		if age++; w == nil || age > 500 { // its numbers are given out
			if w != nil {
				w.close(t)
				if err := os.RemoveAll(dir); err != nil {
					t.Fatal(err)
				}
			}
			w, told, age = newWorld(t, dir), map[string]bool{}, 0
		}
		w.add(time.Millisecond)
		r := httptest.NewRequest(methods[int(method)%len(methods)], "/", strings.NewReader(string(body)))
		r.URL = u
		as := "-"
		if ann {
			as = "acme/ann@acme.test"
		}
		rec := w.send(r, as)
		if why := undocumented(rec, r.Method, codes); why != "" {
			t.Fatalf("%s %s as %s: %s: %d %.2000s %s", r.Method, target, as, why, rec.Code, rec.Body, w.log)
		}
		var given struct {
			IDs []struct {
				ID string `json:"cve_id"`
			} `json:"cve_ids"`
		}
		if r.Method == http.MethodPost && rec.Code == http.StatusOK && json.Unmarshal(rec.Body.Bytes(), &given) == nil {
			for _, i := range given.IDs {
				if told[i.ID] {
					t.Fatalf("%s was told twice", i.ID)
				}
				told[i.ID] = true
			}
		}
	})
}

var methods = []string{"GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS"}

func documentedCodes(t testing.TB) map[string]bool {
	raw, err := os.ReadFile("../cveservices/testdata/coverage.txt")
	if err != nil {
		t.Fatal(err)
	}
	codes := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^code/[^/]+/(\S+)`).FindAllStringSubmatch(string(raw), -1) {
		codes[m[1]] = true
	}
	return codes
}

func undocumented(rec *httptest.ResponseRecorder, method string, codes map[string]bool) string {
	switch rec.Code {
	case 200, 400, 401, 403, 404, 413:
	case 204:
		if method != http.MethodOptions {
			return "204 of something else than OPTIONS"
		}
	default:
		return "a status that is not documented"
	}
	if method == http.MethodHead || method == http.MethodOptions || rec.Body.Len() == 0 && rec.Code == 200 {
		return ""
	}
	var said struct{ Error, Message string }
	if err := json.Unmarshal(rec.Body.Bytes(), &said); err != nil {
		return err.Error()
	}
	switch {
	case rec.Code < 300 && said.Error != "":
		return "a success with an error"
	case rec.Code >= 300 && (!codes[said.Error] || said.Message == ""):
		return "a code that is not documented, or no message"
	}
	return ""
}
