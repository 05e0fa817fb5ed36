package cveservices

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

// callers are who asks in FuzzAPI.
var callers = []string{"sec/root", "acme/ann", "acme/adam", "enrich/eve", "bulk/ben", "none/nora", "-"}

var methods = []string{"GET", "POST", "PUT", "HEAD", "DELETE", "PATCH", "OPTIONS"}

// FuzzAPI: whatever is asked by whomever, the answer is one that the reference knows: a status of its tables, never 500; from 400 on
// a JSON object with a documented code and a message; a success has no member "error"; failed checks are told in known words, so
// that nobody's value comes back; and a body is compact JSON in UTF-8.
func FuzzAPI(f *testing.F) {
	for _, steps := range transcripts(f) {
		for _, s := range steps {
			target := strings.NewReplacer("$A", "CVE-2026-20001", "$B", "CVE-2026-20002", "$C", "CVE-2026-0001", "{as}", "acme").Replace(s.target)
			if body := strings.Join(s.body, "\n"); !strings.HasPrefix(body, "large ") {
				f.Add(uint8(max(slices.Index(callers, s.as[0]), 0)), uint8(max(slices.Index(methods, s.method), 0)), target, len(s.headers) > 0, []byte(body))
			}
		}
	}
	for _, target := range []string{"/api/cve-id?amount[a][b][c]=1&amount=2&amount[]=3", "/api/cve-id?page=1&page[]=2&page[x]=3", "/api/org/%2e%2e/users",
		"/api/users?page=1%00",
		"/api/cve_cursor?next_page=AAAA&limit=-1", "/api/cve?time_modified.lt[]=2026-01-01T00:00:00Z&state[]=PUBLISHED", "/api/org/a%2Fb/user/%C3%A9", "/API//cve/"} {
		for m := range methods {
			f.Add(uint8(0), uint8(m), target, m%2 == 0, []byte(`{"cnaContainer":[[[{"a":null}]]],"authority":{"active_roles":{}},"name":3,"short_name":[]}`))
		}
	}
	codes := documentedCodes(f)
	host := &landlord{TB: f, dir: f.TempDir()}
	f.Cleanup(host.evict)
	var w *world
	var h http.Handler
	var failures *said
	age := 0 // a world that somebody locked themselves out of, or that is full, makes way for another
	f.Fuzz(func(t *testing.T, who, method uint8, target string, form bool, body []byte) {
		u, err := url.ParseRequestURI(target)
		if err != nil || !strings.HasPrefix(target, "/") {
			return // net/http refuses it before us
		}
		if amount := parseQuery(u.RawQuery).values["amount"]; amount != nil && amount != "1" && amount != "2" && len(asText(amount)) > 1 && len(asText(amount)) < 7 {
			return // a long one only takes long
		}
		if age++; w == nil || age > 3000 {
			host.evict()
			w, age = newWorld(host, storetest.Open(host, storetest.SQLite(host)), RateLimit{}), 0
			for _, name := range []string{"CVE-2024-4879.json", "CVE-2022-48696.json"} {
				w.Import(host, readFile(host, filepath.Join("testdata", name)))
			}
			failures = &said{}
			h = Handler(Options{Acts: w.acts, Catalogue: w.Catalogue, Now: w.Clock.Now, Log: slog.New(slog.NewTextHandler(failures, nil))})
		}
		w.Clock.Add(time.Millisecond)
		r := httptest.NewRequestWithContext(t.Context(), methods[int(method)%len(methods)], "/", bytes.NewReader(body))
		r.URL = u
		if form {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		caller := callers[int(who)%len(callers)]
		as(r, caller)
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		if rec.Code == http.StatusUnauthorized {
			w = nil // somebody changed who they are
		}
		if why := undocumented(rec.Result(), r.Method, codes); why != "" {
			t.Fatalf("%s %s as %s: %s: %d %.2000s %s", r.Method, target, caller, why, rec.Code, rec.Body, failures)
		}
	})
}

// Every request of every transcript, with each of its parameters, parts of the path and texts of the body in turn replaced by texts
// that engines, patterns and clients are known to stumble over, is answered in a documented way on each engine.
func TestNastyValues(t *testing.T) {
	nasty := []string{"\x00", "é\u0301\U0001F600\u202E", "' OR 1=1; --", strings.Repeat("9", 400), "-0", "__proto__", "${7*7}", "\u2028\n"}
	if testing.Short() {
		nasty = nasty[:2]
	}
	codes := documentedCodes(t)
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, RateLimit{})
		h := Handler(Options{Acts: w.acts, Catalogue: w.Catalogue, Now: w.Clock.Now, Log: slog.New(slog.NewTextHandler(w.log, nil))})
		asked := 0
		ask := func(method, target, caller, body string) {
			t.Helper()
			asked++
			r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
			as(r, caller)
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, r)
			if why := undocumented(rec.Result(), method, codes); why != "" {
				t.Errorf("%s %s as %s, %.200s: %s: %d %.400s %.400s", method, target, caller, body, why, rec.Code, rec.Body, w.log)
			}
		}
		for _, steps := range transcripts(t) {
			for _, s := range steps {
				path, query, _ := strings.Cut(s.target, "?")
				body := strings.Join(s.body, "")
				if strings.HasPrefix(body, "large") {
					continue
				}
				caller := "sec/root" // whose key stays good through all of it: wrong ones are answered slowly
				if s.as[0] == "-" {
					caller = "-"
				}
				for _, bad := range nasty {
					pairs := strings.Split(query, "&")
					for i, pair := range pairs {
						name, _, _ := strings.Cut(pair, "=")
						changed := slices.Clone(pairs)
						changed[i] = name + "=" + url.QueryEscape(bad)
						ask(s.method, path+"?"+strings.Join(changed, "&"), caller, body)
					}
					parts := strings.Split(path, "/")
					for i := 3; i < len(parts); i++ {
						changed := slices.Clone(parts)
						changed[i] = url.PathEscape(bad)
						ask(s.method, strings.Join(changed, "/")+"?"+query, caller, body)
					}
					text, err := json.Marshal(bad)
					if err != nil {
						t.Fatal(err)
					}
					for _, m := range textMembers.FindAllStringIndex(body, -1) {
						ask(s.method, s.target, caller, body[:m[0]]+":"+string(text)+body[m[1]:])
					}
				}
			}
		}
		t.Logf("%d requests", asked)
	})
}

// textMembers are the values of a body that are texts.
var textMembers = regexp.MustCompile(`:"[^"]*"`)

// landlord holds a world that outlives one run of a fuzz target, of which neither *testing.F nor *testing.T allows it.
type landlord struct {
	testing.TB
	dir  string
	undo []func()
}

func (l *landlord) Helper()                   {}
func (l *landlord) Fatal(args ...any)         { panic(fmt.Sprint(args...)) }
func (l *landlord) Fatalf(s string, a ...any) { panic(fmt.Sprintf(s, a...)) }
func (l *landlord) Errorf(s string, a ...any) { panic(fmt.Sprintf(s, a...)) }
func (l *landlord) Cleanup(fn func())         { l.undo = append(l.undo, fn) }

func (l *landlord) TempDir() string {
	dir, err := os.MkdirTemp(l.dir, "world-")
	if err != nil {
		panic(err)
	}
	return dir
}

// evict ends the world.
func (l *landlord) evict() {
	for _, fn := range slices.Backward(l.undo) {
		fn()
	}
	l.undo = nil
}

// documentedCodes are the codes of the list of what transcripts show.
func documentedCodes(t testing.TB) map[string]bool {
	codes := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^code/[^/]+/(\S+)`).FindAllStringSubmatch(string(readFile(t, "testdata/coverage.txt")), -1) {
		codes[m[1]] = true
	}
	return codes
}

// told are the ways in which a failed check is told. None has room for what the caller sent but the name of an unknown parameter,
// without its strange characters.
var told = regexp.MustCompile(`^(Invalid value|'[A-Za-z0-9_ -]*' is not a known parameter\.|has the forbidden character [<>"]|` +
	`Parameter must be a one-dimensional array of strings|Not a CVE ID state; .*|Not a state to change to; .*|Not a timestamp; .*|` +
	`Not a record state; .*|Use 1, true, .*|` +
	`Not an organization role\.|Not a user role\.|id_quota must lie between 0 and 100000\.|Invalid role\. Valid roles? (is|are) [A-Z_, ]+|` +
	`Usernames have 3 to 128 .*|name\.[a-z]+ is longer than 100 characters\.|Cannot have more than one English language entry in '[A-Za-z.]+'|` +
	`datePublic lies in the future|The record has no (CVSS|CWE)\.)$`)

// undocumented says what is wrong with an answer, "" if nothing is.
func undocumented(reply *http.Response, method string, codes map[string]bool) string {
	body, err := io.ReadAll(reply.Body)
	if err != nil {
		return err.Error()
	}
	switch reply.StatusCode {
	case 200, 400, 401, 403, 404, 413:
	case 204:
		if method != http.MethodOptions {
			return "204 of something else than OPTIONS"
		}
	default:
		return "a status that is not documented"
	}
	if method == http.MethodHead || method == http.MethodOptions || reply.StatusCode == 200 && len(body) == 0 {
		return ""
	}
	compact := jsontext.Value(bytes.Clone(body))
	if err := compact.Compact(); err != nil || !bytes.Equal(compact, body) || !utf8.Valid(body) || body[0] != '{' {
		return "a body that is not a compact JSON object"
	}
	var reading struct {
		Error   jsontext.Value `json:"error"`
		Message string         `json:"message"`
		Details jsontext.Value `json:"details"`
	}
	if err := json.Unmarshal(body, &reading); err != nil {
		return err.Error()
	}
	switch {
	case reply.StatusCode < 300 && reading.Error != nil:
		return "a success with an error"
	case reply.StatusCode < 300:
		return ""
	case !codes[strings.Trim(string(reading.Error), `"`)] || reading.Message == "":
		return "a code that is not documented, or no message"
	case string(reading.Error) != `"BAD_INPUT"`:
		return ""
	}
	var details []detail
	if err := json.Unmarshal(reading.Details, &details); err != nil || len(details) == 0 {
		return "details that are no failed checks"
	}
	for _, d := range details {
		if !told.MatchString(d.Msg) || !slices.Contains([]string{"query", "params", "body"}, d.Location) {
			return "a failed check in words of its own: " + d.Msg
		}
	}
	return ""
}
