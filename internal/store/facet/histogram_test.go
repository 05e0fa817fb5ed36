package facet

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// numbered is an index of n documents with a number each, some without, and a keyword; and the numbers.
func numbered(n int) (*Index, []int64) {
	x := New(Schema{Keywords: []string{"k"}, Numbers: []string{"n"}})
	r := rand.New(rand.NewPCG(4, 2))
	var docs []Doc
	values := make([]int64, n)
	for i := range values {
		if values[i] = r.Int64N(100) - 20; r.IntN(10) == 0 {
			values[i] = Absent
		}
		docs = append(docs, Doc{Key: fmt.Sprintf("key-%d", i), Order: uint64(i), Keywords: [][]string{{fmt.Sprintf("v%d", i%30)}}, Numbers: []int64{values[i]}})
	}
	x.Apply(docs, 1)
	return x, values
}

// Bins hold what lies between their edges, also when edges repeat, and two parts together what one index holds.
func TestHistogramCountsWhatLiesBetweenEdges(t *testing.T) {
	x, values := numbered(1000)
	for _, edges := range [][]int64{nil, {5}, {0, 50}, {-100, 0, 10, 10, 11, 70, 200}, {0, 0, 0}, {Absent, 0, 100}} {
		want := make([]int, max(0, len(edges)-1))
		for i := range want {
			for _, v := range values {
				if v != Absent && edges[i] <= v && v < edges[i+1] {
					want[i]++
				}
			}
		}
		q := Query{Histograms: []Histogram{{"n", edges}}}
		r, err := x.Search(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(r.Bins, [][]int{want}) {
			t.Errorf("edges %v: %v, want %v", edges, r.Bins, want)
		}
		low, err := x.Part(t.Context(), q, Range{Num: "n", Min: -1000, Max: 30})
		if err != nil {
			t.Fatal(err)
		}
		high, err := x.Part(t.Context(), q, Range{Num: "n", Min: 31, Max: 1000})
		if err != nil {
			t.Fatal(err)
		}
		if joined := Join(q, low, high); !reflect.DeepEqual(joined.Bins, [][]int{want}) {
			t.Errorf("edges %v in two parts: %v, want %v", edges, joined.Bins, want)
		}
	}
	if _, err := x.Search(t.Context(), Query{Histograms: []Histogram{{"m", []int64{0, 1}}}}); err == nil {
		t.Error("a histogram of no number")
	}
}

// Values that Keep refuses are not counted, and take no place among the first.
func TestFacetKeepsWhatItIsTold(t *testing.T) {
	x, _ := numbered(1000)
	r, err := x.Search(t.Context(), Query{Facets: []Facet{{Dim: "k", Top: 3, Prefix: "v1", Keep: func(v string) bool { return strings.HasSuffix(v, "5") || len(v) == 2 }}}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range r.Facets[0] {
		got = append(got, c.Value)
	}
	if !slices.Equal(got, []string{"v1", "v15"}) {
		t.Errorf("%v", got)
	}
}

// A function of the key narrows like any other condition.
func TestKeyMatch(t *testing.T) {
	x, _ := numbered(1000)
	ends := KeyMatch(func(key string) bool { return strings.HasSuffix(key, "77") })
	for _, tc := range []struct {
		where Node
		want  int
	}{{ends, 10}, {Not{ends}, 990}, {And{ends, Keys{"key-77", "key-78"}}, 1}, {Or{ends, Keys{"key-78"}}, 11}} {
		r, err := x.Search(t.Context(), Query{Where: tc.where})
		if err != nil || r.Total != tc.want {
			t.Errorf("%v: %d %v, want %d", tc.where, r.Total, err, tc.want)
		}
	}
}
