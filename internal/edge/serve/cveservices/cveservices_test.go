package cveservices

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"tasuki/internal/catalogue"
	"tasuki/spec/cve"
)

type fakeRecords struct{ broken error }

const record = `{"dataType":"CVE_RECORD","x_unknown":{"kept":1.0}}`

func (f fakeRecords) Compact(_ context.Context, id string) ([]byte, error) {
	switch {
	case f.broken != nil:
		return nil, f.broken
	case id == "CVE-2024-4879":
		return []byte(record), nil
	case id == "CVE-2024-0001":
		return nil, fmt.Errorf("%s: %w", id, catalogue.ErrErased)
	}
	return nil, fmt.Errorf("%s: %w", id, catalogue.ErrNotFound)
}

func (f fakeRecords) Count(_ context.Context, state cve.State) (int, error) {
	return map[cve.State]int{"": 42107, cve.Published: 42008, cve.Rejected: 99}[state], f.broken
}

const (
	noSuchResource = `{"error":"NOT_FOUND","message":"No such resource."}`
	noRecord       = `{"error":"CVE_RECORD_DNE","message":"There is no record for this CVE ID."}`
	badID          = `{"error":"BAD_INPUT","message":"Parameters were invalid","details":[{"msg":"Invalid value","param":"id","location":"params"}]}`
	badState       = `{"error":"BAD_INPUT","message":"Parameters were invalid","details":[{"msg":"Not a record state; use PUBLISHED or REJECTED.","param":"state","location":"query"}]}`
)

func TestEndpoints(t *testing.T) {
	h := Handler(fakeRecords{}, slog.New(slog.DiscardHandler))
	for _, tc := range []struct {
		method, path string
		status       int
		body         string
	}{
		{"GET", "/api/cve/CVE-2024-4879", 200, record},
		{"GET", "/api/cve/CVE-2024-4879/", 200, record},
		{"GET", "/API/Cve/CVE-2024-4879?anything=ignored&state=x", 200, record},
		{"HEAD", "/api/cve/CVE-2024-4879", 200, ""},
		{"GET", "/api/cve/CVE-2024-9999", 404, noRecord},
		{"GET", "/api/cve/CVE-2024-0001", 404, noRecord},
		{"GET", "/api/cve/cve-2024-4879", 400, badID},
		{"GET", "/api/cve/CVE-2024-487", 400, badID},
		{"GET", "/api/cve/CVE-2024-48791234567890123456", 400, badID},
		{"GET", "/api/cve/%3Cscript%3E", 400, badID},
		{"GET", "/api/cve/CVE-2024-4879%0A", 400, badID},
		{"GET", "/api/cve", 404, noSuchResource},
		{"GET", "/api/cve/CVE-2024-4879/cna", 404, noSuchResource},
		{"POST", "/api/cve/CVE-2024-4879", 404, noSuchResource},
		{"DELETE", "/api/cve/CVE-2024-4879", 404, noSuchResource},
		{"GET", "/api/org/mitre", 404, noSuchResource},
		{"GET", "/api/", 404, noSuchResource},
		{"GET", "/api", 404, noSuchResource},
		{"GET", "/api/health-check", 200, ""},
		{"GET", "/api/cve_count", 200, `{"totalCount":42107}`},
		{"GET", "/api/cve_count?state=rejected", 200, `{"totalCount":99}`},
		{"GET", "/api/cve_count/?state=%20PUBLISHED%20", 200, `{"totalCount":42008}`},
		{"GET", "/api/cve_count?state=RESERVED", 400, badState},
		{"GET", "/api/cve_count?state=", 400, badState},
		{"GET", "/api/cve_count?state=PUBLISHED&state=REJECTED", 400, `{"error":"BAD_INPUT","message":"Parameters were invalid","details":[{"msg":"Invalid value","param":"state","location":"query"}]}`},
		{"GET", "/api/cve_count?p%3Cage=1&year=2", 400, `{"error":"BAD_INPUT","message":"Parameters were invalid","details":[{"msg":"'p age' is not a known parameter.","param":"","location":"query"}]}`},
		{"OPTIONS", "/api/anything/at/all", 204, ""},
	} {
		t.Run(tc.method+" "+tc.path, func(t *testing.T) {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(tc.method, tc.path, nil))
			if w.Code != tc.status || w.Body.String() != tc.body {
				t.Errorf("%d %s\nwant %d %s", w.Code, w.Body, tc.status, tc.body)
			}
			head := w.Result().Header
			if head.Get("Cache-Control") != "no-store" || head.Get("Access-Control-Allow-Origin") != "*" || head.Get("ETag") != "" {
				t.Errorf("headers %v", head)
			}
			if tc.body != "" && head.Get("Content-Type") != "application/json; charset=utf-8" {
				t.Errorf("type %q", head.Get("Content-Type"))
			}
		})
	}
}

func TestPreflightEchoesTheHeaders(t *testing.T) {
	r := httptest.NewRequest("OPTIONS", "/api/cve-id", nil)
	r.Header.Set("Access-Control-Request-Headers", "cve-api-key,cve-api-org")
	w := httptest.NewRecorder()
	Handler(fakeRecords{}, slog.New(slog.DiscardHandler)).ServeHTTP(w, r)
	head := w.Result().Header
	if head.Get("Access-Control-Allow-Headers") != "cve-api-key,cve-api-org" || head.Get("Access-Control-Allow-Methods") != "GET,HEAD,PUT,PATCH,POST,DELETE" {
		t.Errorf("headers %v", head)
	}
}

func TestOurOwnFaultTellsNothing(t *testing.T) {
	h := Handler(fakeRecords{errors.New("disk at /secret/place")}, slog.New(slog.DiscardHandler))
	for _, path := range []string{"/api/cve/CVE-2024-4879", "/api/cve_count"} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if want := `{"error":"SERVICE_NOT_AVAILABLE","message":"The service is not available."}`; w.Code != 500 || w.Body.String() != want {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

func TestTheDoorsRefusals(t *testing.T) {
	for status, code := range map[int]string{413: "RECORD_TOO_LARGE", 500: "SERVICE_NOT_AVAILABLE", 404: "NOT_FOUND", 421: "BAD_REQUEST"} {
		w := httptest.NewRecorder()
		Refuse(w, httptest.NewRequest("GET", "/api/cve/x", nil), status, "why")
		if w.Code != status || !strings.Contains(w.Body.String(), `"error":"`+code+`"`) {
			t.Errorf("%d: %d %s", status, w.Code, w.Body)
		}
	}
}

// FuzzRequest: whatever is asked, the answer is one of the protocol's, never echoes a forbidden character, and a record
// comes only for a well-formed id.
func FuzzRequest(f *testing.F) {
	for _, s := range []string{"/api/cve/CVE-2024-4879", "/api/cve_count?state=<", "/api//cve/x", "/api/cve_count?%zz&[]=1", "/api/cve/CVE-2024-4879%2f"} {
		f.Add(s)
	}
	h := Handler(fakeRecords{}, slog.New(slog.DiscardHandler))
	f.Fuzz(func(t *testing.T, target string) {
		u, err := url.ParseRequestURI(target)
		if err != nil || !strings.HasPrefix(target, "/") {
			return
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, &http.Request{Method: "GET", URL: u, Header: make(http.Header), Body: http.NoBody})
		body, _ := io.ReadAll(w.Result().Body)
		switch w.Code {
		case 200:
		case 400, 404:
			if !strings.HasPrefix(string(body), `{"error":"`) || strings.ContainsAny(strings.ReplaceAll(string(body), "has the forbidden character", ""), "<>") && !strings.Contains(string(body), "forbidden character") {
				t.Fatalf("%q: %s", target, body)
			}
		default:
			t.Fatalf("%q: %d", target, w.Code)
		}
	})
}
