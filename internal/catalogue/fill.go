package catalogue

import (
	"context"
	"errors"

	"tasuki/internal/inorder"
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
	}
	return inorder.Run(ctx, func(ctx context.Context, give func(*chunk) error) error {
		c := new(chunk)
		send := func() error {
			full := c
			c = new(chunk)
			return give(full)
		}
		err := read(ctx, func(r row) error {
			if c.rows = append(c.rows, r); len(c.rows) == fillChunk {
				return send()
			}
			return nil
		})
		if err == nil && len(c.rows) > 0 {
			err = send()
		}
		return err
	}, func(c *chunk) error {
		for i, r := range c.rows {
			e, err := readEntry(r.id, r.entry)
			switch {
			case errors.Is(err, ErrErased):
				c.docs = append(c.docs, x.Prepare(facet.Doc{Key: r.id, Order: naturalOrder(r.id), Seq: r.leaf, Gone: true}))
				continue
			case err != nil:
				return err
			}
			c.docs = append(c.docs, x.Prepare(e.doc(r)))
			c.rows[i].entry = nil
		}
		return nil
	}, func(_ context.Context, c *chunk) error {
		x.ApplyPrepared(c.docs, x.Seq())
		if applied != nil {
			applied(c.rows)
		}
		return nil
	})
}
