package event

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"tasuki/internal/ledger"
	"tasuki/spec/cve"
	"tasuki/spec/dsse"
)

// What a key of an organisation is for.
const (
	UseEvents   = "events"   // signs what the organisation does
	UseRecovery = "recovery" // kept on paper: adds and revokes keys, sets who attests, and nothing else
)

// Whose word counts for what an organisation does.
const (
	AttestOperator = "operator" // the operator's: people sign in, the operator says that they did
	AttestSelf     = "self"     // the organisation's own keys alone
)

// MaxLabel bounds a key's label, in bytes.
const MaxLabel = 64

// ErrSignature means that an event is not signed by the key that its leaf names.
var ErrSignature = errors.New("event: signature does not verify")

// Sign signs the event as its author: what it returns stands in the leaf's s. The event must not change any more.
func (e *Event) Sign(key ed25519.PrivateKey) (ledger.Sig, error) {
	raw, err := e.Marshal()
	if err != nil {
		return ledger.Sig{}, err
	}
	return SignBytes(key, raw), nil
}

// SignBytes signs the canonical bytes of an event (continuity B.3: DSSE's encoding with the type of events).
func SignBytes(key ed25519.PrivateKey, raw []byte) ledger.Sig {
	return ledger.Sig{Key: dsse.EncodeKey(key.Public().(ed25519.PublicKey)), Sig: dsse.SignEvent(key, raw)}
}

// Hash is the event hash: the event's idempotency key, and what prev names.
func (e *Event) Hash() (ledger.Hash, error) {
	raw, err := e.Marshal()
	return ledger.EventHash(raw), err
}

// CheckSigs verifies every signature of the entry over its event: ErrSignature. Whose the keys are is not asked here.
func (e *Entry) CheckSigs() error {
	if len(e.Sigs) == 0 {
		return nil
	}
	raw, err := e.Marshal()
	if err != nil {
		return err
	}
	for n, s := range e.Sigs {
		key, err := dsse.ParseKey(s.Key)
		if err == nil {
			err = dsse.VerifyEvent(key, raw, s.Sig)
		}
		if err != nil {
			return fmt.Errorf("signature %d: %w: %w", n, ErrSignature, err)
		}
	}
	return nil
}

// BlockOwner is the commitment to the owner of a block: SHA-256(salt ‖ organisation's UUID) in hex (continuity E.6). The first
// publication of a number of the block opens it.
func BlockOwner(salt [16]byte, org string) string {
	sum := sha256.Sum256(append(salt[:len(salt):len(salt)], org...))
	return hex.EncodeToString(sum[:])
}

// Covers says whether an identifier is one of the event's year, from First to Last.
func (e *Event) Covers(id string) bool {
	c, err := cve.ParseID(id)
	return err == nil && int64(c.Year) == e.Year && int64(c.Number) >= e.First && int64(c.Number) <= e.Last
}

// checkKeys holds the members of feature "events-3" to their forms.
func (e *Event) checkKeys() error {
	if e.Key != "" {
		if _, err := dsse.ParseKey(e.Key); err != nil {
			return fmt.Errorf("%w: key: %w", ErrMalformed, err)
		}
	}
	switch {
	case e.Use != "" && e.Use != UseEvents && e.Use != UseRecovery:
		return fmt.Errorf("%w: no key has the use %q", ErrMalformed, e.Use)
	case e.Mode != "" && e.Mode != AttestOperator && e.Mode != AttestSelf:
		return fmt.Errorf("%w: nobody attests as %q", ErrMalformed, e.Mode)
	case len(e.Label) > MaxLabel:
		return fmt.Errorf("%w: a label has at most %d bytes", ErrMalformed, MaxLabel)
	case e.Owner != "" && !isHash(e.Owner):
		return fmt.Errorf("%w: owner is a commitment of 64 hex digits", ErrMalformed)
	case (e.Kind == BlockGranted || e.Kind == BlockClosed) && e.First < 1:
		return fmt.Errorf("%w: first %d", ErrMalformed, e.First)
	}
	return nil
}

func isHash(s string) bool {
	if len(s) != 64 {
		return false
	}
	for i := range len(s) {
		if (s[i] < '0' || s[i] > '9') && (s[i] < 'a' || s[i] > 'f') {
			return false
		}
	}
	return true
}
