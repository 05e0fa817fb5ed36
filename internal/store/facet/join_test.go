package facet

import (
	"context"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestJoin: what an index narrowed to some documents and another with the rest of them answer together is what one index over
// all of them answers, to the byte of its cursors.
func TestJoin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		whole, rest := New(modelSchema), New(modelSchema)
		docs := rapid.SliceOfNDistinct(genDoc, 0, 25, func(d Doc) string { return d.Key }).Draw(t, "docs")
		some := Keys(rapid.SliceOfN(genKey, 0, 30).Draw(t, "some"))
		whole.Apply(docs, 1)
		rest.Apply(slices.DeleteFunc(slices.Clone(docs), func(d Doc) bool { return slices.Contains(some, d.Key) }), 1)
		joined := func(q Query) (Result, error) {
			a, errA := whole.Part(context.Background(), q, some)
			b, errB := rest.Part(context.Background(), q, All{})
			if err := errors.Join(errA, errB); err != nil {
				return Result{}, err
			}
			return Join(q, a, b), nil
		}
		q := genQuery(t)
		if q.Sort.Relevance {
			if _, err := joined(q); !errors.Is(err, ErrParts) {
				t.Fatalf("by relevance: %v", err)
			}
			return
		}
		for range 4 { // the page and some after it
			want, errWant := whole.Search(context.Background(), q)
			got, errGot := joined(q)
			if err := errors.Join(errWant, errGot); err != nil {
				t.Fatal(err)
			}
			if got.Total != want.Total || got.Next != want.Next || !slices.Equal(got.Keys, want.Keys) {
				t.Fatalf("query %+v\n got %+v\nwant %+v", q, got, want)
			}
			for i := range want.Facets {
				if !slices.Equal(got.Facets[i], want.Facets[i]) {
					t.Fatalf("facet %d of %+v\n got %v\nwant %v", i, q, got.Facets[i], want.Facets[i])
				}
			}
			q.After, q.Offset = want.Next, 0
		}
	})
}
