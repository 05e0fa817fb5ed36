package ledger

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"tasuki/internal/store"
)

// ErrSize means that a tree size or an index lies outside the log.
var ErrSize = errors.New("ledger: outside the log")

// leafHashes recomputes level-0 hashes from leaves [from, to).
func (l *Log) leafHashes(ctx context.Context, tx *store.Tx, from, to int64) ([]Hash, error) {
	hs := make([]Hash, 0, max(to-from, tileWidth))
	rows, err := tx.Query(ctx, queries.Get("leaves"), from, to)
	if err != nil {
		return nil, fmt.Errorf("leaves %d to %d: %w", from, to, err)
	}
	defer rows.Close()
	for rows.Next() {
		var idx int64
		var leaf []byte
		if err := rows.Scan(&idx, &leaf); err != nil {
			return nil, fmt.Errorf("leaves %d to %d: %w", from, to, err)
		}
		if idx != from+int64(len(hs)) {
			return nil, fmt.Errorf("leaf %d: %w", from+int64(len(hs)), ErrNotFound)
		}
		hs = append(hs, LeafHash(leaf))
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("leaves %d to %d: %w", from, to, err)
	}
	if int64(len(hs)) != to-from {
		return nil, fmt.Errorf("leaf %d: %w", from+int64(len(hs)), ErrNotFound)
	}
	return hs, nil
}

// tileRoots reads the roots of the full tiles [from, to) of a level, which are hashes of the level above.
func (l *Log) tileRoots(ctx context.Context, tx *store.Tx, level, from, to int64) ([]Hash, error) {
	hs := make([]Hash, 0, max(to-from, tileWidth))
	rows, err := tx.Query(ctx, queries.Get("tile_roots"), level, from, to)
	if err != nil {
		return nil, fmt.Errorf("tiles %d/%d to %d: %w", level, from, to, err)
	}
	defer rows.Close()
	for rows.Next() {
		var n int64
		var root []byte
		if err := rows.Scan(&n, &root); err != nil {
			return nil, fmt.Errorf("tiles %d/%d to %d: %w", level, from, to, err)
		}
		if n != from+int64(len(hs)) || len(root) != tlog.HashSize {
			break
		}
		hs = append(hs, Hash(root))
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("tiles %d/%d to %d: %w", level, from, to, err)
	}
	if int64(len(hs)) != to-from {
		return nil, fmt.Errorf("tile %d/%d: %w", level, from+int64(len(hs)), ErrNotFound)
	}
	return hs, nil
}

// Tile returns the hashes of c2sp tile level/n, its first width of them (1–256), as the tree of the given size has
// them. It answers ErrSize when that tree has no such tile.
func (l *Log) Tile(ctx context.Context, tx *store.Tx, size, level, n int64, width int) ([]byte, error) {
	if level < 0 || level > 7 || n < 0 || width < 1 || width > tileWidth || n >= 1<<54>>(tileHeight*level) {
		return nil, fmt.Errorf("tile %d/%d.p/%d: %w", level, n, width, ErrSize)
	}
	if have := size >> (tileHeight * level); n*tileWidth+int64(width) > have {
		return nil, fmt.Errorf("tile %d/%d.p/%d at size %d: %w", level, n, width, size, ErrSize)
	}
	hs, err := l.span(ctx, tx, size, level, n*tileWidth, n*tileWidth+int64(width))
	if err != nil {
		return nil, err
	}
	return hashBytes(hs), nil
}

// span reads hashes [from, to) of a tile level; they lie inside one tile. A tile that is full at size has a row;
// of a partial one only the hashes asked for are computed, from what lies below.
func (l *Log) span(ctx context.Context, tx *store.Tx, size, level, from, to int64) ([]Hash, error) {
	n := from / tileWidth
	if (n+1)*tileWidth <= size>>(tileHeight*level) {
		var data []byte
		err := tx.QueryRow(ctx, queries.Get("tile"), level, n).Scan(&data)
		if err != nil {
			return nil, fmt.Errorf("tile %d/%d: %w", level, n, absent(err))
		}
		if len(data) != tileWidth*tlog.HashSize {
			return nil, fmt.Errorf("tile %d/%d holds %d bytes: %w", level, n, len(data), ErrNotFound)
		}
		hs := make([]Hash, to-from)
		for i := range hs {
			copy(hs[i][:], data[(from-n*tileWidth+int64(i))*tlog.HashSize:])
		}
		return hs, nil
	}
	if level == 0 {
		return l.leafHashes(ctx, tx, from, to)
	}
	return l.tileRoots(ctx, tx, level-1, from, to)
}

// hashReader answers tlog's stored-hash indexes for the tree of a size, reading each tile once.
type hashReader struct {
	ctx  context.Context
	tx   *store.Tx
	l    *Log
	size int64
	full map[[2]int64][]Hash
}

// HashReader reads the tree of the given size, for tlog.ProveRecord, tlog.ProveTree and tlog.TreeHash. It lives as
// long as tx and is for one goroutine.
func (l *Log) HashReader(ctx context.Context, tx *store.Tx, size int64) tlog.HashReader {
	return &hashReader{ctx: ctx, tx: tx, l: l, size: size, full: map[[2]int64][]Hash{}}
}

// ReadHashes implements tlog.HashReader.
func (r *hashReader) ReadHashes(indexes []int64) ([]Hash, error) {
	out := make([]Hash, len(indexes))
	for i, x := range indexes {
		level, n := tlog.SplitStoredHashIndex(x)
		h, err := r.hash(int64(level), n)
		if err != nil {
			return nil, err
		}
		out[i] = h
	}
	return out, nil
}

// hash computes the root of the subtree of height level at n from the 2^k hashes of the tile level below it.
func (r *hashReader) hash(level, n int64) (Hash, error) {
	if (n+1)<<level > r.size {
		return Hash{}, fmt.Errorf("hash %d/%d at size %d: %w", level, n, r.size, ErrSize)
	}
	tl := level / tileHeight
	k := level % tileHeight
	from, to := n<<k, (n+1)<<k
	t := from / tileWidth
	if (t+1)*tileWidth > r.size>>(tileHeight*tl) { // partial: read no more than needed
		hs, err := r.l.span(r.ctx, r.tx, r.size, tl, from, to)
		if err != nil {
			return Hash{}, err
		}
		return rootOf(hs), nil
	}
	key := [2]int64{tl, t}
	tile := r.full[key]
	if tile == nil {
		var err error
		if tile, err = r.l.span(r.ctx, r.tx, r.size, tl, t*tileWidth, (t+1)*tileWidth); err != nil {
			return Hash{}, err
		}
		r.full[key] = tile
	}
	return rootOf(append([]Hash(nil), tile[from-t*tileWidth:to-t*tileWidth]...)), nil
}

// tileReader serves tlog.Tile of height 8 out of the store.
type tileReader struct {
	ctx  context.Context
	tx   *store.Tx
	l    *Log
	size int64
}

// TileReader reads tiles of the tree of the given size, for tlog.TileHashReader. It lives as long as tx.
func (l *Log) TileReader(ctx context.Context, tx *store.Tx, size int64) tlog.TileReader {
	return &tileReader{ctx: ctx, tx: tx, l: l, size: size}
}

// Height implements tlog.TileReader.
func (r *tileReader) Height() int { return tileHeight }

// SaveTiles implements tlog.TileReader; the store already has them.
func (r *tileReader) SaveTiles([]tlog.Tile, [][]byte) {}

// ReadTiles implements tlog.TileReader.
func (r *tileReader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	out := make([][]byte, len(tiles))
	for i, t := range tiles {
		if t.H != tileHeight || t.L < 0 {
			return nil, fmt.Errorf("tile of height %d, level %d: %w", t.H, t.L, ErrSize)
		}
		data, err := r.l.Tile(r.ctx, r.tx, r.size, int64(t.L), t.N, t.W)
		if err != nil {
			return nil, err
		}
		out[i] = data
	}
	return out, nil
}

// RootAt is the tree hash over the first size leaves.
func (l *Log) RootAt(ctx context.Context, tx *store.Tx, size int64) (Hash, error) {
	if size == 0 {
		return Head{}.Root(), nil
	}
	h, err := tlog.TreeHash(size, l.HashReader(ctx, tx, size))
	if err != nil {
		return Hash{}, fmt.Errorf("root at size %d: %w", size, err)
	}
	return h, nil
}

// ProveInclusion proves leaf index in the tree of the given size (RFC 6962 §2.1.1).
func (l *Log) ProveInclusion(ctx context.Context, tx *store.Tx, size, index int64) (tlog.RecordProof, error) {
	if index < 0 || index >= size {
		return nil, fmt.Errorf("prove leaf %d at size %d: %w", index, size, ErrSize)
	}
	p, err := tlog.ProveRecord(size, index, l.HashReader(ctx, tx, size))
	if err != nil {
		return nil, fmt.Errorf("prove leaf %d at size %d: %w", index, size, err)
	}
	return p, nil
}

// ProveConsistency proves that the tree of size to extends the one of size from (RFC 6962 §2.1.2). The empty tree
// is a prefix of every tree; its proof is empty.
func (l *Log) ProveConsistency(ctx context.Context, tx *store.Tx, from, to int64) (tlog.TreeProof, error) {
	if from < 0 || from > to {
		return nil, fmt.Errorf("prove size %d in size %d: %w", from, to, ErrSize)
	}
	if from == 0 {
		return tlog.TreeProof{}, nil
	}
	p, err := tlog.ProveTree(to, from, l.HashReader(ctx, tx, to))
	if err != nil {
		return nil, fmt.Errorf("prove size %d in size %d: %w", from, to, err)
	}
	return p, nil
}
