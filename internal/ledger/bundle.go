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
