package governance

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"tasuki/internal/event"
	"tasuki/internal/store"
	"tasuki/spec/cve"
	"tasuki/spec/jcs"
)

var (
	casePut        = q.Get("case_put")
	aboutPut       = q.Get("about_put")
	stepPut        = q.Get("step_put")
	stepErase      = q.Get("step_erase")
	notePut        = q.Get("note_put")
	noteDrop       = q.Get("note_drop")
	clockPut       = q.Get("clock_put")
	clockCase      = q.Get("clock_case")
	clockCVE       = q.Get("clock_cve")
	directionPut   = q.Get("direction_put")
	directionEnd   = q.Get("direction_end")
	directionClose = q.Get("direction_close")
	pacePut        = q.Get("pace_put")
)

// Fold brings one event into the tables.
func (Projection) Fold(ctx context.Context, tx *store.Tx, e *event.Entry) error {
	switch e.Kind {
	case event.DisputeOpened, event.DisputeAcknowledged, event.DisputeExtended, event.DisputeEscalated, event.DisputeDecided,
		event.RefusalAsked, event.RefusalNoted, event.RefusalClosed, event.DirectionGiven, event.DirectionEnded,
		event.TransferAsked, event.TransferClosed, event.NoticeSent, event.NoticeClosed:
		return foldStep(ctx, tx, e)
	case event.IDTransferred:
		if e.Case == "" {
			return putStep(ctx, tx, e)
		}
		return foldStep(ctx, tx, e)
	case event.SplitNoted, event.MergeNoted:
		return putStep(ctx, tx, e)
	case event.RBPNoted:
		return foldSighting(ctx, tx, e)
	case event.RecordPut:
		if e.Cont != cve.CNA {
			return nil
		}
		return foldPublic(ctx, tx, e)
	case event.RecordRejected, event.RecordReplaced, event.IDRejected:
		return foldPublic(ctx, tx, e)
	case event.PrivateFact:
		return foldNote(ctx, tx, e)
	case event.BodyErased:
		_, err := tx.Exec(ctx, stepErase, *e.Leaf)
		if err == nil {
			_, err = tx.Exec(ctx, noteDrop, *e.Leaf)
		}
		return err
	default:
		return nil
	}
}

// foldStep moves a case, ends the clock that ran and starts the next one.
func foldStep(ctx context.Context, tx *store.Tx, e *event.Entry) error {
	c, err := GetCase(ctx, tx, e.Case)
	if err != nil && !errors.Is(err, ErrNoCase) {
		return err
	}
	if c, err = c.Next(e); err != nil {
		return fmt.Errorf("case %s: %w", e.Case, err)
	}
	if _, err := tx.Exec(ctx, casePut, c.ID, c.Leaf, c.Newest, string(c.Workflow), c.Subject, string(c.State), c.Level, strings.Join(c.IDs, " "), bit(c.Hidden),
		c.Party, c.Against, c.Adjudicator, millis(c.Opened), millis(c.Changed), millis(c.Due), c.Outcome, c.Pack); err != nil {
		return err
	}
	for _, id := range c.IDs {
		if _, err := tx.Exec(ctx, aboutPut, id, c.ID); err != nil {
			return err
		}
	}
	if err := putStep(ctx, tx, e); err != nil {
		return err
	}
	if err := foldDirection(ctx, tx, &c, e); err != nil {
		return err
	}
	if c.Workflow == Dispute && (e.Kind == event.DirectionGiven || e.Kind == event.DirectionEnded) {
		return nil // beside the dispute's own course
	}
	if _, err := tx.Exec(ctx, clockCase, e.Time.UnixMilli(), c.ID); err != nil {
		return err
	}
	if e.Due.IsZero() {
		return nil
	}
	k := Clock{Leaf: e.Index, What: triggers[e.Kind], Case: c.ID, Org: c.acts(e), Started: e.Time, Due: e.Due, Pack: e.Pack}
	if e.Kind != event.DirectionGiven || len(c.IDs) == 0 {
		return k.put(ctx, tx)
	}
	for _, id := range c.IDs { // whoever was directed publishes each
		k.CVE = id
		if err := k.put(ctx, tx); err != nil {
			return err
		}
	}
	return nil
}

// triggers are the rule pack's names of the deadlines that steps begin.
var triggers = map[event.Kind]string{
	event.DisputeOpened:       "dispute.acknowledge",
	event.DisputeEscalated:    "dispute.acknowledge",
	event.DisputeAcknowledged: "dispute.decide",
	event.DisputeExtended:     "dispute.extend",
	event.RefusalAsked:        "refusal.answer",
	event.RefusalNoted:        "refusal.direct",
	event.DirectionGiven:      "direction",
	event.NoticeSent:          "cna.inactive.notice",
}

// acts is who has to act next, as far as that is public.
func (c *Case) acts(e *event.Entry) string {
	if c.Hidden {
		return ""
	}
	switch e.Kind {
	case event.RefusalNoted:
		return e.To
	case event.RefusalAsked, event.DirectionGiven, event.NoticeSent:
		return e.Org
	}
	return c.Adjudicator
}

func foldDirection(ctx context.Context, tx *store.Tx, c *Case, e *event.Entry) error {
	switch {
	case e.Kind == event.DirectionGiven:
		ids := e.IDs
		if len(ids) == 0 {
			ids = []string{""}
		}
		for _, id := range ids {
			if _, err := tx.Exec(ctx, directionPut, e.Index, c.ID, e.Org, id); err != nil {
				return err
			}
		}
	case e.Kind == event.DirectionEnded:
		_, err := tx.Exec(ctx, directionEnd, e.Index, c.ID, e.Org)
		return err
	case c.State == Closed:
		_, err := tx.Exec(ctx, directionClose, e.Index, c.ID)
		return err
	}
	return nil
}

func putStep(ctx context.Context, tx *store.Tx, e *event.Entry) error {
	body := ""
	if e.Doc != nil {
		raw, err := e.Doc.Bytes()
		if err != nil {
			return err
		}
		if _, err := ParseStatement(raw); err != nil {
			return fmt.Errorf("%s: %w", e.Kind, err)
		}
		body = string(raw)
	}
	_, err := tx.Exec(ctx, stepPut, e.Index, e.Case, string(e.Kind), e.ID, strings.Join(e.IDs, " "), e.By, e.Org, e.From, e.To, e.Level, plain(e.Reason),
		e.Outcome, plain(e.Source), millis(e.Due), e.Pack, e.Time.UnixMilli(), body)
	return err
}

func foldSighting(ctx context.Context, tx *store.Tx, e *event.Entry) error {
	if err := putStep(ctx, tx, e); err != nil {
		return err
	}
	for _, d := range append([]event.Due{{For: Remedy, At: e.Due}}, e.Dues...) {
		k := Clock{Leaf: e.Index, What: d.For, CVE: e.ID, Started: e.Time, Due: d.At, Pack: e.Pack}
		if err := k.put(ctx, tx); err != nil {
			return err
		}
	}
	return nil
}

// foldPublic ends the clocks that wait for an identifier to be published or rejected.
func foldPublic(ctx context.Context, tx *store.Tx, e *event.Entry) error {
	if e.Kind == event.RecordPut && !e.Reserved.IsZero() {
		if _, err := tx.Exec(ctx, pacePut, e.Index, e.ID, e.By, e.Reserved.UnixMilli(), e.Time.UnixMilli()); err != nil {
			return err
		}
	}
	org := e.By
	if e.Kind == event.IDRejected || e.Kind == event.RecordReplaced {
		org = "" // the operator, or the Secretariat, said so for the owner
	}
	_, err := tx.Exec(ctx, clockCVE, e.Time.UnixMilli(), org, org, e.ID)
	return err
}

func foldNote(ctx context.Context, tx *store.Tx, e *event.Entry) error {
	if e.Private == nil {
		return nil // this copy does not hold it
	}
	n, ours, err := parseNote(e.Private)
	if err != nil || !ours {
		return err
	}
	raw, err := jcs.Canonical(n)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, notePut, e.Index, n.Case, n.Step, string(raw))
	return err
}

func (k Clock) put(ctx context.Context, tx *store.Tx) error {
	_, err := tx.Exec(ctx, clockPut, k.Leaf, k.What, k.Case, k.CVE, k.Org, millis(k.Started), millis(k.Due), k.Pack)
	return err
}

// plain is s as a text column of either engine can hold it: PostgreSQL knows no U+0000, which JSON does.
func plain(s string) string { return strings.ReplaceAll(s, "\x00", "\uFFFD") }

func bit(v bool) int64 {
	if v {
		return 1
	}
	return 0
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
