package charter

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"tasuki/internal/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

//go:embed sql/*.sql
var queryFiles embed.FS

var queries = store.Load(queryFiles, "sql")

var (
	insertCharter = queries.Get("charter_insert")
	listCharters  = queries.Get("charter_list")
	insertSibling = queries.Get("sibling_insert")
	listSiblings  = queries.Get("sibling_list")
)

// ErrNone means a store without a charter: a list that was never founded.
var ErrNone = errors.New("charter: none in this store")

// Schema is the migrations of this package.
func Schema() fs.FS {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic("charter: embedded migrations: " + err.Error())
	}
	return sub
}

// Save stores what the chain holds beyond the store's own. A store that holds another charter of the same version is
// left alone and answers ErrSibling.
func Save(ctx context.Context, tx *store.Tx, c *Chain) error {
	have, err := stored(ctx, tx)
	if err != nil {
		return err
	}
	for i, d := range c.docs() {
		if i < len(have) {
			if have[i].hash != d.hash {
				return fmt.Errorf("store charter %d: %w", d.charter.V, ErrSibling)
			}
			continue
		}
		raw, err := d.Bytes()
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, insertCharter, d.charter.V, raw); err != nil {
			return fmt.Errorf("store charter %d: %w", d.charter.V, err)
		}
	}
	return nil
}

// Load reads and checks the stored chain: a store that was tampered with has none. ErrNone before the genesis.
func Load(ctx context.Context, tx *store.Tx) (*Chain, error) {
	docs, err := stored(ctx, tx)
	if err != nil {
		return nil, err
	}
	if len(docs) == 0 {
		return nil, ErrNone
	}
	chain, err := NewChain(docs[0])
	for _, d := range docs[1:] {
		if err != nil {
			break
		}
		err = chain.Extend(d)
	}
	if err != nil {
		return nil, fmt.Errorf("load the charter chain: %w", err)
	}
	return chain, nil
}

func stored(ctx context.Context, tx *store.Tx) ([]*Document, error) {
	docs, err := read(ctx, tx, listCharters)
	if err != nil {
		return nil, fmt.Errorf("load the charter chain: %w", err)
	}
	return docs, nil
}

// read is the documents of a query for version and document.
func read(ctx context.Context, tx *store.Tx, query *store.Query) ([]*Document, error) {
	rows, err := tx.Query(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // rows.Err below says it
	var docs []*Document
	for rows.Next() {
		var v int64
		var raw []byte
		if err := rows.Scan(&v, &raw); err != nil {
			return nil, err
		}
		d, err := Parse(raw)
		if err == nil && d.charter.V != v {
			err = fmt.Errorf("it is stored as charter %d", v)
		}
		if err != nil {
			return nil, fmt.Errorf("charter %d: %w", v, err)
		}
		docs = append(docs, d)
	}
	return docs, rows.Err()
}
