package native

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"tasuki/client"
	"tasuki/internal/catalogue"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

// slow is a catalogue whose every record takes its time.
type slow struct {
	Catalogue
	t    *testing.T
	each time.Duration
}

func (s slow) Search(ctx context.Context, q catalogue.Query) (*catalogue.Page, error) {
	if !q.IDsOnly {
		s.t.Error("an export asks for more of a hit than its ID")
	}
	return s.Catalogue.Search(ctx, q)
}

func (s slow) Texts(ctx context.Context, ids []string, fn func(*catalogue.View) error) error {
	return s.Catalogue.Texts(ctx, ids, func(v *catalogue.View) error {
		time.Sleep(s.each)
		return fn(v)
	})
}

// An export takes longer than the front door gives an answer.
func TestExportOutlivesTheLimitOfAnAnswer(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := found(t, db)
		tell(t, w.World)
		w.Options.Catalogue = slow{w.Options.Catalogue, t, 150 * time.Millisecond}
		s := httptest.NewUnstartedServer(Handler(w.Options))
		s.Config.WriteTimeout = 300 * time.Millisecond
		s.Start()
		defer s.Close()
		r, err := http.Get(s.URL + Prefix + "export")
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		raw, err := io.ReadAll(r.Body)
		if lines := strings.Count(string(raw), "\n"); err != nil || r.StatusCode != http.StatusOK || lines != 3 {
			t.Errorf("%d, %d records, %v", r.StatusCode, lines, err)
		}
	})
}

// A line's cursor goes on behind that line, and every record comes once whatever page it is on.
func TestExportGoesOnBehindACursor(t *testing.T) {
	w := found(t, storetest.Open(t, storetest.SQLite(t)))
	const records = 2*exportPage + 7
	var raws [][]byte
	for n := range records {
		m := sqlHole
		m.id = "CVE-2024-" + string(rune('1'+n/1000)) + "0" + strings.Repeat("0", 3-len(strconv.Itoa(n%1000))) + strconv.Itoa(n%1000)
		raws = append(raws, m.json())
	}
	w.Import(t, raws...)
	read := func(query string) (ids, cursors []string) {
		for l := range strings.Lines(ask(w, "export?form=envelope"+query).Body.String()) {
			var x client.Exported
			if err := json.Unmarshal([]byte(l), &x); err != nil {
				t.Fatal(err)
			}
			ids = append(ids, x.ID)
			cursors = append(cursors, x.Cursor)
		}
		return ids, cursors
	}
	all, cursors := read("")
	if len(all) != records {
		t.Fatalf("%d records", len(all))
	}
	seen := 0
	for i, c := range cursors {
		if c == "" {
			continue
		}
		seen++
		rest, _ := read("&cursor=" + c)
		if strings.Join(rest, " ") != strings.Join(all[i+1:], " ") {
			t.Errorf("behind %s come %d records, not %d", all[i], len(rest), records-i-1)
		}
	}
	if seen != 2 {
		t.Errorf("%d cursors", seen)
	}
}
