// Package registry knows which CVE identifiers exist, in which state and by which leaves, and decides what of an import
// enters the log. It folds its own tables from the log and reads nothing else.
package registry

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"tasuki/internal/event"
	"tasuki/internal/store"
	"tasuki/spec/cve"
	"tasuki/spec/jcs"
)

//go:embed migrations/*.sql
var migrations embed.FS

//go:embed sql/*.sql
var queries embed.FS

var q = store.Load(queries, "sql")

var (
	recordGet   = q.Get("record_get")
	recordSums  = q.Get("record_digests")
	recordPut   = q.Get("record_put")
	recordErase = q.Get("record_erase")
	recordCount = q.Get("record_count")
	importPut   = q.Get("import_put")
	importList  = q.Get("import_list")
	importReal  = q.Get("import_real")
	importOpen  = q.Get("import_open")
	importState = q.Get("import_state")
)

// Every table of the projection: how it is emptied, and what its digest is over.
var clears, rows = everyTable("record", "import", "range", "pool", "id", "owner", "requester", "holding", "put", "adopted", "block", "block_owner", "signed")

func everyTable(names ...string) (clears, rows []*store.Query) {
	for _, n := range names {
		clears, rows = append(clears, q.Get(n+"_clear")), append(rows, q.Get(n+"_rows"))
	}
	return clears, rows
}

// ErrNotFound means an identifier that this list has never seen.
var ErrNotFound = errors.New("registry: no such CVE ID")

// Schema is the migrations of this package (0010–0019).
func Schema() fs.FS {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return sub
}

// Row is what the registry holds of one identifier.
type Row struct {
	State    cve.State
	Base     int64     // leaf of the newest whole document
	Assigner string    // organisation UUID; "" once the document was erased
	Updated  time.Time // the document's dateUpdated; zero when it has none
	SHA256   [32]byte  // of the document's bytes; zeros once it was erased
	Reserved time.Time // the document's dateReserved; zero when it has none
}

// Erased says that the body of the newest document was erased. What the row says of it is then what its leaf says.
func (r Row) Erased() bool { return r.SHA256 == [32]byte{} }

// Get reads one identifier's row, or ErrNotFound.
func Get(ctx context.Context, tx *store.Tx, id string) (Row, error) {
	var r Row
	var updated, reserved int64
	var sum []byte
	err := tx.QueryRow(ctx, recordGet, id).Scan(&r.State, &r.Base, &r.Assigner, &updated, &sum, &reserved)
	if errors.Is(err, sql.ErrNoRows) {
		return Row{}, fmt.Errorf("%s: %w", id, ErrNotFound)
	}
	if err != nil {
		return Row{}, err
	}
	r.SHA256 = [32]byte(sum)
	r.Updated, r.Reserved = moment(updated), moment(reserved)
	return r, nil
}

// Counts is how many identifiers with a record are in each state.
func Counts(ctx context.Context, tx *store.Tx) (map[cve.State]int64, error) {
	rows, err := tx.Query(ctx, recordCount)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says what went wrong
	out := map[cve.State]int64{}
	for rows.Next() {
		var s cve.State
		var n int64
		if err := rows.Scan(&s, &n); err != nil {
			return nil, err
		}
		out[s] = n
	}
	return out, rows.Err()
}

// Noted is a finished import.
type Noted struct {
	Leaf   int64
	Source string
	Digest string
	Sample bool
	Counts string // JSON object, verdict to number
	Time   time.Time
}

// Imports lists finished imports, newest first.
func Imports(ctx context.Context, tx *store.Tx, limit int) ([]Noted, error) {
	rows, err := tx.Query(ctx, importList, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says what went wrong
	var out []Noted
	for rows.Next() {
		var n Noted
		var sample, ms int64
		if err := rows.Scan(&n.Leaf, &n.Source, &n.Digest, &sample, &n.Counts, &ms); err != nil {
			return nil, err
		}
		n.Sample, n.Time = sample == 1, time.UnixMilli(ms).UTC()
		out = append(out, n)
	}
	return out, rows.Err()
}

// Projection folds the registry's tables.
type Projection struct{}

// Name names the projection in reports.
func (Projection) Name() string { return "registry" }

// Version is of what Fold derives.
func (Projection) Version() int { return 5 }

// facts is what the registry needs of a document.
type facts struct {
	id, assigner string
	state        cve.State
	sum          [32]byte
	dates        event.Dates
}

type factsKey struct{}

func factsOf(doc *event.Doc) (facts, error) {
	return event.Memo(doc, factsKey{}, func(d *event.Doc) (facts, error) {
		rec, err := d.Record()
		if err != nil {
			return facts{}, err
		}
		sum, err := d.SHA256()
		if err != nil {
			return facts{}, err
		}
		m := rec.Metadata
		f := facts{id: m.ID, assigner: plain(m.AssignerOrgID), state: m.State, sum: sum,
			dates: event.Dates{Published: m.DatePublished, Rejected: m.DateRejected, Reserved: m.DateReserved, Updated: m.DateUpdated}}
		return f, nil
	})
}

// updated is a document's dateUpdated in Unix milliseconds, 0 when it has none.
func updated(d event.Dates) int64 { return stamp(d.Updated) }

func stamp(date string) int64 {
	t, _, err := cve.ParseTime(date)
	if err != nil {
		return 0
	}
	return t.UnixMilli()
}

// plain is s as a text column of either engine can hold it: PostgreSQL knows no U+0000, which JSON does.
func plain(s string) string { return strings.ReplaceAll(s, "\x00", "\uFFFD") }

// Prepare reads what Fold will need of a record.
func (Projection) Prepare(kind event.Kind, doc *event.Doc) error {
	if !kind.Whole() {
		return nil
	}
	_, err := factsOf(doc)
	return err
}

// Fold brings one event into the tables.
func (Projection) Fold(ctx context.Context, tx *store.Tx, e *event.Entry) error {
	if err := foldSigned(ctx, tx, e); err != nil {
		return err
	}
	switch e.Kind {
	case event.RecordImported, event.RecordReplaced:
		// The leaf says all but the assigner and the digest: those alone are lost with an erased body, and the identifier
		// stays taken.
		var f facts
		if e.Doc != nil {
			var err error
			if f, err = factsOf(e.Doc); err != nil {
				return err
			}
		}
		forgetRecord(tx, e.ID)
		_, err := tx.Exec(ctx, recordPut, e.ID, e.State, e.Index, f.assigner, updated(e.Dates), f.sum[:], stamp(e.Dates.Reserved))
		if err != nil || e.Kind == event.RecordImported {
			return err
		}
		return foldIdentifier(ctx, tx, e)
	case event.BodyErased:
		// As if the body had never been there, which is how a replay finds it.
		tx.ForgetAll()
		if _, err := tx.Exec(ctx, recordErase, make([]byte, 32), *e.Leaf); err != nil {
			return err
		}
		return eraseIdentifier(ctx, tx, *e.Leaf)
	case event.ImportNoted:
		counts := map[string]any{}
		for _, k := range slices.Sorted(maps.Keys(e.Counts)) {
			counts[k] = e.Counts[k]
		}
		text, err := jcs.Canonical(counts)
		if err != nil {
			return err
		}
		sample := 0
		if e.Sample {
			sample = 1
		}
		_, err = tx.Exec(ctx, importPut, e.Index, e.Source, e.Digest, sample, string(text), e.Time.UnixMilli())
		return err
	default:
		return foldIdentifier(ctx, tx, e)
	}
}

// Reset empties the tables.
func (Projection) Reset(ctx context.Context, tx *store.Tx) error {
	tx.ForgetAll()
	for _, clear := range clears {
		if _, err := tx.Exec(ctx, clear); err != nil {
			return err
		}
	}
	return nil
}

// Digest is over all tables.
func (Projection) Digest(ctx context.Context, tx *store.Tx) ([32]byte, error) {
	return store.Digest(ctx, tx, rows...)
}
