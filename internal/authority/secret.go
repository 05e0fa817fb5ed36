package authority

import (
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/crypto/argon2"
)

// ErrPHC means a text that is no hash of a secret as this package makes and reads them.
var ErrPHC = errors.New("authority: not an argon2id hash")

// Cost of a hash (ADR 0011): argon2id, two passes over 19 MiB, one lane; OWASP's lower bound, so that signing in stays cheap on
// the smallest machine. A secret of 144 random bits needs no more.
const (
	argonTime   = 2
	argonMemory = 19 * 1024 // KiB
	argonLanes  = 1
	saltLen     = 16
	hashLen     = 32
)

// A hash that was made elsewhere may cost more; these bound what verifying it may take.
const (
	maxTime   = 10
	maxMemory = 256 * 1024 // KiB
	maxLanes  = 8
)

// SecretLen is the length of a secret in characters.
const SecretLen = 36

// DrawSecret draws a secret of 36 lower-case hexadecimal digits and hashes it. The key is shown once and kept nowhere. It takes
// tens of milliseconds: call it before the transaction.
func DrawSecret(rand io.Reader) (key, phc string, err error) {
	var raw [SecretLen / 2]byte
	if _, err := io.ReadFull(rand, raw[:]); err != nil {
		return "", "", fmt.Errorf("draw a secret: %w", err)
	}
	key = hex.EncodeToString(raw[:])
	phc, err = HashSecret(rand, key)
	return key, phc, err
}

// HashSecret hashes a secret that was chosen elsewhere, of any length and alphabet, to a PHC string.
func HashSecret(rand io.Reader, key string) (string, error) {
	var salt [saltLen]byte
	if _, err := io.ReadFull(rand, salt[:]); err != nil {
		return "", fmt.Errorf("draw a salt: %w", err)
	}
	p := phc{time: argonTime, memory: argonMemory, lanes: argonLanes, salt: salt[:]}
	p.hash = p.of(key)
	return p.String(), nil
}

// phc is a parsed PHC string, "$argon2id$v=19$m=19456,t=2,p=1$salt$hash", base64 without padding.
type phc struct {
	time, memory uint32
	lanes        uint8
	salt, hash   []byte
}

func (p *phc) String() string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.memory, p.time, p.lanes,
		b64.EncodeToString(p.salt), b64.EncodeToString(p.hash))
}

func (p *phc) of(key string) []byte {
	n := uint32(hashLen)
	if len(p.hash) > 0 {
		n = uint32(len(p.hash))
	}
	return argon2.IDKey([]byte(key), p.salt, p.time, p.memory, p.lanes, n)
}

// is says whether key is the secret, in a time that does not depend on how much of it is right.
func (p *phc) is(key string) bool { return subtle.ConstantTimeCompare(p.of(key), p.hash) == 1 }

// parsePHC reads a PHC string that has exactly one spelling; ErrPHC.
func parsePHC(text string) (*phc, error) {
	parts := strings.Split(text, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return nil, ErrPHC
	}
	p := &phc{}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.memory, &p.time, &p.lanes); err != nil {
		return nil, ErrPHC
	}
	strict := base64.RawStdEncoding.Strict()
	var err, err2 error
	p.salt, err = strict.DecodeString(parts[4])
	p.hash, err2 = strict.DecodeString(parts[5])
	switch {
	case err != nil || err2 != nil || len(p.salt) < 8 || len(p.salt) > 64 || len(p.hash) < 16 || len(p.hash) > 64,
		p.time < 1 || p.time > maxTime, p.memory < 8*uint32(p.lanes) || p.memory > maxMemory, p.lanes < 1 || p.lanes > maxLanes,
		p.String() != text:
		return nil, ErrPHC
	}
	return p, nil
}

func wellFormed(text string) bool {
	_, err := parsePHC(text)
	return err == nil
}
