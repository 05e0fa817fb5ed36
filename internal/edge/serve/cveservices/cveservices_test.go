package cveservices

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

const (
	noSuchResource = `{"error":"NOT_FOUND","message":"No such resource."}`
	noRecord       = `{"error":"CVE_RECORD_DNE","message":"There is no record for this CVE ID."}`
)

func TestPreflightEchoesTheHeaders(t *testing.T) {
	r := httptest.NewRequest("OPTIONS", "/api/cve-id", nil)
	r.Header.Set("Access-Control-Request-Headers", "cve-api-key,cve-api-org")
	w := httptest.NewRecorder()
	Handler(Options{Now: time.Now, Log: slog.New(slog.DiscardHandler)}).ServeHTTP(w, r)
	head := w.Result().Header
	if w.Code != http.StatusNoContent || head.Get("Access-Control-Allow-Headers") != "cve-api-key,cve-api-org" ||
		head.Get("Access-Control-Allow-Methods") != "GET,HEAD,PUT,PATCH,POST,DELETE" {
		t.Errorf("%d, headers %v", w.Code, head)
	}
}

func TestTheDoorsRefusals(t *testing.T) {
	for status, code := range map[int]string{413: "RECORD_TOO_LARGE", 500: "SERVICE_NOT_AVAILABLE", 503: "SERVICE_NOT_AVAILABLE", 404: "NOT_FOUND", 421: "BAD_REQUEST"} {
		w := httptest.NewRecorder()
		Refuse(w, httptest.NewRequest("GET", "/api/cve/x", nil), status, "why")
		if w.Code != status || !strings.Contains(w.Body.String(), `"error":"`+code+`"`) {
			t.Errorf("%d: %d %s", status, w.Code, w.Body)
		}
	}
}

// A node that takes no part in the Program answers what needs no credentials, and knows of nothing else.
func TestWithoutActs(t *testing.T) {
	h := Handler(Options{Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	for path, want := range map[string]string{"/api/health-check": "", "/API/Health-Check/": "", "/api/cve-id": noSuchResource, "/api": noSuchResource} {
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, httptest.NewRequest("GET", path, nil)); w.Body.String() != want {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

// Usernames are private, and paths are logged.
func TestPathsInTheLogNameNobody(t *testing.T) {
	h := Handler(Options{Now: time.Now, Log: slog.New(slog.DiscardHandler)}).(*handler)
	for path, want := range map[string]string{
		"/api/org/acme/user/ann":               "/api/org/acme/user/{username}",
		"/API/Org/acme/User/ann/reset_secret/": "/API/Org/acme/User/{username}/reset_secret/",
		"/api/org/acme/users/ann@acme.test":    "/api/org/acme/users/{username}",
		"/api/users/ann@acme.test":             "/api/users/{username}",
		"/api/org/acme/id_quota":               "/api/org/acme/id_quota",
		"/api/cve-id/CVE-2026-0001":            "/api/cve-id/CVE-2026-0001",
		"/api":                                 "/api",
	} {
		if got := h.LogPath(path); got != want {
			t.Errorf("%s is logged as %s, want %s", path, got, want)
		}
	}
}

// When the store fails, nobody learns more than that, and the log does.
func TestOurOwnFaultTellsNothing(t *testing.T) {
	db, err := store.Open(t.Context(), storetest.SQLite(t), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, db, RateLimit{})
	ask := func(method, path string) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), method, w.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		as(r, "acme/ann")
		reply, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer reply.Body.Close() //nolint:errcheck // it was read
		body, err := io.ReadAll(reply.Body)
		if err != nil {
			t.Fatal(err)
		}
		return reply.StatusCode, string(body)
	}
	if status, body := ask("GET", "/api/cve-id"); status != http.StatusOK {
		t.Fatalf("before: %d %s", status, body)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/api/cve-id", "/api/cve-id/CVE-2026-0001", "/api/cve/CVE-2026-0001", "/api/org/acme/id_quota"} {
		status, body := ask("GET", path)
		if want := `{"error":"SERVICE_NOT_AVAILABLE","message":"The service is not available."}`; status != http.StatusInternalServerError || body != want {
			t.Errorf("%s: %d %s", path, status, body)
		}
		if !strings.Contains(w.log.String(), "path="+path+" ") {
			t.Errorf("%s: not in the log", path)
		}
	}
}
