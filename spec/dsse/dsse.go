// Package dsse is the signing half of DSSE (Dead Simple Signing Envelope, protocol v1.0.2): the pre-authentication
// encoding and Ed25519 over it. An event of the log and a charter are signed so, which lets either be exported as an
// in-toto/DSSE envelope without a new signature.
//
// A signature is written as base64 in the standard alphabet with padding (RFC 4648 §4), 88 characters.
package dsse

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
)

// The payload types that Tasuki signs. The type is part of what is signed, so neither kind can pass for the other.
const (
	TypeEvent   = "application/vnd.tasuki.event+json"
	TypeCharter = "application/vnd.tasuki.charter+json"
)

// ErrSignature means that a signature is malformed or was not made by the key over these bytes.
var ErrSignature = errors.New("dsse: signature does not verify")

// PAE is the pre-authentication encoding: "DSSEv1" SP LEN(type) SP type SP LEN(body) SP body, lengths in bytes as
// ASCII decimals (DSSE protocol, "Signature Definition").
func PAE(payloadType string, body []byte) []byte {
	b := make([]byte, 0, len("DSSEv1")+len(payloadType)+len(body)+24)
	b = append(b, "DSSEv1 "...)
	b = strconv.AppendInt(b, int64(len(payloadType)), 10)
	b = append(b, ' ')
	b = append(b, payloadType...)
	b = append(b, ' ')
	b = strconv.AppendInt(b, int64(len(body)), 10)
	b = append(b, ' ')
	return append(b, body...)
}

// Sign signs body as payloadType.
func Sign(key ed25519.PrivateKey, payloadType string, body []byte) string {
	return base64.StdEncoding.EncodeToString(ed25519.Sign(key, PAE(payloadType, body)))
}

// Verify checks a signature made by Sign; anything wrong with it is an ErrSignature.
func Verify(key ed25519.PublicKey, payloadType string, body []byte, sig string) error {
	if len(key) != ed25519.PublicKeySize {
		return fmt.Errorf("%w: the key has %d bytes, not %d", ErrSignature, len(key), ed25519.PublicKeySize)
	}
	raw, err := decode(sig, ed25519.SignatureSize)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSignature, err)
	}
	if !ed25519.Verify(key, PAE(payloadType, body), raw) {
		return ErrSignature
	}
	return nil
}

// SignEvent signs the exact bytes of a leaf's member e.
func SignEvent(key ed25519.PrivateKey, e []byte) string { return Sign(key, TypeEvent, e) }

// VerifyEvent checks one signature of a leaf's member s over the exact bytes of its e.
func VerifyEvent(key ed25519.PublicKey, e []byte, sig string) error {
	return Verify(key, TypeEvent, e, sig)
}

// EncodeKey writes a raw public key as it stands in charters, key events and a leaf's s: base64, 44 characters.
func EncodeKey(key ed25519.PublicKey) string { return base64.StdEncoding.EncodeToString(key) }

// ParseKey reads what EncodeKey writes, and no other spelling of it.
func ParseKey(s string) (ed25519.PublicKey, error) {
	raw, err := decode(s, ed25519.PublicKeySize)
	if err != nil {
		return nil, fmt.Errorf("dsse: public key: %w", err)
	}
	return raw, nil
}

// decode takes the one base64 spelling of exactly n bytes. The length is checked first, because the standard decoder
// skips line breaks; strictness refuses stray bits in the last character.
func decode(s string, n int) ([]byte, error) {
	if want := base64.StdEncoding.EncodedLen(n); len(s) != want {
		return nil, fmt.Errorf("%d characters of base64, not %d", len(s), want)
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil {
		return nil, err
	}
	if len(raw) != n {
		return nil, fmt.Errorf("%d bytes, not %d", len(raw), n)
	}
	return raw, nil
}
