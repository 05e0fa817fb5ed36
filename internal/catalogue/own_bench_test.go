package catalogue_test

import (
	"context"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tasuki/internal/authority"
	"tasuki/internal/event"
	"tasuki/internal/gate"
	"tasuki/internal/gate/gatetest"

	"tasuki/internal/store/storetest"
)

// BenchmarkUpdate measures what a container costs inside the write transaction, leaf, body and all folds, when its record was
// updated ever so often before. Budget: 3 ms above the bare transaction, for the median record.
func BenchmarkUpdate(b *testing.B) {
	raw, err := os.ReadFile("../edge/serve/web/testdata/records/CVE-2024-4879.json")
	if err != nil {
		b.Fatal(err)
	}
	var record struct {
		Containers struct {
			CNA jsontext.Value `json:"cna"`
		} `json:"containers"`
	}
	if err := json.Unmarshal(raw, &record); err != nil {
		b.Fatal(err)
	}
	for _, engine := range []struct {
		name string
		dsn  func(testing.TB) string
	}{{"sqlite", storetest.SQLite}, {"postgres", storetest.Postgres}} {
		b.Run(engine.name, func(b *testing.B) {
			w := gatetest.New(b, storetest.Open(b, engine.dsn(b)))
			var took []time.Duration
			for b.Loop() {
				doc, err := w.Gate.Pack(event.RecordPut, record.Containers.CNA)
				if err != nil {
					b.Fatal(err)
				}
				err = w.Gate.Do(context.Background(), gatetest.Importer, gate.Command{Action: authority.Import, Decide: func(ctx context.Context, turn *gate.Turn) error {
					began := time.Now()
					_, err := turn.Emit(ctx, &event.Event{Kind: event.RecordPut, ID: "CVE-2026-1000", Cont: "cna", DV: "5.2.0"}, doc)
					took = append(took, time.Since(began))
					return err
				}})
				if err != nil {
					b.Fatal(err)
				}
			}
			slices.Sort(took)
			b.ReportMetric(took[len(took)/2].Seconds()*1000, "ms/inside-p50")
			b.ReportMetric(took[len(took)*99/100].Seconds()*1000, "ms/inside-p99")
		})
	}
}
