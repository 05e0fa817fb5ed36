package ledger

import (
	"bytes"
	"context"
	"fmt"
	"sync"
)

// fsckRow is one leaf with what stands beside it and everything about it that can be judged without its neighbours.
type fsckRow struct {
	idx     int64
	leaf    []byte
	body    *Body
	private *Private

	hash    Hash
	err     error // the leaf is not canonical, or its event cannot be read
	event   []byte
	stamp   Stamp
	claims  claims
	bodyErr error
}

// fsckBatch is the leaves [from, to) as far as they are there, and the level-0 tiles that they fill.
type fsckBatch struct {
	from, to int64
	rows     []fsckRow
	orphans  []int64 // private bodies whose leaf is not there
	tiles    map[int64]storedTile
	judged   sync.WaitGroup // ends when every row has been judged
}

// fsckPage is how many leaves are read at a time (a multiple of the tile width), fsckSplit how many goroutines judge
// them, fsckAhead how many batches may be read while the present one is held together.
const (
	fsckPage  = 8 * tileWidth
	fsckSplit = 2
	fsckAhead = 3
)

// readAll sends every batch of the log, in order. Its rows are being judged when it arrives: reading, which is one
// goroutine's work, goes on meanwhile.
func (f *fsck) readAll(ctx context.Context, to chan<- *fsckBatch) error {
	for from := int64(0); from < f.end; from += fsckPage {
		b := &fsckBatch{from: from, to: min(from+fsckPage, f.end)}
		if err := f.read(ctx, b); err != nil {
			return err
		}
		for part := range fsckSplit {
			b.judged.Go(func() {
				for i := part; i < len(b.rows); i += fsckSplit {
					b.rows[i].judge(f.o.Hashes)
				}
			})
		}
		select {
		case to <- b:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (f *fsck) read(ctx context.Context, b *fsckBatch) (err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	b.rows = make([]fsckRow, 0, b.to-b.from)
	if f.o.Hashes {
		err = f.readLeaves(ctx, b)
	} else {
		err = f.readRows(ctx, b)
	}
	if err != nil {
		return err
	}
	b.tiles, err = f.readTiles(ctx, 0, b.from/tileWidth, b.to/tileWidth)
	return err
}

func (r *fsckRow) judge(hashes bool) {
	r.hash = LeafHash(r.leaf)
	if hashes {
		var l Leaf
		l, r.err = splitLeaf(r.leaf)
		r.stamp = l.Stamp
		return
	}
	var l Leaf
	if l, r.err = ParseLeaf(r.leaf); r.err != nil {
		return
	}
	r.event, r.stamp = l.Event, l.Stamp
	if r.claims, r.err = readClaims(l.Event); r.err != nil {
		return
	}
	if r.body != nil && r.bodyErr == nil {
		r.bodyErr = r.body.Check()
	}
}

func (f *fsck) readLeaves(ctx context.Context, b *fsckBatch) error {
	rows, err := f.tx.Query(ctx, queries.Get("leaves"), b.from, b.to)
	if err != nil {
		return fmt.Errorf("leaves from %d: %w", b.from, err)
	}
	defer rows.Close()
	for rows.Next() {
		var r fsckRow
		if err := rows.Scan(&r.idx, &r.leaf); err != nil {
			return fmt.Errorf("leaves from %d: %w", b.from, err)
		}
		b.rows = append(b.rows, r)
	}
	return rows.Err()
}

func (f *fsck) readRows(ctx context.Context, batch *fsckBatch) error {
	rows, err := f.tx.Query(ctx, queries.Get("scan"), batch.from, batch.to)
	if err != nil {
		return fmt.Errorf("leaves from %d: %w", batch.from, err)
	}
	defer rows.Close()
	for rows.Next() {
		var r fsckRow
		var b bodyRow
		if err := rows.Scan(&r.idx, &r.leaf, &b.salt, &b.hash, &b.n, &b.enc, &b.dict, &b.packed); err != nil {
			return fmt.Errorf("leaves from %d: %w", batch.from, err)
		}
		if b.n.Valid {
			if r.body, r.bodyErr = b.body(); r.bodyErr != nil {
				r.body = &Body{}
			}
		}
		batch.rows = append(batch.rows, r)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("leaves from %d: %w", batch.from, err)
	}
	for i := range batch.rows {
		if r := &batch.rows[i]; r.body != nil && r.bodyErr == nil {
			r.bodyErr = f.l.resolve(ctx, f.tx, r.body)
		}
	}
	return f.readPrivates(ctx, batch)
}

func (f *fsck) readPrivates(ctx context.Context, b *fsckBatch) error {
	rows, err := f.tx.Query(ctx, queries.Get("fsck_privates"), b.from, b.to)
	if err != nil {
		return fmt.Errorf("private bodies from %d: %w", b.from, err)
	}
	defer rows.Close()
	i := 0
	for rows.Next() {
		var idx int64
		var salt []byte
		var p Private
		if err := rows.Scan(&idx, &salt, &p.Body); err != nil {
			return fmt.Errorf("private bodies from %d: %w", b.from, err)
		}
		for i < len(b.rows) && b.rows[i].idx < idx {
			i++
		}
		if len(salt) == len(p.Salt) {
			copy(p.Salt[:], salt)
		}
		if i < len(b.rows) && b.rows[i].idx == idx {
			b.rows[i].private = &p
		} else {
			b.orphans = append(b.orphans, idx)
		}
	}
	return rows.Err()
}

// count is the number of leaves that the leaves themselves show.
func (f *fsck) count(ctx context.Context) (n int64, err error) {
	if err := f.tx.QueryRow(ctx, queries.Get("fsck_size")).Scan(&n); err != nil {
		return 0, fmt.Errorf("count leaves: %w", err)
	}
	return n, nil
}

// strays finds rows beyond the log's end.
func (f *fsck) strays(ctx context.Context) error {
	size := f.stored.Size
	rows, err := f.tx.Query(ctx, queries.Get("fsck_strays"), size, size, size, size)
	if err != nil {
		return fmt.Errorf("rows beyond the log: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var part string
		var idx int64
		if err := rows.Scan(&part, &idx); err != nil {
			return fmt.Errorf("rows beyond the log: %w", err)
		}
		f.problem(part, idx, "lies beyond the log's end (%d leaves)", size)
	}
	return rows.Err()
}

// checkSubjects compares ledger_subject with the newest leaves that the log itself shows.
func (f *fsck) checkSubjects(ctx context.Context) error {
	if f.o.Read == nil {
		return nil
	}
	rows, err := f.tx.Query(ctx, queries.Get("fsck_subjects"))
	if err != nil {
		return fmt.Errorf("subjects: %w", err)
	}
	defer rows.Close()
	seen := 0
	for rows.Next() {
		var subject string
		var idx int64
		if err := rows.Scan(&subject, &idx); err != nil {
			return fmt.Errorf("subjects: %w", err)
		}
		seen++
		if last, ok := f.subjects[keyOf(subject)]; !ok || last != idx {
			if !ok {
				last = -1
			}
			f.problem("subject", idx, "is kept as the newest leaf about %q, which is %d", subject, last)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("subjects: %w", err)
	}
	if seen < len(f.subjects) {
		f.problem("subject", -1, "%d subjects of the log are not kept", len(f.subjects)-seen)
	}
	return nil
}

// checkDicts: every dictionary in use is in the store, and those this binary embeds are stored unchanged.
func (f *fsck) checkDicts(ctx context.Context) error {
	rows, err := f.tx.Query(ctx, queries.Get("fsck_dicts"))
	if err != nil {
		return fmt.Errorf("dictionaries: %w", err)
	}
	defer rows.Close()
	stored := map[int64]bool{0: true}
	for rows.Next() {
		var id int64
		var raw []byte
		if err := rows.Scan(&id, &raw); err != nil {
			return fmt.Errorf("dictionaries: %w", err)
		}
		stored[id] = true
		if d := embedded[id]; d != nil && !bytes.Equal(d.raw, raw) {
			f.problem("dictionary", id, "is not the one that this program embeds under its number")
		}
		if newDictionary(raw).id != id {
			f.problem("dictionary", id, "carries another number inside")
		}
	}
	for id := range f.dicts {
		if !stored[id] {
			f.problem("dictionary", id, "is used by bodies and not kept in the store")
		}
	}
	return rows.Err()
}
