package program

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tasuki/internal/authority"
	"tasuki/internal/event"
	"tasuki/internal/ledger"
	"tasuki/internal/registry"
	"tasuki/internal/store"
	"tasuki/spec/cve"
	"tasuki/spec/cve/schema"
)

// A draft is a submission on its way to the log: what it rests on, the leaves that the record is made of so far, and the body
// that is to stand beside the new one. It is made before the transaction and holds in it when it would rest on the same there.
type draft struct {
	Submission
	kind event.Kind
	cont string

	seen   seen
	base   *event.Entry
	puts   []*event.Entry   // since the base, oldest first
	owners map[int64]string // whom an opening names, by the leaf that it opens

	signed *event.Entry // as its author signed it; nil where the operator attests it

	doc      *event.Doc // nil until finish
	replaces bool       // an ADP's: it takes the place of one of the same organisation
}

// seen is what a draft rests on.
type seen struct {
	id    registry.Identifier
	owner string // short name
	by    authority.Org
	parts registry.Parts
}

func (s *seen) same(o seen) bool {
	return s.id.State == o.id.State && s.id.Owner == o.id.Owner && s.id.Record == o.id.Record && s.id.Opened == o.id.Opened && s.id.Reserved.Equal(o.id.Reserved) &&
		s.owner == o.owner && s.by.ID == o.by.ID && s.by.Short == o.by.Short && s.parts.Base == o.parts.Base && slices.Equal(s.parts.Puts, o.parts.Puts)
}

// look finds what the draft rests on, or says why the caller may not.
func (d *draft) look(ctx context.Context, tx *store.Tx, me authority.Standing, at time.Time) (err error) {
	d.seen.by = me.Org
	if d.seen.id, err = d.mayPut(ctx, tx, me); err != nil {
		return err
	}
	owner := me.Org
	if d.seen.id.Owner != owner.ID {
		if owner, err = authority.GetOrg(ctx, tx, at, d.seen.id.Owner); err != nil && !errors.Is(err, authority.ErrNoOrg) {
			return err
		}
	}
	if d.signed == nil && (me.Org.SelfAttested() || d.cont == cve.CNA && owner.SelfAttested()) {
		return fmt.Errorf("%s: %w", d.ID, authority.ErrNotSigned)
	}
	d.seen.owner = owner.Short
	d.seen.parts, err = registry.PartsOf(ctx, tx, d.ID)
	return err
}

func (d *draft) mayPut(ctx context.Context, tx *store.Tx, me authority.Standing) (registry.Identifier, error) {
	if d.cont == cve.ADP {
		if err := me.MustBeADP(); err != nil {
			return registry.Identifier{}, err
		}
		i, err := registry.GetID(ctx, tx, d.ID)
		switch {
		case err != nil:
			return i, err
		case i.Owner == "":
			return i, fmt.Errorf("%s: %w", d.ID, ErrNotOwner)
		case !i.Record:
			return i, fmt.Errorf("%s: %w", d.ID, registry.ErrNoRecord)
		case i.State == cve.Rejected:
			return i, fmt.Errorf("%s: %w", d.ID, registry.ErrRejected)
		}
		return i, nil
	}
	if err := mayAssign(ctx, tx, me, d.ID); err != nil {
		return registry.Identifier{}, err
	}
	i, err := writable(ctx, tx, me, d.ID)
	if err == nil {
		err = d.Want.check(i)
	}
	return i, err
}

// read looks, and fetches the leaves of the record so far.
func (d *draft) read(ctx context.Context, s *Service, tx *store.Tx, me authority.Standing, at time.Time) (err error) {
	if err := d.look(ctx, tx, me, at); err != nil {
		return err
	}
	d.base, d.puts, d.owners = nil, nil, map[int64]string{}
	if leaf := d.seen.parts.Base; leaf >= 0 {
		if d.base, err = s.entry(ctx, tx, leaf); err != nil {
			return err
		}
	}
	for _, p := range d.seen.parts.Puts {
		e, err := s.entry(ctx, tx, p.Leaf)
		if err != nil {
			return err
		}
		if e.Own != nil {
			if d.owners[e.Own.Index], err = registry.OwnerAt(ctx, tx, e.Own.Index); err != nil {
				return err
			}
		}
		d.puts = append(d.puts, e)
	}
	return nil
}

// unknown stands for the leaf that the opening will name: only the transaction knows it.
const unknown = -1

// finish packs the container and judges the record as it would be. Only its dates are not the final ones, and of the same form.
func (d *draft) finish(s *Service, at time.Time) error {
	if d.Container == nil {
		return fmt.Errorf("%s: %w", d.ID, ErrNoContainer)
	}
	if d.Container.Kind() != '{' {
		place := "/containers/" + d.cont
		return &InvalidRecord{[]cve.Finding{{Pointer: place, Rule: "schema:type", Severity: cve.SeverityError, Message: "must be an object"}},
			[]schema.Failure{{InstancePath: place, SchemaPath: "#/type", Keyword: "type", Params: map[string]any{"type": "object"}, Message: "must be an object"}}}
	}
	by := d.seen.by
	body, err := cve.WithProvider(d.Container, by.ID, by.Short)
	if err != nil {
		return err
	}
	if d.signed != nil {
		return d.finishSigned(s, body)
	}
	doc, err := s.Gate.Pack(d.kind, body)
	if err != nil {
		return err
	}
	e := &event.Event{ID: d.ID, Kind: d.kind, Cont: d.cont, By: by.ID, DV: schema.Current, At: at}
	if d.kind == event.RecordRejected {
		e.Cont = ""
	}
	if d.base == nil && len(d.puts) == 0 {
		e.Reserved, e.Short = d.seen.id.Reserved, d.seen.owner
	}
	if err := d.judge(s, &event.Entry{Event: e, Doc: doc, Own: &ledger.Own{Index: unknown}}); err != nil {
		return err
	}
	if d.cont == cve.ADP {
		if d.replaces, err = d.hasOwn(); err != nil {
			return err
		}
	}
	d.doc = doc
	return nil
}

// judge holds the record with the container in it to the format.
func (d *draft) judge(s *Service, put *event.Entry) error {
	record, err := d.record(put)
	if err != nil {
		return err
	}
	return Judge(s.Schema, record)
}

// Judge holds a record to the format: *InvalidRecord.
func Judge(v *schema.Validator, record []byte) error {
	if findings := faults(v.Record(record)); len(findings) > 0 {
		return &InvalidRecord{findings, v.RecordFailures(record)}
	}
	return nil
}

// hasOwn says whether the record so far has a container of the organisation that puts one.
func (d *draft) hasOwn() (bool, error) {
	raw, err := event.Assemble(d.base, d.puts, nil)
	if err != nil {
		return false, err
	}
	rec, _, err := cve.DecodeLoose(raw)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(rec.Containers.ADP, func(c cve.Container) bool { return strings.EqualFold(c.Provider.OrgID, d.seen.by.ID) }), nil
}

// record assembles the record with the container that was put.
func (d *draft) record(put *event.Entry) ([]byte, error) {
	return event.Assemble(d.base, append(slices.Clone(d.puts), put), func(own ledger.Own) (string, error) {
		if owner, ok := d.owners[own.Index]; ok {
			return owner, nil
		}
		return d.seen.id.Owner, nil // the opening that the new leaf brought
	})
}

func (d *draft) emit(ctx context.Context, t turn) (*event.Entry, error) {
	p := registry.Put{Cont: d.cont, By: d.seen.by.ID, Short: d.seen.owner, DV: schema.Current, Doc: d.doc}
	if d.kind == event.RecordRejected {
		return registry.RejectRecord(ctx, t.Tx, t, d.seen.id, p)
	}
	return registry.PutContainer(ctx, t.Tx, t, d.seen.id, p)
}

func faults(findings []cve.Finding) (out []cve.Finding) {
	for _, f := range findings {
		if f.Severity == cve.SeverityError {
			out = append(out, f)
		}
	}
	return out
}

// entry reads a leaf of a record with its body.
func (s *Service) entry(ctx context.Context, tx *store.Tx, leaf int64) (*event.Entry, error) {
	raw, body, err := s.Log.LeafAndBody(ctx, tx, leaf)
	if err != nil {
		return nil, err
	}
	return event.Open(leaf, raw, body)
}
