package cveservices

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
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
	for status, code := range map[int]string{413: "RECORD_TOO_LARGE", 500: "SERVICE_NOT_AVAILABLE", 404: "NOT_FOUND", 421: "BAD_REQUEST"} {
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
