package catalogue

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/klauspost/compress/s2"
)

// A stored entry is an s2 block over the fields in their order: strings and lists after their length as a uvarint, the
// score after a byte that says whether there is one. A node that starts reads every entry before it can search, and an
// import writes every one: as JSON they cost both more than the words in them. The form is not frozen, since the table is
// derived; a new one raises Projection.Version.

var errEntry = errors.New("catalogue: malformed entry")

// buffers are for unpacked entries.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// pack returns the entry as it is stored.
func (e *entry) pack() []byte {
	plain, packed := buffers.Get().(*[]byte), buffers.Get().(*[]byte)
	defer buffers.Put(plain)
	defer buffers.Put(packed)
	*plain = e.append((*plain)[:0])
	*packed = s2.Encode((*packed)[:cap(*packed)], *plain)
	return append(make([]byte, 0, len(*packed)), *packed...) // rows wait for their transaction: without slack
}

// unpack reads a stored entry. Its strings share one piece of memory: whoever keeps one keeps all of them.
func unpack(packed []byte) (*entry, error) {
	plain := buffers.Get().(*[]byte)
	defer buffers.Put(plain)
	raw, err := s2.Decode((*plain)[:cap(*plain)], packed)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errEntry, err)
	}
	*plain = raw
	r := entryReader{s: string(raw)}
	e := r.entry()
	if r.bad || r.i != len(r.s) {
		return nil, errEntry
	}
	return e, nil
}

func (e *entry) append(b []byte) []byte {
	for _, s := range []string{e.State, e.Title, e.Summary, e.Lang} {
		b = appendString(b, s)
	}
	b = appendList(b, e.Products)
	if s := e.Score; s != nil {
		b = append(b, 1)
		b = appendString(b, s.Version)
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(s.Value))
		for _, t := range []string{s.Severity, s.Vector, s.Source} {
			b = appendString(b, t)
		}
		b = append(b, flag(s.CNA))
	} else {
		b = append(b, 0)
	}
	b = appendString(b, e.KEV)
	b = appendString(b, e.Assigner)
	for _, n := range []int64{e.Pub, e.Updated, e.Reserved, e.CNASaid} {
		b = binary.AppendVarint(b, n)
	}
	b = binary.AppendUvarint(b, uint64(e.Has))
	b = binary.AppendUvarint(b, uint64(len(e.Keys)))
	for _, k := range e.Keys {
		b = appendList(b, k)
	}
	return appendList(b, e.Text)
}

func flag(is bool) byte {
	if is {
		return 1
	}
	return 0
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendList(b []byte, list []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, s := range list {
		b = appendString(b, s)
	}
	return b
}

// entryReader reads an entry's fields in their order. After the first mistake everything reads as empty.
type entryReader struct {
	s   string
	i   int
	bad bool
}

func (r *entryReader) entry() *entry {
	e := &entry{State: r.string(), Title: r.string(), Summary: r.string(), Lang: r.string(), Products: r.list()}
	switch r.byte() {
	case 0:
	case 1:
		e.Score = &Score{Version: r.string(), Value: r.float(), Severity: r.string(), Vector: r.string(), Source: r.string(), CNA: r.byte() == 1}
	default:
		r.bad = true
	}
	e.KEV, e.Assigner = r.string(), r.string()
	e.Pub, e.Updated, e.Reserved, e.CNASaid = r.varint(), r.varint(), r.varint(), r.varint()
	e.Has = uint32(r.uvarint())
	e.Keys = make([][]string, r.count())
	for k := range e.Keys {
		e.Keys[k] = r.list()
	}
	e.Text = r.list()
	return e
}

func (r *entryReader) byte() byte {
	if r.bad || r.i == len(r.s) {
		r.bad = true
		return 0
	}
	r.i++
	return r.s[r.i-1]
}

func (r *entryReader) uvarint() uint64 {
	var v uint64
	for shift := 0; shift < 64; shift += 7 {
		c := r.byte()
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return v
		}
	}
	r.bad = true
	return 0
}

// varint reads what binary.AppendVarint wrote.
func (r *entryReader) varint() int64 {
	u := r.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

// count reads how many items follow; each takes at least a byte.
func (r *entryReader) count() int {
	n := r.uvarint()
	if r.bad || n > uint64(len(r.s)-r.i) {
		r.bad = true
		return 0
	}
	return int(n)
}

func (r *entryReader) string() string {
	n := r.count()
	r.i += n
	return r.s[r.i-n : r.i]
}

func (r *entryReader) list() []string {
	n := r.count()
	if n == 0 {
		return nil
	}
	list := make([]string, n)
	for i := range list {
		list[i] = r.string()
	}
	return list
}

func (r *entryReader) float() float64 {
	var bits uint64
	for i := range 8 {
		bits |= uint64(r.byte()) << (8 * i)
	}
	return math.Float64frombits(bits)
}
