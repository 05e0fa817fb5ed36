package governance

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tasuki/internal/event"
	"tasuki/internal/store"
)

var (
	caseGet       = q.Get("case_get")
	caseList      = q.Get("case_list")
	caseAbout     = q.Get("case_about")
	stepCase      = q.Get("step_case")
	stepKind      = q.Get("step_kind")
	stepCVE       = q.Get("step_cve")
	noteCase      = q.Get("note_case")
	directionTo   = q.Get("direction_to")
	directionCase = q.Get("direction_case")
)

// GetCase reads a case as anybody may see it; ErrNoCase.
func GetCase(ctx context.Context, tx *store.Tx, id string) (Case, error) {
	c, err := scanCase(tx.QueryRow(ctx, caseGet, id))
	if errors.Is(err, sql.ErrNoRows) {
		return Case{}, fmt.Errorf("%q: %w", plain(id), ErrNoCase)
	}
	return c, err
}

// GetWhole reads a case with what its notes say of the organisations in it: for those who are in it alone.
func GetWhole(ctx context.Context, tx *store.Tx, id string) (Case, error) {
	c, err := GetCase(ctx, tx, id)
	if err != nil {
		return c, err
	}
	notes, err := Notes(ctx, tx, id)
	if err != nil || len(notes) == 0 {
		return c, err
	}
	steps, err := Steps(ctx, tx, id)
	if err != nil {
		return c, err
	}
	for _, n := range notes {
		i := slices.IndexFunc(steps, func(s Recorded) bool { return s.Leaf == n.Step })
		if i < 0 {
			continue
		}
		s := steps[i]
		if s.Leaf == c.Leaf {
			c.Party = n.From
			if n.To != "" && s.Kind == event.DisputeOpened {
				c.Against = n.To
			}
		}
		switch {
		case s.Kind == event.RefusalNoted:
			c.Adjudicator = n.To
		case strings.HasPrefix(string(s.Kind), "dispute."):
			c.Adjudicator = n.Org
		}
	}
	return c, nil
}

// Cases lists the cases of a workflow, newest first.
func Cases(ctx context.Context, tx *store.Tx, w Workflow) ([]Case, error) {
	return scanCases(ctx, tx, caseList, string(w))
}

// About lists the cases that an identifier is part of, newest first.
func About(ctx context.Context, tx *store.Tx, id string) ([]Case, error) {
	return scanCases(ctx, tx, caseAbout, id)
}

func scanCases(ctx context.Context, tx *store.Tx, query *store.Query, args ...any) (out []Case, err error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says what went wrong
	for rows.Next() {
		c, err := scanCase(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

type scanner interface{ Scan(...any) error }

func scanCase(row scanner) (Case, error) {
	var c Case
	var ids string
	var hidden, opened, changed, due int64
	err := row.Scan(&c.ID, &c.Leaf, &c.Newest, &c.Workflow, &c.Subject, &c.State, &c.Level, &ids, &hidden, &c.Party, &c.Against, &c.Adjudicator, &opened, &changed,
		&due, &c.Outcome, &c.Pack)
	c.IDs, c.Hidden, c.Opened, c.Changed, c.Due = strings.Fields(ids), hidden == 1, moment(opened), moment(changed), moment(due)
	return c, err
}

// Recorded is a public step as the log has it.
type Recorded struct {
	Leaf      int64
	Case      string
	Kind      event.Kind
	CVE       string // the identifier that the leaf is about
	IDs       []string
	By        string // organisations, UUIDs
	Org       string
	From, To  string
	Level     string
	Reason    string
	Outcome   string
	Source    string
	Due       time.Time
	Pack      string
	At        time.Time
	Statement Statement // empty when there is none, or it was erased
}

// Steps are the public steps of a case, oldest first.
func Steps(ctx context.Context, tx *store.Tx, id string) ([]Recorded, error) {
	return scanSteps(ctx, tx, stepCase, id)
}

// StepsOf are the newest public steps of a kind, newest first.
func StepsOf(ctx context.Context, tx *store.Tx, kind event.Kind, limit int) ([]Recorded, error) {
	return scanSteps(ctx, tx, stepKind, string(kind), limit)
}

// StepsAbout are the steps whose leaves are about one identifier, oldest first: sightings, splits, merges, transfers.
func StepsAbout(ctx context.Context, tx *store.Tx, id string) ([]Recorded, error) {
	return scanSteps(ctx, tx, stepCVE, id)
}

func scanSteps(ctx context.Context, tx *store.Tx, query *store.Query, args ...any) (out []Recorded, err error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says what went wrong
	for rows.Next() {
		var s Recorded
		var ids, body string
		var due, at int64
		if err := rows.Scan(&s.Leaf, &s.Case, &s.Kind, &s.CVE, &ids, &s.By, &s.Org, &s.From, &s.To, &s.Level, &s.Reason, &s.Outcome, &s.Source, &due, &s.Pack, &at,
			&body); err != nil {
			return nil, err
		}
		s.IDs, s.Due, s.At = strings.Fields(ids), moment(due), moment(at)
		if body != "" {
			if s.Statement, err = ParseStatement([]byte(body)); err != nil {
				return nil, fmt.Errorf("leaf %d: %w", s.Leaf, err)
			}
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

// Notes are what is committed beside the steps of a case, oldest first: for those who are in it alone.
func Notes(ctx context.Context, tx *store.Tx, id string) (out []Note, err error) {
	rows, err := tx.Query(ctx, noteCase, id)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says what went wrong
	for rows.Next() {
		var leaf, step int64
		var body string
		if err := rows.Scan(&leaf, &step, &body); err != nil {
			return nil, err
		}
		n, ours, err := parseNote([]byte(body))
		if err != nil || !ours {
			return nil, fmt.Errorf("note %d: %w", leaf, errors.Join(ErrFact, err))
		}
		n.Leaf = leaf
		out = append(out, n)
	}
	return out, rows.Err()
}

// DirectionTo says whether an organisation was told to assign or publish an identifier, and may therefore put its record; by which
// case.
func DirectionTo(ctx context.Context, tx *store.Tx, id, org string) (in string, err error) {
	err = tx.QueryRow(ctx, directionTo, id, org).Scan(&in)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return in, err
}

// DirectedIn lists the organisations whose direction in a case stands.
func DirectedIn(ctx context.Context, tx *store.Tx, id string) (out []string, err error) {
	rows, err := tx.Query(ctx, directionCase, id)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says what went wrong
	for rows.Next() {
		var org string
		if err := rows.Scan(&org); err != nil {
			return nil, err
		}
		out = append(out, org)
	}
	return out, rows.Err()
}
