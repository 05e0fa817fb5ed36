package client_test

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"tasuki/client"
	"tasuki/internal/authority"
	"tasuki/internal/edge/serve/native"
	"tasuki/internal/gate/gatetest"
	"tasuki/internal/governance"
	"tasuki/internal/program"
	"tasuki/internal/store"
)

// node is a whole list with the API before it.
type node struct {
	*gatetest.World
	*httptest.Server
	client *client.Client
	acts   *program.Service

	mu   sync.Mutex
	wake chan struct{}
}

// serve opens a node over a store. before may stand between the network and the API.
func serve(t testing.TB, db *store.DB, before func(http.Handler) http.Handler) *node {
	t.Helper()
	n := &node{World: gatetest.New(t, db)}
	stop := make(chan struct{})
	n.acts = program.New(program.Config{Gate: n.Gate, DB: n.DB, Log: n.Log, Now: n.Clock.Now})
	h := native.Handler(native.Options{Catalogue: n.Catalogue, Authority: program.NewPublic(n.acts), Continuity: keeping{}, News: n.news, Stopping: stop, Now: n.Clock.Now, BaseURL: "https://cve.example.org",
		Log: slog.New(slog.DiscardHandler),
		Status: func(context.Context) (native.Status, error) {
			return native.Status{List: gatetest.List, Checkpoint: 1, Signed: n.Clock.Now()}, nil
		},
		Proof: func(_ context.Context, id string) ([]byte, int64, error) {
			if id == "CVE-2024-1001" {
				return []byte("c2sp.org/tlog-proof@v1\n"), 0, nil
			}
			return nil, 0, fs.ErrNotExist
		}})
	if before != nil {
		h = before(h)
	}
	n.Server = httptest.NewServer(h)
	t.Cleanup(func() {
		close(stop)
		n.Close()
	})
	var err error
	if n.client, err = client.New(n.URL, client.Options{Retry: time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	return n
}

func (n *node) news() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.wake == nil {
		n.wake = make(chan struct{})
	}
	return n.wake
}

// learn imports documents and wakes who follows.
func (n *node) learn(t testing.TB, documents ...[]byte) {
	t.Helper()
	n.Import(t, documents...)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.wake != nil {
		close(n.wake)
		n.wake = nil
	}
}

// document is a record of the vendor that was last changed on the given day of January 2026.
func document(id, state, vendor string, day int) []byte {
	date := fmt.Sprintf("2026-01-%02dT08:00:00.000Z", day)
	provider := `"providerMetadata":{"orgId":"22222222-2222-4222-8222-222222222222","shortName":"acme","dateUpdated":"` + date + `"}`
	said := fmt.Sprintf(`"title":"Flaw of day %d","descriptions":[{"lang":"en","value":"A flaw."},{"lang":"ja","value":"脆弱性があります。"}],`+
		`"affected":[{"vendor":%q,"product":"Thing","versions":[{"version":"0","status":"affected","lessThan":"%d.50","versionType":"semver"}]}],`+
		`"problemTypes":[{"descriptions":[{"lang":"en","type":"CWE","cweId":"CWE-79","description":"XSS"}]}],`+
		`"metrics":[{"format":"CVSS","cvssV3_1":{"version":"3.1","vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H","baseScore":9.80,"baseSeverity":"CRITICAL"}}],`+
		`"references":[{"url":"https://example.com/%d"}]`, day, vendor, day, day)
	if state == "REJECTED" {
		said = `"rejectedReasons":[{"lang":"en","value":"A duplicate."}]`
	}
	return fmt.Appendf(nil, `{"dataType":"CVE_RECORD","dataVersion":"5.1","cveMetadata":{"cveId":%q,"assignerOrgId":"22222222-2222-4222-8222-222222222222",`+
		`"assignerShortName":"acme","state":%q,"datePublished":"2026-01-01T00:00:00.000Z","dateUpdated":%q},"containers":{"cna":{%s,%s}}}`, id, state, date, provider, said)
}

// tell makes a small history: four records, two corrections, a rejection, an erasure.
func (n *node) tell(t testing.TB) {
	t.Helper()
	n.learn(t, document("CVE-2024-1001", "PUBLISHED", "Acme", 2), document("CVE-2024-1002", "PUBLISHED", "JetBrains", 2))
	n.Note(t, "cvelist")
	n.Clock.Add(24 * time.Hour)
	n.learn(t, document("CVE-2024-1001", "PUBLISHED", "Acme", 3), document("CVE-2024-1003", "PUBLISHED", "日本製作所", 3))
	n.Clock.Add(24 * time.Hour)
	n.learn(t, document("CVE-2024-1002", "REJECTED", "JetBrains", 4), document("CVE-2024-1004", "PUBLISHED", "Acme", 4))
	n.Erase(t, n.Size(t)-1)
	n.Clock.Add(24 * time.Hour)
}

// govern makes an authority of a head, a CNA and a case.
func (n *node) govern(t testing.TB) (dispute string) {
	t.Helper()
	by := authority.Caller{Role: authority.Operator, Name: "test"}
	for _, short := range []string{"head", "acme"} {
		if _, err := n.acts.RegisterOrg(t.Context(), by, authority.NewOrg{Short: short, Name: "The " + short, Profile: authority.Profile{Emails: []string{"psirt@example.org"}}}); err != nil {
			t.Fatal(err)
		}
	}
	g, err := n.acts.GiveGrant(t.Context(), by, authority.NewGrant{Org: "head", Role: authority.TopLevelRoot})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.acts.GiveGrant(t.Context(), by, authority.NewGrant{Org: "acme", Role: authority.CNA, Parent: g.ID,
		Scope: authority.Scope{Text: "Acme", Include: []authority.Match{{Vendor: "acme"}}, Exclude: []authority.Match{{Product: "fossil"}}}}); err != nil {
		t.Fatal(err)
	}
	v, err := n.acts.OpenDispute(t.Context(), by, program.NewDispute{Subject: "scope", Against: "acme", Statement: governance.Statement{Text: "Ours."}})
	if err != nil {
		t.Fatal(err)
	}
	return v.ID
}
