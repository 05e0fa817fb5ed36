package cvelist

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"tasuki/internal/jobs"
)

// Refusals is where refused files are kept between runs; jobs.Refusals is one.
type Refusals interface {
	Change(ctx context.Context, feed string, keep []jobs.Refused, remove []jobs.Key) error
	List(ctx context.Context, feed string) ([]jobs.Refused, error)
	Body(ctx context.Context, feed string, k jobs.Key) ([]byte, error)
}

// keeper keeps the list of refused files true while a source is imported. A nil keeper keeps nothing.
//
// An entry goes when its file is taken in, from whatever source (the identifier tells), or when its source was read to
// the end without refusing it again.
type keeper struct {
	store     Refusals
	source    string
	bySubject map[string][]jobs.Key
	mine      map[jobs.Key]bool // of this source, not met yet
	keep      []jobs.Refused
	remove    []jobs.Key
	bytes     int
}

func openKeeper(ctx context.Context, store Refusals, source string) (*keeper, error) {
	if store == nil {
		return nil, nil
	}
	known, err := store.List(ctx, Feed)
	if err != nil {
		return nil, fmt.Errorf("list refused files: %w", err)
	}
	k := &keeper{store: store, source: source, bySubject: map[string][]jobs.Key{}, mine: map[jobs.Key]bool{}}
	for _, f := range known {
		if f.Subject != "" {
			k.bySubject[f.Subject] = append(k.bySubject[f.Subject], f.Key)
		}
		if f.Source == source {
			k.mine[f.Key] = true
		}
	}
	return k, nil
}

func (k *keeper) settle(f *File, id string, o Outcome, now time.Time) {
	if k == nil {
		return
	}
	key := jobs.Key{Source: k.source, Path: f.Where()}
	if o.Verdict == Refused {
		delete(k.mine, key)
		row := jobs.Refused{Key: key, Subject: id, Code: string(o.Reason.Code), Reason: printable(o.Reason.Text), Size: f.Size, At: now}
		if f.SHA256 != (Digest{}) {
			row.SHA256 = hex.EncodeToString(f.SHA256[:])
		}
		if len(f.Raw) <= jobs.MostBody {
			row.Body = bytes.Clone(f.Raw)
			k.bytes += len(row.Body)
		}
		k.keep = append(k.keep, row)
		return
	}
	if k.mine[key] {
		delete(k.mine, key)
		k.remove = append(k.remove, key)
	}
	if old := k.bySubject[id]; id != "" && len(old) > 0 {
		k.remove = append(k.remove, old...)
		delete(k.bySubject, id)
	}
}

// forgetRest drops what this source refused earlier and no longer holds: it was read to the end.
func (k *keeper) forgetRest() {
	if k == nil {
		return
	}
	for key := range k.mine {
		k.remove = append(k.remove, key)
	}
	clear(k.mine)
}

// flushIfFull bounds the memory of a source that is refused throughout.
func (k *keeper) flushIfFull(ctx context.Context) error {
	if k == nil || (len(k.keep)+len(k.remove) < 500 && k.bytes < 16<<20) {
		return nil
	}
	return k.flush(context.WithoutCancel(ctx))
}

func (k *keeper) flush(ctx context.Context) error {
	if k == nil {
		return nil
	}
	if err := k.store.Change(ctx, Feed, k.keep, k.remove); err != nil {
		return fmt.Errorf("keep refused files: %w", err)
	}
	k.keep, k.remove, k.bytes = nil, nil, 0
	return nil
}

// Retry tries again what was refused earlier and whose bytes were kept, each as a file of its old source. What has no
// bytes (a damaged archive, a file too large to read) is settled as refused again, for its source is needed for it.
func (im *Importer) Retry(ctx context.Context) (Summary, error) {
	var all Summary
	if im.Refusals == nil {
		return all, nil
	}
	rows, err := im.Refusals.List(ctx, Feed)
	if err != nil {
		return all, fmt.Errorf("list refused files: %w", err)
	}
	for len(rows) > 0 { // by source: the list is sorted so
		n := 1
		for n < len(rows) && rows[n].Source == rows[0].Source {
			n++
		}
		w := newWalk(im.Limits)
		sum, err := im.source(ctx, rows[0].Source, w, func() error { return im.again(ctx, w, rows[:n]) })
		all.add(sum)
		if err != nil {
			return all, fmt.Errorf("retry %s: %w", rows[0].Source, err)
		}
		rows = rows[n:]
	}
	return all, nil
}

func (im *Importer) again(ctx context.Context, w *walk, rows []jobs.Refused) error {
	w.totals(int64(len(rows)), 0)
	for _, row := range rows {
		t := &task{role: roleGiven, file: File{Path: row.Path, Size: row.Size}}
		_, t.file.Name = roleOf(row.Path[strings.LastIndexByte(row.Path, '!')+1:])
		if row.HasBody {
			body, err := im.Refusals.Body(ctx, Feed, row.Key)
			if err != nil {
				return err
			}
			t.file.Raw, t.file.Size = body, int64(len(body))
		} else {
			t.file.Refused = &Refusal{Code: Code(row.Code), Text: row.Reason}
			if sum, err := hex.DecodeString(row.SHA256); err == nil {
				copy(t.file.SHA256[:], sum)
			}
		}
		if err := w.put(t); err != nil {
			return err
		}
	}
	return nil
}
