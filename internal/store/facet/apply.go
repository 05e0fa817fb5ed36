package facet

import (
	"encoding/binary"
	"slices"
	"time"

	"tasuki/internal/store/token"
)

// Prepared is a document cut into words: the larger part of the work of Apply, done without
// holding anybody up. It belongs to the index that prepared it.
type Prepared struct {
	doc    Doc
	zones  []zoneWords
	parts  []string // words the index did not know then
	wholes []string
}

// zoneWords is what a document says in one zone. Numbers with freshBit are indexes in
// Prepared.parts or wholes.
type zoneWords struct {
	zone   int
	count  int      // words, without gaps
	words  []uint32 // in reading order, 0 for gaps
	wholes []uint32
}

const freshBit = 1 << 31

// Prepare cuts the text of d into words. Any number of goroutines may prepare while others search
// and one applies.
func (x *Index) Prepare(d Doc) *Prepared {
	p := &Prepared{doc: d}
	p.doc.Text = nil
	if d.Gone {
		return p
	}
	s := x.splitters.Get().(*token.Splitter)
	defer x.splitters.Put(s)
	texts := slices.Clone(d.Text)
	slices.SortStableFunc(texts, func(a, b ZoneText) int { return a.Zone - b.Zone })
	for _, t := range texts {
		s.Split(t.Text)
		if len(s.Tokens) == 0 {
			continue
		}
		n := len(p.zones)
		if n == 0 || p.zones[n-1].zone != t.Zone {
			p.zones = append(p.zones, zoneWords{zone: t.Zone, words: make([]uint32, 0, len(s.Tokens))})
			n++
		} else {
			p.zones[n-1].words = append(p.zones[n-1].words, 0)
		}
		x.number(p, &p.zones[n-1], s)
	}
	return p
}

// number looks the tokens up.
func (x *Index) number(p *Prepared, z *zoneWords, s *token.Splitter) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for _, t := range s.Tokens {
		b := s.Bytes(t)
		if t.Kind == token.Whole {
			w, ok := x.wholes.find(b)
			if !ok {
				w = freshBit | uint32(len(p.wholes))
				p.wholes = append(p.wholes, string(b))
			}
			z.wholes = append(z.wholes, w)
			continue
		}
		w, ok := x.words.find(b)
		if !ok {
			w = freshBit | uint32(len(p.parts))
			p.parts = append(p.parts, string(b))
		}
		z.words = append(z.words, w)
		z.count++
	}
}

// turn bounds how long the writer keeps readers out before it lets those that wait go first.
const turn = 500 * time.Microsecond

// Apply adds the documents, or puts them in the place of those with the same keys, and moves the
// index to seq: searches see all of the batch, or nothing of it. Of two documents with one key in a
// batch the later wins. An empty batch only moves the sequence number, which never goes back.
func (x *Index) Apply(docs []Doc, seq int64) {
	ps := make([]*Prepared, len(docs))
	for i, d := range docs {
		ps[i] = x.Prepare(d)
	}
	x.ApplyPrepared(ps, seq)
}

// ApplyPrepared is Apply for documents that Prepare has seen. A Prepared can be applied once.
func (x *Index) ApplyPrepared(docs []*Prepared, seq int64) {
	x.writing.Lock()
	defer x.writing.Unlock()

	x.learn(docs)
	entries := make([]entry, len(docs))
	for i, p := range docs {
		entries[i] = x.entry(p)
	}

	ords := make([]uint32, len(entries))
	for i := 0; i < len(entries); {
		x.mu.Lock()
		for began := time.Now(); i < len(entries); i++ {
			if !entries[i].gone {
				ords[i] = x.seg.add(&entries[i])
			}
			if time.Since(began) > turn {
				i++
				break
			}
		}
		x.mu.Unlock()
	}

	x.mu.Lock()
	for i := range entries {
		switch e := &entries[i]; {
		case !e.gone:
			x.seg.reveal(ords[i], e.key, e.seq)
		case int(e.key) < x.seg.byKey.n:
			if old := x.seg.byKey.at(e.key); old != 0 && x.seg.seq.at(old-1) <= e.seq {
				x.seg.hide(old-1, e.key)
			}
		}
	}
	if seq > x.seq {
		x.seq = seq
		close(x.moved)
		x.moved = make(chan struct{})
	}
	x.mu.Unlock()
	x.tidy()
}

// learn gives numbers to words, values and keys that are new.
func (x *Index) learn(docs []*Prepared) {
	var parts, wholes int
	for _, p := range docs {
		parts += len(p.parts)
		wholes += len(p.wholes)
	}
	moreParts, moreWholes, moreKeys := x.words.grown(parts), x.wholes.grown(wholes), x.keys.grown(len(docs))
	x.mu.Lock()
	x.words.adopt(moreParts)
	x.wholes.adopt(moreWholes)
	x.keys.adopt(moreKeys)
	x.mu.Unlock()

	for len(docs) > 0 {
		x.mu.Lock()
		for began := time.Now(); len(docs) > 0 && time.Since(began) < turn; docs = docs[1:] {
			p := docs[0]
			x.keys.intern([]byte(p.doc.Key))
			for _, w := range p.parts {
				x.words.intern([]byte(w))
			}
			for _, w := range p.wholes {
				x.wholes.intern([]byte(w))
			}
			for k, values := range p.doc.Keywords {
				for _, v := range values {
					x.values[k].intern([]byte(v))
				}
			}
		}
		x.mu.Unlock()
	}
}

// entry puts a document into numbers. Only the writer learns, so it may read without a lock.
func (x *Index) entry(p *Prepared) entry {
	key, _ := x.keys.findString(p.doc.Key)
	e := entry{key: key, order: p.doc.Order, seq: p.doc.Seq, gone: p.doc.Gone}
	if e.gone {
		return e
	}
	e.nums = make([]int64, len(x.schema.Numbers))
	for i := range e.nums {
		e.nums[i] = Absent
	}
	copy(e.nums, p.doc.Numbers)
	e.values = make([][]uint32, len(x.schema.Keywords))
	for k, values := range p.doc.Keywords {
		for _, v := range values {
			n, _ := x.values[k].findString(v)
			e.values[k] = append(e.values[k], n)
		}
		slices.Sort(e.values[k])
		e.values[k] = slices.Compact(e.values[k])
	}

	zones := uint32(len(x.schema.Zones))
	seen := &x.seen
	texts := make([]zoneText, len(p.zones))
	words := 0
	for _, z := range p.zones {
		words += len(z.words)
	}
	e.parts = make([]uint32, 0, words)
	for i, z := range p.zones {
		text := make([]byte, 0, 2*len(z.words))
		seen.begin(x.words.len(), x.wholes.len())
		for _, w := range z.words {
			if w&freshBit != 0 {
				w, _ = x.words.findString(p.parts[w&^freshBit])
			}
			text = binary.AppendUvarint(text, uint64(w))
			if w != 0 && seen.part(w) {
				e.parts = append(e.parts, w*zones+uint32(z.zone))
			}
		}
		for _, w := range z.wholes {
			if w&freshBit != 0 {
				w, _ = x.wholes.findString(p.wholes[w&^freshBit])
			}
			if seen.whole(w) {
				e.wholes = append(e.wholes, w*zones+uint32(z.zone))
			}
		}
		texts[i] = zoneText{z.zone, z.count, text}
	}
	e.text = appendRecord(nil, texts)
	return e
}

// seenLists tells the first occurrence of a word in a zone from later ones, by stamping it.
type seenLists struct {
	stamp         uint32
	parts, wholes []uint32
}

func (s *seenLists) begin(parts, wholes int) {
	if s.stamp++; s.stamp == 0 { // after 2^32 zones the old stamps would come back
		*s = seenLists{stamp: 1}
	}
	if len(s.parts) < parts {
		s.parts = append(s.parts, make([]uint32, parts-len(s.parts))...)
	}
	if len(s.wholes) < wholes {
		s.wholes = append(s.wholes, make([]uint32, wholes-len(s.wholes))...)
	}
}

func (s *seenLists) part(w uint32) bool  { return first(s.parts, w, s.stamp) }
func (s *seenLists) whole(w uint32) bool { return first(s.wholes, w, s.stamp) }

func first(stamps []uint32, w, stamp uint32) bool {
	if stamps[w] == stamp {
		return false
	}
	stamps[w] = stamp
	return true
}

// tidy does, after a batch, what keeps searches quick; long work beside the readers.
func (x *Index) tidy() {
	if x.words.unsorted() {
		sorted := x.words.resorted()
		x.mu.Lock()
		x.words.sorted = sorted
		x.mu.Unlock()
	}
	if x.seg.wasteful() {
		g := x.seg.compacted(x.schema)
		x.mu.Lock()
		x.seg = g
		x.mu.Unlock()
	}
}
