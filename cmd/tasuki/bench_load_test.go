package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"tasuki/internal/loadtest"
)

var (
	loadFor  = flag.Duration("load.for", time.Minute, "how long each load lasts")
	loadRate = flag.Float64("load.rate", 50, "pages per second of the searches; by id it is always 500")
)

// run puts one load on the node and reports it with the processor time that it cost the node.
func (s *served) run(tb testing.TB, name, base string, rate float64, d time.Duration, paths []string) *loadtest.Result {
	tb.Helper()
	target := loadtest.NewTarget(base)
	defer target.Close()
	busy0, _, _ := s.used()
	stolen0, ticks0 := stolen()
	r, err := loadtest.Run(context.Background(), loadtest.Plan{Rate: rate, For: d, Warm: 20}, target.Paths(paths))
	if err != nil {
		tb.Fatal(err)
	}
	busy1, _, _ := s.used()
	fmt.Printf("%-28s %s; node's processor time %.2f ms each, memory %s", name, r, (busy1-busy0).Seconds()*1000/float64(r.Asked+20), s.memory())
	if stolen1, ticks1 := stolen(); ticks1 > ticks0 {
		fmt.Printf("; host took %.0f %% of the processors", 100*float64(stolen1-stolen0)/float64(ticks1-ticks0))
	}
	fmt.Println()
	if r.Failed > 0 {
		tb.Errorf("%s: %d of %d failed: %v", name, r.Failed, r.Asked, r.Example)
	}
	return r
}

// stolen is how many ticks of the processors the host of this virtual machine gave to others, and how many there were in all;
// zeroes where the system does not tell. What is stolen shows in every tail, also that of an empty handler.
func stolen() (stolen, all int64) {
	data, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0
	}
	line, _, _ := strings.Cut(string(data), "\n")
	fields := strings.Fields(line) // cpu user nice system idle iowait irq softirq steal guest guest_nice, see proc(5)
	for i, f := range fields {
		n, _ := strconv.ParseInt(f, 10, 64)
		if i >= 1 && i <= 8 {
			all += n
		}
		if i == 8 {
			stolen = n
		}
	}
	return stolen, all
}

// BenchmarkLoadByID: GET /api/cve/{id} at 500/s over real HTTP; budget: the p99 of an empty handler in the same run and 2 ms.
func BenchmarkLoadByID(b *testing.B) {
	c := theCorpus(b)
	s := serveUnderLoad(b, copyStore(b, realStore(b)))
	s.warm(b)
	m := newMix(c)
	paths := make([]string, 20000)
	for i := range paths {
		paths[i] = "/api/cve/" + m.of(c.ids)
	}
	for b.Loop() {
		fmt.Println()
		before := s.run(b, "empty handler", s.beside, 500, *loadFor/4, []string{"/empty"})
		s.profile(b, "by-id", *loadFor)
		by := s.run(b, "GET /api/cve/{id}", s.base, 500, *loadFor, paths)
		after := s.run(b, "empty handler", s.beside, 500, *loadFor/4, []string{"/empty"})
		floor := (before.At(0.99) + after.At(0.99)) / 2
		fmt.Printf("p99 is %s above the floor of %s; budget 2 ms\n", (by.At(0.99) - floor).Round(10*time.Microsecond), floor.Round(10*time.Microsecond))
		b.ReportMetric(float64((by.At(0.99)-floor).Microseconds())/1000, "ms-above-floor")
	}
}

// BenchmarkLoadSearch: pages of the NVD surface and of the search, 1,000 distinct queries each; budgets: p99 20 ms and 50 ms.
func BenchmarkLoadSearch(b *testing.B) {
	c := theCorpus(b)
	s := serveUnderLoad(b, copyStore(b, realStore(b)))
	fmt.Printf("\nindex warm after %s\n", seconds(s.warm(b)))
	for b.Loop() {
		s.run(b, "empty handler", s.beside, *loadRate, *loadFor/4, []string{"/empty"})
		s.profile(b, "nvd", *loadFor)
		nvd := s.run(b, "NVD page of 20", s.base, *loadRate, *loadFor, nvdQueries(c))
		s.profile(b, "web", *loadFor)
		web := s.run(b, "search page with facets", s.base, *loadRate, *loadFor, webQueries(c))
		b.ReportMetric(float64(nvd.At(0.99).Microseconds())/1000, "nvd-p99-ms")
		b.ReportMetric(float64(web.At(0.99).Microseconds())/1000, "web-p99-ms")
	}
}

// BenchmarkLoadPages: pages for people at 200/s; budgets: search with facets p99 50 ms, record p99 20 ms; and the first byte of a
// record page at rest, 5 ms.
func BenchmarkLoadPages(b *testing.B) {
	c := theCorpus(b)
	s := serveUnderLoad(b, copyStore(b, realStore(b)))
	s.warm(b)
	m := newMix(c)
	records := make([]string, 5000)
	for i := range records {
		records[i] = "/cve/" + m.of(c.ids)
	}
	for b.Loop() {
		fmt.Println()
		rest := s.run(b, "record page at rest", s.base, 10, 10*time.Second, records)
		s.run(b, "empty handler at 200/s", s.beside, 200, *loadFor/4, []string{"/empty"})
		s.profile(b, "pages-search", *loadFor)
		search := s.run(b, "search page with facets", s.base, 200, *loadFor, webQueries(c))
		s.profile(b, "pages-record", *loadFor)
		record := s.run(b, "record page", s.base, 200, *loadFor, records)
		b.ReportMetric(float64(rest.At(0.99).Microseconds())/1000, "rest-p99-ms")
		b.ReportMetric(float64(search.At(0.99).Microseconds())/1000, "search-p99-ms")
		b.ReportMetric(float64(record.At(0.99).Microseconds())/1000, "record-p99-ms")
	}
}

// BenchmarkLoadSearchLarge is BenchmarkLoadSearch over some 400,000 records.
func BenchmarkLoadSearchLarge(b *testing.B) {
	c := theCorpus(b)
	s := serveUnderLoad(b, copyStore(b, largeStore(b)))
	fmt.Printf("\nindex warm after %s\n", seconds(s.warm(b)))
	for b.Loop() {
		s.profile(b, "nvd-large", *loadFor)
		s.run(b, "NVD page of 20, 400k", s.base, *loadRate, *loadFor, nvdQueries(c))
		s.profile(b, "web-large", *loadFor)
		s.run(b, "search page, 400k", s.base, *loadRate, *loadFor, webQueries(c))
		_, _, peak := s.used()
		fmt.Printf("memory %s, peak %d MB; budget 1,000 MB\n", s.memory(), peak/1e6)
	}
}

// BenchmarkLoadDuringImport asks while a second process has the node import; budget: 5 times the budgets without.
func BenchmarkLoadDuringImport(b *testing.B) {
	c := theCorpus(b)
	more := synthetic(b, 1, 9)
	for b.Loop() {
		dir := copyStore(b, realStore(b))
		s := serveUnderLoad(b, dir)
		s.warm(b)
		fmt.Println()
		s.run(b, "NVD page, no import", s.base, *loadRate, *loadFor/4, nvdQueries(c))
		s.run(b, "search page, no import", s.base, *loadRate, *loadFor/4, webQueries(c))
		stop := importBeside(b, s, dir, more)
		m := newMix(c)
		paths := make([]string, 5000)
		for i := range paths {
			paths[i] = "/api/cve/" + m.of(c.ids)
		}
		s.profile(b, "during-import", *loadFor)
		nvd := s.run(b, "NVD page, importing", s.base, *loadRate, *loadFor/2, nvdQueries(c))
		web := s.run(b, "search page, importing", s.base, *loadRate, *loadFor/2, webQueries(c))
		s.run(b, "by id at 50/s, importing", s.base, 50, *loadFor/4, paths)
		s.run(b, "empty handler, importing", s.beside, 50, *loadFor/4, []string{"/empty"})
		if s.health(b).Importing == "" {
			b.Error("the import ended before the loads did: the figures are of an idle node in part")
		}
		stop()
		b.ReportMetric(float64(nvd.At(0.99).Microseconds())/1000, "nvd-p99-ms")
		b.ReportMetric(float64(web.At(0.99).Microseconds())/1000, "web-p99-ms")
	}
}

// importBeside has the node on dir import an archive, as a second command does, and returns when it is under way.
func importBeside(tb testing.TB, s *served, dir, archive string) (stop func()) {
	tb.Helper()
	cmd := self(tb, "tasuki", "import", "cvelist", "--data", dir, archive)
	cmd.Stderr = nil
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	for s.health(tb).Importing == "" {
		time.Sleep(50 * time.Millisecond)
	}
	time.Sleep(time.Second)
	return func() {
		size := s.health(tb).Size
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			tb.Error(err)
		}
		_ = cmd.Wait() // interrupted, and says so
		fmt.Printf("meanwhile imported: the log has %d leaves\n", size)
	}
}
