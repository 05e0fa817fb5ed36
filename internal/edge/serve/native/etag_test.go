package native

import (
	"net/http"
	"strings"
	"testing"

	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

// Who asks again for what did not change gets 304, by GET and by HEAD, and a new answer once something did.
func TestAnswersHaveTags(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := found(t, db)
		tell(t, w.World)
		tags := map[string]string{}
		for _, path := range []string{"search?q=bypass", "search?limit=0", "stats", "records/CVE-2024-1001", "records/CVE-2024-1001/raw", "records/CVE-2024-1001/versions",
			"records/CVE-2024-1001/diff", "changes", "diff?from=1", "vendors", "vendors/jetbrains", "export", "search.atom", "fields", "openapi.json", "openapi-3.0.json"} {
			first := ask(w, path)
			tag := first.Header().Get("ETag")
			if !strings.HasPrefix(tag, `W/"`) || first.Header().Get("Cache-Control") != "no-cache" {
				t.Errorf("%s: tag %s, %s", path, tag, first.Header().Get("Cache-Control"))
			}
			for _, method := range []string{"GET ", "HEAD "} {
				if again := ask(w, method+path, `If-None-Match: "other", `+tag); again.Code != http.StatusNotModified || again.Body.Len() != 0 {
					t.Errorf("%s%s again with %s: %d %s", method, path, tag, again.Code, again.Body)
				}
			}
			tags[path] = tag
		}
		again := teamCity
		again.updated, again.title = "2026-05-06", "Another title for the bypass"
		w.Import(t, again.json())
		for path, tag := range tags {
			same := path == "fields" || strings.HasPrefix(path, "openapi")
			if got := ask(w, path, "If-None-Match: "+tag); (got.Code == http.StatusNotModified) != same {
				t.Errorf("%s after a change: %d %s", path, got.Code, got.Header().Get("ETag"))
			}
		}
	})
}

// An export whose query counts back from now has no tag: the same question an hour later may have another answer.
func TestWhatCountsFromNowHasNoTag(t *testing.T) {
	w := found(t, storetest.Open(t, storetest.SQLite(t)))
	tell(t, w.World)
	for query, tagged := range map[string]bool{"": true, "vendor:acme": true, "changed:>7d": false, "(vendor:acme OR published:today)": false, "-changed:1y": false} {
		got := ask(w, "export?q="+strings.NewReplacer(" ", "%20", ">", "%3E").Replace(query)).Header()
		if (got.Get("ETag") != "") != tagged {
			t.Errorf("%s: %v", query, got)
		}
	}
}
