package catalogue_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"tasuki/internal/catalogue"
	"tasuki/internal/gate/gatetest"
	"tasuki/internal/store/storetest"
)

// One question must not keep the index locked for as long as its asker likes.
func TestTextHasLimits(t *testing.T) {
	w := gatetest.New(t, storetest.Open(t, storetest.SQLite(t)))
	different := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "w%d ", i)
		}
		return b.String()
	}
	for name, c := range map[string]struct {
		q  catalogue.Query
		ok bool
	}{
		"one word, often":    {catalogue.Query{Text: strings.Repeat("a ", 250), Prefix: true}, true},
		"too long":           {catalogue.Query{Text: strings.Repeat("a ", 251), Prefix: true}, false},
		"far too long":       {catalogue.Query{Text: strings.Repeat("a ", 15000), Prefix: true}, false},
		"long, not in bytes": {catalogue.Query{Text: strings.Repeat("証", catalogue.MaxText)}, true},
		"many words":         {catalogue.Query{Text: different(catalogue.MaxTerms)}, true},
		"too many words":     {catalogue.Query{Text: different(catalogue.MaxTerms + 1)}, false},
		"words of a phrase":  {catalogue.Query{Text: different(catalogue.MaxTerms + 1), Phrase: true}, true},
	} {
		if _, err := w.Catalogue.Search(t.Context(), c.q); errors.Is(err, catalogue.ErrQuery) == c.ok || c.ok && err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
