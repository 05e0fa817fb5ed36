package cveservices

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

// A transcript is a file of testdata/transcripts: steps that follow each other in one fresh world. It is meant to be read.
//
//	== A CNA reserves one identifier
//	@ code/… star/…                          what the step shows, see testdata/coverage.txt
//	! clock 2h                               what is done to the world first, see stages
//	POST /api/cve-id?amount=1&…              the request
//	as: acme/ann                             who asks: organisation/user [key], - for nobody; several, separated by commas, ask
//	                                         one after the other and get the same answer; {as} is the organisation of the one who asks
//	content-type: text/plain                 other headers
//	> {"a":1}                                the body, in one or more lines
//	< 200                                    the status
//	< content-length: 2                      headers; "absent" where there must be none
//	< {"cve_ids":[{"cve_id":"<id as ID>"}]}  the body, exactly, in one or more lines without what separates them; none: an empty one
//
// In an expected body <uuid>, <time>, <secret> and <id> stand for any of their kind, <… as X> keeps it as $X for later steps, and …
// stands for any text. In a tag @ stands for the column of the one who asks.
type step struct {
	file    string
	line    int
	title   string
	tags    []string
	stages  [][]string
	method  string
	target  string
	as      []string
	headers [][2]string
	body    []string
	status  int
	replies [][2]string // headers
	want    string
}

func (s *step) String() string { return fmt.Sprintf("%s:%d %s", s.file, s.line, s.title) }

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// transcripts reads all of them, by file name.
func transcripts(t testing.TB) map[string][]*step {
	t.Helper()
	files, err := filepath.Glob("testdata/transcripts/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no transcripts", err)
	}
	out := map[string][]*step{}
	for _, name := range files {
		short := strings.TrimSuffix(filepath.Base(name), ".txt")
		out[short] = parseTranscript(t, short, string(readFile(t, name)))
	}
	return out
}

var headerLine = regexp.MustCompile(`^([A-Za-z][A-Za-z-]*): ?(.*)$`)

func parseTranscript(t testing.TB, file, text string) (steps []*step) {
	t.Helper()
	var s *step
	number := 0
	for line := range strings.SplitSeq(text, "\n") {
		number++
		mark, rest, _ := strings.Cut(line, " ")
		switch {
		case mark == "" || strings.HasPrefix(line, "#"):
		case mark == "==":
			s = &step{file: file, line: number, title: rest, as: []string{"-"}}
			steps = append(steps, s)
		case s == nil:
			t.Fatalf("%s:%d: before the first step", file, number)
		case mark == "@":
			s.tags = append(s.tags, strings.Fields(rest)...)
		case mark == "!":
			s.stages = append(s.stages, strings.Fields(rest))
		case mark == ">":
			s.body = append(s.body, rest)
		case mark == "<" && s.status == 0:
			n, err := strconv.Atoi(rest)
			if err != nil {
				t.Fatalf("%s:%d: %v", file, number, err)
			}
			s.status = n
		case mark == "<" && s.want == "" && headerLine.MatchString(rest):
			m := headerLine.FindStringSubmatch(rest)
			s.replies = append(s.replies, [2]string{m[1], m[2]})
		case mark == "<":
			s.want += rest
		case s.method == "":
			s.method, s.target = mark, rest
		default:
			m := headerLine.FindStringSubmatch(line)
			if m == nil {
				t.Fatalf("%s:%d: %q", file, number, line)
			}
			if m[1] == "as" {
				s.as = strings.Split(m[2], ", ")
			} else {
				s.headers = append(s.headers, [2]string{m[1], m[2]})
			}
		}
	}
	for _, s := range steps {
		if s.method == "" || s.status == 0 {
			t.Fatalf("%s: no request, or no answer", s)
		}
	}
	return steps
}

// Every transcript holds, on each engine.
func TestTranscripts(t *testing.T) {
	all := transcripts(t)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		t.Run(name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				limit := RateLimit{}
				if name == "ratelimit" {
					limit = RateLimit{Window: 10 * time.Second, Max: 3}
				}
				w := newWorld(t, db, limit)
				kept := map[string]string{}
				for _, s := range all[name] {
					for _, stage := range s.stages {
						stages[stage[0]](t, w, stage[1:])
					}
					for _, caller := range s.as {
						w.Clock.Add(time.Second)
						s.run(t, w, caller, kept)
					}
				}
				if said := w.log.String(); said != "" {
					t.Errorf("the surface had no answer: %s", said)
				}
			})
		})
	}
}

var variable = regexp.MustCompile(`\$([A-Za-z][A-Za-z0-9]*)`)

// run makes one request and looks at the answer.
func (s *step) run(t *testing.T, w *world, caller string, kept map[string]string) {
	t.Helper()
	org, _, _ := strings.Cut(caller, "/")
	fill := func(text string) string {
		text = strings.ReplaceAll(text, "{as}", org)
		return variable.ReplaceAllStringFunc(text, func(v string) string {
			if text, ok := kept[v[1:]]; ok {
				return text
			}
			return v
		})
	}
	body := fill(strings.Join(s.body, "\n"))
	if n, ok := strings.CutPrefix(body, "large "); ok {
		size, err := strconv.Atoi(n)
		if err != nil {
			t.Fatal(err)
		}
		body = `{"x":"` + strings.Repeat("x", size-8) + `"}`
	}
	r, err := http.NewRequestWithContext(t.Context(), s.method, w.url+fill(s.target), strings.NewReader(body))
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	as(r, fill(caller))
	for _, h := range s.headers {
		r.Header.Set(h[0], h[1])
	}
	reply, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	defer reply.Body.Close() //nolint:errcheck // it was read
	got, err := io.ReadAll(reply.Body)
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	if reply.StatusCode != s.status {
		t.Errorf("%s, %s: status %d, want %d: %.2000s", s, caller, reply.StatusCode, s.status, got)
		return
	}
	for _, h := range s.replies {
		have, want := reply.Header.Get(h[0]), fill(h[1])
		if want == "absent" {
			want = ""
		}
		if have != want {
			t.Errorf("%s, %s: header %s: %q, want %q", s, caller, h[0], have, want)
		}
	}
	for name, want := range map[string]string{"Cache-Control": "no-store", "Access-Control-Allow-Origin": "*"} {
		if reply.Header.Get(name) != want {
			t.Errorf("%s, %s: header %s: %q", s, caller, name, reply.Header.Get(name))
		}
	}
	if kind := reply.Header.Get("Content-Type"); len(got) > 0 && kind != "application/json; charset=utf-8" {
		t.Errorf("%s, %s: a body of type %q", s, caller, kind)
	}
	pattern, names := expected(fill(s.want))
	m := regexp.MustCompile(pattern).FindStringSubmatch(string(got))
	if m == nil {
		t.Errorf("%s, %s: not as expected\n got %.4000s\nwant %s", s, caller, got, fill(s.want))
		return
	}
	for i, name := range names {
		kept[name] = m[i+1]
	}
}

var (
	placeholder = regexp.MustCompile(`<(uuid|time|secret|id)(?: as ([A-Za-z][A-Za-z0-9]*))?>|…`)
	kinds       = map[string]string{
		"uuid":   `[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`,
		"time":   `[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z`,
		"secret": `[0-9a-f]{36}`,
		"id":     `CVE-[0-9]{4}-[0-9]{4,}`,
	}
)

// expected makes a pattern of an expected body, and says what its groups are called.
func expected(want string) (pattern string, names []string) {
	var b strings.Builder
	b.WriteString(`(?s)^`)
	at := 0
	for _, m := range placeholder.FindAllStringSubmatchIndex(want, -1) {
		b.WriteString(regexp.QuoteMeta(want[at:m[0]]))
		at = m[1]
		switch {
		case m[2] < 0:
			b.WriteString(`.*`)
		case m[4] < 0:
			b.WriteString(kinds[want[m[2]:m[3]]])
		default:
			b.WriteString(`(` + kinds[want[m[2]:m[3]]] + `)`)
			names = append(names, want[m[4]:m[5]])
		}
	}
	b.WriteString(regexp.QuoteMeta(want[at:]) + `$`)
	return b.String(), names
}
