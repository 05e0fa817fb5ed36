package charter

// At is charter v, which the chain has.
func (c *Chain) At(v int64) *Document { return c.docs()[v-1] }

// Become makes this chain the same as another of its list: people chose a branch (Choose), and whoever reads this chain is to see it.
// ErrOtherList for a chain of another list.
func (c *Chain) Become(other *Chain) error {
	if other.ListID() != c.ListID() {
		return ErrOtherList
	}
	c.list.Store(other.list.Load())
	return nil
}

// OpenedBy is the charter that opened an epoch, and nil for an epoch that the chain does not know.
func (c *Chain) OpenedBy(epoch int64) *Document {
	for _, d := range c.docs() {
		if d.charter.Operator.Epoch == epoch {
			return d
		}
	}
	return nil
}
