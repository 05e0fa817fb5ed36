package c2sp

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Signature types of verifier keys (c2sp.org/signed-note, "Signature types").
const (
	AlgEd25519     = 1 // a log's own signature
	AlgCosignature = 4 // Ed25519 cosignature/v1: mirrors and witnesses
	AlgMLDSA44     = 6 // known by name only: nothing here signs or verifies with it
)

// ErrVKey means that text is not a verifier key, or not one of the wanted type.
var ErrVKey = errors.New("c2sp: malformed verifier key")

// maxVKey bounds a verifier key in bytes; one of ML-DSA-44 has 1,800.
const maxVKey = 4096

// VKey is a verifier key, <name>+<hash>+<base64 of type and key> (c2sp.org/signed-note, "Verifier keys").
type VKey struct {
	Name string
	Hash uint32 // of name, type and key
	Alg  byte
	Key  []byte // public key material
}

// NewVKey names an Ed25519 key for one use, AlgEd25519 or AlgCosignature.
func NewVKey(name string, alg byte, key ed25519.PublicKey) (VKey, error) {
	switch {
	case !keyName(name):
		return VKey{}, fmt.Errorf("%w: a name has no spaces and no plus sign", ErrVKey)
	case alg != AlgEd25519 && alg != AlgCosignature, len(key) != ed25519.PublicKeySize:
		return VKey{}, fmt.Errorf("%w: not an Ed25519 key for a known use", ErrVKey)
	}
	return VKey{name, keyHash(name, alg, key), alg, key}, nil
}

// ParseVKey reads a verifier key of any type and checks its hash. Errors wrap ErrVKey and do not repeat the text.
func ParseVKey(text string) (VKey, error) {
	bad := func(why string) (VKey, error) { return VKey{}, fmt.Errorf("%w: %s", ErrVKey, why) }
	part := strings.SplitN(text, "+", 3)
	if len(text) > maxVKey || len(part) != 3 {
		return bad("not name+hash+base64")
	}
	if !keyName(part[0]) {
		return bad("a name has no spaces")
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(part[2])
	if err != nil || len(raw) < 2 || strings.ContainsAny(part[2], "\r\n") {
		return bad("the key is not base64")
	}
	k := VKey{Name: part[0], Alg: raw[0], Key: raw[1:]}
	if k.Hash = keyHash(k.Name, k.Alg, k.Key); fmt.Sprintf("%08x", k.Hash) != part[1] {
		return bad("the hash does not fit name and key")
	}
	if (k.Alg == AlgEd25519 || k.Alg == AlgCosignature) && len(k.Key) != ed25519.PublicKeySize {
		return bad("an Ed25519 key has 32 bytes")
	}
	return k, nil
}

// String is the verifier key as text.
func (k VKey) String() string {
	return fmt.Sprintf("%s+%08x+%s", k.Name, k.Hash, base64.StdEncoding.EncodeToString(append([]byte{k.Alg}, k.Key...)))
}

func keyHash(name string, alg byte, key []byte) uint32 {
	h := sha256.New()
	h.Write([]byte(name + "\n"))
	h.Write([]byte{alg})
	h.Write(key)
	return binary.BigEndian.Uint32(h.Sum(nil))
}

// keyName is what signed-note allows as the name of a key; control characters would break the lines of a note.
func keyName(name string) bool {
	return name != "" && utf8.ValidString(name) && !strings.ContainsFunc(name, func(r rune) bool {
		return r == '+' || unicode.IsSpace(r) || unicode.IsControl(r)
	})
}
