// Package ledger is the append-only event log: leaves, the bodies beside them, the RFC 6962 tree over the leaves,
// tiles, checkpoints, proofs and the tools that try to find a fault in all of these. It knows nothing of CVE: an
// event is canonical bytes, a subject is a string.
//
// A leaf's life: appended (row, frontier and full tiles, in the caller's transaction), committed, signed (a
// checkpoint covers it), published. Nothing is ever rewritten but a body that the log itself says was erased.
package ledger

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"golang.org/x/mod/sumdb/tlog"

	"tasuki/internal/store"
)

//go:embed sql migrations
var files embed.FS

var (
	// ErrNotFound means that there is no such leaf, body or tile (or that the body was erased).
	ErrNotFound = errors.New("ledger: not found")
	// ErrOrder means that a leaf's stamp contradicts the log it is appended to.
	ErrOrder = errors.New("ledger: stamp out of order")
)

// tileHeight and tileWidth are those of c2sp.org/tlog-tiles.
const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
)

// Schema holds the ledger's migrations (0001–0009) for store.DB.Migrate.
func Schema() fs.FS {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the directory is embedded above
	}
	return sub
}

var queries = store.Load(files, "sql")

// Log reads and extends the log of one store. It is safe for concurrent use; its memory is only caches.
type Log struct {
	db    *store.DB
	dicts sync.Map // int64 → *dictionary, those that are not embedded
	kept  sync.Map // int64 → true, dictionaries that a committed transaction stored

	mu   sync.Mutex
	last Head // the head most recently saved, with its tail; believed only when the stored edge equals it
}

// New returns the log of db, which was migrated with Schema.
func New(db *store.DB) *Log { return &Log{db: db} }

// Head reads the log's head in tx's snapshot.
func (l *Log) Head(ctx context.Context, tx *store.Tx) (Head, error) {
	return l.head(ctx, tx, "head")
}

// Lock reads the head and keeps every other writer out until tx ends. It comes first in a write transaction, so
// that all later reads see the last commit.
func (l *Log) Lock(ctx context.Context, tx *store.Tx) (Head, error) {
	return l.head(ctx, tx, "lock")
}

func (l *Log) head(ctx context.Context, tx *store.Tx, query string) (Head, error) {
	var h Head
	var edge []byte
	if err := tx.QueryRow(ctx, queries.Get(query), nil...).Scan(&h.Size, &edge, &h.Time); err != nil {
		return Head{}, fmt.Errorf("read log head: %w", err)
	}
	if err := h.setEdge(edge); err != nil {
		return Head{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	// Equal frontiers mean equal leaves, so the remembered tail is this log's tail even if the transaction that
	// saved it was rolled back and the same leaves came again by another way.
	if l.last.Size == h.Size && l.last.tail != nil && equalHashes(l.last.Edge, h.Edge) {
		h.tail = append(make([]Hash, 0, tileWidth), l.last.tail...)
	}
	return h, nil
}

// Save writes the head that Append advanced; once per transaction, after the last Append.
func (l *Log) Save(ctx context.Context, tx *store.Tx, h Head) error {
	if _, err := tx.Exec(ctx, queries.Get("save"), h.Size, h.edgeBytes(), h.Time); err != nil {
		return fmt.Errorf("save log head at size %d: %w", h.Size, err)
	}
	l.mu.Lock()
	l.last = h.Clone()
	l.mu.Unlock()
	return nil
}

// Last returns the index of the newest leaf about a subject, or -1.
func (l *Log) Last(ctx context.Context, tx *store.Tx, subject string) (int64, error) {
	idx, ok, err := foreseen(ctx, tx, subject)
	if err == nil && !ok {
		err = tx.QueryRow(ctx, queries.Get("subject"), subject).Scan(&idx)
	}
	if errors.Is(err, sql.ErrNoRows) {
		return -1, nil
	}
	if err != nil {
		return 0, fmt.Errorf("last leaf about %s: %w", subject, err)
	}
	return idx, nil
}

// Append adds one encoded leaf, with the body beside it if it has one, as the newest leaf about subject ("" for
// none), and advances h. It refuses with ErrOrder a stamp older than the head's or a back pointer at or beyond the
// leaf itself; that back is the right one is the caller's promise (Last) and Fsck's check.
func (l *Log) Append(ctx context.Context, tx *store.Tx, h *Head, leaf []byte, body *Body, subject string) (int64, error) {
	parts, err := splitLeaf(leaf)
	if err != nil {
		return 0, err
	}
	if len(leaf) > MaxLeaf {
		return 0, fmt.Errorf("%w: %d bytes, at most %d", ErrMalformed, len(leaf), MaxLeaf)
	}
	idx := h.Size
	if parts.Stamp.Time < h.Time || parts.Stamp.Back >= idx || parts.Stamp.Back < -1 {
		return 0, fmt.Errorf("leaf %d: time %d after %d, back %d: %w", idx, parts.Stamp.Time, h.Time, parts.Stamp.Back, ErrOrder)
	}
	if _, err := tx.Exec(ctx, queries.Get("leaf_put"), idx, leaf); err != nil {
		return 0, fmt.Errorf("append leaf %d: %w", idx, err)
	}
	if body != nil {
		if err := l.putBody(ctx, tx, h, idx, body); err != nil {
			return 0, err
		}
	}
	if subject != "" {
		if _, err := tx.Exec(ctx, queries.Get("subject_put"), subject, idx); err != nil {
			return 0, fmt.Errorf("append leaf %d about %s: %w", idx, subject, err)
		}
		tx.Remember(newestKey(subject), idx)
	}
	hash := LeafHash(leaf)
	if h.tail == nil && (idx%tileWidth == 0) {
		h.tail = make([]Hash, 0, tileWidth)
	}
	if h.tail != nil {
		h.tail = append(h.tail, hash)
	}
	h.push(hash)
	h.Time = parts.Stamp.Time
	if h.Size%tileWidth == 0 {
		if err := l.fillTiles(ctx, tx, h); err != nil {
			return 0, err
		}
	}
	return idx, nil
}

// fillTiles writes every tile that the leaf just pushed has completed, lowest level first.
func (l *Log) fillTiles(ctx context.Context, tx *store.Tx, h *Head) error {
	hashes := h.tail
	if hashes == nil {
		var err error
		if hashes, err = l.leafHashes(ctx, tx, h.Size-tileWidth, h.Size); err != nil {
			return err
		}
	}
	n := h.Size / tileWidth
	for level := int64(0); ; level++ {
		data := hashBytes(hashes)
		root := rootOf(hashes)
		if _, err := tx.Exec(ctx, queries.Get("tile_put"), level, n-1, root[:], data); err != nil {
			return fmt.Errorf("write tile %d/%d: %w", level, n-1, err)
		}
		if n%tileWidth != 0 {
			break
		}
		n /= tileWidth
		var err error
		if hashes, err = l.tileRoots(ctx, tx, level, (n-1)*tileWidth, n*tileWidth); err != nil {
			return err
		}
	}
	h.tail = make([]Hash, 0, tileWidth)
	return nil
}

// Leaf returns the exact bytes of leaf index, or ErrNotFound.
func (l *Log) Leaf(ctx context.Context, tx *store.Tx, index int64) ([]byte, error) {
	leaf, ok := store.Recall[[]byte](tx, leafKey(index))
	if ok {
		return leaf, nil
	}
	if err := tx.QueryRow(ctx, queries.Get("leaf"), index).Scan(&leaf); err != nil {
		return nil, fmt.Errorf("leaf %d: %w", index, absent(err))
	}
	return leaf, nil
}

// LeafAndBody returns the exact bytes of leaf index and the public body beside it, nil when it has none or it was erased; ErrNotFound.
func (l *Log) LeafAndBody(ctx context.Context, tx *store.Tx, index int64) (leaf []byte, body *Body, err error) {
	var b bodyRow
	err = tx.QueryRow(ctx, queries.Get("scan"), index, index+1).Scan(&index, &leaf, &b.salt, &b.hash, &b.n, &b.enc, &b.dict, &b.packed)
	if err != nil {
		return nil, nil, fmt.Errorf("leaf %d: %w", index, absent(err))
	}
	if b.n.Valid {
		if body, err = b.body(); err == nil {
			err = l.resolve(ctx, tx, body)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("body of leaf %d: %w", index, err)
		}
	}
	return leaf, body, nil
}

// Scan calls fn for every leaf from index from on, in order, with its body or nil. The slices are fn's to keep.
// It reads in pages, so that on SQLite fn may use tx for other queries between calls.
func (l *Log) Scan(ctx context.Context, tx *store.Tx, from int64, fn func(index int64, leaf []byte, body *Body) error) error {
	type row struct {
		idx  int64
		leaf []byte
		body *Body
	}
	const page = 512
	for {
		var rows []row
		rs, err := tx.Query(ctx, queries.Get("scan"), from, from+page)
		if err != nil {
			return fmt.Errorf("scan leaves from %d: %w", from, err)
		}
		for rs.Next() {
			var r row
			var b bodyRow
			if err := rs.Scan(&r.idx, &r.leaf, &b.salt, &b.hash, &b.n, &b.enc, &b.dict, &b.packed); err != nil {
				rs.Close()
				return fmt.Errorf("scan leaves from %d: %w", from, err)
			}
			if b.n.Valid {
				if r.body, err = b.body(); err != nil {
					rs.Close()
					return fmt.Errorf("body of leaf %d: %w", r.idx, err)
				}
			}
			rows = append(rows, r)
		}
		if err := errors.Join(rs.Err(), rs.Close()); err != nil {
			return fmt.Errorf("scan leaves from %d: %w", from, err)
		}
		for _, r := range rows {
			if r.body != nil {
				if err := l.resolve(ctx, tx, r.body); err != nil {
					return fmt.Errorf("body of leaf %d: %w", r.idx, err)
				}
			}
			if err := fn(r.idx, r.leaf, r.body); err != nil {
				return err
			}
		}
		if len(rows) == 0 {
			return nil
		}
		from = rows[len(rows)-1].idx + 1
	}
}

func absent(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	return err
}

func equalHashes(a, b []Hash) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func hashBytes(hs []Hash) []byte {
	b := make([]byte, 0, len(hs)*tlog.HashSize)
	for _, h := range hs {
		b = append(b, h[:]...)
	}
	return b
}
