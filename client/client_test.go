package client_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"tasuki/client"
	"tasuki/internal/store/storetest"
)

func asProblem(t *testing.T, err error) *client.Problem {
	t.Helper()
	var p *client.Problem
	if !errors.As(err, &p) {
		t.Fatalf("no problem: %v", err)
	}
	return p
}

func TestURLs(t *testing.T) {
	for _, bad := range []string{"", "localhost", "localhost:8080", "ftp://x", "http://", "http://x/?q", "http://x/#f", "://"} {
		if _, err := client.New(bad, client.Options{}); !errors.Is(err, client.ErrURL) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// A query that cannot be read comes back with where and what; what a proxy in between says is a problem too.
func TestProblems(t *testing.T) {
	broken := &atomic.Bool{}
	n := serve(t, storetest.Open(t, storetest.SQLite(t)), func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if broken.Load() {
				http.Error(w, "bad gateway", http.StatusBadGateway)
				return
			}
			h.ServeHTTP(w, r)
		})
	})
	n.tell(t)
	_, err := n.client.SearchPage(t.Context(), client.Query{Q: "脆弱性 vendr:x"})
	p := asProblem(t, err)
	if p.Code != "bad-query" || p.Reason != "unknown-field" || p.Column != 5 || *p.Span != (client.Span{Start: 10, End: 15}) || !slices.Contains(p.Suggestions, "vendor") {
		t.Errorf("%+v", p)
	}
	if _, err := n.client.Record(t.Context(), "CVE-2024-1004"); asProblem(t, err).Status != http.StatusGone {
		t.Error(err)
	}
	if _, err := n.client.Named(t.Context(), client.Products, "a/b?c#d %"); asProblem(t, err).Code != "unknown-name" {
		t.Error(err)
	}
	broken.Store(true)
	_, err = n.client.Stats(t.Context(), "", client.At{})
	if p := asProblem(t, err); p.Status != http.StatusBadGateway || !strings.Contains(err.Error(), "bad gateway") {
		t.Errorf("%+v", p)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := n.client.Fields(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// A search gives every hit once, over as many pages as there are.
func TestSearchGoesThroughThePages(t *testing.T) {
	n := serve(t, storetest.Open(t, storetest.SQLite(t)), nil)
	n.tell(t)
	var ids []string
	for hit, err := range n.client.Search(t.Context(), client.Query{Limit: 1, Sort: "oldest"}) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, hit.ID)
	}
	if !slices.Equal(ids, []string{"CVE-2024-1001", "CVE-2024-1002", "CVE-2024-1003"}) {
		t.Error(ids)
	}
	for _, err := range n.client.Search(t.Context(), client.Query{Q: "("}) {
		if asProblem(t, err).Reason != "unclosed-bracket" {
			t.Error(err)
		}
	}
}
