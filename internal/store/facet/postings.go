package facet

// postings holds many rising lists of ordinals, by number. Most lists of a vocabulary have one
// member and few are long, so a list is stored by its length:
//
//	one member       in the slot itself
//	2 … 256          a block of a power of two, from pages without pointers
//	more             per 65,536 ordinals a []uint16 or, from 4,096 members on, a bitmap
//
// The last is roaring's layout. It is our own hundred lines because lists here only grow at their end
// and are only ever poured into flat sets (ADR 0004).
type postings struct {
	slots  column[uint32] // tag in the high two bits, see below; 0 is the empty list
	blocks [blockClasses]blockPool
	long   []*longList
}

const (
	tagOne   = 1 << 30 // low 30 bits: the ordinal
	tagBlock = 2 << 30 // 3 bits class, 27 bits number of the block
	tagLong  = 3 << 30 // low 30 bits: index in long
	tagMask  = 3 << 30

	blockClasses = 8 // 2, 4, … 256 members
	blockEnd     = 1<<32 - 1
	maxOrdinal   = 1<<30 - 1
)

// blockPool deals out blocks of 2<<class ordinals, filled up with blockEnd.
type blockPool struct {
	data column[uint32]
	free []uint32
}

func (b *blockPool) block(class int, i uint32) []uint32 {
	at := i << (class + 1)
	page := b.data.pages[at>>pageBits]
	at &= pageSize - 1
	return page[at : at+2<<class]
}

func (b *blockPool) take(class int) (uint32, []uint32) {
	var i uint32
	if n := len(b.free); n > 0 {
		i, b.free = b.free[n-1], b.free[:n-1]
	} else {
		i = uint32(b.data.n >> (class + 1))
		b.data.grow(b.data.n + 2<<class)
	}
	blk := b.block(class, i)
	for j := range blk {
		blk[j] = blockEnd
	}
	return i, blk
}

// members returns the filled part of a block.
func members(blk []uint32) []uint32 {
	lo, hi := len(blk)/2, len(blk) // the first half is full, or the block would be smaller
	for lo < hi {
		mid := (lo + hi) / 2
		if blk[mid] == blockEnd {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return blk[:lo]
}

// add appends ord, which is above all members, to a list.
func (p *postings) add(list, ord uint32) {
	if int(list) >= p.slots.n {
		p.slots.grow(int(list) + 1)
	}
	slot := p.slots.at(list)
	switch slot & tagMask {
	case tagOne:
		i, blk := p.blocks[0].take(0)
		blk[0], blk[1] = slot&^tagMask, ord
		p.slots.set(list, tagBlock|i)
	case tagBlock:
		class, i := int(slot>>27&7), slot&(1<<27-1)
		blk := p.blocks[class].block(class, i)
		if m := len(members(blk)); m < len(blk) {
			blk[m] = ord
			return
		}
		p.blocks[class].free = append(p.blocks[class].free, i)
		if class+1 < blockClasses {
			j, next := p.blocks[class+1].take(class + 1)
			copy(next, blk)
			next[len(blk)] = ord
			p.slots.set(list, tagBlock|uint32(class+1)<<27|j)
			return
		}
		l := new(longList)
		for _, o := range blk {
			l.add(o)
		}
		l.add(ord)
		p.slots.set(list, tagLong|uint32(len(p.long)))
		p.long = append(p.long, l)
	case tagLong:
		p.long[slot&^tagMask].add(ord)
	default:
		p.slots.set(list, tagOne|ord)
	}
}

// pour adds the members of a list to s.
func (p *postings) pour(list uint32, s set) {
	if int(list) >= p.slots.n {
		return
	}
	slot := p.slots.at(list)
	switch slot & tagMask {
	case tagOne:
		s.add(slot &^ tagMask)
	case tagBlock:
		class := int(slot >> 27 & 7)
		for _, o := range p.blocks[class].block(class, slot&(1<<27-1)) {
			if o == blockEnd {
				break
			}
			s.add(o)
		}
	case tagLong:
		p.long[slot&^tagMask].pour(s)
	}
}

// each calls fn with the members of a list in rising order.
func (p *postings) each(list uint32, fn func(ord uint32)) {
	if int(list) >= p.slots.n {
		return
	}
	slot := p.slots.at(list)
	switch slot & tagMask {
	case tagOne:
		fn(slot &^ tagMask)
	case tagBlock:
		class := int(slot >> 27 & 7)
		for _, o := range members(p.blocks[class].block(class, slot&(1<<27-1))) {
			fn(o)
		}
	case tagLong:
		p.long[slot&^tagMask].each(fn)
	}
}

// shared counts the members of a list that are in s.
func (p *postings) shared(list uint32, s set) int {
	n := 0
	if int(list) < p.slots.n {
		if slot := p.slots.at(list); slot&tagMask == tagLong {
			return p.long[slot&^tagMask].shared(s)
		}
	}
	p.each(list, func(ord uint32) {
		if s.has(ord) {
			n++
		}
	})
	return n
}

// longList is a list of many ordinals, cut by their high half.
type longList struct{ chunks []chunk }

// chunk holds the members that share their high 16 bits: in few or, when those are many, in bits.
type chunk struct {
	high uint32
	few  []uint16
	bits set
}

const fewMax = 4096

func (l *longList) add(ord uint32) {
	if n := len(l.chunks); n == 0 || l.chunks[n-1].high != ord>>16 {
		l.chunks = append(l.chunks, chunk{high: ord >> 16})
	}
	c := &l.chunks[len(l.chunks)-1]
	if c.bits == nil && len(c.few) == fewMax {
		c.bits = make(set, 1<<16/64)
		for _, o := range c.few {
			c.bits.add(uint32(o))
		}
		c.few = nil
	}
	if c.bits != nil {
		c.bits.add(ord & 0xFFFF)
	} else {
		c.few = append(c.few, uint16(ord))
	}
}

func (l *longList) pour(s set) {
	for i := range l.chunks {
		c := &l.chunks[i]
		to := s[c.high<<10:]
		if c.bits != nil {
			n := min(len(to), len(c.bits))
			to[:n].or(c.bits)
			continue
		}
		for _, o := range c.few {
			to.add(uint32(o))
		}
	}
}

func (l *longList) shared(s set) int {
	n := 0
	for i := range l.chunks {
		c := &l.chunks[i]
		in := s[c.high<<10:]
		if c.bits != nil {
			m := min(len(in), len(c.bits))
			n += in[:m].countAnd(c.bits)
			continue
		}
		for _, o := range c.few {
			if in.has(uint32(o)) {
				n++
			}
		}
	}
	return n
}

func (l *longList) each(fn func(ord uint32)) {
	for i := range l.chunks {
		c := &l.chunks[i]
		high := c.high << 16
		for _, o := range c.few {
			fn(high | uint32(o))
		}
		c.bits.each(func(o uint32) { fn(high | o) })
	}
}

// bytes estimates the memory in use.
func (p *postings) bytes() int {
	n := len(p.slots.pages) * pageSize * 4
	for i := range p.blocks {
		n += len(p.blocks[i].data.pages) * pageSize * 4
	}
	for _, l := range p.long {
		n += 32 + cap(l.chunks)*56
		for i := range l.chunks {
			n += 2*cap(l.chunks[i].few) + 8*len(l.chunks[i].bits)
		}
	}
	return n
}
