package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// What a body bundle says of an item (docs/protocols/log.md).
const (
	BodyPresent   byte = iota // salt and bytes follow
	BodyNone                  // the event has no body
	BodyCommitted             // only a commitment is public
	BodyErased                // the body was erased (body.erased)
)

// The lengths that are marks. No body is that long.
const (
	markNone      = 0xffffffff
	markCommitted = 0xfffffffe
	markErased    = 0xfffffffd
)

// ErrBundle means that bytes are not a body bundle.
var ErrBundle = errors.New("ledger: malformed body bundle")

// AppendItem appends one item of a body bundle: the length as a big-endian uint32, 16 bytes of salt, the bytes; or only
// a mark in the length's place.
func AppendItem(b []byte, mark byte, salt [16]byte, raw []byte) ([]byte, error) {
	switch mark {
	case BodyNone:
		return binary.BigEndian.AppendUint32(b, markNone), nil
	case BodyCommitted:
		return binary.BigEndian.AppendUint32(b, markCommitted), nil
	case BodyErased:
		return binary.BigEndian.AppendUint32(b, markErased), nil
	case BodyPresent:
		if len(raw) > MaxBody {
			return b, fmt.Errorf("%w: a body of %d bytes", ErrBundle, len(raw))
		}
		b = binary.BigEndian.AppendUint32(b, uint32(len(raw)))
		return append(append(b, salt[:]...), raw...), nil
	}
	return b, fmt.Errorf("%w: mark %d", ErrBundle, mark)
}

// ReadItem reads one item. It returns io.EOF at the end of the bundle and ErrBundle for anything cut or overlong.
func ReadItem(r io.Reader) (mark byte, salt [16]byte, raw []byte, err error) {
	var word [4]byte
	if _, err := io.ReadFull(r, word[:]); err != nil {
		if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return 0, salt, nil, io.EOF
		}
		return 0, salt, nil, fmt.Errorf("%w: length: %w", ErrBundle, err)
	}
	switch n := binary.BigEndian.Uint32(word[:]); n {
	case markNone:
		return BodyNone, salt, nil, nil
	case markCommitted:
		return BodyCommitted, salt, nil, nil
	case markErased:
		return BodyErased, salt, nil, nil
	default:
		if n > MaxBody {
			return 0, salt, nil, fmt.Errorf("%w: a body of %d bytes", ErrBundle, n)
		}
		if _, err := io.ReadFull(r, salt[:]); err != nil {
			return 0, salt, nil, fmt.Errorf("%w: salt: %w", ErrBundle, err)
		}
		raw = make([]byte, n)
		if _, err := io.ReadFull(r, raw); err != nil {
			return 0, salt, nil, fmt.Errorf("%w: body: %w", ErrBundle, err)
		}
		return BodyPresent, salt, raw, nil
	}
}

// maxSlack is how much longer than the body itself its packed form may be: a frame's header and what stands around it.
const maxSlack = 1 << 10

// AppendPacked is AppendItem for a bundle of packed bodies: in the place of the bytes stand one byte of encoding, uint64 dictionary, uint32 length of the
// original, and the packed bytes, as they are stored (docs/protocols/log.md).
func AppendPacked(b []byte, mark byte, body *Body) ([]byte, error) {
	if mark != BodyPresent {
		return AppendItem(b, mark, [16]byte{}, nil)
	}
	if body.N < 0 || body.N > MaxBody || int64(len(body.Packed)) > body.N+maxSlack || body.Dict < 0 {
		return b, fmt.Errorf("%w: a packed body of %d bytes", ErrBundle, len(body.Packed))
	}
	b = binary.BigEndian.AppendUint32(b, uint32(13+len(body.Packed)))
	b = append(append(b, body.Salt[:]...), body.Enc)
	b = binary.BigEndian.AppendUint64(b, uint64(body.Dict))
	b = binary.BigEndian.AppendUint32(b, uint32(body.N))
	return append(b, body.Packed...), nil
}

// ReadPacked reads one item of a bundle of packed bodies. The body has no Hash yet: whoever reads it unpacks it and compares (event.Received). It returns
// io.EOF at the end of the bundle and ErrBundle for anything cut or overlong.
func ReadPacked(r io.Reader) (mark byte, body *Body, err error) {
	var head [4 + 16 + 13]byte
	if _, err := io.ReadFull(r, head[:4]); err != nil {
		if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return 0, nil, io.EOF
		}
		return 0, nil, fmt.Errorf("%w: length: %w", ErrBundle, err)
	}
	switch n := binary.BigEndian.Uint32(head[:4]); n {
	case markNone:
		return BodyNone, nil, nil
	case markCommitted:
		return BodyCommitted, nil, nil
	case markErased:
		return BodyErased, nil, nil
	default:
		if _, err := io.ReadFull(r, head[4:]); err != nil {
			return 0, nil, fmt.Errorf("%w: %w", ErrBundle, err)
		}
		body = &Body{Salt: [16]byte(head[4:20]), Enc: head[20], Dict: int64(binary.BigEndian.Uint64(head[21:])), N: int64(binary.BigEndian.Uint32(head[29:]))}
		if n < 13 || body.Dict < 0 || body.N > MaxBody || int64(n)-13 > body.N+maxSlack {
			return 0, nil, fmt.Errorf("%w: a packed body of %d bytes", ErrBundle, n)
		}
		body.Packed = make([]byte, n-13)
		if _, err := io.ReadFull(r, body.Packed); err != nil {
			return 0, nil, fmt.Errorf("%w: body: %w", ErrBundle, err)
		}
		return BodyPresent, body, nil
	}
}

// Portable says that whoever runs this release can unpack the body: it needs no dictionary that stands in a store alone.
func (b *Body) Portable() bool { return b.Dict == 0 || embedded[b.Dict] != nil }
