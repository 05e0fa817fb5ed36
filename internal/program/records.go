package program

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"tasuki/internal/authority"
	"tasuki/internal/event"
	"tasuki/internal/ledger"
	"tasuki/internal/registry"
	"tasuki/internal/store"
	"tasuki/spec/cve"
	"tasuki/spec/cve/schema"
)

// InvalidRecord means that the record, with the container in it, would not comply with the format.
type InvalidRecord struct {
	Findings []cve.Finding
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
)

// Submission is a container on its way in.
type Submission struct {
	ID        string
	Container jsontext.Value // an object; its providerMetadata is the caller's, whatever it says
	Want      Want
}

// Publish puts a CNA container: the identifier becomes PUBLISHED. It returns the record. Its errors in order:
// authority.ErrNotCNA, ErrNotOwner, ErrRecordExists or registry.ErrNoRecord, *InvalidRecord.
func (s *Service) Publish(ctx context.Context, c authority.Caller, sub Submission) ([]byte, error) {
	return s.put(ctx, c, sub, event.RecordPut, cve.CNA)
}

// Reject puts a rejected container: the identifier becomes REJECTED and ADP containers are dropped. Errors as Publish.
func (s *Service) Reject(ctx context.Context, c authority.Caller, sub Submission) ([]byte, error) {
	return s.put(ctx, c, sub, event.RecordRejected, cve.CNA)
}

// PutADP puts the caller's own ADP container. Its errors in order: authority.ErrNotADP, registry.ErrNotFound,
// registry.ErrNoRecord, registry.ErrRejected, *InvalidRecord.
func (s *Service) PutADP(ctx context.Context, c authority.Caller, sub Submission) ([]byte, error) {
	return s.put(ctx, c, sub, event.RecordPut, cve.ADP)
}

func (s *Service) put(ctx context.Context, c authority.Caller, sub Submission, kind event.Kind, cont string) (record []byte, err error) {
	err = s.act(ctx, c, func(ctx context.Context, t turn) error {
		record = nil
		i, err := s.mayPut(ctx, t, sub, cont)
		if err != nil {
			return err
		}
		owner, err := authority.GetOrg(ctx, t.Tx, t.Now(), i.Owner)
		if err != nil && !errors.Is(err, authority.ErrNoOrg) {
			return err
		}
		body, err := cve.WithProvider(sub.Container, t.me.Org.ID, t.me.Org.Short)
		if err != nil {
			return err
		}
		doc, err := t.Pack(kind, body)
		if err != nil {
			return err
		}
		p := registry.Put{Cont: cont, By: t.me.Org.ID, Short: owner.Short, DV: schema.Current, Doc: doc}
		if kind == event.RecordRejected {
			_, err = registry.RejectRecord(ctx, t.Tx, t, i, p)
		} else {
			_, err = registry.PutContainer(ctx, t.Tx, t, i, p)
		}
		if err != nil {
			return err
		}
		// What cannot be assembled, or does not comply as a whole, takes the command back with everything it emitted.
		if record, err = s.assemble(ctx, t.Tx, sub.ID); err != nil {
			return err
		}
		if findings := faults(s.Schema.Record(record)); len(findings) > 0 {
			return &InvalidRecord{findings}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return record, nil
}

func (s *Service) mayPut(ctx context.Context, t turn, sub Submission, cont string) (registry.Identifier, error) {
	if cont == cve.ADP {
		if err := t.me.MustBeADP(); err != nil {
			return registry.Identifier{}, err
		}
		return registry.GetID(ctx, t.Tx, sub.ID)
	}
	if err := t.me.MustBeCNA(); err != nil {
		return registry.Identifier{}, err
	}
	i, err := owned(ctx, t.Tx, t.me, sub.ID)
	switch {
	case err != nil:
		return i, err
	case sub.Want == WantNone && i.Record:
		return i, fmt.Errorf("%s: %w", sub.ID, ErrRecordExists)
	case sub.Want == WantOne && !i.Record:
		return i, fmt.Errorf("%s: %w", sub.ID, registry.ErrNoRecord)
	}
	return i, nil
}

func faults(findings []cve.Finding) (out []cve.Finding) {
	for _, f := range findings {
		if f.Severity == cve.SeverityError {
			out = append(out, f)
		}
	}
	return out
}

// Replace stores a whole record as the Secretariat gives it. Its errors in order: authority.ErrNotSecretariat, ErrRecordState,
// registry.ErrNotFound, ErrRecordExists or registry.ErrNoRecord. The document's form is the caller's to check.
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
		case want == WantNone && i.Record:
			return fmt.Errorf("%s: %w", id, ErrRecordExists)
		case want == WantOne && !i.Record:
			return fmt.Errorf("%s: %w", id, registry.ErrNoRecord)
		}
		_, err = registry.Replace(ctx, t.Tx, t, i, t.me.Org.ID, doc)
		return err
	})
}

// assemble makes an identifier's record of its leaves, this transaction's included.
func (s *Service) assemble(ctx context.Context, tx *store.Tx, id string) ([]byte, error) {
	parts, err := registry.PartsOf(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	var base *event.Entry
	if parts.Base >= 0 {
		if base, err = s.entry(ctx, tx, parts.Base); err != nil {
			return nil, err
		}
	}
	puts := make([]*event.Entry, len(parts.Puts))
	for n, p := range parts.Puts {
		if puts[n], err = s.entry(ctx, tx, p.Leaf); err != nil {
			return nil, err
		}
	}
	return event.Assemble(base, puts, func(own ledger.Own) (string, error) { return registry.OwnerAt(ctx, tx, own.Index) })
}

func (s *Service) entry(ctx context.Context, tx *store.Tx, leaf int64) (*event.Entry, error) {
	raw, err := s.Log.Leaf(ctx, tx, leaf)
	if err != nil {
		return nil, err
	}
	body, err := s.Log.Body(ctx, tx, leaf)
	if err != nil && !errors.Is(err, ledger.ErrNotFound) {
		return nil, err
	}
	return event.Open(leaf, raw, body)
}
