package ledger

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"tasuki/spec/jcs"
)

// MaxLeaf bounds the encoded length of a leaf in bytes. It leaves room below tlog-tiles' hard ceiling of 65,535.
const MaxLeaf = 16384

// TimeFormat is how e.at and o.t are written: UTC with exactly three fractional digits.
const TimeFormat = "2006-01-02T15:04:05.000Z"

// ErrMalformed means that bytes are not a leaf in the one encoding a leaf has.
var ErrMalformed = errors.New("ledger: malformed leaf")

// Hash is an RFC 6962 SHA-256 tree hash.
type Hash = tlog.Hash

// Leaf is one entry of the log: what the author says, the operator's stamp, and the signatures over the former.
type Leaf struct {
	Event []byte // canonical bytes of "e", what authors sign
	Stamp Stamp  // "o"
	Sigs  []Sig  // "s"; empty means operator-attested
}

// Stamp is what the operator adds to an event when it enters the log.
type Stamp struct {
	Back int64 // index of the previous leaf about the same subject; -1 if there is none
	Time int64 // Unix milliseconds; never smaller than the previous leaf's
	Own  *Own  // set on the first public leaf of an identifier whose owner was only committed before
}

// Own opens a committed owner: the leaf that holds the commitment, and its salt.
type Own struct {
	Index int64
	Salt  [16]byte
}

// Sig is one author's signature over the event: a key identifier and the base64 of an Ed25519 signature.
type Sig struct{ Key, Sig string }

// EventHash is SHA-256 over the canonical bytes of an event: its idempotency key and what `prev` members name.
func EventHash(event []byte) Hash { return sha256.Sum256(event) }

// LeafHash is the RFC 6962 §2.1 hash of an encoded leaf, SHA-256(0x00 ‖ leaf).
func LeafHash(leaf []byte) Hash { return tlog.RecordHash(leaf) }

// Marshal encodes the leaf. l.Event must be canonical (it is copied, not checked for more than its outer shape:
// the caller made it with jcs.Canonical, and ParseLeaf checks every byte).
func (l Leaf) Marshal() ([]byte, error) {
	if len(l.Event) < 2 || l.Event[0] != '{' || l.Event[len(l.Event)-1] != '}' {
		return nil, fmt.Errorf("%w: event is not an object", ErrMalformed)
	}
	b := make([]byte, 0, len(l.Event)+160+len(l.Sigs)*160)
	b = append(b, `{"e":`...)
	b = append(b, l.Event...)
	b = append(b, `,"o":{"back":`...)
	b = strconv.AppendInt(b, l.Stamp.Back, 10)
	if own := l.Stamp.Own; own != nil {
		b = append(b, `,"own":{"i":`...)
		b = strconv.AppendInt(b, own.Index, 10)
		b = append(b, `,"salt":"`...)
		b = hex.AppendEncode(b, own.Salt[:])
		b = append(b, `"}`...)
	}
	b = append(b, `,"t":"`...)
	b = time.UnixMilli(l.Stamp.Time).UTC().AppendFormat(b, TimeFormat)
	b = append(b, `"},"s":[`...)
	for i, s := range l.Sigs {
		if !plain(s.Key) || !plain(s.Sig) {
			return nil, fmt.Errorf("%w: signature %d holds a character outside printable ASCII", ErrMalformed, i)
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"k":"`...)
		b = append(b, s.Key...)
		b = append(b, `","sig":"`...)
		b = append(b, s.Sig...)
		b = append(b, `"}`...)
	}
	b = append(b, `]}`...)
	if len(b) > MaxLeaf {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrMalformed, len(b), MaxLeaf)
	}
	return b, nil
}

// plain says whether s needs no escaping in canonical JSON.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e || s[i] == '"' || s[i] == '\\' {
			return false
		}
	}
	return true
}

// ParseLeaf decodes a leaf and proves that raw is its only encoding: restricted canonical JSON (continuity B.3),
// at most MaxLeaf bytes, no member besides e, o and s. Errors wrap ErrMalformed.
func ParseLeaf(raw []byte) (Leaf, error) {
	if err := jcs.Check(raw, MaxLeaf); err != nil {
		return Leaf{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	l, err := splitLeaf(raw)
	if err != nil {
		return Leaf{}, err
	}
	again, err := l.Marshal()
	if err != nil {
		return Leaf{}, err
	}
	if !bytes.Equal(again, raw) {
		return Leaf{}, fmt.Errorf("%w: stamp or signatures are not in the canonical form", ErrMalformed)
	}
	return l, nil
}

// splitLeaf reads the parts of a leaf by their fixed order without looking into the event beyond its braces.
// It accepts every leaf that Marshal writes; that it accepts nothing else is ParseLeaf's business.
func splitLeaf(raw []byte) (Leaf, error) {
	s := scanner{b: raw}
	var l Leaf
	s.lit(`{"e":`)
	start := s.i
	s.object()
	l.Event = raw[start:s.i:s.i]
	s.lit(`,"o":{"back":`)
	l.Stamp.Back = s.integer()
	if s.has(`,"own":{"i":`) {
		own := &Own{Index: s.integer()}
		s.lit(`,"salt":`)
		salt := s.text()
		if len(salt) != 32 {
			s.fail("own.salt is not 32 hex digits")
		} else if _, err := hex.Decode(own.Salt[:], salt); err != nil {
			s.fail("own.salt is not hex")
		}
		s.lit(`}`)
		l.Stamp.Own = own
	}
	s.lit(`,"t":`)
	if t, err := time.Parse(TimeFormat, string(s.text())); err != nil {
		s.fail("o.t is not a time with three fractional digits")
	} else {
		l.Stamp.Time = t.UnixMilli()
	}
	s.lit(`},"s":[`)
	for !s.has(`]`) && !s.bad() {
		if len(l.Sigs) > 0 {
			s.lit(`,`)
		}
		s.lit(`{"k":`)
		k := s.text()
		s.lit(`,"sig":`)
		l.Sigs = append(l.Sigs, Sig{Key: string(k), Sig: string(s.text())})
		s.lit(`}`)
	}
	s.lit(`}`)
	if !s.bad() && s.i != len(raw) {
		s.fail("bytes after the leaf")
	}
	if s.bad() {
		return Leaf{}, fmt.Errorf("%w: byte %d: %s", ErrMalformed, s.i, s.why)
	}
	return l, nil
}

// scanner walks a leaf's fixed frame. After the first mismatch every method does nothing.
type scanner struct {
	b   []byte
	i   int
	why string
}

func (s *scanner) bad() bool { return s.why != "" }

func (s *scanner) fail(why string) {
	if s.why == "" {
		s.why = why
	}
}

func (s *scanner) has(lit string) bool {
	if s.bad() || len(s.b)-s.i < len(lit) || string(s.b[s.i:s.i+len(lit)]) != lit {
		return false
	}
	s.i += len(lit)
	return true
}

func (s *scanner) lit(lit string) {
	if !s.has(lit) {
		s.fail("expected " + lit)
	}
}

func (s *scanner) integer() int64 {
	start := s.i
	for s.i < len(s.b) && (s.b[s.i] == '-' || s.b[s.i] >= '0' && s.b[s.i] <= '9') {
		s.i++
	}
	n, err := strconv.ParseInt(string(s.b[start:s.i]), 10, 54)
	if err != nil {
		s.fail("expected an integer")
	}
	return n
}

// text reads a string without escapes and returns what is between the quotes.
func (s *scanner) text() []byte {
	s.lit(`"`)
	end := -1
	if !s.bad() {
		end = bytes.IndexByte(s.b[s.i:], '"')
	}
	if end < 0 {
		s.fail("expected a string")
		return nil
	}
	t := s.b[s.i : s.i+end]
	if !plain(string(t)) {
		s.fail("string with an escape or a character outside printable ASCII")
	}
	s.i += end + 1
	return t
}

// object skips one JSON object by counting braces outside strings.
func (s *scanner) object() {
	if s.bad() || s.i >= len(s.b) || s.b[s.i] != '{' {
		s.fail("expected an object")
		return
	}
	depth := 0
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case '"':
			s.i = stringEnd(s.b, s.i)
			continue
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				s.i++
				return
			}
		}
		s.i++
	}
	s.fail("object without end")
}
