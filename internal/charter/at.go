package charter

// At is charter v, which the chain has.
func (c *Chain) At(v int64) *Document { return c.docs()[v-1] }

// OpenedBy is the charter that opened an epoch, and nil for an epoch that the chain does not know.
func (c *Chain) OpenedBy(epoch int64) *Document {
	for _, d := range c.docs() {
		if d.charter.Operator.Epoch == epoch {
			return d
		}
	}
	return nil
}
