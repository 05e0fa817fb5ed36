package governance

import (
	"fmt"
	"slices"
	"time"

	"tasuki/internal/event"
)

// Workflow is what a case is about.
type Workflow string

// The workflows.
const (
	Dispute    Workflow = "dispute"    // dispute policy 2.0.0
	Refusal    Workflow = "refusal"    // right of first refusal, CNA rules 4.2.1
	Direction  Workflow = "direction"  // a Root directs without having been refused: exigent cases, CNA rules 4.5.1.5
	Transfer   Workflow = "transfer"   // of ownership, CNA rules 4.5.4
	Inactivity Workflow = "inactivity" // inactive-CNA policy
)

// State is where a case stands.
type State string

// The states. A dispute goes from open by acknowledged (and perhaps extended) to decided, and from any of these up one level,
// where it is open again. A refusal goes from asked by refused and directed to closed.
const (
	Open         State = "open"
	Acknowledged State = "acknowledged"
	Extended     State = "extended"
	Decided      State = "decided"
	Asked        State = "asked"
	Refused      State = "refused"
	Directed     State = "directed"
	Transferred  State = "transferred"
	Noticed      State = "noticed"
	Closed       State = "closed"
)

// Levels of decision, from the lowest up (dispute policy 2.0.0).
var Levels = []string{"cna", "root", "tl-root", "council", "board"}

// Notices to an inactive CNA, in their order.
var Notices = []string{"first", "second", "third"}

// Subjects of disputes (dispute policy 2.0.0).
var Subjects = []string{
	"validity", // is it a vulnerability: before there is a record
	"publish",  // that a record is to be published, as a disputed one if need be
	"content",  // validity or content of a published record
	"counting", // one identifier or several
	"scope",    // whose it is; other violations of the rules
}

// Outcomes of disputes.
const (
	Valid      = "valid"      // the one who disputes is right: the record is modified or published
	Invalid    = "invalid"    // nothing changes but that the tag goes
	Unresolved = "unresolved" // tag and reason stay
	Withdrawn  = "withdrawn"  // by who began it
)

// Outcomes of what is not a dispute.
const (
	Accepted  = "accepted"            // the CNA that was asked first assigns
	Assigned  = "assigned"            // the party that was directed did
	NoVuln    = "not-a-vulnerability" // the Root determined so
	Denied    = "denied"              // a transfer that was asked for
	Active    = "active"              // a CNA that seemed inactive
	Revoked   = "revoked"             // a CNA that was
	Declined  = "declined"            // reasons of refusal.noted
	Silent    = "silent"
	InAdvance = "declined in advance"
)

// Case is one run of a workflow.
type Case struct {
	ID       string // UUID
	Leaf     int64  // that began it
	Newest   int64  // leaf of its newest step
	Workflow Workflow
	Subject  string // why it was begun, one word
	State    State
	Level    string   // who decides a dispute; which notice
	IDs      []string // CVE identifiers
	// Hidden says that texts and organisations are committed, not public; the next three are then empty but in what GetWhole
	// answers.
	Hidden      bool
	Party       string // who began it, UUID; "" for somebody without a name here
	Against     string // whom it is with, UUID
	Adjudicator string // who decides now, UUID
	Opened      time.Time
	Changed     time.Time
	Due         time.Time // of what comes next; zero for no time
	Outcome     string
	Pack        string // rule pack of the newest step
}

// Ended says that nothing more is to be done. A decided dispute can still go up.
func (c *Case) Ended() bool { return c.State == Decided || c.State == Closed || c.State == Transferred }

// Overdue says that what comes next should have come by then.
func (c *Case) Overdue(at time.Time) bool { return !c.Ended() && !c.Due.IsZero() && at.After(c.Due) }

// A move is a step that cases of a workflow take.
type move struct {
	workflow Workflow
	kind     event.Kind
	from     []State // "" begins a case
	to       State   // "" leaves the state
}

var moves = []move{
	{Dispute, event.DisputeOpened, []State{""}, Open},
	{Dispute, event.DisputeAcknowledged, []State{Open}, Acknowledged},
	{Dispute, event.DisputeExtended, []State{Acknowledged}, Extended},
	{Dispute, event.DisputeEscalated, []State{Open, Acknowledged, Extended, Decided}, Open},
	{Dispute, event.DisputeDecided, []State{Open, Acknowledged, Extended, Decided}, Decided},
	{Dispute, event.DirectionGiven, []State{Open, Acknowledged, Extended, Decided}, ""},
	{Dispute, event.DirectionEnded, []State{Open, Acknowledged, Extended, Decided}, ""},

	{Refusal, event.RefusalAsked, []State{""}, Asked},
	{Refusal, event.RefusalNoted, []State{"", Asked}, Refused},
	{Refusal, event.DirectionGiven, []State{Refused}, Directed},
	{Refusal, event.DirectionEnded, []State{Directed}, Refused},
	{Refusal, event.RefusalClosed, []State{Asked, Refused, Directed}, Closed},

	{Direction, event.DirectionGiven, []State{""}, Directed},
	{Direction, event.DirectionEnded, []State{Directed}, Closed},

	{Transfer, event.TransferAsked, []State{""}, Asked},
	{Transfer, event.IDTransferred, []State{"", Asked, Transferred}, Transferred},
	{Transfer, event.TransferClosed, []State{Asked}, Closed},

	{Inactivity, event.NoticeSent, []State{"", Noticed}, Noticed},
	{Inactivity, event.NoticeClosed, []State{Noticed}, Closed},
}

// moveOf finds the move that an event makes of a case; a case that is not there yet has no workflow.
func (c *Case) moveOf(kind event.Kind) *move {
	i := slices.IndexFunc(moves, func(m move) bool {
		return m.kind == kind && (c.Workflow == m.workflow || c.Workflow == "") && slices.Contains(m.from, c.State)
	})
	if i < 0 {
		return nil
	}
	return &moves[i]
}

// Next is the case after a step: ErrState, ErrOutcome, ErrSubject. The zero Case is begun by it. It reads nothing but the leaf, so
// that an erased body changes no state.
func (c Case) Next(e *event.Entry) (Case, error) {
	m := c.moveOf(e.Kind)
	if m == nil {
		return c, fmt.Errorf("%s in state %q: %w", e.Kind, c.State, ErrState)
	}
	if err := c.fits(e); err != nil {
		return c, err
	}
	if c.Workflow == "" {
		c = Case{ID: e.Case, Leaf: e.Index, Workflow: m.workflow, Subject: e.Reason, Opened: e.Time}
		switch e.Kind {
		case event.DisputeOpened:
			c.Party, c.Against = e.From, e.To
		case event.RefusalAsked:
			c.Party, c.Against = e.From, e.Org
		case event.RefusalNoted, event.DirectionGiven, event.NoticeSent:
			c.Against = e.Org
		case event.TransferAsked:
			c.Party, c.Against = e.From, e.To
		case event.IDTransferred:
			c.Party, c.Against = e.From, e.To
		}
		// What has no text in public has none because it is hidden; an erased body is still promised by its leaf.
		c.Hidden = e.Body == nil && (m.workflow == Dispute || m.workflow == Direction)
	}
	c.Newest, c.Changed, c.Pack = e.Index, e.Time, e.Pack
	if m.to != "" {
		c.State, c.Due = m.to, e.Due
	}
	if e.Level != "" && e.Kind != event.DirectionGiven && e.Kind != event.DirectionEnded { // directions have no level
		c.Level = e.Level
	}
	if c.State != Decided && c.State != Closed && c.State != Transferred {
		c.Outcome = ""
	}
	if e.Outcome != "" {
		c.Outcome = e.Outcome
	}
	switch e.Kind {
	case event.DisputeOpened, event.DisputeAcknowledged, event.DisputeExtended, event.DisputeEscalated, event.DisputeDecided:
		c.Adjudicator = e.Org
	case event.RefusalNoted:
		c.Adjudicator = e.To
	}
	c.IDs = slices.Clone(c.IDs)
	for _, id := range append(slices.Clone(e.IDs), e.ID) {
		if id != "" && !slices.Contains(c.IDs, id) {
			c.IDs = append(c.IDs, id)
		}
	}
	return c, nil
}

// fits holds the members of a step to the case.
func (c *Case) fits(e *event.Entry) error {
	rank := func(list []string, name string) int { return slices.Index(list, name) }
	switch e.Kind {
	case event.DisputeOpened:
		if !slices.Contains(Subjects, e.Reason) {
			return fmt.Errorf("%w: %q", ErrSubject, e.Reason)
		}
		if rank(Levels, e.Level) < 0 {
			return fmt.Errorf("level %q: %w", e.Level, ErrState)
		}
	case event.DisputeAcknowledged, event.DisputeExtended, event.DisputeDecided:
		if e.Level != c.Level {
			return fmt.Errorf("at level %q, the case is at %q: %w", e.Level, c.Level, ErrState)
		}
	case event.DisputeEscalated:
		if rank(Levels, e.Level) <= rank(Levels, c.Level) {
			return fmt.Errorf("from level %q to %q: %w", c.Level, e.Level, ErrState)
		}
	case event.NoticeSent:
		if rank(Notices, e.Level) != rank(Notices, c.Level)+1 {
			return fmt.Errorf("notice %q after %q: %w", e.Level, c.Level, ErrState)
		}
	case event.RefusalNoted:
		if e.Reason != Declined && e.Reason != Silent && e.Reason != InAdvance || (e.Reason == InAdvance) != (c.State == "") {
			return fmt.Errorf("%w: %q", ErrOutcome, e.Reason)
		}
	}
	if e.Outcome != "" && !slices.Contains(outcomes[outcomeKey{e.Kind, c.State}], e.Outcome) {
		return fmt.Errorf("%s in state %q: %w: %q", e.Kind, c.State, ErrOutcome, e.Outcome)
	}
	return nil
}

type outcomeKey struct {
	kind event.Kind
	in   State
}

// outcomes that a step may have, by the state it finds. A decision that stands already is reconsidered, not withdrawn.
var outcomes = map[outcomeKey][]string{
	{event.DisputeDecided, Open}:         {Withdrawn},
	{event.DisputeDecided, Acknowledged}: {Valid, Invalid, Unresolved, Withdrawn},
	{event.DisputeDecided, Extended}:     {Valid, Invalid, Unresolved, Withdrawn},
	{event.DisputeDecided, Decided}:      {Valid, Invalid, Unresolved},
	{event.RefusalClosed, Asked}:         {Accepted, Withdrawn},
	{event.RefusalClosed, Refused}:       {Accepted, NoVuln, Withdrawn},
	{event.RefusalClosed, Directed}:      {Assigned, Withdrawn},
	{event.TransferClosed, Asked}:        {Denied, Withdrawn},
	{event.NoticeClosed, Noticed}:        {Active, Revoked},
}
