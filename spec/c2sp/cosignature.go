package c2sp

import (
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// ErrCosignature means that a line is no valid cosignature of a text by a key.
var ErrCosignature = errors.New("c2sp: not a valid cosignature")

// cosignatureSize is the 8 bytes of a timestamp and an Ed25519 signature.
const cosignatureSize = 8 + ed25519.SignatureSize

// cosigned is the message that an Ed25519 cosignature signs (c2sp.org/tlog-cosignature, "Ed25519 signed message").
func cosigned(at uint64, text string) []byte {
	return append(strconv.AppendUint([]byte("cosignature/v1\ntime "), at, 10), "\n"+text...)
}

// Cosigner makes cosignatures with one key.
type Cosigner struct {
	vkey VKey
	key  ed25519.PrivateKey
}

// NewCosigner makes a cosigner of a private key. Its key must have no other use: a cosignature does not bind the name.
func NewCosigner(name string, key ed25519.PrivateKey) (*Cosigner, error) {
	if len(key) != ed25519.PrivateKeySize {
		return nil, fmt.Errorf("%w: not an Ed25519 private key", ErrVKey)
	}
	vkey, err := NewVKey(name, AlgCosignature, key.Public().(ed25519.PublicKey))
	if err != nil {
		return nil, err
	}
	return &Cosigner{vkey, key}, nil
}

// VKey is the key that verifies what the cosigner signs.
func (c *Cosigner) VKey() VKey { return c.vkey }

// Cosign signs a checkpoint's note text as seen at a time, which is rounded down to the second and must not be before 1970.
// The text must be a checkpoint: cosigning anything else says nothing.
func (c *Cosigner) Cosign(text string, at time.Time) (Line, error) {
	if _, err := ParseCheckpoint(text); err != nil {
		return Line{}, err
	}
	return c.line(text, at)
}

func (c *Cosigner) line(text string, at time.Time) (Line, error) {
	if at.Unix() < 0 {
		return Line{}, fmt.Errorf("%w: a time before 1970", ErrCosignature)
	}
	t := uint64(at.Unix())
	sig := append(binary.BigEndian.AppendUint64(nil, t), ed25519.Sign(c.key, cosigned(t, text))...)
	return Line{c.vkey.Name, c.vkey.Hash, sig}, nil
}

// Signer is the cosigner as the note package wants one, with a clock.
func (c *Cosigner) Signer(now func() time.Time) note.Signer { return noteSigner{c, now} }

type noteSigner struct {
	*Cosigner
	now func() time.Time
}

func (s noteSigner) Name() string    { return s.vkey.Name }
func (s noteSigner) KeyHash() uint32 { return s.vkey.Hash }
func (s noteSigner) Sign(msg []byte) ([]byte, error) {
	l, err := s.Cosign(string(msg), s.now())
	return l.Sig, err
}

// CosignatureVerifier verifies the cosignatures of one key. It is a note.Verifier.
type CosignatureVerifier struct{ vkey VKey }

// NewCosignatureVerifier reads a verifier key of type AlgCosignature. Errors wrap ErrVKey.
func NewCosignatureVerifier(vkey string) (*CosignatureVerifier, error) {
	k, err := ParseVKey(vkey)
	if err != nil {
		return nil, err
	}
	if k.Alg != AlgCosignature {
		return nil, fmt.Errorf("%w: of type %d, and cosigners have type %d", ErrVKey, k.Alg, AlgCosignature)
	}
	return &CosignatureVerifier{k}, nil
}

// VKey is the verifier's key.
func (v *CosignatureVerifier) VKey() VKey { return v.vkey }

// Name is the key's name.
func (v *CosignatureVerifier) Name() string { return v.vkey.Name }

// KeyHash is the key's hash.
func (v *CosignatureVerifier) KeyHash() uint32 { return v.vkey.Hash }

// Verify says whether sig, timestamp and signature, is this key's cosignature of a note's text.
func (v *CosignatureVerifier) Verify(text, sig []byte) bool {
	if len(sig) != cosignatureSize {
		return false
	}
	t := binary.BigEndian.Uint64(sig)
	return t <= math.MaxInt64 && ed25519.Verify(v.vkey.Key, cosigned(t, string(text)), sig[8:])
}

// Check verifies a line over a note's text and returns the time that the cosigner states, in UTC to the second. A line of
// another key or a wrong signature is ErrCosignature. Whether a time in the future is welcome is for the caller to say.
func (v *CosignatureVerifier) Check(text string, l Line) (time.Time, error) {
	if l.Name != v.vkey.Name || l.Hash != v.vkey.Hash {
		return time.Time{}, fmt.Errorf("%w: a line of another key", ErrCosignature)
	}
	if !v.Verify([]byte(text), l.Sig) {
		return time.Time{}, fmt.Errorf("%w: by %s", ErrCosignature, v.vkey.Name)
	}
	return time.Unix(int64(binary.BigEndian.Uint64(l.Sig)), 0).UTC(), nil
}

// Find returns the newest valid cosignature of this key among lines, with its time. Lines of other keys and wrong ones are
// passed over.
func (v *CosignatureVerifier) Find(text string, lines []Line) (found Line, at time.Time, ok bool) {
	for _, l := range lines {
		if t, err := v.Check(text, l); err == nil && (!ok || t.After(at)) {
			found, at, ok = l, t, true
		}
	}
	return found, at, ok
}
