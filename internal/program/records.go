package program

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"tasuki/internal/authority"
	"tasuki/internal/event"
	"tasuki/internal/gate"
	"tasuki/internal/registry"
	"tasuki/internal/store"
	"tasuki/spec/cve"
	"tasuki/spec/cve/schema"
)

// InvalidRecord means that the record, with the container in it, would not comply with the format.
type InvalidRecord struct {
	Findings []cve.Finding
	Failures []schema.Failure // the first, as CVE Services tells it
}

// Error names the first finding.
func (e *InvalidRecord) Error() string {
	return fmt.Sprintf("program: the record does not comply with the format: %s", e.Findings[0].Message)
}

// Want says whether a record must be there already.
type Want int

// The wants.
const (
	WantNone Want = iota // POST: ErrRecordExists when there is one
	WantOne              // PUT: registry.ErrNoRecord when there is none
	wantAny              // signed: prev says
)

func (w Want) check(i registry.Identifier) error {
	switch {
	case w == WantNone && i.Record:
		return fmt.Errorf("%s: %w", i.ID, ErrRecordExists)
	case w == WantOne && !i.Record:
		return fmt.Errorf("%s: %w", i.ID, registry.ErrNoRecord)
	}
	return nil
}

// Submission is a container on its way in.
type Submission struct {
	ID        string
	Container jsontext.Value // an object; its providerMetadata is the caller's, whatever it says. nil: see PutADP
	Want      Want
}

// Publish puts a CNA container: the identifier becomes PUBLISHED. It returns the record. Its errors in order:
// authority.ErrNotCNA, ErrNotOwner, ErrRecordExists or registry.ErrNoRecord, *InvalidRecord.
func (s *Service) Publish(ctx context.Context, c authority.Caller, sub Submission) (record []byte, err error) {
	record, _, err = s.put(ctx, c, sub, event.RecordPut, cve.CNA)
	return record, err
}

// Reject puts a rejected container: the identifier becomes REJECTED and ADP containers are dropped. Errors as Publish.
func (s *Service) Reject(ctx context.Context, c authority.Caller, sub Submission) (record []byte, err error) {
	record, _, err = s.put(ctx, c, sub, event.RecordRejected, cve.CNA)
	return record, err
}

// PutADP puts the caller's own ADP container, and says whether there was one that it took the place of. Its errors in order: authority.ErrNotADP, registry.ErrNotFound, ErrNotOwner for a
// record that nobody here owns, registry.ErrNoRecord, registry.ErrRejected, ErrNoContainer, *InvalidRecord.
func (s *Service) PutADP(ctx context.Context, c authority.Caller, sub Submission) (record []byte, replaced bool, err error) {
	return s.put(ctx, c, sub, event.RecordPut, cve.ADP)
}

func (s *Service) put(ctx context.Context, c authority.Caller, sub Submission, kind event.Kind, cont string) (record []byte, replaced bool, err error) {
	// What takes long is done before the transaction, which all others wait for: reading the record's leaves, packing, judging.
	ready := &draft{Submission: sub, kind: kind, cont: cont}
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		if err := registry.Foresee(ctx, tx, sub.ID, sub.Want == WantOne); err != nil {
			return err
		}
		me, err := authority.StandingOf(ctx, tx, s.Now(), c)
		if err != nil {
			return err
		}
		return ready.read(ctx, s, tx, me, s.Now())
	})
	if err == nil {
		err = ready.finish(s, s.Now())
	}
	if err != nil && !errors.Is(err, authority.ErrDenied) { // the gate writes refusals down
		return nil, false, err
	}
	var put *event.Entry
	foresee := func(ctx context.Context, t *gate.Turn) error {
		return registry.ForeseePut(ctx, t.Tx, t, sub.ID, ready.seen.parts)
	}
	err = s.actAhead(ctx, c, foresee, func(ctx context.Context, t turn) (err error) {
		now := &draft{Submission: sub, kind: kind, cont: cont}
		if err := now.look(ctx, t.Tx, t.me, t.Now()); err != nil {
			return err
		}
		if ready.doc == nil || !ready.seen.same(now.seen) { // something came in between
			ready = now
			if err := ready.read(ctx, s, t.Tx, t.me, t.Now()); err != nil {
				return err
			}
			if err := ready.finish(s, t.Now()); err != nil {
				return err
			}
		}
		put, err = ready.emit(ctx, t)
		return err
	})
	if err != nil {
		return nil, false, err
	}
	record, err = ready.record(put)
	return record, ready.replaces, err
}

// Replace stores a whole record as the Secretariat gives it. Its errors in order: authority.ErrNotSecretariat, ErrRecordState,
// registry.ErrNotFound, ErrNotOwner for a record that nobody here owns, ErrRecordExists or registry.ErrNoRecord. The document's
// form is the caller's to check.
func (s *Service) Replace(ctx context.Context, c authority.Caller, id string, raw []byte, want Want) error {
	doc, err := s.Gate.Pack(event.RecordReplaced, raw)
	if err != nil {
		return err
	}
	return s.act(ctx, c, func(ctx context.Context, t turn) error {
		if err := t.me.MustBeSecretariat(); err != nil {
			return err
		}
		rec, err := doc.Record()
		if err != nil {
			return err
		}
		if rec.Metadata.State != cve.Published && rec.Metadata.State != cve.Rejected {
			return fmt.Errorf("%s: %w", id, ErrRecordState)
		}
		i, err := registry.GetID(ctx, t.Tx, id)
		switch {
		case err != nil:
			return err
		case i.Owner == "":
			return fmt.Errorf("%s: %w", id, ErrNotOwner)
		}
		if err := want.check(i); err != nil {
			return err
		}
		// Whole documents are not handed in signed, so that one of an organisation that attests for itself is not replaced at all.
		if owner, err := authority.GetOrg(ctx, t.Tx, t.Now(), i.Owner); err == nil && owner.SelfAttested() || t.me.Org.SelfAttested() {
			return fmt.Errorf("%s: %w", id, authority.ErrNotSigned)
		} else if err != nil && !errors.Is(err, authority.ErrNoOrg) {
			return err
		}
		_, err = registry.Replace(ctx, t.Tx, t, i, t.me.Org.ID, doc)
		return err
	})
}
