package facet

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"tasuki/internal/store/token"
)

// BenchmarkAgainstFTS5 is the measurement behind ADR 0004: the same documents, the same words cut the
// same way, the same questions to SQLite's FTS5 with columns for facets and to this index, in one run.
func BenchmarkAgainstFTS5(b *testing.B) {
	docs := corpus(b, times())
	began := clock()
	x := build(docs)
	b.Logf("index: built in %v of the applying thread", clock()-began)
	words := x.common()

	db, err := sql.Open("sqlite", filepath.Join(b.TempDir(), "fts.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, stmt := range []string{
		"PRAGMA journal_mode=WAL", "PRAGMA synchronous=OFF", "PRAGMA cache_size=-200000", "PRAGMA mmap_size=1000000000",
		"CREATE TABLE doc(id INTEGER PRIMARY KEY, key TEXT, state TEXT, severity TEXT, year TEXT, assigner TEXT, changed BIGINT)",
		"CREATE TABLE val(dim TEXT, doc BIGINT, value TEXT)",
		"CREATE VIRTUAL TABLE fts USING fts5(words, content='', tokenize=\"unicode61 remove_diacritics 0\")",
	} {
		if _, err := db.Exec(stmt); err != nil {
			b.Fatal(err)
		}
	}
	wall := time.Now()
	if err := fillFTS(db, docs); err != nil {
		b.Fatal(err)
	}
	b.Logf("FTS5: built in %v", time.Since(wall))

	for _, w := range words[:50] { // both must have answered the same question
		r, err := x.Search(context.Background(), Query{Where: Text{Terms: token.Query(w, false)}})
		if err != nil {
			b.Fatal(err)
		}
		if n, err := askFTS(db, `"`+w+`"`, false); err != nil || n != r.Total {
			b.Fatalf("%q: FTS5 finds %d (%v), the index %d", w, n, err, r.Total)
		}
	}

	facets := []Facet{{Dim: "state"}, {Dim: "severity"}, {Dim: "year"}, {Dim: "assigner", Top: 20}, {Dim: "vendor", Top: 20}, {Dim: "product", Top: 20}, {Dim: "cwe", Top: 20}}
	rng := rand.New(rand.NewPCG(5, 6))
	for _, class := range []struct {
		name  string
		words []string
		join  string
	}{
		{"commonest 50", words[:50], " "},
		{"next 1000", words[50:1050], " "},
		{"phrase", []string{"buffer overflow", "remote code execution", "sql injection", "in the", "this vulnerability"}, ` `},
	} {
		ask := func(b *testing.B, answer func(q string) int) {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			var took []time.Duration
			for b.Loop() {
				q := class.words[rng.IntN(len(class.words))]
				began := clock()
				answer(`"` + q + `"`)
				took = append(took, clock()-began)
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
			b.ReportMetric(0, "ns/op")
		}
		for _, faceted := range []bool{false, true} {
			name := class.name + "/total and page"
			fs := facets
			if faceted {
				name = class.name + "/with 7 facets"
			} else {
				fs = nil
			}
			b.Run(name+"/index", func(b *testing.B) {
				ask(b, func(q string) int {
					r, err := x.Search(context.Background(), Query{Where: Text{Terms: token.Query(q, false)}, Sort: Sort{By: "changed", Desc: true}, Limit: 20, Facets: fs})
					if err != nil {
						b.Fatal(err)
					}
					return r.Total
				})
			})
			b.Run(name+"/fts5", func(b *testing.B) {
				ask(b, func(q string) int {
					n, err := askFTS(db, q, faceted)
					if err != nil {
						b.Fatal(err)
					}
					return n
				})
			})
		}
	}
}

func fillFTS(db *sql.DB, docs []Doc) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	doc, err := tx.Prepare("INSERT INTO doc VALUES(?,?,?,?,?,?,?)")
	if err != nil {
		return err
	}
	val, err := tx.Prepare("INSERT INTO val VALUES(?,?,?)")
	if err != nil {
		return err
	}
	fts, err := tx.Prepare("INSERT INTO fts(rowid, words) VALUES(?,?)")
	if err != nil {
		return err
	}
	var s token.Splitter
	for i, d := range docs {
		one := func(k int) string { return strings.Join(d.Keywords[k], "") }
		if _, err := doc.Exec(i, d.Key, one(0), one(1), one(2), one(6), d.Numbers[1]); err != nil {
			return err
		}
		for _, k := range []int{3, 4, 5} {
			values := slices.Clone(d.Keywords[k])
			slices.Sort(values)
			for _, v := range slices.Compact(values) {
				if _, err := val.Exec(corpusSchema.Keywords[k], i, v); err != nil {
					return err
				}
			}
		}
		var words []byte
		for _, t := range d.Text {
			s.Split(t.Text)
			for _, tok := range s.Tokens {
				if tok.Kind == token.Part {
					words = append(append(words, s.Bytes(tok)...), ' ')
				}
			}
		}
		if _, err := fts.Exec(i, string(words)); err != nil {
			return err
		}
	}
	if _, err := tx.Exec("CREATE INDEX val_doc ON val(doc, dim, value)"); err != nil {
		return err
	}
	if _, err := tx.Exec("CREATE INDEX doc_changed ON doc(changed)"); err != nil {
		return err
	}
	return tx.Commit()
}

// askFTS asks for the total, the newest twenty and, if wanted, the facets of a match.
func askFTS(db *sql.DB, match string, facets bool) (int, error) {
	drain := func(query string) (int, error) {
		rows, err := db.Query(query, match)
		if err != nil {
			return 0, err
		}
		defer rows.Close()
		n := 0
		for rows.Next() {
			n++
		}
		return n, rows.Err()
	}
	total := 0
	if err := db.QueryRow("SELECT count(*) FROM fts WHERE fts MATCH ?", match).Scan(&total); err != nil {
		return 0, err
	}
	// Walking the index by date and testing each document is FTS5's quick way for common words.
	if _, err := drain("SELECT d.key FROM doc d WHERE d.id IN (SELECT rowid FROM fts WHERE fts MATCH ?) ORDER BY d.changed DESC LIMIT 20"); err != nil {
		return 0, err
	}
	if !facets {
		return total, nil
	}
	for _, col := range []string{"state", "severity", "year", "assigner"} {
		q := fmt.Sprintf("SELECT d.%[1]s, count(*) n FROM fts JOIN doc d ON d.id=fts.rowid WHERE fts MATCH ? GROUP BY d.%[1]s ORDER BY n DESC LIMIT 20", col)
		if _, err := drain(q); err != nil {
			return 0, err
		}
	}
	for _, dim := range []string{"vendor", "product", "cwe"} {
		q := fmt.Sprintf("SELECT v.value, count(*) n FROM fts JOIN val v ON v.doc=fts.rowid AND v.dim='%s' WHERE fts MATCH ? GROUP BY v.value ORDER BY n DESC, v.value LIMIT 20", dim)
		if _, err := drain(q); err != nil {
			return 0, err
		}
	}
	return total, nil
}
