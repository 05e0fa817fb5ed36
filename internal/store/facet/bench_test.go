package facet

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tasuki/internal/store/token"
)

// times is how often the corpus is repeated: FACET_TIMES=10 stands for the whole CVE List.
func times() int {
	n := 1
	fmt.Sscan(os.Getenv("FACET_TIMES"), &n)
	return n
}

// build indexes docs as a starting node does: two preparing, one applying.
func build(docs []Doc) *Index {
	x := New(corpusSchema)
	type batch struct {
		docs []Doc
		out  chan []*Prepared
	}
	work, inOrder := make(chan batch, 4), make(chan batch, 4)
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for b := range work {
				ps := make([]*Prepared, len(b.docs))
				for i, d := range b.docs {
					ps[i] = x.Prepare(d)
				}
				b.out <- ps
			}
		})
	}
	go func() {
		for part := range slices.Chunk(docs, 500) {
			b := batch{part, make(chan []*Prepared, 1)}
			work <- b
			inOrder <- b
		}
		close(work)
		close(inOrder)
	}()
	seq := int64(0)
	for b := range inOrder {
		seq += int64(len(b.docs))
		x.ApplyPrepared(<-b.out, seq)
	}
	wg.Wait()
	return x
}

func BenchmarkBuild(b *testing.B) {
	docs := corpus(b, times())
	size := 0
	for _, d := range docs {
		for _, t := range d.Text {
			size += len(t.Text)
		}
	}
	b.SetBytes(int64(size))
	var x *Index
	for b.Loop() {
		x = nil //nolint:ineffassign // lets the collector have the last one before the next is timed
		runtime.GC()
		x = build(docs)
	}
	b.ReportMetric(float64(len(docs)), "docs")
	b.Log(shares(x))
	b.ReportMetric(float64(heap(func() { x = nil }))/1e6, "heap-MB")
}

// heap returns how much of the heap drop frees.
func heap(drop func()) int64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	drop()
	runtime.GC()
	runtime.ReadMemStats(&after)
	return int64(before.HeapAlloc) - int64(after.HeapAlloc)
}

func shares(x *Index) string {
	g := x.seg
	kw := 0
	for i := range g.words {
		k := &g.words[i]
		kw += k.lists.bytes() + 4*pageSize*(len(k.first.pages)+len(k.more.pages))
	}
	d := func(d *dict) int { return cap(d.bytes) + 4*cap(d.ends) + 8*len(d.table) }
	return fmt.Sprintf("parts %d (%d kB, sorted %d kB), wholes %d (%d kB), keys %d kB\npostings parts %d kB, wholes %d kB, texts %d kB, keywords %d kB",
		x.words.len(), d(&x.words.dict)>>10, cap(x.words.sorted)*4>>10, x.wholes.len(), d(&x.wholes)>>10, d(&x.keys)>>10,
		g.parts.bytes()>>10, g.wholes.bytes()>>10, g.texts.size>>10, kw>>10)
}

// common lists the words of the corpus by the number of their documents.
func (x *Index) common() []string {
	type wordCount struct {
		word string
		n    int
	}
	var ws []wordCount
	for w := range uint32(x.words.len()) {
		n := 0
		for z := range x.schema.Zones {
			x.seg.parts.each(w*uint32(len(x.schema.Zones))+uint32(z), func(uint32) { n++ })
		}
		if n > 0 {
			ws = append(ws, wordCount{string(x.words.at(w)), n})
		}
	}
	slices.SortFunc(ws, func(a, b wordCount) int { return cmp.Or(b.n-a.n, strings.Compare(a.word, b.word)) })
	out := make([]string, len(ws))
	for i := range ws {
		out[i] = ws[i].word
	}
	return out
}

// BenchmarkSearch reports the median and the 99th percentile per class of query, in processor time
// where the system tells it: figures that tell of queries and not of what else the machine does.
func BenchmarkSearch(b *testing.B) {
	x := build(corpus(b, times()))
	words := x.common()
	rng := rand.New(rand.NewPCG(1, 2))
	zipf := rand.NewZipf(rng, 1.1, 20, uint64(len(words)-1))
	word := func() string { return words[zipf.Uint64()] }
	text := func(s string, prefix bool) Node { return Text{Terms: token.Query(s, prefix)} }
	facets := []Facet{
		{Dim: "state"}, {Dim: "severity"}, {Dim: "year", Top: 30}, {Dim: "vendor", Top: 20}, {Dim: "product", Top: 20},
		{Dim: "cwe", Top: 20}, {Dim: "assigner", Top: 20},
	}
	newest := Sort{By: "changed", Desc: true}
	phrases := []string{
		`"buffer overflow"`, `"cross-site scripting"`, `"remote code execution"`, `"use after free"`, `"sql injection vulnerability"`,
		`"in the"`, `"this vulnerability"`, `"all versions up to"`, "cross-site", "use-after-free", "1.2.3", "CVE-2024-1234", "linux/kernel",
	}
	pick := func(s []string) string { return s[rng.IntN(len(s))] }
	prefixes := func() string {
		w := word()
		for len(w) < 4 {
			w = word()
		}
		return w[:1+rng.IntN(3)]
	}
	filters := func() []Filter {
		return []Filter{
			{"severity", Any{"severity", []string{pick([]string{"high", "critical", "medium"})}}},
			{"year", Any{"year", []string{"2024", "2023"}}},
			{"", Range{"score", int64(rng.IntN(80)), 100}},
		}
	}
	common := words[:50]
	for _, class := range []struct {
		name string
		q    func() Query
	}{
		{"everything+facets", func() Query { return Query{Sort: newest, Limit: 20, Facets: facets} }},
		{"common50", func() Query { return Query{Where: text(pick(common), false), Sort: newest, Limit: 20} }},
		{"common50+facets", func() Query { return Query{Where: text(pick(common), false), Sort: newest, Limit: 20, Facets: facets} }},
		{"common50+relevance", func() Query { return Query{Where: text(pick(common), false), Sort: Sort{Relevance: true}, Limit: 20} }},
		{"words by frequency+facets", func() Query { return Query{Where: text(word(), false), Sort: newest, Limit: 20, Facets: facets} }},
		{"two words+facets", func() Query {
			return Query{Where: text(word()+" "+word(), false), Sort: newest, Limit: 20, Facets: facets}
		}},
		{"two words+relevance", func() Query {
			return Query{Where: text(word()+" "+word(), false), Sort: Sort{Relevance: true}, Limit: 20}
		}},
		{"prefix 1-3", func() Query { return Query{Where: text(prefixes(), true), Sort: Sort{By: "published"}, Limit: 20} }},
		{"two prefixes, one zone", func() Query {
			return Query{Where: Text{token.Query(prefixes()+" "+prefixes(), true), []string{"description"}}, Sort: Sort{By: "published"}, Limit: 20}
		}},
		{"phrase+facets", func() Query { return Query{Where: text(pick(phrases), false), Sort: newest, Limit: 20, Facets: facets} }},
		{"3 filters", func() Query { return Query{Where: text(word(), false), Filters: filters(), Sort: newest, Limit: 20} }},
		{"3 filters+sideways", func() Query {
			f := slices.Clone(facets)
			for i := range f {
				f[i].Sideways = true
			}
			return Query{Where: text(pick(common), false), Filters: filters(), Sort: newest, Limit: 20, Facets: f}
		}},
		{"deep offset", func() Query {
			return Query{Sort: Sort{By: "published"}, Offset: rng.IntN(x.Len()), Limit: 2000}
		}},
		{"deep offset by score", func() Query {
			return Query{Sort: Sort{By: "score"}, Offset: rng.IntN(x.Len()), Limit: 20}
		}},
		{"key", func() Query { return Query{Where: Keys{"CVE-2024-1234"}, Limit: 1} }},
	} {
		b.Run(class.name, func(b *testing.B) {
			took := make([]time.Duration, 0, 1<<12)
			hits := 0
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			for b.Loop() {
				q := class.q()
				began := clock()
				r, err := x.Search(context.Background(), q)
				took = append(took, clock()-began)
				if err != nil {
					b.Fatal(err)
				}
				hits += r.Total
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
			b.ReportMetric(float64(hits/len(took)), "hits")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkSearchDuringImport compares searches on a quiet index with searches while batches of 150
// documents replace others as fast as they can: what readers wait for the writer.
func BenchmarkSearchDuringImport(b *testing.B) {
	docs := corpus(b, times())
	x := build(docs)
	words := x.common()[50:1050]
	for _, importing := range []bool{false, true} {
		name := map[bool]string{false: "quiet", true: "importing"}[importing]
		b.Run(name, func(b *testing.B) {
			stop := make(chan struct{})
			var wg sync.WaitGroup
			applied := 0
			if importing {
				wg.Go(func() {
					for part := range slices.Chunk(docs, 150) {
						select {
						case <-stop:
							return
						default:
							x.Apply(part, x.Seq()+1)
							applied += len(part)
						}
					}
				})
			}
			rng := rand.New(rand.NewPCG(7, 8))
			var took []time.Duration
			for b.Loop() {
				q := Query{
					Where: Text{Terms: token.Query(words[rng.IntN(len(words))], false)}, Sort: Sort{By: "changed", Desc: true}, Limit: 20,
					Facets: []Facet{{Dim: "vendor", Top: 20}, {Dim: "severity"}},
				}
				began := time.Now()
				if _, err := x.Search(context.Background(), q); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(began))
			}
			close(stop)
			wg.Wait()
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
			b.ReportMetric(float64(applied), "applied")
			b.ReportMetric(0, "ns/op")
		})
	}
}
