package native

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tasuki/internal/gate/gatetest"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

// Who asks again for what did not change gets 304, and a new answer once something did.
func TestAnswersHaveTags(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		world := gatetest.New(t, db)
		world.Import(t, record(0))
		checkpoint := 1
		h := Handler(Options{Catalogue: world.Catalogue, Stats: func(context.Context) (any, error) { return map[string]int{"checkpoint": checkpoint}, nil },
			Log: slog.New(slog.DiscardHandler)})
		ask := func(path, tag string) *httptest.ResponseRecorder {
			r := httptest.NewRequest(http.MethodGet, Prefix+path, nil)
			r.Header.Set("If-None-Match", tag)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			return w
		}
		tags := map[string]string{}
		for _, path := range []string{"search?q=flaw", "search?q=flaw&limit=0", "stats"} {
			tag := ask(path, "").Header().Get("ETag")
			if w := ask(path, `"other", `+tag); w.Code != http.StatusNotModified || w.Body.Len() != 0 || !strings.HasPrefix(tag, `W/"`) {
				t.Errorf("%s again with %s: %d %s", path, tag, w.Code, w.Body)
			}
			tags[path] = tag
		}
		world.Import(t, record(1))
		if err := world.Catalogue.Follow(t.Context()); err != nil {
			t.Fatal(err)
		}
		checkpoint++
		for path, tag := range tags {
			if w := ask(path, tag); w.Code != http.StatusOK || w.Header().Get("ETag") == tag {
				t.Errorf("%s after a change: %d %s", path, w.Code, w.Header().Get("ETag"))
			}
		}
	})
}
