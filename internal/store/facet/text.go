package facet

import (
	"bytes"
	"encoding/binary"
)

// texts keeps what every document says: per zone the words in reading order, as varints of their
// numbers, with word 0 for the gap between two texts. Frequent words come early and have short
// numbers, so a word takes 1.7 bytes or so.
//
// A record is: number of zones, then per zone its number, count of words, length of bytes, bytes.
//
// A phrase is searched as bytes: the encodings of its words in a row. A varint's last byte is the only
// one below 0x80, so a hit is real exactly when the byte before it is below 0x80.
type texts struct {
	pages [][]byte
	at    column[uint64] // per ordinal: page in the high half, offset in the low
	size  int
}

const textPage = 1 << 16

func (t *texts) add(rec []byte) {
	n := len(t.pages)
	if n == 0 || cap(t.pages[n-1])-len(t.pages[n-1]) < len(rec) {
		t.pages = append(t.pages, make([]byte, 0, max(textPage, len(rec))))
		n++
	}
	page := t.pages[n-1]
	t.at.append(uint64(n-1)<<32 | uint64(len(page)))
	t.pages[n-1] = append(page, rec...)
	t.size += len(rec)
}

// record returns the record of a document; bytes of other documents follow it.
func (t *texts) record(ord uint32) []byte {
	at := t.at.at(ord)
	return t.pages[at>>32][uint32(at):]
}

// each calls fn with each zone of a record until fn reports false. It returns the record's length if
// fn never does.
func eachZone(rec []byte, fn func(zone, words int, text []byte) bool) int {
	at := 1
	for range rec[0] {
		zone := int(rec[at])
		words, n := binary.Uvarint(rec[at+1:])
		at += 1 + n
		size, n := binary.Uvarint(rec[at:])
		at += n
		text := rec[at : at+int(size)]
		if !fn(zone, int(words), text) {
			return at
		}
		at += int(size)
	}
	return at
}

// pattern is a phrase as the bytes of a text. With last, any word of that set must follow.
type pattern struct {
	head []byte
	last set
}

// next returns the end of the first occurrence in text that begins at or after from, or -1.
func (p *pattern) next(text []byte, from int) int {
	for {
		i := bytes.Index(text[from:], p.head)
		if i < 0 {
			return -1
		}
		i += from
		end := i + len(p.head)
		if i == 0 || text[i-1] < 0x80 {
			if p.last == nil {
				return end
			}
			if end < len(text) {
				w, n := binary.Uvarint(text[end:])
				if p.last.has(uint32(w)) {
					return end + n
				}
			}
		}
		from = i + 1
	}
}

// in reports whether the pattern occurs in one of the zones of a record.
func (p *pattern) in(rec []byte, zones []bool) bool {
	found := false
	eachZone(rec, func(zone, _ int, text []byte) bool {
		found = zones[zone] && p.next(text, 0) >= 0
		return !found
	})
	return found
}

// count returns how often the pattern occurs in text, overlaps included.
func (p *pattern) count(text []byte) int {
	n := 0
	for from := 0; ; n++ {
		end := p.next(text, from)
		if end < 0 {
			return n
		}
		from = end
	}
}
