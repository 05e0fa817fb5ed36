package gcve_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	feed "tasuki/internal/edge/feeds/gcve"
	"tasuki/spec/gcve"
)

// list is an intake that remembers.
type list struct {
	directory string
	records   map[string]string
	source    string
	batches   int
}

func (l *list) Directory(_ context.Context, _ string, directory, _ []byte) error {
	l.directory = string(directory)
	return nil
}

func (l *list) Prepare(raw []byte) (feed.Prepared, error) {
	r, err := gcve.Read(raw)
	if err != nil {
		return nil, err
	}
	return [2]string{r.ID.String(), string(raw)}, nil
}

func (l *list) Take(_ context.Context, from gcve.GNA, source string, batch []feed.Prepared) (out []feed.Verdict, err error) {
	l.source = source
	l.batches++
	for _, b := range batch {
		r := b.([2]string)
		id, err := gcve.ParseID(r[0])
		switch {
		case err != nil:
			return nil, err
		case id.GNA() != from:
			out = append(out, "foreign")
		case l.records[r[0]] == r[1]:
			out = append(out, "unchanged")
		default:
			l.records[r[0]] = r[1]
			out = append(out, "added")
		}
	}
	return out, nil
}

type state map[string][]byte

func (s state) Load(_ context.Context, name string) ([]byte, error) { return s[name], nil }
func (s state) Save(_ context.Context, name string, v []byte) error { s[name] = v; return nil }

var now = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

func newPuller() (*feed.Puller, *list) {
	l := &list{records: map[string]string{}}
	return &feed.Puller{Client: &http.Client{Timeout: 10 * time.Second}, Intake: l, State: state{}, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler)}, l
}

func doc(id string, day int) string {
	return fmt.Sprintf(`{"cveMetadata":{"vulnId":%q,"state":"PUBLISHED","dateUpdated":"2026-10-%02dT00:00:00Z"},"containers":{"cna":{}}}`, id, day)
}

func TestDump(t *testing.T) {
	asked := 0
	dump := doc("GCVE-1-2026-0001", 1) + "\n\r\n" + doc("GCVE-1-XX-[1]/{2}", 2) + "\r\n" + `{"broken` + "\n" + doc("GCVE-2-1", 3) + "\n" + strings.Repeat("x", 4<<20+1) + "\n" + doc("GCVE-1-last", 4)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/dumps/gna-1.ndjson" {
			t.Errorf("asked %s", r.URL)
		}
		asked++
		if r.Header.Get("If-None-Match") == `"7"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("ETag", `"7"`)
		fmt.Fprint(w, dump)
	}))
	defer srv.Close()
	p, l := newPuller()
	var told []string
	p.Each = func(v feed.Verdict, n int64, reason string) {
		told = append(told, fmt.Sprintf("%d %s %s", n, v, reason))
	}
	a := gcve.Authority{ID: 1, Dump: srv.URL + "/dumps/", PullAPI: srv.URL}
	s, err := p.Pull(t.Context(), a)
	if err != nil || s.Records != 6 || s.Verdicts["added"] != 3 || s.Verdicts["refused"] != 2 || s.Verdicts["foreign"] != 1 || s.Source != srv.URL+"/dumps/gna-1.ndjson" {
		t.Fatalf("%+v (%v)", s, err)
	}
	if l.records["GCVE-1-XX-[1]/{2}"] != doc("GCVE-1-XX-[1]/{2}", 2) || l.source != s.Source {
		t.Errorf("%q from %s", l.records, l.source)
	}
	if len(told) != 3 || !strings.HasPrefix(told[0], "3 refused") || !strings.HasPrefix(told[1], "5 refused") || !strings.HasPrefix(told[2], "4 foreign") {
		t.Errorf("%q", told)
	}
	if s, err = p.Pull(t.Context(), a); err != nil || !s.Unchanged || asked != 2 {
		t.Errorf("%+v (%v)", s, err)
	}
}

// Where there is no dump, or a page for people in its place, the publication is read page by page, and from the newest date on the next time.
func TestPages(t *testing.T) {
	var queries []string
	const records = 230
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/dumps/gna-1.ndjson":
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprint(w, "<html>")
		case gcve.PublicationPath:
			queries = append(queries, r.URL.RawQuery)
			q, err := gcve.ParseParams(r.URL.Query())
			if err != nil {
				t.Error(err)
			}
			out := []jsontext.Value{}
			for i := (int(q.Page) - 1) * q.PerPage; i < min(int(q.Page)*q.PerPage, records); i++ {
				out = append(out, jsontext.Value(doc(fmt.Sprintf("GCVE-1-2026-%04d", i), i/10+1)))
			}
			if err := json.MarshalWrite(w, out); err != nil {
				t.Error(err)
			}
		default:
			t.Errorf("asked %s", r.URL)
		}
	}))
	defer srv.Close()
	p, l := newPuller()
	a := gcve.Authority{ID: 1, SyncAPI: srv.URL + "/"}
	s, err := p.Pull(t.Context(), a)
	if err != nil || s.Verdicts["added"] != records || len(l.records) != records || len(queries) != 3 || l.batches < 4 {
		t.Fatalf("%+v, %d pages (%v)", s, len(queries), err)
	}
	queries = nil
	if s, err = p.Pull(t.Context(), a); err != nil || s.Verdicts["unchanged"] != records || !strings.Contains(queries[0], "since=2026-10-21T00%3A00%3A00Z") {
		t.Errorf("%+v, %q (%v)", s, queries, err)
	}
}

func TestOtherServers(t *testing.T) {
	all := "[" + doc("GCVE-1-1", 1) + "," + doc("GCVE-1-2", 2) + "]"
	for name, tc := range map[string]struct {
		answer func(w http.ResponseWriter, r *http.Request)
		added  int64
		err    error
	}{
		"an older one": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/api/vulnerability/last/gna-1" {
				fmt.Fprint(w, all)
				return
			}
			http.NotFound(w, r)
		}, 2, nil},
		"one that knows no pages": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == gcve.PublicationPath {
				fmt.Fprint(w, "["+strings.Repeat(doc("GCVE-1-1", 1)+",", 99)+doc("GCVE-1-2", 2)+"]")
				return
			}
			http.NotFound(w, r)
		}, 2, nil},
		"one that ends with 404": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == gcve.PublicationPath && r.URL.Query().Get("page") == "1" {
				fmt.Fprint(w, "["+strings.Repeat(doc("GCVE-1-1", 1)+",", 99)+doc("GCVE-1-2", 2)+"]")
				return
			}
			http.NotFound(w, r)
		}, 2, nil},
		"one that breaks off": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == gcve.PublicationPath {
				fmt.Fprint(w, all[:len(all)-5])
				return
			}
			http.NotFound(w, r)
		}, 1, feed.ErrBroken},
		"nothing there":  {http.NotFound, 0, feed.ErrAbsent},
		"something else": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"x":1}`) }, 0, feed.ErrAnswer},
		"out of order":   {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, 0, feed.ErrAnswer},
		"pages for people": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, all)
		}, 0, feed.ErrAnswer},
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(tc.answer))
			defer srv.Close()
			p, l := newPuller()
			s, err := p.Pull(t.Context(), gcve.Authority{ID: 1, PullAPI: srv.URL})
			if !errors.Is(err, tc.err) || (tc.err == nil) != (err == nil) || int64(len(l.records)) != tc.added {
				t.Errorf("%+v, %d records (%v)", s, len(l.records), err)
			}
		})
	}
	p, _ := newPuller()
	if _, err := p.Pull(t.Context(), gcve.Authority{ID: 1, PullAPI: "www.example.org/x"}); !errors.Is(err, feed.ErrNowhere) {
		t.Errorf("no address: %v", err)
	}
}

// The cursor never moves into the future: one record that claims to be from there would hide all others.
func TestFutureDate(t *testing.T) {
	var since string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != gcve.PublicationPath {
			http.NotFound(w, r)
			return
		}
		since = r.URL.Query().Get("since")
		fmt.Fprint(w, `[`+doc("GCVE-1-1", 5)+`,{"cveMetadata":{"vulnId":"GCVE-1-2","state":"PUBLISHED","dateUpdated":"2999-01-01T00:00:00Z"}}]`)
	}))
	defer srv.Close()
	p, _ := newPuller()
	for range 2 {
		if _, err := p.Pull(t.Context(), gcve.Authority{ID: 1, PullAPI: srv.URL}); err != nil {
			t.Fatal(err)
		}
	}
	if since != "2026-10-03T00:00:00Z" {
		t.Errorf("since %s", since)
	}
}

func TestDirectory(t *testing.T) {
	newKey := func() (*rsa.PrivateKey, []byte) {
		k, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.MarshalPKIXPublicKey(&k.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		return k, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	}
	private, public := newKey()
	_, strange := newKey()
	const text = `[{"id":1,"short_name":"a"}]`
	sum := sha512.Sum512([]byte(text))
	raw, err := rsa.SignPKCS1v15(rand.Reader, private, crypto.SHA512, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{"/dist/gcve.json": text, "/dist/gcve.json.sigsha512": base64.StdEncoding.EncodeToString(raw), "/dist/key/public.pem": string(public)}
	old := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/dist/gcve.json" && old > 0 { // replaced between the two requests
			old--
			fmt.Fprint(w, `[]`)
			return
		}
		f, ok := files[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		fmt.Fprint(w, f)
	}))
	defer srv.Close()
	key, err := gcve.ParseKey(public)
	if err != nil {
		t.Fatal(err)
	}
	p, l := newPuller()
	src := feed.Source{URL: srv.URL + "/dist/gcve.json", Key: key}
	if c, err := p.Directory(t.Context(), src); err != nil || c.NewKey || c.TXT || l.directory != text {
		t.Fatalf("%+v %q (%v)", c, l.directory, err)
	}
	old = 1
	if _, err := p.Directory(t.Context(), src); err != nil {
		t.Errorf("replaced meanwhile: %v", err)
	}
	files["/dist/key/public.pem"] = string(strange)
	if c, err := p.Directory(t.Context(), src); err != nil || !c.NewKey {
		t.Errorf("another key beside it: %+v (%v)", c, err)
	}
	// The second channel.
	src.TXT = "_key.gcve.example"
	for name, tc := range map[string]struct {
		records []string
		err     error
		want    error
	}{
		"the same key":  {[]string{"v=spf1 -all", string(public)}, nil, nil},
		"in pieces":     {[]string{string(public[:200]), string(public[200:])}, nil, nil},
		"another key":   {[]string{string(strange)}, nil, feed.ErrKey},
		"no key":        {[]string{"v=spf1 -all"}, nil, feed.ErrKey},
		"no answer":     {nil, errors.New("timeout"), feed.ErrKey},
		"nothing there": {nil, nil, feed.ErrKey},
	} {
		l.directory = ""
		p.LookupTXT = func(_ context.Context, name string) ([]string, error) {
			if name != src.TXT {
				t.Errorf("asked for %s", name)
			}
			return tc.records, tc.err
		}
		if c, err := p.Directory(t.Context(), src); !errors.Is(err, tc.want) || c.TXT != (tc.want == nil) || (l.directory != "") != (tc.want == nil) {
			t.Errorf("%s: %+v (%v)", name, c, err)
		}
	}
	// What is not signed by the pinned key is not handed over, and nothing is read without one.
	src.TXT, l.directory = "", ""
	files["/dist/gcve.json"] = `[{"id":1,"short_name":"evil"}]`
	if _, err := p.Directory(t.Context(), src); !errors.Is(err, gcve.ErrSignature) || l.directory != "" {
		t.Errorf("forged: %q (%v)", l.directory, err)
	}
	if _, err := p.Directory(t.Context(), feed.Source{URL: src.URL}); !errors.Is(err, gcve.ErrKey) {
		t.Errorf("no key: %v", err)
	}
	delete(files, "/dist/gcve.json.sigsha512")
	if _, err := p.Directory(t.Context(), src); !errors.Is(err, feed.ErrAbsent) {
		t.Errorf("no signature: %v", err)
	}
}
