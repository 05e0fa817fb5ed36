package nvd

import "slices"

// distinct keeps a list free of repetitions, in the order of first occurrence. The list is searched while it is short, as
// nearly all are; a map takes over before that could be made to cost the square of a record's length.
type distinct[T comparable] struct{ seen map[T]bool }

const short = 16

// add appends value to list unless it is there. The list grows by add alone.
func (d *distinct[T]) add(list *[]T, value T) {
	if len(*list) < short {
		if !slices.Contains(*list, value) {
			*list = append(*list, value)
		}
		return
	}
	if d.seen == nil {
		d.seen = make(map[T]bool, 4*short)
		for _, v := range *list {
			d.seen[v] = true
		}
	}
	if !d.seen[value] {
		d.seen[value] = true
		*list = append(*list, value)
	}
}
