package catalogue

import (
	"context"
	"errors"
	"runtime"

	"golang.org/x/sync/errgroup"

	"tasuki/internal/store/facet"
)

// row is what an index learns of one version of a record.
type row struct {
	id      string
	leaf    int64 // newest about the version; orders what is learnt of one record
	version int64 // leaf of the version itself; less than leaf once its body was erased
	changed int64
	source  int64
	created int64 // leaf of the record's first version; 0 where nobody asks for it
	until   int64 // leaf that took its place; facet.Absent while none has
	entry   []byte
}

// fillChunk is how many rows are cut into words together.
const fillChunk = 512

// fill puts the rows that read gives into an index: they are unpacked and cut into words on every core, and applied in their
// order. The index's sequence number does not move: a search must not see half of what it waits for. applied, which may be nil, is
// told of the rows that are in, also when fill ends with an error.
func fill(ctx context.Context, x *facet.Index, read func(ctx context.Context, each func(row) error) error, applied func([]row)) error {
	type chunk struct {
		rows []row
		docs []*facet.Prepared
		done chan error
	}
	group, gctx := errgroup.WithContext(ctx)
	work, order := make(chan *chunk, 4), make(chan *chunk, 4)
	group.Go(func() error {
		defer close(work)
		defer close(order)
		c := &chunk{done: make(chan error, 1)}
		send := func() error {
			for _, to := range []chan *chunk{order, work} {
				select {
				case to <- c:
				case <-gctx.Done():
					return gctx.Err()
				}
			}
			c = &chunk{done: make(chan error, 1)}
			return nil
		}
		err := read(gctx, func(r row) error {
			if c.rows = append(c.rows, r); len(c.rows) == fillChunk {
				return send()
			}
			return nil
		})
		if err == nil && len(c.rows) > 0 {
			err = send()
		}
		return err
	})
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() error {
			for c := range work {
				var err error
				for i, r := range c.rows {
					var e *entry
					if e, err = readEntry(r.id, r.entry); errors.Is(err, ErrErased) {
						err = nil
						c.docs = append(c.docs, x.Prepare(facet.Doc{Key: r.id, Order: naturalOrder(r.id), Seq: r.leaf, Gone: true}))
						continue
					}
					if err != nil {
						break
					}
					c.docs = append(c.docs, x.Prepare(e.doc(r)))
					c.rows[i].entry = nil
				}
				c.done <- err
			}
			return nil
		})
	}
	group.Go(func() error {
		for c := range order {
			select {
			case err := <-c.done:
				if err != nil {
					return err
				}
			case <-gctx.Done(): // nobody may have taken it up
				return gctx.Err()
			}
			x.ApplyPrepared(c.docs, x.Seq())
			if applied != nil {
				applied(c.rows)
			}
		}
		return nil
	})
	return group.Wait()
}
