package catalogue_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"tasuki/internal/catalogue"
	"tasuki/internal/gate"
	"tasuki/internal/gate/gatetest"
	"tasuki/internal/query"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

// pastQueries ask for what differs between versions. Those after the gap ask when this list learnt something, on which a list
// that was made from one day's documents cannot agree.
var pastQueries = []string{"", "overflow", "mark1*", "認証回避", "state:rejected", "vendor:kumo", "-vendor:kumo product:ledger", "severity>=medium", "cvss<7",
	"published:2024-01-10..2024-01-20", "source:adp or vendor:ika", "title:bypass", "id:CVE-2024-100*", "assigner:tako (leak or bypass)", "updated:>200d",
	"", "changed:>1h", "changed:<30m vendor:tako"}

const agnostic = 14

func (p *past) query(t *testing.T, source bool) catalogue.Query {
	t.Helper()
	texts, orders := pastQueries, []catalogue.Order{catalogue.Newest, catalogue.Oldest, catalogue.Severest, catalogue.Touched}
	if source {
		texts, orders = pastQueries[:agnostic], orders[:3]
	}
	tree, err := query.Parse(texts[p.dice.IntN(len(texts))])
	if err != nil {
		t.Fatal(err)
	}
	month := func(m time.Month) int64 { return time.Date(2024, m, 1, 0, 0, 0, 0, time.UTC).UnixMilli() }
	q := catalogue.Query{Tree: tree, Now: p.w.Clock.Now(), Sort: orders[p.dice.IntN(len(orders))], Limit: 1 + p.dice.IntN(6), Offset: p.dice.IntN(3),
		Facets: []string{"state", "vendor", "product", "year"}, Top: 1 + p.dice.IntN(3), Explain: p.dice.IntN(3) == 0,
		Series: []catalogue.Series{{Num: "published", Edges: []int64{month(1), month(2), month(3)}}}}
	if p.dice.IntN(3) == 0 {
		q.Filters = []catalogue.Filter{{Dim: "vendor", Values: []string{"kumo"}}}
	}
	return q
}

// then makes the list as it was: by the log's clock a copy of the log up to there, else a new list of the documents that stood.
func (p *past) then(t *testing.T, n *naive, at catalogue.At) *gatetest.World {
	t.Helper()
	w := gatetest.New(t, storetest.Open(t, storetest.SQLite(t)))
	if at.Clock == catalogue.SourceClock {
		var raws [][]byte
		for _, l := range n.at(at) {
			if l.raw != nil {
				raws = append(raws, l.raw)
			}
		}
		importAt(t, w, time.Time{}, raws...)
		return w
	}
	size := at.Size
	if size == 0 {
		size = n.size(at.Time)
	}
	var leaves []gate.Stored
	for _, l := range n.leaves[:size] {
		leaves = append(leaves, l.stored)
	}
	if err := w.Gate.Apply(t.Context(), leaves); err != nil {
		t.Fatal(err)
	}
	return w
}

// Any query at any moment is answered as the list of that moment answers it: hits, pages, facets, series and explanation. Moments
// are asked for again as the list grows, so that answers come from overlays that grew with it.
func TestSearchesOfThePast(t *testing.T) {
	pairs := 100
	if testing.Short() {
		pairs = 20
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := newPast(t, db)
		var recent []catalogue.At
		hits := 0
		for done := 0; done < pairs; {
			for range 1 + p.dice.IntN(6) {
				p.step(t)
			}
			n := readLog(t, p.w)
			if len(n.leaves) < 20 {
				continue
			}
			at := p.moment(n)
			if len(recent) > 3 && p.dice.IntN(2) == 0 {
				at = recent[len(recent)-1-p.dice.IntN(3)]
			} else {
				recent = append(recent, at)
			}
			then := p.then(t, n, at)
			for range 2 {
				done++
				hits += p.samePages(t, p.query(t, at.Clock == catalogue.SourceClock), at, then)
			}
		}
		t.Logf("%d pairs of query and moment, %d hits", pairs, hits)
		if hits < pairs {
			t.Error("too few hits to show much")
		}
	})
}

// samePages compares all pages of one query and returns how many hits they have.
func (p *past) samePages(t *testing.T, q catalogue.Query, at catalogue.At, then *gatetest.World) int {
	t.Helper()
	total := 0
	for {
		want, err := then.Catalogue.Search(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		asked := q
		asked.At = at
		got, err := p.w.Catalogue.Search(t.Context(), asked)
		if err != nil {
			t.Fatal(err)
		}
		if at.Clock == catalogue.SourceClock { // when this list learnt it differs
			for _, page := range []*catalogue.Page{want, got} {
				for i := range page.Hits {
					page.Hits[i].Changed = time.Time{}
				}
			}
		}
		if got.Moment == nil || got.Moment.At != at {
			t.Fatalf("moment %+v, asked for %+v", got.Moment, at)
		}
		same := got.Total == want.Total && got.Next == want.Next && reflect.DeepEqual(got.Hits, want.Hits) && reflect.DeepEqual(got.Series, want.Series) &&
			maps.EqualFunc(got.Facets, want.Facets, func(a, b []catalogue.FacetCount) bool { return slices.Equal(a, b) })
		if q.Explain {
			same = same && slices.Equal(got.Explanation.Nodes, want.Explanation.Nodes)
		}
		if !same {
			t.Fatalf("%q, order %d, at %+v:\n got %+v\nwant %+v", q.Tree.Text, q.Sort, at, got, want)
		}
		total += len(got.Hits)
		if q.Cursor = got.Next; q.Cursor == "" {
			return total
		}
		q.Offset = 0
	}
}

// An answer about the past stays what it was while the list grows, whoever else asks and gives up meanwhile.
func TestThePastStaysAsTheListGrows(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := newPast(t, db)
		document := func(id int, date time.Time) []byte {
			p.dates[fmt.Sprintf("CVE-2024-%d", id)] = date
			return p.document(fmt.Sprintf("CVE-2024-%d", id))
		}
		var docs [][]byte
		for id := range 300 {
			docs = append(docs, document(1000+id, time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)))
		}
		p.w.Import(t, docs...)
		at := catalogue.At{Size: p.w.Size(t)}
		ask := func(ctx context.Context, at catalogue.At) (string, error) {
			page, err := p.w.Catalogue.Search(ctx, catalogue.Query{Text: "ledger", At: at, Limit: 300, Facets: []string{"vendor", "state"}})
			if err != nil {
				return "", err
			}
			for i := range page.Hits {
				page.Hits[i].Score = nil // a pointer prints as one
			}
			return fmt.Sprint(page.Total, page.Hits, page.Facets), nil
		}
		want, err := ask(t.Context(), catalogue.At{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		var group sync.WaitGroup
		for range 2 {
			group.Go(func() {
				for ctx.Err() == nil {
					if got, err := ask(ctx, at); ctx.Err() == nil && (err != nil || got != want) {
						t.Errorf("while the list grew: %v\n got %s\nwant %s", err, got, want)
						return
					}
				}
			})
		}
		group.Go(func() {
			// Not more: each one who gives up costs PostgreSQL a connection.
			for i := 0; ctx.Err() == nil && i < 100; i++ {
				short, cancel := context.WithTimeout(ctx, time.Duration(i%20)*time.Millisecond/4)
				_, err := ask(short, catalogue.At{Size: at.Size - int64(i%7)})
				// The deadline of a connection that is being made may be over a moment before the context's.
				var late interface{ Timeout() bool }
				if err != nil && short.Err() == nil && !(errors.As(err, &late) && late.Timeout()) {
					t.Errorf("an asker in a hurry: %v", err)
				}
				cancel()
			}
		})
		for i := range 20 {
			docs = docs[:0]
			for range 25 {
				docs = append(docs, document(1000+p.dice.IntN(400), time.Date(2024, 2, 1+i, 0, 0, 0, 0, time.UTC)))
			}
			p.w.Import(t, docs...)
		}
		stop()
		group.Wait()
		if got, err := ask(t.Context(), at); err != nil || got != want {
			t.Errorf("in the end: %v\n got %s\nwant %s", err, got, want)
		}
	})
}
