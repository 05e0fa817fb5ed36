package facet

// pageBits sets the size of a column's pages: small enough that an empty index is small, large
// enough that a scan is as quick as over one slice.
const (
	pageBits = 12
	pageSize = 1 << pageBits
)

// column is a slice that grows without moving: an append never copies more than one page, and
// readers of old elements are not disturbed.
type column[T any] struct {
	pages []*[pageSize]T
	n     int
}

func (c *column[T]) at(i uint32) T     { return c.pages[i>>pageBits][i&(pageSize-1)] }
func (c *column[T]) set(i uint32, v T) { c.pages[i>>pageBits][i&(pageSize-1)] = v }

// grow makes the column n elements long; new ones are zero.
func (c *column[T]) grow(n int) {
	for len(c.pages)<<pageBits < n {
		c.pages = append(c.pages, new([pageSize]T))
	}
	c.n = max(c.n, n)
}

func (c *column[T]) append(v T) {
	i := uint32(c.n)
	c.grow(c.n + 1)
	c.set(i, v)
}
