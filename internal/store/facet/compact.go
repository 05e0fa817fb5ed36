package facet

// wasteful reports whether so many ordinals are dead that compacting pays.
func (g *segment) wasteful() bool {
	dead := int(g.n) - g.docs
	return dead >= 1024+g.docs/2
}

// compacted returns the segment without its dead ordinals. It reads beside the readers; only the writer
// calls it. Words and values that no document has any longer keep their numbers: they cost a dozen
// bytes each until the next start.
func (g *segment) compacted(schema Schema) *segment {
	old, g := g, newSegment(schema)
	to := make([]uint32, old.n)
	for i := range to {
		to[i] = blockEnd
	}
	var zones []zoneText
	var rec []byte
	old.live.each(func(ord uint32) {
		to[ord] = g.n
		g.n++
		g.key.append(old.key.at(ord))
		g.order.append(old.order.at(ord))
		g.seq.append(old.seq.at(ord))
		for i := range g.nums {
			g.nums[i].append(old.nums[i].at(ord))
		}
		zones = old.texts.zones(ord, zones)
		rec = appendRecord(rec[:0], zones)
		g.texts.add(rec)
	})
	g.docs = old.docs
	g.live = make(set, (g.n+63)/64)
	for ord := range g.n {
		g.live.add(ord)
	}
	copy(g.zoneWords, old.zoneWords)
	copy(g.zoneDocs, old.zoneDocs)
	g.byKey.grow(old.byKey.n)
	for key := range uint32(old.byKey.n) {
		if ord := old.byKey.at(key); ord != 0 {
			g.byKey.set(key, to[ord-1]+1)
		}
	}
	// Ordinals keep their order, so that lists can be copied one after the other.
	g.parts.copyFrom(&old.parts, to)
	g.wholes.copyFrom(&old.wholes, to)
	for i := range g.words {
		k, from := &g.words[i], &old.words[i]
		k.lists.copyFrom(&from.lists, to)
		old.live.each(func(ord uint32) {
			first := from.first.at(ord)
			if first&manyBit == 0 {
				k.first.append(first)
				return
			}
			at := first &^ manyBit
			k.first.append(manyBit | uint32(k.more.n))
			for j := range from.more.at(at) + 1 {
				k.more.append(from.more.at(at + j))
			}
		})
	}
	return g
}

// copyFrom fills p with the lists of old, ordinals renumbered by to and dropped where that is blockEnd.
func (p *postings) copyFrom(old *postings, to []uint32) {
	p.slots.grow(old.slots.n)
	for list := range uint32(old.slots.n) {
		old.each(list, func(ord uint32) {
			if n := to[ord]; n != blockEnd {
				p.add(list, n)
			}
		})
	}
}
