package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"tasuki/spec/jcs"
)

// ErrEscrowWire means bytes that are not an answer of /escrow, or a text that is not a request of it (docs/protocols/relay.md).
var ErrEscrowWire = errors.New("ledger: not escrow on the wire")

// escrowEnd stands in the place of a leaf before the last number of an answer.
const escrowEnd = math.MaxUint64

// AppendSealed appends one item of an answer: uint64 leaf ‖ recipients ‖ uint32 length ‖ ciphertext, big-endian.
func AppendSealed(b []byte, s Sealed) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(s.Leaf))
	b = append(b, s.Recipients[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(s.Ciphertext)))
	return append(b, s.Ciphertext...)
}

// AppendSealedEnd ends an answer: every leaf below next has been looked at.
func AppendSealedEnd(b []byte, next int64) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, escrowEnd), uint64(next))
}

// ReadSealed reads an answer to its end: the items with from ≤ leaf < to, in the order of their leaves, and how far it looked. Anything cut, overlong or
// out of order wraps ErrEscrowWire.
func ReadSealed(r io.Reader, from, to int64) (items []Sealed, next int64, err error) {
	bad := func(what string, err error) ([]Sealed, int64, error) {
		return nil, 0, fmt.Errorf("%w: %w", ErrEscrowWire, errors.Join(errors.New(what), err))
	}
	var word [8]byte
	for {
		if _, err := io.ReadFull(r, word[:]); err != nil {
			return bad("it breaks off", err)
		}
		leaf := binary.BigEndian.Uint64(word[:])
		if leaf == escrowEnd {
			break
		}
		if leaf > math.MaxInt64 || int64(leaf) < from || int64(leaf) >= to || len(items) > 0 && int64(leaf) <= items[len(items)-1].Leaf {
			return bad("a leaf that was not asked for", nil)
		}
		s := Sealed{Leaf: int64(leaf)}
		if _, err := io.ReadFull(r, s.Recipients[:]); err != nil {
			return bad("it breaks off", err)
		}
		if _, err := io.ReadFull(r, word[:4]); err != nil {
			return bad("it breaks off", err)
		}
		n := binary.BigEndian.Uint32(word[:4])
		if n > MaxEscrow {
			return bad("a ciphertext that is too long", nil)
		}
		s.Ciphertext = make([]byte, n)
		if _, err := io.ReadFull(r, s.Ciphertext); err != nil {
			return bad("it breaks off", err)
		}
		items = append(items, s)
	}
	if _, err := io.ReadFull(r, word[:]); err != nil {
		return bad("it breaks off", err)
	}
	end := binary.BigEndian.Uint64(word[:])
	if end > uint64(to) || int64(end) < from || len(items) > 0 && int64(end) <= items[len(items)-1].Leaf {
		return bad("it ends outside of what was asked for", nil)
	}
	if n, err := r.Read(word[:1]); n > 0 || err != nil && !errors.Is(err, io.EOF) {
		return bad("bytes after the end", err)
	}
	return items, int64(end), nil
}

// EscrowRequest asks a copy of the list for the ciphertexts of leaves From ≤ i < To. It travels as a note that a mirror signed (c2sp.Cosigner.State).
type EscrowRequest struct {
	List string // list id
	URL  string // base URL of who is asked, as the charter has it: a recorded request opens nothing elsewhere
	From int64
	To   int64
}

const escrowRequestHead = "tasuki-escrow/v1"

// String is the text of the note.
func (q EscrowRequest) String() string {
	return fmt.Sprintf("%s\n%s\n%s\n%d %d\n", escrowRequestHead, q.List, q.URL, q.From, q.To)
}

// ParseEscrowRequest reads the text of such a note; errors wrap ErrEscrowWire.
func ParseEscrowRequest(text string) (q EscrowRequest, err error) {
	line := strings.Split(text, "\n")
	if len(line) != 5 || line[0] != escrowRequestHead || line[4] != "" {
		return q, fmt.Errorf("%w: not four lines that begin with %s", ErrEscrowWire, escrowRequestHead)
	}
	q.List, q.URL = line[1], line[2]
	from, to, ok := strings.Cut(line[3], " ")
	if q.From, err = strconv.ParseInt(from, 10, 64); err == nil {
		q.To, err = strconv.ParseInt(to, 10, 64)
	}
	if !ok || err != nil || q.From < 0 || q.To < q.From || q.To > jcs.MaxInt || q.String() != text {
		return EscrowRequest{}, fmt.Errorf("%w: no range of leaves", ErrEscrowWire)
	}
	return q, nil
}
