package event

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"tasuki/internal/ledger"
	"tasuki/spec/dsse"
)

// ErrSubmission means bytes that are no signed event as it is handed in.
var ErrSubmission = errors.New("event: not a signed event with its body")

// MaxSubmission bounds what is handed in, in bytes: the longest body in base64, and the event.
const MaxSubmission = ledger.MaxBody/3*4 + 64<<10

// Submission is an event as its author signed it, on its way to an operator: a DSSE envelope with the event's public body beside it. The
// form is in docs/protocols/lane.md.
type Submission struct {
	Event []byte       // canonical bytes
	Sigs  []ledger.Sig // one at least
	// Body is the public body that the event binds with Salt; nil where it has none.
	Body []byte
	Salt [16]byte
	// Opens says whose a block is that the event grants on: for the operator, who commits to it.
	Opens *Opening
}

// Opening opens a commitment to an organisation (BlockOwner).
type Opening struct {
	Org  string
	Salt [16]byte
}

// envelope is the form; byte strings are base64, salts hex.
type envelope struct {
	PayloadType string        `json:"payloadType"`
	Payload     []byte        `json:"payload"`
	Signatures  []envelopeSig `json:"signatures"`
	Body        *[]byte       `json:"body,omitempty"`
	BodySalt    string        `json:"bodySalt,omitempty"`
	Opens       *envelopeOpen `json:"opens,omitempty"`
}

type envelopeSig struct {
	KeyID string `json:"keyid"` // the raw public key, base64
	Sig   string `json:"sig"`
}

type envelopeOpen struct {
	Org  string `json:"org"`
	Salt string `json:"salt"`
}

// Seal makes a submission: it binds body (nil for none) to the event, and signs it.
func Seal(rand io.Reader, e *Event, body []byte, sign func(raw []byte) (ledger.Sig, error)) (*Submission, error) {
	s := &Submission{Body: body}
	if body != nil {
		if _, err := io.ReadFull(rand, s.Salt[:]); err != nil {
			return nil, fmt.Errorf("draw a salt: %w", err)
		}
		e.Body = &BodyRef{H: ledger.BodyHash(s.Salt, body), N: int64(len(body))}
	}
	var err error
	if s.Event, err = e.Marshal(); err != nil {
		return nil, err
	}
	if _, err := Parse(s.Event); err != nil {
		return nil, err // nobody would take it
	}
	sig, err := sign(s.Event)
	s.Sigs = []ledger.Sig{sig}
	return s, err
}

// Hash is the event's hash.
func (s *Submission) Hash() ledger.Hash { return ledger.EventHash(s.Event) }

// Marshal writes the submission.
func (s *Submission) Marshal() ([]byte, error) {
	env := envelope{PayloadType: dsse.TypeEvent, Payload: s.Event}
	for _, sig := range s.Sigs {
		env.Signatures = append(env.Signatures, envelopeSig{sig.Key, sig.Sig})
	}
	if s.Body != nil {
		env.Body, env.BodySalt = &s.Body, hex.EncodeToString(s.Salt[:])
	}
	if s.Opens != nil {
		env.Opens = &envelopeOpen{s.Opens.Org, hex.EncodeToString(s.Opens.Salt[:])}
	}
	return json.Marshal(env)
}

// ParseSubmission reads a submission. The event is read, its signatures verified and its body compared with what it binds; nothing else
// is believed or refused. Errors wrap ErrSubmission, and ErrUnknown, ErrMalformed or ErrSignature where one of them is why.
func ParseSubmission(raw []byte) (*Submission, *Entry, error) {
	bad := func(err error) (*Submission, *Entry, error) {
		return nil, nil, fmt.Errorf("%w: %w", ErrSubmission, err)
	}
	if len(raw) > MaxSubmission {
		return bad(fmt.Errorf("more than %d bytes", MaxSubmission))
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	var env envelope
	if err := d.Decode(&env); err != nil {
		return bad(errors.New("not the JSON of an envelope")) // a decoder's message may repeat what it read
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return bad(errors.New("something stands after the envelope"))
	}
	s := &Submission{Event: env.Payload}
	switch {
	case env.PayloadType != dsse.TypeEvent:
		return bad(errors.New("the payload is not an event"))
	case len(env.Signatures) == 0 || len(env.Signatures) > 4:
		return bad(errors.New("one to four signatures"))
	case (env.Body == nil) != (env.BodySalt == ""):
		return bad(errors.New("a body comes with its salt"))
	}
	for _, sig := range env.Signatures {
		s.Sigs = append(s.Sigs, ledger.Sig{Key: sig.KeyID, Sig: sig.Sig})
	}
	var err error
	if env.Body != nil {
		if s.Body = *env.Body; s.Body == nil {
			s.Body = []byte{}
		}
		if s.Salt, err = saltOf(env.BodySalt); err != nil {
			return bad(err)
		}
	}
	if env.Opens != nil {
		s.Opens = &Opening{Org: env.Opens.Org}
		if s.Opens.Salt, err = saltOf(env.Opens.Salt); err != nil {
			return bad(err)
		}
	}
	e, err := Parse(s.Event)
	if err != nil {
		return bad(err)
	}
	entry := &Entry{Event: e, Sigs: s.Sigs, Back: -1}
	if err := entry.CheckSigs(); err != nil {
		return bad(err)
	}
	switch {
	case (e.Body == nil) != (s.Body == nil):
		return bad(errors.New("the event binds a body and none is there, or the other way round"))
	case s.Body != nil && (int64(len(s.Body)) != e.Body.N || ledger.BodyHash(s.Salt, s.Body) != e.Body.H):
		return bad(errors.New("the body is not the one that the event binds"))
	}
	if s.Body != nil {
		entry.Doc, err = Pack(bytes.NewReader(s.Salt[:]), s.Body)
		if err != nil {
			return bad(err)
		}
	}
	return s, entry, nil
}

func saltOf(text string) (salt [16]byte, err error) {
	if n, err := hex.Decode(salt[:], []byte(text[:min(len(text), 32)])); err != nil || n != 16 || len(text) != 32 {
		return salt, errors.New("a salt is 32 hex digits")
	}
	return salt, nil
}
