package main

import (
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"
)

// BenchmarkColdStart starts the program on a store and asks for one record by id; budget 1 s. Then it waits for the index,
// which is not part of the budget, and states the memory: 1 GB at 400,000 records.
func BenchmarkColdStart(b *testing.B) {
	for _, size := range []struct {
		name  string
		store func(testing.TB) string
	}{{"42k", realStore}, {"400k", largeStore}} {
		b.Run(size.name, func(b *testing.B) {
			c := theCorpus(b)
			dir := copyStore(b, size.store(b))
			id := c.ids[len(c.ids)/2]
			bare := measure(b, 5, func(int) error { return self(b, "tasuki", "version").Run() })
			var first []time.Duration
			for b.Loop() {
				first = first[:0]
				for range 5 {
					s := serveUnderLoad(b, dir)
					resp, err := http.Get(s.base + "/api/cve/" + id)
					if err != nil {
						b.Fatal(err)
					}
					if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
						b.Fatal(resp.Status, err)
					}
					resp.Body.Close()
					first = append(first, time.Since(s.began))
					s.stop(b)
				}
				s := serveUnderLoad(b, dir)
				warm := s.warm(b)
				busy, rss, peak := s.used()
				h := s.health(b)
				table(b, []string{"from start of the process", "p50", "p99", "max"},
					quantileRow("a program that only says its version", bare, "floor"),
					quantileRow("first record by id", first, "budget 1 s"))
				fmt.Printf("searches after %s (processor time %s) over %d records; memory then %s, peak %d MB; budget at 400k 1,000 MB\n",
					seconds(warm), seconds(busy), h.Index.Records, s.memory(), peak/1e6)
				b.ReportMetric(float64(first[len(first)/2].Microseconds())/1000, "first-ms")
				b.ReportMetric(warm.Seconds(), "warm-s")
				b.ReportMetric(float64(rss)/1e6, "rss-MB")
				s.stop(b)
			}
		})
	}
}
