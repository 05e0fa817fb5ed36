package facet

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tasuki/internal/store/token"
)

// model is the index by the book: a list of documents, scanned.
type model struct {
	schema Schema
	docs   map[string]Doc
}

func (m *model) apply(docs []Doc) {
	for _, d := range docs {
		if old, ok := m.docs[d.Key]; ok && old.Seq > d.Seq {
			continue
		}
		if d.Gone {
			delete(m.docs, d.Key)
		} else {
			m.docs[d.Key] = d
		}
	}
}

func (m *model) holds(n Node, d Doc) bool {
	switch n := n.(type) {
	case nil, All:
		return true
	case And:
		return !slices.ContainsFunc(n, func(c Node) bool { return !m.holds(c, d) })
	case Or:
		return slices.ContainsFunc(n, func(c Node) bool { return m.holds(c, d) })
	case Not:
		return !m.holds(n.Node, d)
	case Any:
		return slices.ContainsFunc(m.values(n.Dim, d), func(v string) bool { return slices.Contains(n.Values, v) })
	case Match:
		return slices.ContainsFunc(m.values(n.Dim, d), n.Func)
	case Range:
		v := m.number(n.Num, d)
		return v != Absent && n.Min <= v && v <= n.Max
	case Keys:
		return slices.Contains(n, d.Key)
	case Text:
		return !slices.ContainsFunc(n.Terms, func(t token.Term) bool { return m.count(t, n.Zones, d, -1) == 0 })
	}
	panic("unknown node")
}

func (m *model) values(dim string, d Doc) []string {
	i := slices.Index(m.schema.Keywords, dim)
	if i >= len(d.Keywords) {
		return nil
	}
	vs := slices.Clone(d.Keywords[i])
	slices.Sort(vs)
	return slices.Compact(vs)
}

func (m *model) number(num string, d Doc) int64 {
	if i := slices.Index(m.schema.Numbers, num); i < len(d.Numbers) {
		return d.Numbers[i]
	}
	return Absent
}

// count counts the occurrences of a term in one zone (-1: in all that zones names).
func (m *model) count(t token.Term, zones []string, d Doc, zone int) int {
	n := 0
	for _, text := range d.Text {
		if zone >= 0 && zone != text.Zone || zones != nil && !slices.Contains(zones, m.schema.Zones[text.Zone].Name) {
			continue
		}
		var s token.Splitter
		s.Split(text.Text)
		var parts []string
		for _, tok := range s.Tokens {
			b := string(s.Bytes(tok))
			if tok.Kind == token.Part {
				parts = append(parts, b)
			} else if t.Strict && b == t.Whole {
				n++
			}
		}
		for i := 0; !t.Strict && i+len(t.Parts) <= len(parts); i++ {
			last := len(t.Parts) - 1
			at := parts[i : i+last+1]
			if slices.Equal(at[:last], t.Parts[:last]) && (at[last] == t.Parts[last] || t.Prefix && strings.HasPrefix(at[last], t.Parts[last])) {
				n++
				i += last // occurrences do not overlap
			}
		}
	}
	return n
}

// relevance follows the formula, with its own way through the documents.
func (m *model) relevance(q Query) func(d Doc) int64 {
	type leaf struct {
		term  token.Term
		zones []string
		idf   float64
	}
	var leaves []leaf
	var walk func(n Node)
	walk = func(n Node) {
		switch n := n.(type) {
		case And:
			for _, c := range n {
				walk(c)
			}
		case Or:
			for _, c := range n {
				walk(c)
			}
		case Text:
			for _, t := range n.Terms {
				l := leaf{term: token.Term{Parts: t.Parts}, zones: n.Zones}
				for _, p := range t.Parts {
					df := 0.0
					for _, d := range m.docs {
						if m.count(token.Term{Parts: []string{p}}, n.Zones, d, -1) > 0 {
							df++
						}
					}
					l.idf += math.Log(1 + (float64(len(m.docs))-df+0.5)/(df+0.5))
				}
				leaves = append(leaves, l)
			}
		}
	}
	walk(q.Where)
	for _, f := range q.Filters {
		walk(f.Node)
	}
	words := func(d Doc, zone int) (n int) {
		for _, t := range d.Text {
			var s token.Splitter
			s.Split(t.Text)
			for _, tok := range s.Tokens {
				if t.Zone == zone && tok.Kind == token.Part {
					n++
				}
			}
		}
		return n
	}
	mean := make([]float64, len(m.schema.Zones))
	for z := range mean {
		sum, with := 0, 0
		for _, d := range m.docs {
			if n := words(d, z); n > 0 {
				sum += n
				with++
			}
		}
		mean[z] = max(1, float64(sum)/max(1, float64(with)))
	}
	return func(d Doc) int64 {
		score := 0.0
		for _, l := range leaves {
			f := 0.0
			for z, zone := range m.schema.Zones {
				if n := m.count(l.term, l.zones, d, z); n > 0 {
					f += max(zone.Boost, 1) * float64(n) / (1 - 0.75 + 0.75*float64(words(d, z))/mean[z])
				}
			}
			if f > 0 {
				score += l.idf * f * 2.2 / (f + 1.2)
			}
		}
		return int64(math.Round(score * scale))
	}
}

func (m *model) search(q Query) (total int, keys []string, facets [][]Count) {
	var hits []Doc
	for _, d := range m.docs {
		if m.holds(q.Where, d) && !slices.ContainsFunc(q.Filters, func(f Filter) bool { return !m.holds(f.Node, d) }) {
			hits = append(hits, d)
		}
	}
	value := func(d Doc) int64 { return 0 }
	if q.Sort.Relevance {
		value = m.relevance(q)
	} else if q.Sort.By != "" {
		value = func(d Doc) int64 { return m.number(q.Sort.By, d) }
	}
	slices.SortFunc(hits, func(a, b Doc) int {
		c := cmp.Or(cmp.Compare(value(a), value(b)), cmp.Compare(a.Order, b.Order), cmp.Compare(a.Key, b.Key))
		if q.Sort.Desc || q.Sort.Relevance {
			c = -c
		}
		return c
	})
	for i := q.Offset; i < min(q.Offset+q.Limit, len(hits)); i++ {
		keys = append(keys, hits[i].Key)
	}
	for _, f := range q.Facets {
		counts := map[string]int{}
		for _, d := range m.docs {
			ok := m.holds(q.Where, d)
			for _, c := range q.Filters {
				ok = ok && (f.Sideways && c.Dim == f.Dim || m.holds(c.Node, d))
			}
			if ok {
				for _, v := range m.values(f.Dim, d) {
					if strings.HasPrefix(v, f.Prefix) {
						counts[v]++
					}
				}
			}
		}
		var list []Count
		for v, n := range counts {
			list = append(list, Count{v, n})
		}
		slices.SortFunc(list, func(a, b Count) int { return cmp.Or(b.Count-a.Count, cmp.Compare(a.Value, b.Value)) })
		if f.Top > 0 && len(list) > f.Top {
			list = list[:f.Top]
		}
		facets = append(facets, list)
	}
	return len(hits), keys, facets
}

var modelSchema = Schema{
	Keywords: []string{"state", "vendor"},
	Numbers:  []string{"changed", "score"},
	Zones:    []Zone{{"title", 3}, {"text", 0}, {"more", 1}},
}

// Few words and many repetitions make phrases, prefixes and ties likely.
var (
	genWord = rapid.SampledFrom([]string{
		"a", "b", "ab", "abc", "b-c", "b.c", "1.2.3", "1.2", "v1.2", ".net", "asp.net", "net", "c++", "CVE-2024-1", "2024",
		"認証回避", "認証", "証", "回", "サーバー", "、", "a,b",
	})
	genText  = rapid.Map(rapid.SliceOfN(genWord, 0, 8), func(w []string) string { return strings.Join(w, " ") })
	genValue = rapid.SampledFrom([]string{"", "x", "y", "xy", "z"})
	genNum   = rapid.SampledFrom([]int64{Absent, Absent + 1, -1, 0, 1, 2, math.MaxInt64})
	genKey   = rapid.Custom(func(t *rapid.T) string { return fmt.Sprint("k", rapid.IntRange(0, 40).Draw(t, "key")) })
	genDoc   = rapid.Custom(func(t *rapid.T) Doc {
		d := Doc{Key: genKey.Draw(t, "key"), Seq: rapid.Int64Range(0, 5).Draw(t, "seq"), Gone: rapid.IntRange(0, 9).Draw(t, "gone") == 0}
		d.Order = uint64(len(d.Key)) // equal for many
		d.Keywords = rapid.SliceOfN(rapid.SliceOfN(genValue, 0, 3), 0, 2).Draw(t, "keywords")
		d.Numbers = rapid.SliceOfN(genNum, 0, 2).Draw(t, "numbers")
		for range rapid.IntRange(0, 4).Draw(t, "texts") {
			d.Text = append(d.Text, ZoneText{rapid.IntRange(0, 2).Draw(t, "zone"), genText.Draw(t, "text")})
		}
		return d
	})
	genZones = rapid.SampledFrom([][]string{nil, {"title"}, {"text", "more"}, {}})
	genLeaf  = rapid.OneOf(
		rapid.Just[Node](All{}),
		rapid.Custom(func(t *rapid.T) Node {
			q := rapid.Map(rapid.SliceOfN(genWord, 1, 3), func(w []string) string { return strings.Join(w, " ") }).Draw(t, "query")
			n := Text{Zones: genZones.Draw(t, "zones")}
			switch rapid.IntRange(0, 2).Draw(t, "kind") {
			case 0:
				n.Terms = token.Query(q, false)
			case 1:
				n.Terms = token.Query(q, true)
			default:
				n.Terms = token.Query(`"`+q+`"`, false)
			}
			return n
		}),
		rapid.Custom(func(t *rapid.T) Node {
			return Any{rapid.SampledFrom(modelSchema.Keywords).Draw(t, "dim"), rapid.SliceOfN(genValue, 0, 3).Draw(t, "values")}
		}),
		rapid.Custom(func(t *rapid.T) Node {
			p := genValue.Draw(t, "prefix")
			return Match{"vendor", func(v string) bool { return strings.HasPrefix(v, p) }}
		}),
		rapid.Custom(func(t *rapid.T) Node {
			return Range{rapid.SampledFrom(modelSchema.Numbers).Draw(t, "num"), genNum.Draw(t, "min"), genNum.Draw(t, "max")}
		}),
		rapid.Custom(func(t *rapid.T) Node { return Keys(rapid.SliceOfN(genKey, 0, 4).Draw(t, "keys")) }),
	)
)

func genNode(depth int) *rapid.Generator[Node] {
	if depth == 0 {
		return genLeaf
	}
	return rapid.Custom(func(t *rapid.T) Node {
		deeper := genNode(depth - 1)
		switch rapid.IntRange(0, 5).Draw(t, "node") {
		case 0:
			return And(rapid.SliceOfN(deeper, 0, 3).Draw(t, "and"))
		case 1:
			return Or(rapid.SliceOfN(deeper, 0, 3).Draw(t, "or"))
		case 2:
			return Not{deeper.Draw(t, "not")}
		}
		return genLeaf.Draw(t, "leaf")
	})
}

func genQuery(t *rapid.T) Query {
	q := Query{
		Where:  genNode(2).Draw(t, "where"),
		Offset: rapid.IntRange(0, 12).Draw(t, "offset"),
		Limit:  rapid.IntRange(0, 12).Draw(t, "limit"),
		Sort: rapid.SampledFrom([]Sort{
			{}, {Desc: true}, {By: "changed"}, {By: "changed", Desc: true}, {By: "score"}, {Relevance: true},
		}).Draw(t, "sort"),
	}
	for range rapid.IntRange(0, 2).Draw(t, "filters") {
		q.Filters = append(q.Filters, Filter{rapid.SampledFrom([]string{"state", "vendor", ""}).Draw(t, "dim"), genNode(1).Draw(t, "filter")})
	}
	for range rapid.IntRange(0, 2).Draw(t, "facets") {
		q.Facets = append(q.Facets, Facet{
			Dim: rapid.SampledFrom(modelSchema.Keywords).Draw(t, "dim"), Top: rapid.IntRange(0, 3).Draw(t, "top"),
			Sideways: rapid.Bool().Draw(t, "sideways"), Prefix: rapid.SampledFrom([]string{"", "x"}).Draw(t, "prefix"),
		})
	}
	return q
}

// TestModel compares the index with a scan, over random histories and queries; and reads every
// result once more page by page with cursors.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, m := New(modelSchema), &model{modelSchema, map[string]Doc{}}
		// Words of one, two and three bytes each, and texts where they meet.
		for i := range rapid.SampledFrom([]int{0, 115, 127, 16_370}).Draw(t, "other words") {
			x.words.intern(fmt.Append(nil, "other", i))
		}
		for seq := range rapid.Int64Range(1, 3).Draw(t, "batches") {
			docs := rapid.SliceOfN(genDoc, 0, 25).Draw(t, "docs")
			x.Apply(docs, seq)
			m.apply(docs)
			if rapid.Bool().Draw(t, "compact") {
				x.seg = x.seg.compacted(x.schema)
			}
			if rapid.Bool().Draw(t, "sort words") {
				x.words.sorted = x.words.resorted()
			}
			for range 3 {
				q := genQuery(t)
				check(t, x, m, q)
				pages(t, x, m, q)
			}
			if x.Seq() != seq || x.Len() != len(m.docs) {
				t.Fatalf("seq %d len %d, want %d %d", x.Seq(), x.Len(), seq, len(m.docs))
			}
		}
	})
}

func check(t *rapid.T, x *Index, m *model, q Query) {
	t.Helper()
	r, err := x.Search(context.Background(), q)
	if err != nil {
		t.Fatalf("%+v: %v", q, err)
	}
	total, keys, facets := m.search(q)
	if r.Total != total || !slices.Equal(r.Keys, keys) {
		t.Fatalf("query %+v\n got %d %q\nwant %d %q", q, r.Total, r.Keys, total, keys)
	}
	if (r.Next != "") != (q.Limit > 0 && q.Offset+q.Limit < total) {
		t.Fatalf("query %+v of %d: next %q", q, total, r.Next)
	}
	for i := range facets {
		if !slices.Equal(r.Facets[i], facets[i]) {
			t.Fatalf("query %+v facet %d\n got %v\nwant %v", q, i, r.Facets[i], facets[i])
		}
	}
}

func pages(t *rapid.T, x *Index, m *model, q Query) {
	q.Offset, q.Limit, q.Facets = 0, 1000, nil
	_, want, _ := m.search(q)
	q.Limit = rapid.IntRange(1, 7).Draw(t, "page size")
	var got []string
	for {
		r, err := x.Search(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, r.Keys...)
		if r.Next == "" || len(got) > len(want) {
			break
		}
		q.After = r.Next
	}
	if !slices.Equal(got, want) {
		t.Fatalf("query %+v by pages\n got %q\nwant %q", q, got, want)
	}
}
