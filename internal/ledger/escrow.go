package ledger

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"filippo.io/age"
)

var (
	// ErrEscrow means a ciphertext that does not hold what its leaf commits to, or is too long to.
	ErrEscrow = errors.New("ledger: malformed escrow")
	// ErrRecipients means recipients that no ciphertext can be made for.
	ErrRecipients = errors.New("ledger: escrow recipients cannot be used")
	// ErrEscrowKey means that none of the keys given opens a ciphertext.
	ErrEscrowKey = errors.New("ledger: none of the escrow keys opens it")
)

// MaxEscrow is the longest ciphertext in bytes: the longest private body, and what age puts around it.
const MaxEscrow = MaxBody + 64<<10

// Escrow encrypts private bodies to a charter's recipients. It is safe for concurrent use.
type Escrow struct {
	recipients []age.Recipient
	digest     [32]byte
}

// NewEscrow is the escrow to recipients as a charter has them (age1…). All must be of one kind, classic or post-quantum: age mixes none.
// Errors wrap ErrRecipients. No recipients are nil, no error: a list without escrow.
func NewEscrow(recipients []string) (*Escrow, error) {
	if len(recipients) == 0 {
		return nil, nil //nolint:nilnil // said above
	}
	e := &Escrow{digest: RecipientsDigest(recipients)}
	for i, text := range recipients {
		list, err := age.ParseRecipients(strings.NewReader(text))
		if err != nil || len(list) != 1 {
			return nil, fmt.Errorf("%w: recipient %d", ErrRecipients, i) // what is in its place may be a private key: never shown
		}
		e.recipients = append(e.recipients, list[0])
	}
	// Whether they can be mixed, age says only when it encrypts.
	if _, err := age.Encrypt(io.Discard, e.recipients...); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRecipients, err)
	}
	return e, nil
}

// RecipientsDigest names a set of recipients, in whatever order they stand: SHA-256 over them, sorted, each followed by a line feed.
func RecipientsDigest(recipients []string) [32]byte {
	sorted := slices.Sorted(slices.Values(recipients))
	return sha256.Sum256([]byte(strings.Join(sorted, "\n") + "\n"))
}

// Digest is the RecipientsDigest of e's recipients.
func (e *Escrow) Digest() [32]byte { return e.digest }

// Seal encrypts salt ‖ padded body: what the commitment is over, so that whoever opens it can check it.
func (e *Escrow) Seal(p Private) ([]byte, error) {
	var out bytes.Buffer
	w, err := age.Encrypt(&out, e.recipients...)
	if err != nil {
		return nil, fmt.Errorf("escrow: %w", err)
	}
	if _, err := w.Write(p.Salt[:]); err != nil {
		return nil, fmt.Errorf("escrow: %w", err)
	}
	if _, err := w.Write(p.Padded()); err != nil {
		return nil, fmt.Errorf("escrow: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("escrow: %w", err)
	}
	return out.Bytes(), nil
}

// OpenEscrow decrypts a ciphertext and checks what is in it against the commitment h. Errors wrap ErrEscrowKey where no identity fits, else ErrEscrow,
// ErrBody (it is the body of another leaf) or ErrPrivate.
func OpenEscrow(identities []age.Identity, ciphertext []byte, h [32]byte) (Private, error) {
	r, err := age.Decrypt(bytes.NewReader(ciphertext), identities...)
	if none := new(age.NoIdentityMatchError); errors.As(err, &none) {
		return Private{}, ErrEscrowKey
	}
	if err != nil {
		return Private{}, fmt.Errorf("%w: %w", ErrEscrow, err)
	}
	plain, err := io.ReadAll(io.LimitReader(r, MaxEscrow+1))
	if err != nil {
		return Private{}, fmt.Errorf("%w: %w", ErrEscrow, err)
	}
	if len(plain) < 16 || len(plain) > MaxEscrow {
		return Private{}, fmt.Errorf("%w: %d bytes", ErrEscrow, len(plain))
	}
	return Open(h, [16]byte(plain[:16]), plain[16:])
}
