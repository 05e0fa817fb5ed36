package cveservices_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tasuki/client/cveservices"
)

// What may be asked twice is, with pauses that grow or that the server names; what may not is sent once, and what nobody knows
// about it is said.
func TestRetry(t *testing.T) {
	reserve := func(ctx context.Context, c *cveservices.Client) error {
		_, err := c.Reserve(ctx, cveservices.Reservation{Amount: 1, Year: 2026})
		return err
	}
	read := func(ctx context.Context, c *cveservices.Client) error { _, err := c.QuotaOf(ctx, "acme"); return err }
	reject := func(ctx context.Context, c *cveservices.Client) error {
		_, err := c.ChangeID(ctx, "CVE-2026-0001", cveservices.IDChange{State: "REJECTED"})
		return err
	}
	const good = `{"updated":{},"cve_ids":[{}]}`
	type reply struct {
		status int
		header string
		body   string
	}
	cut := reply{status: -1}
	for _, tc := range []struct {
		name    string
		call    func(context.Context, *cveservices.Client) error
		replies []reply
		waits   string
		fails   error // nil: it succeeds
	}{
		{"busy, then not", read, []reply{{503, "", ""}, {429, "", ""}, {200, "", good}}, "[500ms 1s]", nil},
		{"the server says when", read, []reply{{429, "Retry-After: 7", ""}, {503, "RateLimit-Reset: 3", ""}, {429, "Retry-After: 86400", ""}, {200, "", good}}, "[7s 3s 2m0s]", nil},
		{"by its own clock", read, []reply{{503, "Retry-After: Mon, 05 Jan 2026 10:00:09 GMT", ""}, {200, "", good}}, "[9s]", nil},
		{"a cut connection", read, []reply{cut, {200, "", good}}, "[500ms]", nil},
		{"always busy", read, []reply{{503, "", ""}, {503, "", ""}, {503, "", ""}, {503, "", ""}}, "[500ms 1s 2s]", errAny},
		{"a refusal is final", read, []reply{{403, "", `{"error":"X","message":"no"}`}}, "[]", errAny},
		{"a failure is final", read, []reply{{500, "", ""}}, "[]", errAny},
		{"a change that may be repeated", reject, []reply{{503, "", ""}, cut, {200, "", good}}, "[500ms 1s]", nil},
		{"a busy server did not reserve", reserve, []reply{{429, "", ""}}, "[]", errAny},
		{"a failing one may have", reserve, []reply{{503, "", ""}}, "[]", cveservices.ErrUncertain},
		{"a cut reservation", reserve, []reply{cut}, "[]", cveservices.ErrUncertain},
		{"an answer that is none", reserve, []reply{{200, "", "<html>"}}, "[]", cveservices.ErrUncertain},
		{"an answer without identifiers", reserve, []reply{{200, "", "{}"}}, "[]", cveservices.ErrUncertain},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var n atomic.Int64 // a cut connection tells nobody that the server has seen it
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				i := int(n.Add(1)) - 1
				if i >= len(tc.replies) {
					t.Error("asked too often")
					return
				}
				r := tc.replies[i]
				if r == cut {
					panic(http.ErrAbortHandler)
				}
				w.Header().Set("Date", "Mon, 05 Jan 2026 10:00:00 GMT")
				if name, value, ok := strings.Cut(r.header, ": "); ok {
					w.Header().Set(name, value)
				}
				w.WriteHeader(r.status)
				io.WriteString(w, r.body)
			}))
			defer s.Close()
			waits := []time.Duration{}
			c, err := cveservices.New(s.URL, cveservices.Options{Org: "acme", User: "ann", Key: key, Tries: 4, HTTP: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
				Wait: func(_ context.Context, d time.Duration) error { waits = append(waits, d); return nil }})
			if err != nil {
				t.Fatal(err)
			}
			err = tc.call(t.Context(), c)
			switch {
			case tc.fails == nil && err != nil, tc.fails != nil && err == nil, tc.fails == errAny && errors.Is(err, cveservices.ErrUncertain),
				tc.fails != nil && tc.fails != errAny && !errors.Is(err, tc.fails):
				t.Errorf("%v, want %v", err, tc.fails)
			}
			if int(n.Load()) != len(tc.replies) || fmt.Sprint(waits) != tc.waits {
				t.Errorf("asked %d times, waited %v, want %d and %s", n.Load(), waits, len(tc.replies), tc.waits)
			}
		})
	}
}

var errAny = errors.New("any error that leaves no doubt")

// Nobody was reached, so nothing was done.
func TestNobodyThere(t *testing.T) {
	s := httptest.NewServer(nil)
	s.Close()
	n := 0
	c, err := cveservices.New(s.URL, cveservices.Options{Org: "acme", User: "ann", Key: key, Tries: 3, Wait: func(context.Context, time.Duration) error { n++; return nil }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Reserve(t.Context(), cveservices.Reservation{Amount: 1, Year: 2026}); err == nil || errors.Is(err, cveservices.ErrUncertain) || n != 0 {
		t.Errorf("%v after %d waits", err, n)
	}
	if _, err := c.QuotaOf(t.Context(), "acme"); err == nil || n != 2 {
		t.Errorf("%v after %d waits", err, n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Reserve(ctx, cveservices.Reservation{Amount: 1, Year: 2026}); !errors.Is(err, context.Canceled) || errors.Is(err, cveservices.ErrUncertain) {
		t.Errorf("cancelled before it began: %v", err)
	}
}

// A list of three pages, and one that leads in a circle.
func TestPages(t *testing.T) {
	next := map[string]string{"": "2", "2": "3", "3": "null"}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page := r.URL.Query().Get("page")
		fmt.Fprintf(w, `{"cve_ids":[{"cve_id":"CVE-2026-%04s"}],"totalCount":1203,"itemsPerPage":500,"pageCount":3,"currentPage":1,"prevPage":null,"nextPage":%s}`, page, next[page])
	}))
	defer s.Close()
	c, err := cveservices.New(s.URL, cveservices.Options{Org: "acme", User: "ann", Key: key, Tries: 1})
	if err != nil {
		t.Fatal(err)
	}
	walk := func() (n int, err error) {
		for _, err := range c.IDs(t.Context(), cveservices.IDFilter{}) {
			if err != nil {
				return n, err
			}
			n++
		}
		return n, nil
	}
	if n, err := walk(); n != 3 || err != nil {
		t.Errorf("%d identifiers, %v", n, err)
	}
	if p, err := c.IDPage(t.Context(), cveservices.IDFilter{}, 2); err != nil || p.Total != 1203 || p.PerPage != 500 || p.Pages != 3 || p.Next != 3 {
		t.Errorf("%+v %v", p, err)
	}
	for range c.IDs(t.Context(), cveservices.IDFilter{}) {
		break
	}
	next["3"] = "2"
	if n, err := walk(); n != 3 || !errors.Is(err, cveservices.ErrAnswer) {
		t.Errorf("in a circle: %d identifiers, %v", n, err)
	}
}

// Whatever a server answers: what comes out is an answer or an error of one printable line with the server's status, a walk through
// pages ends, and what was understood is understood again when it is written down.
func FuzzAnswer(f *testing.F) {
	f.Add(200, "{}")
	f.Add(200, `{"cve_ids":[{"cve_id":"CVE-2026-0001","time":{"created":"yesterday"},"reserved":5}],"nextPage":2}`)
	f.Add(200, `{"cve_ids":[{"cve_id":"CVE-2026-0001","cve_year":"2026","state":"RESERVED","requested_by":{"cna":"a","user":"b"},"reserved":"2026-01-05T10:00:00.118Z"}]}`)
	f.Add(206, `{"error":"RESERVED_PARTIAL_AMOUNT","cve_ids":[{"cve_id":"CVE-2026-0001"}],"details":{"amount_reserved":1}}`)
	f.Add(400, `{"error":"INVALID_JSON_SCHEMA","message":"no","details":{"errors":[{"instancePath":"/a","params":{}},"text"]}}`)
	f.Add(400, `{"error":"BAD_INPUT","message":["a"],"details":[{"msg":"m","param":"p","location":"query"}]}`)
	f.Add(502, "<html>\x1b[31mBad gateway</html>")
	f.Add(302, "")
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 200 || status > 599 {
			return
		}
		asked := 0
		transport := roundTrip(func(r *http.Request) (*http.Response, error) {
			asked++
			if asked > 1000 {
				t.Fatal("the walk does not end")
			}
			return &http.Response{StatusCode: status, Header: http.Header{"Location": {"https://else.test/\x1b"}}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
		})
		c, err := cveservices.New("https://cve.test", cveservices.Options{Org: "a", User: "b", Key: "c", Tries: 1, HTTP: &http.Client{Transport: transport}})
		if err != nil {
			t.Fatal(err)
		}
		judge := func(err error) {
			if err == nil {
				if status >= 300 {
					t.Errorf("%d is a success", status)
				}
				return
			}
			text := strings.TrimPrefix(err.Error(), cveservices.ErrUncertain.Error()+"\n") // two errors have two lines
			if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\n' || r == 0x7f }) || len(text) > 4000 {
				t.Errorf("%q cannot be shown", text)
			}
			var e *cveservices.Error
			if errors.As(err, &e) {
				if e.Status != status {
					t.Errorf("%d became %d", status, e.Status)
				}
				e.Misfits()
				e.Parameters()
			}
		}
		for id, err := range c.IDs(t.Context(), cveservices.IDFilter{}) {
			judge(err)
			if err != nil {
				continue
			}
			once, _ := json.Marshal(id)
			var again cveservices.ID
			if err := json.Unmarshal(once, &again); err != nil || again != id {
				t.Errorf("%+v became %+v (%v)", id, again, err)
			}
		}
		_, err = c.Reserve(t.Context(), cveservices.Reservation{Amount: 1, Year: 2026})
		judge(err)
		_, err = c.Publish(t.Context(), "CVE-2026-0001", json.RawMessage("{}"))
		judge(err)
		_, err = c.Org(t.Context(), "a")
		judge(err)
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
