package ledger

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"sync"

	_ "embed" // the trained dictionary

	"github.com/klauspost/compress/zstd"
)

// A body is stored as one zstd frame. Enc says what the frame holds:
//
//	0       the original bytes
//	1 …     compact JSON; style Enc-1 gives the original back (see layout.go)
//
// Pack chooses a style by looking at the first lines, and keeps it only if restoring will give the very bytes it got.
// Numbers are frozen: they stand in stores.
const encRaw = 0

// dict1 was trained on the CC0 sample of the CVE List as compact JSON (by hand, with traindict). It is never changed: a
// better dictionary gets a new file and a new id, and old stores carry theirs in ledger_dict.
//
//go:embed dict/cve1.zdict
var dict1 []byte

// embedded are the dictionaries of this release by id; current is the one that new bodies use.
var (
	current  = newDictionary(dict1)
	embedded = map[int64]*dictionary{current.id: current}
	plainZst = newDictionary(nil)
)

// dictionary is a zstd dictionary with its coders. Coders are made on first use: an encoder holds some MB.
type dictionary struct {
	id  int64
	raw []byte

	encoders sync.Pool // *zstd.Encoder, used through EncodeAll by one goroutine at a time
	decoder  func() (*zstd.Decoder, error)
}

// newDictionary wraps a trained zstd dictionary; its id stands in bytes 4–8 (RFC 8878 §5). nil means none.
func newDictionary(raw []byte) *dictionary {
	d := &dictionary{raw: raw}
	if len(raw) >= 8 {
		d.id = int64(binary.LittleEndian.Uint32(raw[4:8]))
	}
	d.encoders.New = func() any {
		opts := []zstd.EOption{
			zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest),
			zstd.WithEncoderCRC(false), // the salted hash checks more
			// What the dictionary does not know of a record is little, and coding its literals anew for each record saves
			// 5 % of the bytes for a third of the packing time and half of the reading time (docs/performance.md).
			zstd.WithNoEntropyCompression(true),
			zstd.WithWindowSize(MaxBody * 2),
		}
		if raw != nil {
			opts = append(opts, zstd.WithEncoderDict(raw))
		}
		e, err := zstd.NewWriter(nil, opts...)
		if err != nil {
			return err
		}
		return e
	}
	d.decoder = sync.OnceValues(func() (*zstd.Decoder, error) {
		opts := []zstd.DOption{zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(2 * MaxBody)}
		if raw != nil {
			opts = append(opts, zstd.WithDecoderDicts(raw))
		}
		return zstd.NewReader(nil, opts...)
	})
	return d
}

func (d *dictionary) compress(src []byte) ([]byte, error) {
	switch e := d.encoders.Get().(type) {
	case *zstd.Encoder:
		out := e.EncodeAll(src, make([]byte, 0, len(src)/3+64))
		d.encoders.Put(e)
		return out, nil
	default:
		return nil, fmt.Errorf("%w: %w", ErrEncoding, e.(error))
	}
}

func (d *dictionary) decompress(src, into []byte) ([]byte, error) {
	dec, err := d.decoder()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEncoding, err)
	}
	out, err := dec.DecodeAll(src, into)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEncoding, err)
	}
	return out, nil
}

// scratch holds the buffers that Pack does not give away.
type scratch struct{ compact, decoded []byte }

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// Pack draws a salt, hashes and compresses raw, and proves that Bytes will give raw back. It is safe for concurrent
// use and touches no database. raw is not retained. It returns ErrTooBig beyond MaxBody.
func Pack(rand io.Reader, raw []byte) (*Body, error) {
	if len(raw) > MaxBody {
		return nil, fmt.Errorf("%d bytes, at most %d: %w", len(raw), MaxBody, ErrTooBig)
	}
	b := &Body{N: int64(len(raw))}
	if _, err := io.ReadFull(rand, b.Salt[:]); err != nil {
		return nil, fmt.Errorf("draw salt: %w", err)
	}
	b.Hash = BodyHash(b.Salt, raw)

	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	src := raw
	if style, ok := guessLayout(raw); ok {
		if s.compact, ok = style.compact(s.compact[:0], raw); ok {
			b.Enc, src = uint8(style)+1, s.compact
		}
	}
	for _, d := range []*dictionary{current, plainZst} {
		var err error
		if b.Packed, err = d.compress(src); err != nil {
			return nil, err
		}
		b.Dict, b.dict = d.id, d
		// Decoding proves the coder; that restoring gives raw back is what compact said of these very bytes.
		s.decoded, err = d.decompress(b.Packed, s.decoded[:0])
		if err == nil && bytes.Equal(s.decoded, src) {
			return b, nil
		}
	}
	return nil, fmt.Errorf("%w: compressed bytes do not decode to what was compressed", ErrEncoding)
}

func (b *Body) dictionary() (*dictionary, error) {
	switch {
	case b.dict != nil:
		return b.dict, nil
	case b.Dict == 0:
		return plainZst, nil
	case embedded[b.Dict] != nil:
		return embedded[b.Dict], nil
	}
	return nil, fmt.Errorf("%w: dictionary %d is not known", ErrEncoding, b.Dict)
}

// Bytes returns the original bytes. The result is the caller's.
func (b *Body) Bytes() ([]byte, error) {
	c, err := b.Compact()
	if err != nil || b.Enc == encRaw {
		return c, err
	}
	style := layout(b.Enc - 1)
	if !style.valid() {
		return nil, fmt.Errorf("%w: encoding %d", ErrEncoding, b.Enc)
	}
	if b.N < 0 || b.N > MaxBody {
		return nil, fmt.Errorf("%w: length %d", ErrEncoding, b.N)
	}
	return style.restore(make([]byte, 0, b.N), c, int(b.N)), nil
}

// Compact returns the body as compact JSON when it was stored so, else the original bytes. It is cheaper than
// Bytes and means the same to a JSON parser. The result is the caller's.
func (b *Body) Compact() ([]byte, error) {
	d, err := b.dictionary()
	if err != nil {
		return nil, err
	}
	if b.N < 0 || b.N > MaxBody {
		return nil, fmt.Errorf("%w: length %d", ErrEncoding, b.N)
	}
	return d.decompress(b.Packed, make([]byte, 0, b.N))
}
