// Package catalogue is the merged, searchable view of the list: the current record per CVE, found by words, filters and
// facets. It learns of a record by folding its event, exactly as a mirror does, and knows nothing of who may write one.
package catalogue

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"log/slog"
	"sync"
	"time"

	"tasuki/internal/ledger"
	"tasuki/internal/query"
	"tasuki/internal/store"
	"tasuki/internal/store/facet"
	"tasuki/spec/cve"
)

//go:embed migrations/*.sql
var migrations embed.FS

//go:embed sql/*.sql
var queries embed.FS

var q = store.Load(queries, "sql")

var (
	recordPut    = q.Get("record_put")
	recordErase  = q.Get("record_erase")
	recordGet    = q.Get("record_get")
	recordEntry  = q.Get("record_entry")
	recordsSince = q.Get("records_since")
	recordIDs    = q.Get("record_ids")
	recordRows   = q.Get("record_rows")
	recordParts  = q.Get("record_parts")
	recordAfter  = q.Get("record_after")
	recordClear  = q.Get("record_clear")
	pastPut      = q.Get("past_put")
	pastThru     = q.Get("past_thru")
	pastErase    = q.Get("past_erase")
	pastClear    = q.Get("past_clear")
	pastRows     = q.Get("past_rows")
	orgPut       = q.Get("org_put")
	orgList      = q.Get("org_list")
	orgClear     = q.Get("org_clear")
)

// Errors that callers branch on.
var (
	// ErrNotFound means an identifier without a record here.
	ErrNotFound = errors.New("catalogue: no record of this CVE ID")
	// ErrQuery means a query that names an unknown dimension or a cursor of another query.
	ErrQuery = errors.New("catalogue: the query cannot be answered as asked")
	// ErrErased means a record whose body was erased.
	ErrErased = errors.New("catalogue: the record's body was erased")
	// ErrBefore means a moment before this list learnt its first record; it stands beside ErrNotFound.
	ErrBefore = errors.New("catalogue: the list knew no record yet")
)

// Schema is the migrations of this package (0020–0029).
func Schema() fs.FS {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return sub
}

// View is the record of one CVE in one of its versions.
type View struct {
	ID      string
	State   cve.State
	Index   int64     // leaf that brought this version
	Changed time.Time // lastModified for change-polling clients
	Logged  time.Time // o.t of that leaf
	Record  *cve.Record
	body    *ledger.Body // of a whole document
	parts   *parts       // of a record put piece by piece
	compact []byte
}

// Raw is the record's original bytes, as they came; of one that was put piece by piece, which nobody ever sent as a whole, the
// same as Compact.
func (v *View) Raw() ([]byte, error) {
	if v.parts != nil {
		return v.compact, nil
	}
	return v.body.Bytes()
}

// Compact is the record as compact JSON; not to be changed.
func (v *View) Compact() ([]byte, error) { return v.compact, nil }

// Version is one version of a record, as the log has it.
type Version struct {
	Index   int64
	Kind    string
	State   string
	Logged  time.Time // when this list learnt it
	Source  time.Time // since when the source held it
	Updated string    // dateUpdated as the document says
	By      string    // organisation that logged it
	Base    bool      // it belongs to the list's own beginning
	Cont    string    // "cna" or "adp" where the leaf put one container, "" where a whole document
	Erased  bool      // a body that it shows was erased since: the leaf is all that is left
}

// Query asks for one page of records.
type Query struct {
	// Tree is what the reader asked in the query language; Now is when, for ages ("changed:>7d"): the zero value means the
	// present, or the moment of At.
	Tree *query.Query
	Now  time.Time
	// At asks the list as it was known then. Relevance is then answered as Newest.
	At At

	Text    string // words and "phrases"; all must occur, beside Tree
	Zone    string // "" all text, "en" the CNA's English description only
	Prefix  bool   // every word may be the beginning of one
	Phrase  bool   // the words must stand together, as given
	Filters []Filter
	Sort    Order
	By      string // in Sort's place: a number of the index ("published", "updated", "reserved"), last first unless Asc
	Asc     bool
	Offset  int
	Limit   int
	Cursor  string   // Page.Next of the page before
	Facets  []string // dimensions to count
	Top     int      // values per facet; 0 means 12
	Series  []Series // numbers to count the hits by
	Explain bool     // fill Page.Explanation
	// IDsOnly leaves everything of a hit but its ID empty: for callers that read the records themselves.
	IDsOnly bool
	// MinSize waits until the answer covers a log of this size: what the caller has seen elsewhere.
	MinSize int64
}

// Filter narrows by a keyword dimension (Values: any of; or Match), by a numeric one (Num, Min ≤ n ≤ Max), by identifier
// (Dim "id"), or by other filters: Any holds where one of them does, All where all of them do.
type Filter struct {
	Any    []Filter
	All    []Filter
	Dim    string
	Values []string
	Match  func(value string) bool
	Not    bool
	Num    string
	Min    int64
	Max    int64
}

// Order is how a page is sorted.
type Order int

// The orders. Oldest is by publication, ties by identifier, as NVD pages are; Newest is exactly the reverse.
const (
	Newest Order = iota
	Oldest
	Relevance
	Severest  // by the score to judge by, highest first; those without one last
	Exploited // by the day of entering the catalogue of exploited vulnerabilities, last first
	Touched   // by what change-polling clients see, last first
)

// Page is one page of hits.
type Page struct {
	Total  int
	Hits   []Hit
	Facets map[string][]FacetCount
	Next   string  // cursor of the page after, "" at the end
	Size   int64   // log size that the answer covers
	Series [][]int // per Query.Series and bin, the hits with Edges[i] ≤ n < Edges[i+1]
	Moment *Moment // what Query.At meant; nil when it was zero
	// Explanation is how the query was read and answered, if that was asked for.
	Explanation *Explanation
}

// Series asks for a histogram of a number over all hits, such as publications per month.
type Series struct {
	Num   string
	Edges []int64 // ascending; one more than there are bins
}

// Explanation says how a query was read and which index served it.
type Explanation struct {
	Read  string // the query as it was understood, with all brackets
	Nodes []ExplainedNode
	Took  time.Duration
}

// ExplainedNode is one node of the tree, parents before children.
type ExplainedNode struct {
	Text  string
	Span  query.Span
	Depth int
	Index string // what answered it: "words", "keyword vendor", "number published", "identifiers", "both", "either", "not"
	Hits  int    // records for which the node alone holds
}

// FacetCount is one value of a dimension and how many of the hits have it.
type FacetCount struct {
	Value string
	Count int
}

// Service answers reads. Warm fills its index; until then searches wait and reads by identifier do not.
type Service struct {
	db    *store.DB
	log   *ledger.Log
	now   func() time.Time // what ages in a query are counted back from
	slog  *slog.Logger
	index *facet.Index

	following sync.Mutex
	warm      chan struct{}
	warmed    sync.Once
	overlays  overlays
}

// New returns a catalogue over db.
func New(db *store.DB, log *ledger.Log, now func() time.Time, logger *slog.Logger) *Service {
	return &Service{db: db, log: log, now: now, slog: logger, index: facet.New(indexSchema), warm: make(chan struct{}), overlays: newOverlays()}
}

// Get returns the current record of id, or ErrNotFound.
func (s *Service) Get(ctx context.Context, id string) (*View, error) {
	var v *View
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		v, err = s.get(ctx, tx, id)
		return err
	})
	if err == nil {
		err = v.decode()
	}
	if err != nil {
		return nil, err
	}
	return v, nil
}

// Text is Get without View.Record: for who passes the record's text on, it spares reading it.
func (s *Service) Text(ctx context.Context, id string) (*View, error) {
	var v *View
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		v, err = s.get(ctx, tx, id)
		return err
	})
	if err == nil {
		err = v.unpack()
	}
	if err != nil {
		return nil, err
	}
	return v, nil
}

// A piece is what one transaction of Bulk, Texts and Each reads ahead of its receiver: at most so many records, and no
// further record beyond so many bytes as they are stored.
const (
	pieceRecords = 256
	pieceBytes   = 1 << 20
)

// Bulk gives fn the current record of each id, in that order; ids without a record are passed over. It reads piece by
// piece, so that a slow receiver holds no transaction open: the records of a piece are from one moment, those of a later
// piece may be newer.
func (s *Service) Bulk(ctx context.Context, ids []string, fn func(*View) error) error {
	return s.pieces(ctx, ids, func(v *View) error {
		if err := v.decode(); err != nil {
			return err
		}
		return fn(v)
	})
}

// Texts is Bulk without View.Record.
func (s *Service) Texts(ctx context.Context, ids []string, fn func(*View) error) error {
	return s.pieces(ctx, ids, func(v *View) error {
		if err := v.unpack(); err != nil {
			return err
		}
		return fn(v)
	})
}

func (s *Service) pieces(ctx context.Context, ids []string, fn func(*View) error) error {
	for len(ids) > 0 {
		var views []*View
		err := s.db.View(ctx, func(tx *store.Tx) (err error) {
			views, ids, err = s.piece(ctx, tx, ids)
			return err
		})
		if err != nil {
			return err
		}
		for i, v := range views {
			if err := fn(v); err != nil {
				return err
			}
			views[i] = nil // what was unpacked is not kept until the piece ends
		}
	}
	return nil
}

// piece fetches the first records of ids, still packed, and says which ids are left.
func (s *Service) piece(ctx context.Context, tx *store.Tx, ids []string) (views []*View, rest []string, err error) {
	size := 0
	for i, id := range ids {
		if size >= pieceBytes || len(views) == pieceRecords {
			return views, ids[i:], nil
		}
		v, err := s.get(ctx, tx, id)
		if errors.Is(err, ErrNotFound) || errors.Is(err, ErrErased) {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		size += v.packed()
		views = append(views, v)
	}
	return views, nil, nil
}

// Each gives fn every current record in the order of identifiers' bytes, for export, piece by piece as Bulk does; records
// that change meanwhile appear in one of their versions.
func (s *Service) Each(ctx context.Context, fn func(*View) error) error {
	for after := ""; ; {
		var ids []string
		err := s.db.View(ctx, func(tx *store.Tx) (err error) {
			ids, err = pageOfIDs(ctx, tx, after, pieceRecords)
			return err
		})
		if err != nil || len(ids) == 0 {
			return err
		}
		after = ids[len(ids)-1]
		if err := s.Bulk(ctx, ids, fn); err != nil {
			return err
		}
	}
}

func pageOfIDs(ctx context.Context, tx *store.Tx, after string, n int) ([]string, error) {
	rows, err := tx.Query(ctx, recordIDs, after, n)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says what went wrong
	var ids []string
	for rows.Next() {
		var id string
		var leaf int64
		if err := rows.Scan(&id, &leaf); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}
