package store

import "context"

// heldBack is a write that was put off, and what is known of its row meanwhile.
type heldBack struct {
	value any
	write func(context.Context) error
}

// HoldBack lets Late put writes off from now on until Settle ends it. PostgreSQL keeps every version of a row until its transaction is
// over, and looks through them for each write of the row: a count that a transaction writes a hundred thousand times takes hours.
func (tx *Tx) HoldBack() { tx.held = map[any]*heldBack{} }

// Late does write, which writes the row of a key. Where the transaction holds back it is done at the next Settle, unless another of the
// same key takes its place before; value is what HeldBack tells until then. Keys are of a type of the package that uses them.
func (tx *Tx) Late(ctx context.Context, key, value any, write func(context.Context) error) error {
	if tx.held == nil {
		return write(ctx)
	}
	if tx.held[key] == nil {
		tx.order = append(tx.order, key)
	}
	tx.held[key] = &heldBack{value, write}
	return nil
}

// HeldBack is the value of the write of a key that waits, if one does. Whoever reads the row asks here first.
func HeldBack[T any](tx *Tx, key any) (value T, ok bool) {
	if l := tx.held[key]; l != nil {
		value, ok = l.value.(T)
	}
	return value, ok
}

// Settle does what was put off, in the order in which the rows were first written. With end nothing is put off any more.
func (tx *Tx) Settle(ctx context.Context, end bool) error {
	for _, key := range tx.order {
		if err := tx.held[key].write(ctx); err != nil {
			return err
		}
	}
	clear(tx.held)
	tx.order = tx.order[:0]
	if end {
		tx.held = nil
	}
	return nil
}
