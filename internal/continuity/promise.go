package continuity

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"tasuki/internal/ledger"
)

// ErrPromise means bytes that are not a promise of a log, or one that the log did not sign.
var ErrPromise = errors.New("continuity: not a promise of this log")

// maxPromised bounds how many events one promise is about.
const maxPromised = 256

// Promise is a log's word that events are in a published checkpoint by a deadline (C.3). Whoever holds one and finds them missing
// afterwards can show it to anybody. Its text is frozen:
//
//	tasuki-receipt/v1
//	<list id, 64 hex digits>
//	<deadline, RFC 3339 in UTC to the second>
//	<event hash, 64 hex digits>              one line for each event, 1 to 256
//
// It is signed by the log key of its epoch as a note, and is no checkpoint: its second line is no number below 2^63.
type Promise struct {
	List     string
	Deadline time.Time
	Events   []ledger.Hash
}

const promiseHead = "tasuki-receipt/v1"

// String is the text of the note.
func (p Promise) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s\n%s\n", promiseHead, p.List, p.Deadline.UTC().Format(time.RFC3339))
	for _, h := range p.Events {
		b.WriteString(hex.EncodeToString(h[:]))
		b.WriteByte('\n')
	}
	return b.String()
}

// ParsePromise reads the text of a promise. Errors wrap ErrPromise and do not repeat the text.
func ParsePromise(text string) (p Promise, err error) {
	lines := strings.Split(text, "\n")
	if len(lines) < 5 || len(lines) > 4+maxPromised || lines[0] != promiseHead {
		return p, fmt.Errorf("%w: not lines that begin with %s", ErrPromise, promiseHead)
	}
	p.List = lines[1]
	var list ledger.Hash
	if !hexHash(p.List, &list) {
		return Promise{}, fmt.Errorf("%w: list id", ErrPromise)
	}
	if p.Deadline, err = time.Parse(time.RFC3339, lines[2]); err != nil {
		return Promise{}, fmt.Errorf("%w: deadline", ErrPromise)
	}
	for _, line := range lines[3 : len(lines)-1] {
		var h ledger.Hash
		if !hexHash(line, &h) {
			return Promise{}, fmt.Errorf("%w: event hash", ErrPromise)
		}
		p.Events = append(p.Events, h)
	}
	if p.String() != text {
		return Promise{}, fmt.Errorf("%w: not in its one spelling", ErrPromise)
	}
	return p, nil
}

// Sign makes the note of a promise.
func (p Promise) Sign(log note.Signer) ([]byte, error) {
	if len(p.Events) == 0 || len(p.Events) > maxPromised {
		return nil, fmt.Errorf("%w: %d events", ErrPromise, len(p.Events))
	}
	return note.Sign(&note.Note{Text: p.String()}, log)
}

// OpenPromise verifies a promise with the log's key.
func OpenPromise(signed []byte, log note.Verifier) (Promise, error) {
	n, err := note.Open(signed, note.VerifierList(log))
	if err != nil {
		return Promise{}, fmt.Errorf("%w: %w", ErrPromise, err)
	}
	return ParsePromise(n.Text)
}
