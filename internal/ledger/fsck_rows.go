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

// fsckPage is how many leaves are read and judged at a time, fsckSplit how many goroutines judge them.
const (
	fsckPage  = 2048
	fsckSplit = 4
)

// page reads the leaves [from, to) and judges each by itself, several at a time.
func (f *fsck) page(ctx context.Context, from, to int64) ([]fsckRow, error) {
	rows := make([]fsckRow, 0, to-from)
	var err error
	if f.o.Hashes {
		err = f.readLeaves(ctx, from, to, &rows)
	} else {
		err = f.readRows(ctx, from, to, &rows)
	}
	if err != nil {
		return nil, err
	}
	var wg sync.WaitGroup
	for part := range fsckSplit {
		wg.Go(func() {
			for i := part; i < len(rows); i += fsckSplit {
				rows[i].judge(f.o.Hashes)
			}
		})
	}
	wg.Wait()
	return rows, nil
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

func (f *fsck) readLeaves(ctx context.Context, from, to int64, out *[]fsckRow) error {
	rows, err := f.tx.Query(ctx, queries.Get("leaves"), from, to)
	if err != nil {
		return fmt.Errorf("leaves from %d: %w", from, err)
	}
	defer rows.Close()
	for rows.Next() {
		var r fsckRow
		if err := rows.Scan(&r.idx, &r.leaf); err != nil {
			return fmt.Errorf("leaves from %d: %w", from, err)
		}
		*out = append(*out, r)
	}
	return rows.Err()
}

func (f *fsck) readRows(ctx context.Context, from, to int64, out *[]fsckRow) error {
	rows, err := f.tx.Query(ctx, queries.Get("scan"), from, to)
	if err != nil {
		return fmt.Errorf("leaves from %d: %w", from, err)
	}
	defer rows.Close()
	for rows.Next() {
		var r fsckRow
		var b bodyRow
		if err := rows.Scan(&r.idx, &r.leaf, &b.salt, &b.hash, &b.n, &b.enc, &b.dict, &b.packed); err != nil {
			return fmt.Errorf("leaves from %d: %w", from, err)
		}
		if b.n.Valid {
			if r.body, r.bodyErr = b.body(); r.bodyErr != nil {
				r.body = &Body{}
			}
		}
		*out = append(*out, r)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("leaves from %d: %w", from, err)
	}
	for i := range *out {
		if r := &(*out)[i]; r.body != nil && r.bodyErr == nil {
			r.bodyErr = f.l.resolve(ctx, f.tx, r.body)
		}
	}
	return f.readPrivates(ctx, from, to, *out)
}

func (f *fsck) readPrivates(ctx context.Context, from, to int64, out []fsckRow) error {
	rows, err := f.tx.Query(ctx, queries.Get("fsck_privates"), from, to)
	if err != nil {
		return fmt.Errorf("private bodies from %d: %w", from, err)
	}
	defer rows.Close()
	i := 0
	for rows.Next() {
		var idx int64
		var salt []byte
		var p Private
		if err := rows.Scan(&idx, &salt, &p.Body); err != nil {
			return fmt.Errorf("private bodies from %d: %w", from, err)
		}
		for i < len(out) && out[i].idx < idx {
			i++
		}
		if len(salt) == len(p.Salt) {
			copy(p.Salt[:], salt)
		}
		if i < len(out) && out[i].idx == idx {
			out[i].private = &p
		} else {
			f.problem("private", idx, "stands behind a leaf that is not there")
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
	rows, err := f.tx.Query(ctx, queries.Get("fsck_strays"), size, size, size)
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
