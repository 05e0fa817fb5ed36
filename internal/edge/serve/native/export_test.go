package native

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tasuki/internal/catalogue"
	"tasuki/internal/gate/gatetest"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

func record(n int) []byte {
	return fmt.Appendf(nil, `{"dataType":"CVE_RECORD","dataVersion":"5.1","cveMetadata":{"cveId":"CVE-2026-%d","assignerOrgId":"22222222-2222-4222-8222-222222222222","state":"PUBLISHED","datePublished":"2026-01-02T00:00:00.000Z"},"containers":{"cna":{"providerMetadata":{"orgId":"22222222-2222-4222-8222-222222222222"},"title":"Flaw %d","descriptions":[{"lang":"en","value":"A flaw."}]}}}`,
		10000+n, n)
}

// slow is a catalogue whose every record takes its time.
type slow struct {
	*catalogue.Service
	t    *testing.T
	each time.Duration
}

func (s slow) Search(ctx context.Context, q catalogue.Query) (*catalogue.Page, error) {
	if !q.IDsOnly {
		s.t.Error("an export asks for more of a hit than its ID")
	}
	return s.Service.Search(ctx, q)
}

func (s slow) Texts(ctx context.Context, ids []string, fn func(*catalogue.View) error) error {
	return s.Service.Texts(ctx, ids, func(v *catalogue.View) error {
		time.Sleep(s.each)
		return fn(v)
	})
}

// An export takes longer than the front door gives an answer.
func TestExportOutlivesTheLimitOfAnAnswer(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		world := gatetest.New(t, db)
		const records = 6
		for n := range records {
			world.Import(t, record(n))
		}
		s := httptest.NewUnstartedServer(Handler(Options{Catalogue: slow{world.Catalogue, t, 100 * time.Millisecond}, Log: slog.New(slog.DiscardHandler)}))
		s.Config.WriteTimeout = 300 * time.Millisecond
		s.Start()
		defer s.Close()
		r, err := http.Get(s.URL + Prefix + "export")
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		raw, err := io.ReadAll(r.Body)
		if lines := strings.Count(string(raw), "\n"); err != nil || r.StatusCode != http.StatusOK || lines != records {
			t.Errorf("%d, %d records, %v", r.StatusCode, lines, err)
		}
	})
}
