package program_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tasuki/internal/authority"
	"tasuki/internal/governance"
	"tasuki/internal/program"
	"tasuki/internal/registry"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
	"tasuki/spec/cve"
)

// refusals are the errors that a step may answer with; any other is a fault.
var refusals = []error{authority.ErrDenied, authority.ErrUnauthorized, authority.ErrEnded, authority.ErrNoOrg, authority.ErrParent, governance.ErrState,
	governance.ErrOutcome,
	governance.ErrNoCase, governance.ErrSubject, program.ErrTooEarly, program.ErrFinal, program.ErrNobody, program.ErrUnheard, program.ErrKeep, program.ErrHeir,
	program.ErrRecordExists, registry.ErrNotFound, registry.ErrHasRecord, registry.ErrNoRecord}

// history is a world in which random callers try random steps.
type history struct {
	*tree
	ids    []string
	cases  []string
	done   map[string]int
	silent time.Duration // since something was surely written
	trail  []string      // what was tried, and what came of it
}

// fail ends the test at once. The world outlives a check of rapid, so that rapid cannot run it again to shrink it.
func (h *history) fail(t *testing.T, format string, args ...any) {
	t.Helper()
	t.Fatalf("%s\nafter\n%s", fmt.Sprintf(format, args...), strings.Join(h.trail[max(0, len(h.trail)-60):], "\n"))
}

var who = []string{"acme", "other", "loner", "spare", "root1", "root2", "tlr1", "tlr2", "lr1", "board", "secretariat"}

// step tries one step. Everything is drawn before it: rapid draws by panics, which the gate would take for the command's.
func (h *history) step(t *testing.T, rt *rapid.T) {
	ctx := t.Context()
	pick := func(label string, from []string) string {
		if len(from) == 0 {
			return ""
		}
		return rapid.SampledFrom(from).Draw(rt, label)
	}
	do := pick("do", []string{"reserve", "publish", "publish", "open", "open", "acknowledge", "extend", "escalate", "decide", "decide", "ask", "answer",
		"silence", "direct", "end", "close",
		"want", "transfer", "deny", "split", "merge", "see", "notice", "active", "erase"})
	short := pick("who", who)
	c := h.callers[short]
	if rapid.IntRange(0, 1).Draw(rt, "operator") == 0 {
		c = operator
	}
	org, id, other, in := pick("org", who), pick("id", h.ids), pick("other", h.ids), pick("case", h.cases[max(0, len(h.cases)-4):])
	level := rapid.SampledFrom([]string{governance.Valid, governance.Invalid, governance.Unresolved, governance.Withdrawn}).Draw(rt, "outcome")
	subject, yes := pick("subject", governance.Subjects), rapid.Bool().Draw(rt, "yes")
	pause := time.Duration(rapid.SampledFrom([]int{0, 1, 60, 3600, 80_000, 300_000, 1_300_000}).Draw(rt, "clock")) * time.Second
	if h.silent += pause; h.silent < 300*24*time.Hour { // a log that was silent for longer takes the clock for broken
		h.Clock.Add(pause)
	}
	var v program.CaseView
	var err error
	some := func(ids ...string) []string { return slices.DeleteFunc(ids, func(s string) bool { return s == "" }) }
	switch do {
	case "reserve":
		batch := "sequential"
		var out program.Reserved
		out, err = h.Reserve(ctx, h.callers[short], program.Reservation{Owner: short, Year: 2026, Amount: 1, Batch: &batch})
		for _, i := range out.IDs {
			h.ids = append(h.ids, i.ID)
		}
	case "publish":
		_, err = h.Publish(ctx, h.callers[short], program.Submission{ID: id, Container: []byte(container)})
	case "open":
		n := program.NewDispute{Subject: subject, IDs: some(id), Anonymous: yes, Statement: say("words")}
		if id == "" || yes {
			n.Against = org
		}
		v, err = h.OpenDispute(ctx, c, n)
	case "acknowledge":
		v, err = h.Acknowledge(ctx, c, in, say("seen"))
	case "extend":
		v, err = h.Extend(ctx, c, in, governance.Statement{})
	case "escalate":
		v, err = h.Escalate(ctx, c, in, say("up"))
	case "decide":
		v, err = h.Decide(ctx, c, in, level, say("so be it"))
	case "ask":
		v, err = h.AskFirst(ctx, c, program.NewRefusal{Org: org, InAdvance: yes, IDs: some(id), Statement: say("first")})
	case "answer":
		v, err = h.AnswerFirst(ctx, c, in, yes, say("answer"))
	case "silence":
		_, err = h.NoteSilence(ctx, operator)
	case "direct":
		n := program.NewDirection{Org: org, IDs: some(id), Statement: say("do it")}
		if yes {
			n.Case = in
		}
		v, err = h.Direct(ctx, c, n)
	case "end":
		v, err = h.EndDirection(ctx, c, in, org, "over")
	case "close":
		v, err = h.CloseRefusal(ctx, c, in, rapid.SampledFrom([]string{governance.Assigned, governance.NoVuln, governance.Withdrawn}).Draw(rt, "close"),
			say("closed"))
	case "want":
		v, err = h.AskTransfer(ctx, c, program.NewTransfer{IDs: some(id, other), To: org, Statement: say("mine")})
	case "transfer":
		n := program.NewTransfer{Case: in, To: org, IDs: some(id)}
		if yes {
			n.Case = ""
		}
		v, err = h.Transfer(ctx, c, n)
	case "deny":
		v, err = h.CloseTransfer(ctx, c, in, governance.Denied, say("no"))
	case "split":
		err = h.Split(ctx, h.callers[short], id, some(other), say("two"))
	case "merge":
		err = h.Merge(ctx, h.callers[short], id, some(other), "One flaw.")
	case "see":
		h.sight(t, program.Seen{ID: id, How: governance.SeenCited, Source: "list.zip"})
	case "notice":
		v, err = h.SendNotice(ctx, c, org, say("there?"))
	case "active":
		_, err = h.NoteActive(ctx, operator)
	case "erase":
		h.Erase(t, h.Size(t)-1-int64(rapid.IntRange(0, int(min(h.Size(t)-1, 40))).Draw(rt, "leaf")))
	}
	h.trail = append(h.trail, fmt.Sprintf("%s by %s %v: org %s, %s, %s, case %s, outcome %s, subject %s, %t, %s: %v", do, short, c.Role, org, id, other, in, level,
		subject, yes, pause, err))
	var quota *program.QuotaError
	switch {
	case err == nil:
		h.done[do]++
		if do != "silence" && do != "active" { // these may have had nothing to say
			h.silent = 0
		}
	case errors.As(err, &quota): // a CNA of last resort without one
	case !slices.ContainsFunc(refusals, func(want error) bool { return errors.Is(err, want) }):
		h.fail(t, "%s: %v", do, err)
	}
	if v.ID != "" && !slices.Contains(h.cases, v.ID) {
		h.cases = append(h.cases, v.ID)
	}
}

// For any history of steps by anybody, with erasures: every case can be read, by strangers too, who learn nothing of a hidden one; and
// the tables equal those of a replay of the erased log.
func TestWorkflowHistories(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := &history{tree: newTree(t, db), done: map[string]int{}}
		checks := 0
		check := func() {
			if got, err := h.Gate.Replay(t.Context(), false, nil); err != nil {
				h.fail(t, "replay: %v %x", err, got)
			}
			h.look(t)
		}
		rapid.Check(t, func(rt *rapid.T) {
			for range rapid.IntRange(5, 30).Draw(rt, "steps") {
				h.step(t, rt)
			}
			if checks++; checks%10 == 1 { // the list grows with each history, and so does what is read
				check()
			}
		})
		check()
		h.followed(t) // whatever was done, a mirror finds no fault with it
		for _, do := range []string{"open", "acknowledge", "decide", "escalate", "ask", "direct", "transfer", "see"} {
			if h.done[do] == 0 && !testing.Short() { // short histories may miss one
				t.Errorf("%s never succeeded: %v", do, h.done)
			}
		}
	})
}

// look reads everything that a stranger can.
func (h *history) look(t *testing.T) {
	ctx, nobody := t.Context(), authority.Caller{Role: authority.Anonymous}
	for _, id := range h.cases {
		v, err := h.Case(ctx, nobody, id)
		if err != nil {
			h.fail(t, "case %s: %v", id, err)
		}
		if v.Whole || len(v.May) > 0 {
			h.fail(t, "a stranger in the case %+v", v)
		}
		for _, s := range v.Steps {
			named := s.From + s.To + s.Statement.Text
			if v.Workflow == governance.Dispute && s.Kind != "direction.given/1" && s.Kind != "direction.ended/1" {
				named += s.Org
			}
			if v.Hidden && (named != "" || s.By != gatetestOperator) {
				h.fail(t, "the step of a hidden case: %+v", s)
			}
		}
	}
	clocks, err := h.Clocks(ctx, nobody)
	if err != nil {
		h.fail(t, "clocks: %v", err)
	}
	for i, k := range clocks {
		if k.Mine || i > 0 && k.Due.Before(clocks[i-1].Due) {
			h.fail(t, "clock %+v", k)
		}
		if k.OrgName == "" || k.CVE == "" {
			continue
		}
		if n, err := h.ID(ctx, nobody, k.CVE); err != nil || n.State == cve.Reserved && k.What != "direction" {
			h.fail(t, "the clock of a reserved identifier names somebody: %+v (%v)", k, err)
		}
	}
}
