package facet

// segment is everything that is numbered by ordinals.
type segment struct {
	zones  int
	n      uint32 // ordinals dealt out
	docs   int    // of them live
	live   set
	key    column[uint32] // number in Index.keys
	order  column[uint64]
	seq    column[int64]
	nums   []column[int64]
	words  []keyword
	parts  postings // list word*zones+zone
	wholes postings // likewise
	texts  texts
	byKey  column[uint32] // by number of key: its live ordinal + 1, or 0

	zoneWords, zoneDocs []int64 // live totals, for the mean length of a zone
}

// keyword holds the values of one keyword both ways.
type keyword struct {
	// first is the value's number + 1 of documents with one, 0 of those with none, and of those with
	// more manyBit and an index in more: there stand their count and the numbers of the values.
	first column[uint32]
	more  column[uint32]
	lists postings // by value
}

const manyBit = 1 << 31

func newSegment(s Schema) *segment {
	return &segment{
		zones:     len(s.Zones),
		nums:      make([]column[int64], len(s.Numbers)),
		words:     make([]keyword, len(s.Keywords)),
		zoneWords: make([]int64, len(s.Zones)),
		zoneDocs:  make([]int64, len(s.Zones)),
	}
}

// entry is a document in numbers, ready to be added.
type entry struct {
	key    uint32
	order  uint64
	seq    int64
	gone   bool
	nums   []int64    // Absent where missing
	values [][]uint32 // distinct, rising, per keyword
	parts  []uint32   // lists to join, distinct
	wholes []uint32
	text   []byte // a record
}

// add gives e the next ordinal; it is not live yet.
func (g *segment) add(e *entry) uint32 {
	ord := g.n
	g.n++
	if ord > maxOrdinal {
		panic("facet: more than 2^30 ordinals")
	}
	if int(ord>>6) >= len(g.live) {
		g.live = append(g.live, 0)
	}
	g.key.append(e.key)
	g.order.append(e.order)
	g.seq.append(e.seq)
	for i := range g.nums {
		g.nums[i].append(e.nums[i])
	}
	for i := range g.words {
		g.words[i].add(ord, e.values[i])
	}
	for _, l := range e.parts {
		g.parts.add(l, ord)
	}
	for _, l := range e.wholes {
		g.wholes.add(l, ord)
	}
	g.texts.add(e.text)
	return ord
}

func (k *keyword) add(ord uint32, values []uint32) {
	switch len(values) {
	case 0:
		k.first.append(0)
	case 1:
		k.first.append(values[0] + 1)
	default:
		k.first.append(manyBit | uint32(k.more.n))
		k.more.append(uint32(len(values)))
		for _, v := range values {
			k.more.append(v)
		}
	}
	for _, v := range values {
		k.lists.add(v, ord)
	}
}

// reveal makes a document live in place of the one that has its key, unless that is newer.
func (g *segment) reveal(ord, key uint32, seq int64) {
	g.byKey.grow(int(key) + 1)
	if old := g.byKey.at(key); old != 0 {
		if g.seq.at(old-1) > seq {
			return
		}
		g.hide(old-1, key)
	}
	g.byKey.set(key, ord+1)
	g.live.add(ord)
	g.docs++
	g.tally(ord, 1)
}

// hide makes a document dead.
func (g *segment) hide(ord, key uint32) {
	g.byKey.set(key, 0)
	g.live.remove(ord)
	g.docs--
	g.tally(ord, -1)
}

func (g *segment) tally(ord uint32, sign int64) {
	for _, z := range g.texts.zones(ord, nil) {
		g.zoneWords[z.zone] += sign * int64(z.words)
		g.zoneDocs[z.zone] += sign
	}
}
