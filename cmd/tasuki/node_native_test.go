package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"tasuki/client"
	"tasuki/internal/edge/serve/native"
	"tasuki/internal/store/storetest"
)

// The type of every problem refers to a place on the page of the API.
func TestProblemsAreExplainedOnThePage(t *testing.T) {
	k := openKit(t, kitOptions{})
	var doc struct {
		Problems []native.Kind `json:"x-problems"`
	}
	if err := json.Unmarshal(k.get(t, "/api/v1/openapi.json"), &doc); err != nil || len(doc.Problems) < 10 {
		t.Fatalf("%d kinds of problems, %v", len(doc.Problems), err)
	}
	page := string(k.get(t, "/api"))
	for _, p := range doc.Problems {
		if !strings.Contains(page, `id="problem-`+p.Code+`"`) {
			t.Errorf("/api has no place problem-%s", p.Code)
		}
	}
	var p client.Problem
	if err := json.Unmarshal(k.ask("/api/v1/search?q=(").Body.Bytes(), &p); err != nil || p.Type != "/api#problem-bad-query" {
		t.Errorf("%+v, %v", p, err)
	}
}

// What is committed is told at once through the real door, wherever in a shared store it was written; a node on its way out ends
// its streams.
func TestChangesAreToldThroughTheDoor(t *testing.T) {
	shared := storetest.Postgres(t)
	for name, o := range map[string]kitOptions{"sqlite": {}, "postgres": {store: shared}} {
		t.Run(name, func(t *testing.T) {
			k := openKit(t, o)
			writer := k
			if o.store != "" {
				writer = openKit(t, o)
			}
			k.run(t)
			s := httptest.NewServer(k.door)
			defer s.Close()
			c, err := client.New(s.URL, client.Options{Retry: time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			const changes = 5
			bring := func(n int) {
				raw := kitRecord(fmt.Sprintf("CVE-2026-%d", 5000+n), "PUBLISHED", "2026-01-02T00:00:00.000Z", "2026-01-02T00:00:00.000Z", "door", "en", "Told at once")
				if sum, err := writer.bringBytes(ctx, raw); err != nil || sum.Added != 1 {
					t.Fatalf("%+v, %v", sum, err)
				}
			}
			bring(0)
			heard := 0
			started := time.Now()
			for ch, err := range c.Watch(ctx, client.Watch{Q: "vendor:door"}) {
				if err != nil {
					t.Fatalf("after %d changes: %v", heard, err)
				}
				if want := fmt.Sprintf("CVE-2026-%d", 5000+heard); ch.ID != want || ch.Hit == nil {
					t.Errorf("heard of %+v, not of %s", ch, want)
				}
				if heard++; heard == changes {
					break
				}
				bring(heard) // the next one only when this one was heard of
			}
			// A stream that had to wait for its next heartbeat would take a quarter of a minute each.
			if took := time.Since(started); took > 10*time.Second {
				t.Errorf("%d changes took %v to be heard of", changes, took)
			}

			resp, err := http.Get(s.URL + native.StreamPath + "?since=0")
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if coding := resp.Header.Get("Content-Encoding"); coding != "" || resp.Uncompressed {
				t.Errorf("the stream is compressed (%s): events would wait for one another", coding)
			}
			time.AfterFunc(50*time.Millisecond, k.leaving.begin)
			text, err := io.ReadAll(resp.Body)
			if n := strings.Count(string(text), "event: change\n"); err != nil || n != changes {
				t.Errorf("%d events before the end, %v", n, err)
			}
		})
	}
}
