// Package totp makes and checks time-based one-time passwords (RFC 6238 over RFC 4226) and writes the addresses by which apps
// take their keys.
package totp

import (
	"crypto/hmac"
	"crypto/sha1" // RFC 6238 §1.2: what every app knows; HMAC does not need a hash without collisions
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"net/url"
	"strings"
	"time"
)

// What apps take for granted.
const (
	Digits = 6
	Period = 30 * time.Second
	// KeyLen is the length of a key in bytes: that of HMAC-SHA-1's output (RFC 4226 §4, R6).
	KeyLen = 20
)

// ErrKey means a text that is no key of KeyLen bytes in base32.
var ErrKey = errors.New("totp: not a key")

// Step is the number of the period that a time falls into (RFC 6238 §4.2, T0 = 0).
func Step(t time.Time) int64 { return t.Unix() / int64(Period/time.Second) }

// Code is the password of a step.
func Code(key []byte, step int64) string { return code(sha1.New, key, step, Digits) }

// code is HOTP (RFC 4226 §5.3), with the hash and the digits that the tables of RFC 6238 ask for.
func code(h func() hash.Hash, key []byte, counter int64, digits int) string {
	mac := hmac.New(h, key)
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(counter))
	mac.Write(b[:])
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 0xf
	n := uint64(binary.BigEndian.Uint32(sum[at:]) & 0x7fffffff)
	mod := uint64(1)
	for range digits {
		mod *= 10
	}
	return fmt.Sprintf("%0*d", digits, n%mod)
}

// Find says at which step around now a password is good: the present one, or one beside it, for clocks differ and people type
// slowly (RFC 6238 §5.2). Spaces in the password do not count. Whoever accepts it must not accept that step again.
func Find(key []byte, password string, now time.Time) (step int64, ok bool) {
	typed := []byte(strings.ReplaceAll(password, " ", ""))
	for _, s := range []int64{Step(now), Step(now) - 1, Step(now) + 1} {
		// All three are compared, so that the time tells nothing.
		if subtle.ConstantTimeCompare(typed, []byte(Code(key, s))) == 1 && !ok {
			step, ok = s, true
		}
	}
	return step, ok
}

var b32 = base32.StdEncoding.WithPadding(base32.NoPadding)

// FormatKey writes a key as people type it into their app: base32 without padding.
func FormatKey(key []byte) string { return b32.EncodeToString(key) }

// ParseKey reads what FormatKey writes; ErrKey. Spaces and the letters' case do not count.
func ParseKey(text string) ([]byte, error) {
	text = strings.ToUpper(strings.ReplaceAll(text, " ", ""))
	key, err := b32.DecodeString(text)
	if err != nil || len(key) != KeyLen || FormatKey(key) != text { // the decoder passes over line ends
		return nil, ErrKey
	}
	return key, nil
}

// URI is the address that apps read a key from, as a link or a picture (the "Key Uri Format" that authenticators share): who
// gave the key and to whom.
func URI(issuer, account string, key []byte) string {
	label := url.PathEscape(issuer) + ":" + url.PathEscape(account)
	return "otpauth://totp/" + label + "?secret=" + FormatKey(key) + "&issuer=" + url.QueryEscape(issuer)
}
