package gcve

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"tasuki/internal/ledger"
	"tasuki/internal/store"
	"tasuki/spec/cve"
	"tasuki/spec/gcve"
)

// Record is the newest thing that an authority said about an identifier.
type Record struct {
	ID     gcve.ID
	Origin gcve.GNA // who said it
	Source string   // where it was read; "" for our own
	Leaf   int64
	State  cve.State
	SHA256 string // of the document, hex; "" once it was erased
	Title  string

	Reserved, Published, Updated, Rejected time.Time // as the document says; zero where it does not
	Logged                                 time.Time // when this list learnt it
}

// Erased says that the document was erased; what is left is what its leaf says.
func (r Record) Erased() bool { return r.SHA256 == "" }

// older says whether a document with that dateUpdated is older than the record; one that replaces an erased record has to be newer.
func (r Record) older(updated int64) bool {
	have := millis(r.Updated)
	if r.Erased() {
		return updated <= have
	}
	return have != 0 && updated < have
}

var (
	recordGet     = q.Get("record_get")
	recordFind    = q.Get("record_find")
	recordPage    = q.Get("record_page")
	recordTotal   = q.Get("record_total")
	recordAfter   = q.Get("record_after")
	recordOrigins = q.Get("record_origins")
	termAliases   = q.Get("term_aliases")
	aliasOf       = q.Get("alias_of")
)

type scanner interface{ Scan(dest ...any) error }

func scanRecord(row scanner) (r Record, key string, err error) {
	var id string
	var origin, reserved, published, updated, rejected, logged int64
	if err = row.Scan(&key, &origin, &id, &r.Source, &r.Leaf, &r.State, &reserved, &published, &updated, &rejected, &logged, &r.SHA256, &r.Title); err != nil {
		return r, "", err
	}
	r.Origin = gcve.GNA(origin)
	r.Reserved, r.Published, r.Updated, r.Rejected, r.Logged = moment(reserved), moment(published), moment(updated), moment(rejected), moment(logged)
	r.ID, err = gcve.ParseID(id)
	return r, key, err
}

func record(ctx context.Context, tx *store.Tx, key string, origin gcve.GNA) (Record, error) {
	r, _, err := scanRecord(tx.QueryRow(ctx, recordGet, key, int64(origin)))
	if errors.Is(err, sql.ErrNoRows) {
		return r, ErrNotFound
	}
	return r, err
}

func records(ctx context.Context, tx *store.Tx, query *store.Query, args ...any) (out []Record, last string, err error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, "", err
	}
	defer rows.Close() //nolint:errcheck // Err below says what went wrong
	for rows.Next() {
		var r Record
		if r, last, err = scanRecord(rows); err != nil {
			return nil, "", err
		}
		out = append(out, r)
	}
	return out, last, rows.Err()
}

// Lookup is everything said under an identifier of any scheme, and under its aliases; none where nothing is known.
func Lookup(ctx context.Context, tx *store.Tx, text string) (out []Record, err error) {
	key := Key(text)
	out, _, err = records(ctx, tx, recordFind, key, key, key, key)
	return out, err
}

// Aliases are other identifiers that the log and a record link with an identifier.
func Aliases(ctx context.Context, tx *store.Tx, r Record) (out []string, err error) {
	key := r.ID.Key()
	for _, ask := range []struct {
		query *store.Query
		args  []any
	}{{aliasOf, []any{key, key}}, {termAliases, []any{r.Leaf}}} {
		rows, err := tx.Query(ctx, ask.query, ask.args...)
		if err != nil {
			return nil, err
		}
		for rows.Next() {
			var s string
			if err := rows.Scan(&s); err != nil {
				return nil, errors.Join(err, rows.Close())
			}
			out = append(out, s)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return nil, err
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// Body is the document of a record, bytes as they are in the log; ledger.ErrNotFound once it was erased.
func Body(ctx context.Context, tx *store.Tx, log *ledger.Log, r Record) ([]byte, error) {
	b, err := log.Body(ctx, tx, r.Leaf)
	if err != nil {
		return nil, err
	}
	return b.Bytes()
}

// Page is a page of what one authority said, as BCP-03 asks for it, and how many records there are in all. Erased ones are left out.
func Page(ctx context.Context, tx *store.Tx, origin gcve.GNA, p gcve.Params) (out []Record, total int64, err error) {
	since := int64(math.MinInt64)
	if !p.Since.IsZero() {
		since = p.Since.UnixMilli()
	}
	product, vendor, assigner := strings.ToLower(p.Product), strings.ToLower(p.Vendor), strings.ToLower(p.Assigner)
	args := []any{p.DateSort, p.DateSort, int64(origin), since, p.CWE, p.CWE, product, product, vendor, vendor, assigner, assigner}
	if err := tx.QueryRow(ctx, recordTotal, args...).Scan(&total); err != nil {
		return nil, 0, err
	}
	order := int64(-1)
	if p.Asc {
		order = 1
	}
	out, _, err = records(ctx, tx, recordPage, append(args, order, int64(p.PerPage), (p.Page-1)*int64(p.PerPage))...)
	return out, total, err
}

// After is the next records of one authority in the order of their identifiers, and the key to go on from; "" begins.
func After(ctx context.Context, tx *store.Tx, origin gcve.GNA, key string, limit int) (out []Record, last string, err error) {
	return records(ctx, tx, recordAfter, int64(origin), key, limit)
}

// Origin is how much the list holds of what one authority said.
type Origin struct {
	GNA     gcve.GNA
	Records int64
	Newest  int64 // newest leaf
}

// Origins are the authorities that said something, in the order of their numbers.
func Origins(ctx context.Context, tx *store.Tx) (out []Origin, err error) {
	rows, err := tx.Query(ctx, recordOrigins)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says what went wrong
	for rows.Next() {
		var o Origin
		var origin int64
		if err := rows.Scan(&origin, &o.Records, &o.Newest); err != nil {
			return nil, err
		}
		o.GNA = gcve.GNA(origin)
		out = append(out, o)
	}
	return out, rows.Err()
}
