package program

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"tasuki/internal/authority"
	"tasuki/internal/event"
	"tasuki/internal/gate"
	"tasuki/internal/ledger"
	"tasuki/internal/registry"
	"tasuki/internal/store"
	"tasuki/spec/cve"
	"tasuki/spec/cve/schema"
)

// MaxAhead is how far an author's clock may be ahead of this one.
const MaxAhead = 10 * time.Minute

// Errors of events that their authors signed, beside those of the acts that they are.
var (
	// ErrKind means an event of a kind that authors do not hand in.
	ErrKind = errors.New("program: events of this kind are not handed in")
	// ErrFuture means an event from the future.
	ErrFuture = errors.New("program: the event is dated after now")
	// ErrForm means a container that is not as a put's body is: checked against another version of the format, or with the author
	// written otherwise than it is called now.
	ErrForm = errors.New("program: the container is not in the form that is put")
)

// Conflict is a first publication of a number that was published before: two lanes gave it out. Both events are signed, and are
// evidence.
type Conflict struct {
	ID      string
	Leaf    int64  // of the event that the log has
	Logged  []byte // that leaf
	Refused []byte // the submission that was refused, without its body: what was to be published is nobody's business yet
}

// Evidence keeps what was found wrong with an author.
type Evidence interface {
	Conflict(ctx context.Context, c Conflict) error
}

// Accepted says where a signed event is in the log.
type Accepted struct {
	Hash  ledger.Hash
	Leaf  int64
	Known bool // it was there already
}

// SubmitEvent takes an event that its author signed: the same decisions as for every other write, and no other caller than the
// signature. The same event again is the same leaf. Its errors: event.ErrSubmission and what is under it, gate.ErrForeign for another
// list's, ErrKind, ErrFuture, ErrForm, authority.ErrSigner, authority.ErrNotSigned, registry.ErrPrev (a *registry.PrevError),
// registry.ErrClaim, registry.ErrBlockClosed, *InvalidRecord, and those of the acts.
func (s *Service) SubmitEvent(ctx context.Context, raw []byte) (out Accepted, err error) {
	sub, e, err := event.ParseSubmission(raw)
	if err != nil {
		return out, err
	}
	out.Hash = sub.Hash()
	switch {
	case e.List != s.Gate.List:
		return out, fmt.Errorf("signed event: %w: it is of another list", gate.ErrForeign)
	case e.At.After(s.Now().Add(MaxAhead)):
		return out, ErrFuture
	}
	known := func(tx *store.Tx) (err error) {
		out.Leaf, out.Known, err = registry.Signed(ctx, tx, out.Hash)
		return err
	}
	if err := s.DB.View(ctx, known); err != nil || out.Known {
		return out, err
	}
	if e.Doc != nil {
		if err := s.Gate.Prepare(e.Kind, e.Doc); err != nil {
			return out, err
		}
	}
	submit := s.submitter(sub, e)
	if submit == nil {
		return out, fmt.Errorf("%s: %w", e.Kind, ErrKind)
	}
	caller := authority.Caller{Role: authority.Signed, Org: e.By}
	err = s.Gate.Do(ctx, caller, gate.Command{Action: authority.Act, Decide: func(ctx context.Context, t *gate.Turn) error {
		if err := known(t.Tx); err != nil || out.Known {
			return err
		}
		me, err := s.speaks(ctx, t.Tx, t.Now(), e)
		if err != nil {
			return err
		}
		out.Leaf, err = submit(ctx, turn{t, me})
		return err
	}})
	if prev := (*registry.PrevError)(nil); errors.As(err, &prev) && prev.Offered == "" && prev.Leaf >= 0 {
		err = errors.Join(err, s.keepConflict(ctx, e.Event, prev, sub))
	}
	return out, err
}

// submitter is how an event of a kind is taken; nil for kinds that are not.
func (s *Service) submitter(sub *event.Submission, e *event.Entry) func(ctx context.Context, t turn) (int64, error) {
	emit := func(ctx context.Context, t turn) (int64, error) {
		entry, err := t.EmitSigned(ctx, e.Event, e.Doc, nil, e.Sigs)
		if err != nil {
			return -1, err
		}
		return entry.Index, nil
	}
	switch e.Kind {
	case event.RecordPut, event.RecordRejected:
		return func(ctx context.Context, t turn) (int64, error) { return s.submitPut(ctx, t, e) }
	case event.KeyAdded, event.KeyRevoked, event.AttestSet:
		return func(ctx context.Context, t turn) (int64, error) {
			if err := lawfulKeys(ctx, t.Tx, t.Now(), e, t.me); err != nil {
				return -1, err
			}
			return emit(ctx, t)
		}
	case event.BlockClosed, event.BlockGranted:
		return func(ctx context.Context, t turn) (int64, error) {
			if err := lawfulBlock(ctx, t.Tx, e, t.me); err != nil {
				return -1, err
			}
			if e.Kind == event.BlockClosed {
				return emit(ctx, t)
			}
			if sub.Opens == nil || event.BlockOwner(sub.Opens.Salt, sub.Opens.Org) != e.Owner {
				return -1, fmt.Errorf("%s: %w: whose the block is has to be opened to the operator", e.Kind, registry.ErrClaim)
			}
			if _, err := authority.GetOrg(ctx, t.Tx, t.Now(), sub.Opens.Org); err != nil {
				return -1, err
			}
			leaf, err := emit(ctx, t)
			if err == nil {
				err = registry.OpenTo(ctx, t, leaf, sub.Opens.Org, sub.Opens.Salt)
			}
			return leaf, err
		}
	}
	return nil
}

// submitPut puts a signed container. What takes long is done inside of the transaction here: a signed put is rare, and what it rests on
// must not move between its checks.
func (s *Service) submitPut(ctx context.Context, t turn, e *event.Entry) (int64, error) {
	cont, kind := e.Container(), e.Kind
	raw, err := e.Doc.Bytes()
	if err != nil {
		return -1, err
	}
	d := &draft{Submission: Submission{ID: e.ID, Container: jsontext.Value(raw), Want: wantAny}, kind: kind, cont: cont, signed: e}
	if err := d.read(ctx, s, t.Tx, t.me, t.Now()); err != nil {
		return -1, err
	}
	if err := registry.CheckPut(ctx, t.Tx, t, d.seen.id, e.Event); err != nil {
		return -1, err
	}
	if e.Short != "" && e.Short != d.seen.owner {
		return -1, fmt.Errorf("%s: %w: the owner is called otherwise now", e.ID, registry.ErrClaim)
	}
	if err := d.finish(s, t.Now()); err != nil {
		return -1, err
	}
	put, err := registry.PutSigned(ctx, t.Tx, t, d.seen.id, e.Event, e.Sigs, e.Doc)
	if err != nil {
		return -1, err
	}
	return put.Index, nil
}

// finishSigned is finish for a container whose body is bound already: it has to be as a put's body is, so that what was signed is what
// would have been stored unsigned.
func (d *draft) finishSigned(s *Service, body []byte) error {
	signed, err := d.signed.Doc.Bytes()
	if err != nil {
		return err
	}
	switch {
	case d.signed.DV != schema.Current:
		return fmt.Errorf("%s: %w: the format is %s", d.ID, ErrForm, schema.Current)
	case string(signed) != string(body):
		return fmt.Errorf("%s: %w: compact, with the author in providerMetadata as it is called now", d.ID, ErrForm)
	}
	put := *d.signed
	put.Own = &ledger.Own{Index: unknown}
	return d.judge(s, &put)
}

// SignedBody is a container in the form that authors sign and put: compact, with the author in its providerMetadata.
func SignedBody(container []byte, org, short string) ([]byte, error) {
	v := jsontext.Value(append([]byte(nil), container...))
	if err := v.Compact(); err != nil {
		return nil, err
	}
	return cve.WithProvider(v, org, short)
}

func (s *Service) keepConflict(ctx context.Context, e *event.Event, prev *registry.PrevError, sub *event.Submission) error {
	if s.Evidence == nil || e.Container() != cve.CNA {
		return nil
	}
	bare, err := (&event.Submission{Event: sub.Event, Sigs: sub.Sigs}).Marshal()
	if err != nil {
		return err
	}
	c := Conflict{ID: e.ID, Leaf: prev.Leaf, Refused: bare}
	var mine bool
	err = s.DB.View(ctx, func(tx *store.Tx) (err error) {
		if c.Logged, err = s.Log.Leaf(ctx, tx, prev.Leaf); err != nil {
			return err
		}
		// Only two first publications by one author, both signed, show anything: not a publication over an imported record.
		logged, err := event.Open(prev.Leaf, c.Logged, nil)
		mine = err == nil && logged.By == e.By && len(logged.Sigs) > 0 && logged.Prev == ""
		return err
	})
	if err != nil || !mine {
		return err
	}
	return s.Evidence.Conflict(ctx, c)
}

// logged finds hashes of events for checks outside of a turn.
type logged struct {
	s  *Service
	tx *store.Tx
}

// EventHash is the SHA-256 of a logged event.
func (l logged) EventHash(ctx context.Context, leaf int64) ([32]byte, error) {
	raw, err := l.s.Log.Leaf(ctx, l.tx, leaf)
	if err != nil {
		return [32]byte{}, err
	}
	parsed, err := ledger.ParseLeaf(raw)
	return ledger.EventHash(parsed.Event), err
}

// Next is what an author has to say in the container that it signs next.
type Next struct {
	List, ID string
	State    cve.State
	Prev     string    // "" for a first container
	First    bool      // the container begins the record: it says Reserved, Short and, where it is not "", Org
	Reserved time.Time // as the public leaf says; zero for a number of a block, which its author assigned
	Org      string
	DV       string // version of the record format
}

// NextFor tells what a container of an organisation (UUID) for an identifier has to say, from what is public: registry.ErrNotFound.
func (s *Service) NextFor(ctx context.Context, id, cont, org string) (n Next, err error) {
	n = Next{List: s.Gate.List, ID: id, DV: schema.Current}
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		i, err := registry.GetID(ctx, tx, id)
		if err != nil {
			return err
		}
		n.State = i.State
		n.Prev, n.First, err = registry.Follows(ctx, tx, logged{s, tx}, i, cont, org)
		if err == nil && n.First {
			n.Reserved = i.Given()
			if i.Opened {
				n.Org = i.Owner // some leaf has said it
			}
		}
		return err
	})
	return n, err
}
