package cveservices

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"tasuki/internal/authority"
	"tasuki/internal/gate"
	"tasuki/internal/store/storetest"
)

// Journeys to the server are what a write on PostgreSQL costs, and whoever adds a query inside an act may not notice. A request asks
// who calls (1), a transaction begins (1), asks what the act rests on, and ends (1); publishing reads the record beforehand (2).
func TestJourneysOfWrites(t *testing.T) {
	db := storetest.Open(t, storetest.Postgres(t))
	w := newWorld(t, db, RateLimit{})
	w.do(t, func(ctx context.Context, turn *gate.Turn) error {
		o, err := authority.GetOrg(ctx, turn.Tx, turn.Now(), "acme")
		if err == nil {
			_, err = authority.ChangeOrg(ctx, turn.Tx, turn, o.ID, authority.OrgChange{Quota: new(int64(1000))})
		}
		return err
	})
	send := func(method, path, body string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, w.url+"/api/"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		as(r, "acme/ann")
		reply, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer reply.Body.Close() //nolint:errcheck // it was read
		if said, err := io.ReadAll(reply.Body); err != nil || reply.StatusCode != http.StatusOK {
			t.Fatalf("%s %s: %d %.500s (%v)", method, path, reply.StatusCode, said, err)
		}
	}
	ids := w.reserve(t, "acme/ann", 20)
	body := medianBody(t)
	const reservation = "cve-id?amount=1&short_name=acme&cve_year=2026"
	for _, act := range []struct {
		name string
		most float64
		do   func(i int)
	}{
		{"reserve", 5, func(int) { send("POST", reservation, "") }},
		{"reserve in sequence", 5, func(int) { send("POST", reservation+"&batch_type=sequential", "") }},
		{"reserve out of it", 6, func(int) { send("POST", reservation+"&batch_type=nonsequential", "") }},
		{"publish", 8, func(i int) { send("POST", "cve/"+ids[i]+"/cna", body) }},
		{"update", 11, func(i int) { send("PUT", "cve/"+ids[i]+"/cna", body) }},
	} {
		const n = 10
		for i := range n { // statements become known to the server, on every connection
			act.do(i)
		}
		before := db.Journeys()
		for i := range n {
			act.do(n + i)
		}
		got := float64(db.Journeys()-before) / n
		t.Logf("%s: %.1f journeys", act.name, got)
		if got > act.most+1 { // the end of a read may fall into another round, statements may become known on one more connection
			t.Errorf("%s: %.1f journeys, at most %.0f", act.name, got, act.most)
		}
	}
}
