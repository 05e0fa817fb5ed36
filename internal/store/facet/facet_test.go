package facet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tasuki/internal/store/token"
)

func query(text string) Node { return Text{Terms: token.Query(text, false)} }

func keysOf(t *testing.T, x *Index, q Query) []string {
	t.Helper()
	q.Limit = 1000
	r, err := x.Search(context.Background(), q)
	if err != nil {
		t.Fatal(err)
	}
	return r.Keys
}

func TestJapanese(t *testing.T) {
	x := New(Schema{Zones: []Zone{{Name: "text"}}})
	for i, text := range []string{
		"複数のサーバー製品には、認証を回避される脆弱性があります。",
		"ｻｰﾊﾞｰの設定画面における認証回避の脆弱性",
		"回避策：認証局の証明書を更新する",
		"Authentication bypass (CVE-2024-1234) のプログラム",
	} {
		x.Apply([]Doc{{Key: fmt.Sprint(i), Text: []ZoneText{{0, text}}}}, int64(i))
	}
	for q, want := range map[string]string{
		"認証":           "0 1 2",
		"回避":           "0 1 2",
		"認証回避":         "1",
		"証回":           "1",
		"サーバー":         "0 1",
		"ー":            "0 1",
		"証":            "0 1 2",
		"証明":           "2",
		"認証　脆弱性":       "0 1",
		"1234のプログ":     "3",
		"1234プログ":      "",
		"1234) のプログラム": "3",
		"プログラ":         "3",
		"更新する":         "2",
		"する":           "2",
	} {
		if got := strings.Join(keysOf(t, x, Query{Where: query(q)}), " "); got != want {
			t.Errorf("%q finds %q, want %q", q, got, want)
		}
	}
}

func TestRelevanceOrder(t *testing.T) {
	x := New(Schema{Zones: []Zone{{"title", 3}, {"text", 1}}})
	x.Apply([]Doc{
		{Key: "long", Text: []ZoneText{{1, "an overflow " + strings.Repeat("filler ", 10)}}},
		{Key: "short", Text: []ZoneText{{1, "an overflow is here"}}},
		{Key: "twice", Text: []ZoneText{{1, "overflow after overflow here"}}},
		{Key: "title", Text: []ZoneText{{0, "overflow here"}, {1, "nothing to be seen"}}},
		{Key: "other", Text: []ZoneText{{0, "elsewhere once"}, {1, "nothing to be read"}}},
	}, 1)
	got := keysOf(t, x, Query{Where: query("overflow"), Sort: Sort{Relevance: true}})
	if want := []string{"title", "twice", "short", "long"}; !slices.Equal(got, want) {
		t.Errorf("by relevance %q, want %q", got, want)
	}
}

// TestCommonWordsDoNotRank shows that a word of most documents leaves a page in the order of keys.
func TestCommonWordsDoNotRank(t *testing.T) {
	x := New(Schema{Zones: []Zone{{Name: "text"}}})
	docs := make([]Doc, commonDocs+2)
	for i := range docs {
		docs[i] = Doc{Key: fmt.Sprintf("%05d", i), Text: []ZoneText{{0, "the"}}}
		switch i {
		case 100:
			docs[i].Text[0].Text = "the rare one"
		case 101:
			docs[i].Text[0].Text = "the the the"
		}
	}
	x.Apply(docs, 1)
	for q, want := range map[string]string{"the": "10001", "the rare": "00100"} {
		r, err := x.Search(context.Background(), Query{Where: query(q), Sort: Sort{Relevance: true}, Limit: 1})
		if err != nil || len(r.Keys) != 1 || r.Keys[0] != want {
			t.Errorf("%q: %q first (%v), want %q", q, r.Keys, err, want)
		}
	}
}

// TestDeepPages reads pages so deep that the sample decides what is gathered, among many ties.
func TestDeepPages(t *testing.T) {
	x := New(Schema{Numbers: []string{"n"}})
	rng := rand.New(rand.NewPCG(3, 4))
	type row struct {
		key string
		n   int64
		ord uint64
	}
	var rows []row
	var docs []Doc
	for i := range 30_000 {
		n := rng.Int64N(1 << 40)
		switch i % 4 {
		case 0:
			n = Absent
		case 1:
			n = int64(i % 7)
		}
		r := row{fmt.Sprintf("k%05d", i), n, uint64(i * 7919 % 30_000)}
		rows = append(rows, r)
		docs = append(docs, Doc{Key: r.key, Order: r.ord, Numbers: []int64{n}})
	}
	x.Apply(docs, 1)
	slices.SortFunc(rows, func(a, b row) int { return cmp.Or(cmp.Compare(a.n, b.n), cmp.Compare(a.ord, b.ord)) })
	for _, desc := range []bool{false, true} {
		if desc {
			slices.Reverse(rows)
		}
		for i := range 60 {
			offset, limit := rng.IntN(30_100), 1+rng.IntN(3000)
			if i == 0 {
				offset, limit = 29_999, 1<<62
			}
			r, err := x.Search(context.Background(), Query{Sort: Sort{By: "n", Desc: desc}, Offset: offset, Limit: limit})
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for j := offset; j < len(rows) && j-offset < limit; j++ {
				want = append(want, rows[j].key)
			}
			if !slices.Equal(r.Keys, want) {
				t.Fatalf("desc %v offset %d limit %d: wrong page of %d keys, want %d", desc, offset, limit, len(r.Keys), len(want))
			}
		}
	}
}

func TestErrors(t *testing.T) {
	x := New(modelSchema)
	x.Apply([]Doc{{Key: "a", Numbers: []int64{1}}, {Key: "b", Numbers: []int64{2}}}, 1)
	r, err := x.Search(context.Background(), Query{Sort: Sort{By: "changed"}, Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		q    Query
		want error
	}{
		"zone":                    {Query{Where: Text{Zones: []string{"nowhere"}}}, ErrName},
		"keyword":                 {Query{Where: Not{Any{Dim: "colour"}}}, ErrName},
		"match":                   {Query{Where: And{Match{"colour", nil}}}, ErrName},
		"number":                  {Query{Filters: []Filter{{"", Or{Range{Num: "size"}}}}}, ErrName},
		"facet":                   {Query{Facets: []Facet{{Dim: "colour"}}}, ErrName},
		"sort":                    {Query{Sort: Sort{By: "size"}, Limit: 1}, ErrName},
		"no cursor":               {Query{After: "%%%", Limit: 1}, ErrCursor},
		"empty cursor":            {Query{After: "AA", Limit: 1}, ErrCursor},
		"cursor of another order": {Query{Sort: Sort{By: "changed", Desc: true}, After: r.Next, Limit: 1}, ErrCursor},
		"cut cursor":              {Query{Sort: Sort{By: "changed"}, After: r.Next[:8], Limit: 1}, ErrCursor},
	} {
		if _, err := x.Search(context.Background(), tc.q); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
	}
}

// FuzzCursor states that a cursor is read back as it was written, and that any other string is an
// error or a place, never a panic.
func FuzzCursor(f *testing.F) {
	f.Add("", int64(0), uint64(0), "")
	f.Add("changed desc", int64(Absent), uint64(1<<63), "CVE-2024-1234")
	f.Add("AAAAAA", int64(1), uint64(2), "\xff")
	f.Fuzz(func(t *testing.T, tag string, value int64, order uint64, key string) {
		p, err := parseCursor(cursor(place{value, order, []byte(key)}, tag), tag)
		if err != nil || p.value != value || p.order != order || string(p.key) != key {
			t.Fatalf("%+v, %v", p, err)
		}
		if _, err := parseCursor(tag, key); err != nil && !errors.Is(err, ErrCursor) {
			t.Fatal(err)
		}
	})
}

func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := New(Schema{})
		done := make(chan error)
		go func() { done <- x.Wait(t.Context(), 5) }()
		x.Apply(nil, 3)
		synctest.Wait()
		select {
		case err := <-done:
			t.Fatalf("woke at 3: %v", err)
		default:
		}
		x.Apply(nil, 7)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		x.Apply(nil, 6)
		if x.Seq() != 7 {
			t.Errorf("the sequence number went back to %d", x.Seq())
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := x.Wait(ctx, 8); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("wait for 8: %v", err)
		}
	})
}

// TestReadersDuringWrites applies batches in which every document says the same number, and checks that
// no search sees two numbers, a batch in part, or a batch under another sequence number. Replacing
// everything again and again makes compactions happen beside the searches.
func TestReadersDuringWrites(t *testing.T) {
	const docs, rounds = 1100, 25
	x := New(Schema{Keywords: []string{"round"}, Numbers: []string{"round"}, Zones: []Zone{{Name: "text"}}})
	batch := func(round int) []Doc {
		out := make([]Doc, docs)
		for i := range out {
			out[i] = Doc{
				Key: fmt.Sprint("k", i), Seq: int64(round), Keywords: [][]string{{fmt.Sprint(round)}}, Numbers: []int64{int64(round)},
				Text: []ZoneText{{0, fmt.Sprintf("round %d of word%d in a phrase", round, round*1000+i)}},
			}
		}
		return out
	}
	x.Apply(batch(0), 0)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				r, err := x.Search(context.Background(), Query{
					Where: And{query(`"in a phrase" round`), Text{Terms: token.Query("wo", true)}}, Sort: Sort{Relevance: true}, Limit: 3,
					Facets: []Facet{{Dim: "round"}},
				})
				if err != nil {
					t.Error(err)
					return
				}
				if f := r.Facets[0]; r.Total != docs || len(r.Keys) != 3 || len(f) != 1 || f[0] != (Count{fmt.Sprint(r.Seq), docs}) {
					t.Errorf("at %d: %d hits, facets %v", r.Seq, r.Total, f)
					return
				}
			}
		})
	}
	for round := 1; round < rounds; round++ {
		x.Apply(batch(round), int64(round))
	}
	close(stop)
	wg.Wait()
	if n := int(x.seg.n); n > 4*docs+1024 {
		t.Errorf("%d ordinals for %d documents: never compacted", n, docs)
	}
}

// Nobody waits for a search behind a context that ended: it lets go of the lock at the next term.
func TestSearchEndsWithItsContext(t *testing.T) {
	x := New(Schema{Keywords: []string{"k"}, Zones: []Zone{{Name: "text"}}})
	x.Apply([]Doc{{Key: "a", Keywords: [][]string{{"v"}}, Text: []ZoneText{{0, "one two three"}}}}, 0)
	ctx, cancel := context.WithCancel(t.Context())
	asked := 0
	// Match runs before the words do: what comes after it must see that the context ended.
	_, err := x.Search(ctx, Query{Where: Match{Dim: "k", Func: func(string) bool { cancel(); return true }},
		Filters: []Filter{{Node: Match{Dim: "k", Func: func(string) bool { asked++; return true }}}}})
	if !errors.Is(err, context.Canceled) || asked != 0 {
		t.Errorf("%v, %d values asked after the end", err, asked)
	}
	if _, err := x.Search(ctx, Query{Where: query("one")}); !errors.Is(err, context.Canceled) {
		t.Errorf("a term: %v", err)
	}
}
