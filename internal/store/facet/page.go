package facet

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"fmt"
)

// hit is a document in some order.
type hit struct {
	value int64 // the number sorted by, the relevance, or 0
	ord   uint32
}

// place is a point in an order: a cursor, or a document's own.
type place struct {
	value int64
	order uint64
	key   []byte
}

func (s *search) place(h hit) place {
	return place{h.value, s.g.order.at(h.ord), s.key(h.ord)}
}

func (s *search) key(ord uint32) []byte { return s.x.keys.at(s.g.key.at(ord)) }

// compare orders places upward: by value, then by the natural order of keys.
func (p place) compare(o place) int {
	if c := cmp.Compare(p.value, o.value); c != 0 {
		return c
	}
	if c := cmp.Compare(p.order, o.order); c != 0 {
		return c
	}
	return bytes.Compare(p.key, o.key)
}

// page sorts the hits as far as the page needs and returns the places of its documents and the cursor behind it.
func (s *search) page(q *Query, hits set, total int) ([]place, string, error) {
	value, tag, err := s.value(q)
	if err != nil {
		return nil, "", err
	}
	desc := q.Sort.Desc || q.Sort.Relevance
	var after *place
	if q.After != "" {
		p, err := parseCursor(q.After, tag)
		if err != nil {
			return nil, "", err
		}
		after = &p
	}
	offset, limit := max(q.Offset, 0), max(q.Limit, 0)
	if limit == 0 || offset >= total {
		return nil, "", nil
	}
	limit = min(limit, total-offset)

	sign := 1
	if desc {
		sign = -1
	}
	compare := func(a, b hit) int {
		if a.value != b.value {
			if a.value < b.value {
				return -sign
			}
			return sign
		}
		if x, y := s.g.order.at(a.ord), s.g.order.at(b.ord); x != y {
			return sign * cmp.Compare(x, y)
		}
		return sign * bytes.Compare(s.key(a.ord), s.key(b.ord))
	}
	// One more than the page, to know whether anything is behind it.
	first := leading[hit]{k: min(offset+limit+1, total), compare: compare}
	if after == nil {
		offset -= s.skip(hits, total, offset, &first, value, desc)
	} else {
		hits.each(func(ord uint32) {
			if h := (hit{value(ord), ord}); sign*s.place(h).compare(*after) > 0 {
				first.add(h)
			}
		})
	}
	best := first.from(offset)
	more := len(best) > limit
	best = best[:min(limit, len(best))]
	places := make([]place, len(best))
	for i, h := range best {
		places[i] = s.place(h)
		places[i].key = bytes.Clone(places[i].key) // the index's memory is not read once the search is over
	}
	next := ""
	if more {
		next = cursor(places[len(places)-1], tag)
	}
	return places, next, nil
}

// tag tells the cursors of one order from those of another.
func (s Sort) tag() string {
	switch {
	case s.Relevance:
		return " relevance"
	case s.Desc:
		return s.By + " desc"
	}
	return s.By
}

// value returns the number that the query sorts by, and a tag that tells its cursors from others'.
func (s *search) value(q *Query) (func(ord uint32) int64, string, error) {
	tag := q.Sort.tag()
	switch {
	case q.Sort.Relevance:
		ws, err := s.wants(q.Where, nil)
		for _, f := range q.Filters {
			if err == nil {
				ws, err = s.wants(f.Node, ws)
			}
		}
		return s.scorer(ws), tag, err
	case q.Sort.By == "":
		return func(uint32) int64 { return 0 }, tag, nil
	}
	i, ok := s.x.numbers[q.Sort.By]
	if !ok {
		return nil, "", fmt.Errorf("sort by %q: %w", q.Sort.By, ErrName)
	}
	return s.g.nums[i].at, tag, nil
}

// A cursor is base64url of: length and bytes of the tag, value, order, key.
func cursor(p place, tag string) string {
	b := binary.AppendUvarint(nil, uint64(len(tag)))
	b = append(b, tag...)
	b = binary.AppendVarint(b, p.value)
	b = binary.AppendUvarint(b, p.order)
	return base64.RawURLEncoding.EncodeToString(append(b, p.key...))
}

func parseCursor(c, tag string) (place, error) {
	bad := fmt.Errorf("cursor %.80q: %w", c, ErrCursor)
	b, err := base64.RawURLEncoding.DecodeString(c)
	if err != nil {
		return place{}, bad
	}
	size, n := binary.Uvarint(b)
	if n <= 0 || uint64(len(b)-n) < size || string(b[n:n+int(size)]) != tag {
		return place{}, bad
	}
	b = b[n+int(size):]
	var p place
	if p.value, n = binary.Varint(b); n <= 0 {
		return place{}, bad
	}
	b = b[n:]
	if p.order, n = binary.Uvarint(b); n <= 0 {
		return place{}, bad
	}
	p.key = b[n:]
	return p, nil
}
