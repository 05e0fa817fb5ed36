package store

// A transaction that a Sequencer runs has a memory: what its commands read they need not ask again, and what they write they know.
// It is as good as the tables, for the sequencer's hook keeps every other writer out; whoever writes a row writes what is remembered
// of it, or forgets it. A command that is undone takes all of it along. Other transactions remember nothing.

// Recall is what was remembered under a key. Keys are of a type of the package that uses them.
func Recall[T any](tx *Tx, key any) (value T, ok bool) {
	value, ok = tx.memory[key].(T)
	return value, ok
}

// Remember keeps a value under a key, where the transaction has a memory. The value must not be changed afterwards.
func (tx *Tx) Remember(key, value any) {
	if tx.memory != nil {
		tx.memory[key] = value
	}
}

// Forget drops what was remembered under a key.
func (tx *Tx) Forget(key any) { delete(tx.memory, key) }

// ForgetAll drops whatever was remembered: for rare writes that touch rows nobody counts up.
func (tx *Tx) ForgetAll() { clear(tx.memory) }
