package governance

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"tasuki/internal/event"
	"tasuki/internal/store"
	"tasuki/spec/jcs"
)

// Say is a step on its way into the log.
type Say struct {
	Kind   event.Kind
	Case   string // "" begins one
	Hidden bool   // of a step that begins a dispute or a direction: nothing of it is public
	By     string // organisation that takes the step, UUID; "" for the operator
	ID     string // of id.transferred, which is about one identifier
	IDs    []string
	Level  string
	Org    string // who decides, is asked, is directed or is noticed, by the kind
	From   string // who began it
	To     string // whom it is with; who has to determine after a refusal
	Reason string
	// Outcome ends a case.
	Outcome   string
	Due       time.Time
	Pack      string // version of the rule pack that Due was computed by
	Statement Statement
	// Private keeps text, author and who decides of a step to those who are in the case, where what it is about is not public but
	// the case itself has to be: the operator says in public that it was taken.
	Private bool
}

// Step says something in a case: ErrNoCase, ErrState, ErrOutcome, ErrSubject, ErrStatement. It returns the case after it, as
// GetWhole does.
func Step(ctx context.Context, tx *store.Tx, t event.Turn, s Say) (Case, error) {
	if err := s.Statement.Check(); err != nil {
		return Case{}, err
	}
	e := &event.Event{Kind: s.Kind, Case: s.Case, ID: s.ID, IDs: s.IDs, Level: s.Level, Org: s.Org, From: s.From, To: s.To, Reason: s.Reason, Outcome: s.Outcome,
		Due: s.Due, Pack: s.Pack, By: s.By}
	var c Case
	hidden := s.Hidden
	if s.Case != "" {
		var err error
		if c, err = GetCase(ctx, tx, s.Case); err != nil {
			return Case{}, err
		}
		hidden = c.Hidden
	} else {
		id, err := uuid.NewRandomFromReader(t.Rand())
		if err != nil {
			return Case{}, fmt.Errorf("draw a UUID: %w", err)
		}
		e.Case = id.String()
	}
	note := Note{By: s.By, Case: e.Case, From: s.From, Kind: noteFact, Org: s.Org, Statement: s.Statement, To: s.To}
	if hidden || s.Private {
		e.By, e.From, e.To = "", "", ""
	}
	if hidden && !named(s.Kind) {
		e.Org = ""
	}
	begins := s.Case == "" && (s.Kind == event.DisputeOpened || s.Kind == event.DirectionGiven)
	var doc *event.Doc
	// A case that is public from its beginning has a body there, be it empty: that it has none is how a hidden one is known.
	if !hidden && !s.Private && (!s.Statement.Empty() || begins) {
		raw, err := s.Statement.canonical()
		if err != nil {
			return Case{}, err
		}
		if doc, err = t.Pack(s.Kind, raw); err != nil {
			return Case{}, err
		}
		e.Body = &event.BodyRef{}
	}
	if _, err := c.Next(&event.Entry{Event: e, Time: t.Now()}); err != nil {
		return Case{}, err
	}
	entry, err := t.Emit(ctx, e, doc)
	if err != nil {
		return Case{}, err
	}
	if hidden || s.Private {
		note.Step = entry.Index
		if err := note.emit(ctx, t); err != nil {
			return Case{}, err
		}
	}
	return GetWhole(ctx, tx, e.Case)
}

// named says that a step names an organisation also in a hidden case: who may act by a direction has to be seen by whoever checks
// the acts (events.md, rule R), and is not who owns the identifier.
func named(k event.Kind) bool { return k == event.DirectionGiven || k == event.DirectionEnded }

func (n Note) emit(ctx context.Context, t event.Turn) error {
	raw, err := jcs.Canonical(n)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrFact, err)
	}
	_, err = t.EmitPrivate(ctx, raw)
	return err
}

// Sighting is a reserved identifier that was seen in public.
type Sighting struct {
	ID         string
	Source     string    // where: base name or address of what was imported
	How        string    // SeenRecord, SeenCited or SeenReported
	Citing     string    // identifier of the record that cites it, "" for none
	SourceTime time.Time // when the source had it, if it says so
	Due        time.Time // of the remedy
	Dues       []event.Due
	Pack       string
}

// How an identifier was seen.
const (
	SeenRecord   = "record"   // another list has a record of it
	SeenCited    = "cited"    // a document names it
	SeenReported = "reported" // somebody says so
)

// NoteSighting writes a sighting down unless one of the identifier is open already; it says whether it did.
func NoteSighting(ctx context.Context, tx *store.Tx, t event.Turn, s Sighting) (bool, error) {
	if open, err := Sighted(ctx, tx, s.ID); err != nil || open {
		return false, err
	}
	e := &event.Event{Kind: event.RBPNoted, ID: s.ID, Source: s.Source, Reason: s.How, SourceTime: s.SourceTime, Due: s.Due, Dues: slices.Clone(s.Dues),
		Pack: s.Pack}
	if s.Citing != "" {
		e.IDs = []string{s.Citing}
	}
	_, err := t.Emit(ctx, e, nil)
	return err == nil, err
}

// NoteRelation writes down that an identifier was split into others, or that others were merged into it. kind is
// event.SplitNoted or event.MergeNoted; all of them are public by then.
func NoteRelation(ctx context.Context, t event.Turn, kind event.Kind, id string, ids []string, s Statement, by string) error {
	if err := s.Check(); err != nil {
		return err
	}
	var doc *event.Doc
	if !s.Empty() {
		raw, err := s.canonical()
		if err != nil {
			return err
		}
		if doc, err = t.Pack(kind, raw); err != nil {
			return err
		}
	}
	_, err := t.Emit(ctx, &event.Event{Kind: kind, ID: id, IDs: ids, By: by}, doc)
	return err
}
