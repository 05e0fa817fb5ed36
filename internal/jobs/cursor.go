package jobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"tasuki/internal/store"
)

// Cursors keeps where each feed left off, as bytes that only the feed understands.
type Cursors struct {
	db  *store.DB
	now func() time.Time
}

// NewCursors returns the cursors kept in db; now stamps when one was saved.
func NewCursors(db *store.DB, now func() time.Time) *Cursors { return &Cursors{db, now} }

// Load returns the saved value of name, nil when there is none.
func (c *Cursors) Load(ctx context.Context, name string) (value []byte, err error) {
	err = c.db.View(ctx, func(tx *store.Tx) error {
		err := tx.QueryRow(ctx, queries.Get("cursor_load"), name).Scan(&value)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("load cursor %s: %w", name, err)
	}
	return value, nil
}

// Save replaces the value of name.
func (c *Cursors) Save(ctx context.Context, name string, value []byte) error {
	err := c.db.Update(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, queries.Get("cursor_save"), name, value, c.now().UnixMilli())
		return err
	})
	if err != nil {
		return fmt.Errorf("save cursor %s: %w", name, err)
	}
	return nil
}
