package facet

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// texts keeps what every document says: per zone the words in reading order, as varints of their
// numbers, with word 0 for the gap between two texts. Frequent words come early and have short
// numbers, so a word takes 1.7 bytes or so.
//
// A record is: the length of all words in bytes; the words, with a gap between two zones; the number
// of zones; per zone its number, count of words and length in bytes.
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

// appendRecord appends the record of zones to dst.
func appendRecord(dst []byte, zones []zoneText) []byte {
	size := max(0, len(zones)-1)
	for _, z := range zones {
		size += len(z.text)
	}
	dst = slices.Grow(dst, size+4+8*len(zones))
	dst = binary.AppendUvarint(dst, uint64(size))
	for i, z := range zones {
		if i > 0 {
			dst = append(dst, 0)
		}
		dst = append(dst, z.text...)
	}
	dst = append(dst, byte(len(zones)))
	for _, z := range zones {
		dst = append(dst, byte(z.zone))
		dst = binary.AppendUvarint(dst, uint64(z.words))
		dst = binary.AppendUvarint(dst, uint64(len(z.text)))
	}
	return dst
}

// zoneText is one zone of a record.
type zoneText struct {
	zone, words int
	text        []byte
}

// all returns the words of all zones of a document, with gaps between zones.
func (t *texts) all(ord uint32) []byte {
	rec := t.record(ord)
	size, at := uvarint(rec, 0)
	return rec[at : at+size]
}

// zones returns the zones of a document in buf.
func (t *texts) zones(ord uint32, buf []zoneText) []zoneText {
	rec := t.record(ord)
	size, text := uvarint(rec, 0)
	at := text + size
	count := rec[at]
	at++
	buf = buf[:0]
	for range count {
		zone := int(rec[at])
		words, next := uvarint(rec, at+1)
		length, next := uvarint(rec, next)
		buf = append(buf, zoneText{zone, words, rec[text : text+length]})
		text += length + 1
		at = next
	}
	return buf
}

// uvarint decodes the varint at b[at] and returns what follows it.
func uvarint(b []byte, at int) (v, next int) {
	c := b[at]
	if c < 0x80 {
		return int(c), at + 1
	}
	if d := b[at+1]; d < 0x80 {
		return int(c&0x7F) | int(d)<<7, at + 2
	}
	w, n := binary.Uvarint(b[at:])
	return int(w), at + n
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
				if w, next := uvarint(text, end); p.last.has(uint32(w)) {
					return next
				}
			}
		}
		from = i + 1
	}
}

// count returns how often the pattern occurs in text, without overlaps.
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
