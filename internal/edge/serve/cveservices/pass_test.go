package cveservices

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"tasuki/internal/store/storetest"
)

// BenchmarkPass is a conformance suite's worth of work, one request after the other over HTTP: 700 authenticated requests, of which
// 160 make a secret (80 users, 80 resets) and 160 use a secret for the first time. It has to be done within 30 s on two cores.
func BenchmarkPass(b *testing.B) {
	for _, engine := range []struct {
		name string
		dsn  func(testing.TB) string
	}{{"sqlite", storetest.SQLite}, {"postgres", storetest.Postgres}} {
		b.Run(engine.name, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				w := newWorld(b, storetest.Open(b, engine.dsn(b)), RateLimit{})
				b.StartTimer()
				w.pass(b)
			}
		})
	}
}

var secretMember = regexp.MustCompile(`"(?:secret|API-secret)":"([0-9a-f]{36})"`)

func (w *world) pass(b *testing.B) {
	requests, secrets := 0, 0
	ask := func(caller, method, path, body string) string {
		requests++
		r, err := http.NewRequestWithContext(b.Context(), method, w.url+"/api/"+path, strings.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		as(r, caller)
		reply, err := http.DefaultClient.Do(r)
		if err != nil {
			b.Fatal(err)
		}
		defer reply.Body.Close() //nolint:errcheck // it was read
		raw, err := io.ReadAll(reply.Body)
		if err != nil || reply.StatusCode != http.StatusOK {
			b.Fatalf("%s %s as %s: %d %s (%v)", method, path, caller, reply.StatusCode, raw, err)
		}
		if m := secretMember.FindSubmatch(raw); m != nil {
			secrets++
			return string(m[1])
		}
		return string(raw)
	}
	for i := range 80 {
		name := fmt.Sprintf("user-%02d", i)
		first := ask("sec/root", "POST", "org/acme/user", `{"username":"`+name+`"}`)
		ask("acme/"+name+" "+first, "GET", "org/acme", "")
		ask("sec/root", "PUT", "org/acme/user/"+name+"?name.first=A", "")
		second := ask("acme/"+name+" "+first, "PUT", "org/acme/user/"+name+"/reset_secret", "")
		ask("acme/"+name+" "+second, "GET", "org/acme/user/"+name, "")
		ask("acme/"+name+" "+second, "POST", "cve-id?amount=1&cve_year=2026&short_name=acme", "")
		ask("sec/root", "GET", "org/acme/id_quota", "")
		ask("sec/root", "GET", "cve-id?state=RESERVED", "")
	}
	for requests < 700 {
		ask("sec/root", "GET", "users", "")
	}
	if secrets != 160 {
		b.Fatalf("%d secrets", secrets)
	}
}
