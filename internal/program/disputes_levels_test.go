package program_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"tasuki/internal/authority"
	"tasuki/internal/governance"
	"tasuki/internal/ledger"
	"tasuki/internal/program"
	"tasuki/internal/registry"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

// A dispute about a scope goes through every level, each deadline to the second by the calendar of whoever decides there: Japan's
// substitute holidays, the week that clocks go back in Brussels and New York, Thanksgiving.
func TestDisputeThroughAllLevels(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, ctx := newTree(t, db), t.Context()
		w.at(t, "2027-04-28T03:00:00Z") // Wednesday noon in Tokyo, before the holidays of Golden Week
		id := w.publish(t, "acme")
		v, err := w.OpenDispute(ctx, w.callers["other"], program.NewDispute{Subject: "scope", IDs: []string{id}, Statement: say("It is ours.")})
		if err != nil {
			t.Fatal(err)
		}
		check := func(step, level, decides string, state governance.State, due string) {
			t.Helper()
			got := ""
			if !v.Due.IsZero() {
				got = v.Due.Format(time.RFC3339Nano)
			}
			if err != nil || v.Level != level || v.AdjudicatorName != decides || v.State != state || got != due {
				t.Fatalf("%s: level %s, decided by %q, %s, due %s (%v); want %s, %q, %s, %s", step, v.Level, v.AdjudicatorName, v.State, got, err, level, decides,
					state, due)
			}
		}
		as := func(short string) authority.Caller { return w.callers[short] }
		refused := func(what string, got, want error) {
			t.Helper()
			if !errors.Is(got, want) {
				t.Errorf("%s: %v, want %v", what, got, want)
			}
		}
		// Free: 29 April, 1–2 May (weekend), 3–5 May. The third business day after 28 April is 7 May, which ends 14:59:59Z.
		check("opened", "root", "root1", governance.Open, "2027-05-07T14:59:59Z")
		for _, who := range []string{"acme", "other", "root2", "tlr1", "secretariat"} {
			_, err := w.Acknowledge(ctx, as(who), v.ID, say("not mine"))
			refused(who+" acknowledges", err, program.ErrNotAbove)
		}
		_, err = w.Escalate(ctx, as("other"), v.ID, say("too slow"))
		refused("escalated before it is due", err, program.ErrTooEarly)
		w.at(t, "2027-05-07T14:59:59Z")
		v, err = w.Acknowledge(ctx, as("root1"), v.ID, say("seen"))
		check("acknowledged", "root", "root1", governance.Acknowledged, "2027-05-14T14:59:59Z")
		_, err = w.Acknowledge(ctx, as("root1"), v.ID, say("again"))
		refused("acknowledged twice", err, governance.ErrState)
		w.at(t, "2027-05-14T10:00:00Z")
		v, err = w.Extend(ctx, as("root1"), v.ID, say("more time"))
		check("extended", "root", "root1", governance.Extended, "2027-06-04T14:59:59Z")
		_, err = w.Extend(ctx, as("root1"), v.ID, say("even more"))
		refused("extended twice", err, governance.ErrState)
		_, err = w.Escalate(ctx, as("loner"), v.ID, say("me too"))
		refused("a stranger escalates", err, program.ErrNotParty)
		w.at(t, "2027-06-04T14:59:59Z")
		_, err = w.Escalate(ctx, as("other"), v.ID, say("late"))
		refused("escalated in the last second", err, program.ErrTooEarly)

		// tlr1 counts by the holidays of the United States: after 24 November 2027 come Thanksgiving (25th), 26, 29, 30.
		w.at(t, "2027-11-24T17:00:00Z")
		v, err = w.Escalate(ctx, as("other"), v.ID, say("late"))
		check("escalated", "tl-root", "tlr1", governance.Open, "2027-12-01T04:59:59Z")
		w.at(t, "2027-11-30T12:00:00Z")
		v, err = w.Acknowledge(ctx, as("tlr1"), v.ID, say("seen"))
		check("acknowledged above", "tl-root", "tlr1", governance.Acknowledged, "2027-12-08T04:59:59Z")
		v, err = w.Decide(ctx, as("tlr1"), v.ID, governance.Invalid, say("It is acme's."))
		check("decided", "tl-root", "tlr1", governance.Decided, "")

		// Across hierarchies the Council decides; any of its members writes it down, none that is in the case. UTC's weekdays count.
		w.at(t, "2027-12-03T23:00:00Z")
		v, err = w.Escalate(ctx, as("other"), v.ID, say("to the Council"))
		check("appealed", "council", "", governance.Open, "2027-12-08T23:59:59Z")
		_, err = w.Acknowledge(ctx, as("board"), v.ID, say("not yet"))
		refused("the Board at the Council's level", err, program.ErrNotAbove)
		v, err = w.Acknowledge(ctx, as("root2"), v.ID, say("seen"))
		check("acknowledged by the Council", "council", "", governance.Acknowledged, "2027-12-10T23:59:59Z")
		v, err = w.Decide(ctx, as("tlr2"), v.ID, governance.Unresolved, say("The Council is divided."))
		check("decided by the Council", "council", "", governance.Decided, "")

		w.at(t, "2027-12-30T12:00:00Z")
		v, err = w.Escalate(ctx, as("acme"), v.ID, say("to the Board"))
		check("to the Board", "board", "", governance.Open, "2028-01-04T23:59:59Z")
		_, err = w.Acknowledge(ctx, as("tlr2"), v.ID, say("no"))
		refused("the Council at the Board's level", err, program.ErrNotAbove)
		v, err = w.Acknowledge(ctx, as("board"), v.ID, say("seen"))
		check("acknowledged by the Board", "board", "", governance.Acknowledged, "2028-01-06T23:59:59Z")
		v, err = w.Decide(ctx, as("board"), v.ID, governance.Valid, say("It is other's."))
		check("decided by the Board", "board", "", governance.Decided, "")
		_, err = w.Escalate(ctx, as("acme"), v.ID, say("higher"))
		refused("above the Board", err, program.ErrFinal)
		if len(v.Steps) != 12 || v.Outcome != governance.Valid {
			t.Errorf("%d steps, outcome %q", len(v.Steps), v.Outcome)
		}
		for _, s := range v.Steps {
			if s.Pack != "4.2.0" {
				t.Errorf("leaf %d is stamped with rules %q", s.Leaf, s.Pack)
			}
		}
		// acme kept no deadline in public, root1 met its first, extended in time, and then ran over.
		a, err := w.ActivityOf(ctx, "root1")
		if err != nil || a.Met != 2 || a.Missed != 1 {
			t.Errorf("root1: %+v (%v)", a.Timeliness, err)
		}
		w.replayed(t)
	})
}

// Deadlines on the days when clocks are turned end with the day, by whatever offset that day ends with.
func TestDeadlinesAcrossClockChanges(t *testing.T) {
	w, ctx := newTree(t, storetest.Open(t, storetest.SQLite(t))), t.Context()
	for _, tc := range []struct{ against, at, due string }{
		{"loner", "2027-03-11T15:00:00Z", "2027-03-17T03:59:59Z"}, // New York: 14 March, 5 hours behind become 4
		{"other", "2027-03-25T15:00:00Z", "2027-04-01T21:59:59Z"}, // Brussels: Good Friday and Easter Monday, summer time since 28 March
		{"other", "2027-10-28T15:00:00Z", "2027-11-02T22:59:59Z"}, // winter time since 31 October
		{"loner", "2027-11-04T15:00:00Z", "2027-11-10T04:59:59Z"}, // 7 November, back again
	} {
		w.at(t, tc.at)
		// loner stands right under tlr1; other's Root has no calendar of its own, so tlr2's counts.
		v, err := w.OpenDispute(ctx, operator, program.NewDispute{Subject: "scope", Against: tc.against, Statement: say("x")})
		if got := v.Due.Format(time.RFC3339); err != nil || got != tc.due {
			t.Errorf("%s at %s: due %s (%v), want %s", tc.against, tc.at, got, err, tc.due)
		}
	}
}

// Inside one hierarchy its head is final, unless it is about a scope; a level without anybody is passed over, and nobody judges itself.
func TestLevelsThatArePassedOver(t *testing.T) {
	w, ctx := newTree(t, storetest.Open(t, storetest.SQLite(t))), t.Context()
	id := w.publish(t, "loner")
	v, err := w.OpenDispute(ctx, w.callers["acme"], program.NewDispute{Subject: "content", IDs: []string{id}, Statement: say("no")})
	if err != nil {
		t.Fatal(err)
	}
	if v, err = w.Escalate(ctx, w.callers["loner"], v.ID, say("Somebody else may say.")); err != nil || v.Level != "tl-root" || v.AdjudicatorName != "tlr1" {
		t.Fatalf("loner has no Root but the head: %s %s (%v)", v.Level, v.AdjudicatorName, err)
	}
	if v, err = w.Acknowledge(ctx, w.callers["tlr1"], v.ID, say("seen")); err != nil {
		t.Fatal(err)
	}
	if v, err = w.Decide(ctx, w.callers["tlr1"], v.ID, governance.Invalid, say("It stands.")); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Escalate(ctx, w.callers["acme"], v.ID, say("higher")); !errors.Is(err, program.ErrFinal) {
		t.Errorf("above the head of one hierarchy: %v", err)
	}
	if v, err = w.Decide(ctx, w.callers["tlr1"], v.ID, governance.Valid, say("On second thoughts.")); err != nil || v.Outcome != governance.Valid {
		t.Errorf("reconsidered: %+v (%v)", v.Case, err)
	}
	// A Root in its own cause is passed over.
	v, err = w.OpenDispute(ctx, w.callers["root1"], program.NewDispute{Subject: "scope", Against: "acme", Statement: say("x")})
	if err != nil || v.Level != "tl-root" || v.AdjudicatorName != "tlr1" {
		t.Errorf("root1 against acme: %s %s (%v)", v.Level, v.AdjudicatorName, err)
	}
	if v, err = w.Decide(ctx, w.callers["root1"], v.ID, governance.Withdrawn, say("never mind")); err != nil || v.Outcome != governance.Withdrawn {
		t.Errorf("withdrawn: %+v (%v)", v.Case, err)
	}
	if _, err := w.Escalate(ctx, w.callers["root1"], v.ID, say("x")); !errors.Is(err, governance.ErrState) {
		t.Errorf("what was withdrawn goes nowhere: %v", err)
	}
	if _, err := w.OpenDispute(ctx, w.callers["acme"], program.NewDispute{Subject: "content", IDs: []string{"CVE-1900-0001"}}); !errors.Is(err,
		registry.ErrNotFound) {
		t.Errorf("an example: %v", err)
	}
	if _, err := w.OpenDispute(ctx, authority.Caller{Role: authority.Anonymous}, program.NewDispute{Subject: "scope", Against: "acme"}); !errors.Is(err,
		authority.ErrDenied) {
		t.Errorf("anonymous: %v", err)
	}
}

// A dispute about a reserved identifier shows in public that there is one, and nothing of whose it is: not by a name, not by a text,
// not by a link between leaves, not by a holiday.
func TestHiddenDispute(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, ctx := newTree(t, db), t.Context()
		w.at(t, "2027-04-28T03:00:00Z")
		nobody := authority.Caller{Role: authority.Anonymous}
		type seen struct {
			due, level string
			sizes      []int
		}
		var all []seen
		for _, owner := range []string{"acme", "other", "loner"} { // under Japan's holidays, Europe's, the United States'
			id := w.reserve(t, owner, 1)[0]
			first := w.Size(t)
			v, err := w.OpenDispute(ctx, w.callers["spare"], program.NewDispute{Subject: "validity", IDs: []string{id}, Statement: say("secret-words")})
			if err != nil || !v.Hidden || v.AgainstName != owner || v.PartyName != "spare" || v.Steps[0].Statement.Text != "secret-words" {
				t.Fatalf("%+v (%v)", v, err)
			}
			if v, err = w.Acknowledge(ctx, w.callers[owner], v.ID, say("secret-answer")); err != nil {
				t.Fatal(err)
			}
			if v, err = w.Decide(ctx, w.callers[owner], v.ID, governance.Valid, say("secret-decision")); err != nil || len(v.Steps) != 3 {
				t.Fatal(err)
			}
			for _, who := range []authority.Caller{nobody, w.callers["root2"], w.callers["lr1"]} {
				got, err := w.Case(ctx, who, v.ID)
				if owner == "other" && who == w.callers["root2"] {
					continue // above it
				}
				if err != nil || got.Whole || got.AgainstName+got.PartyName+got.AdjudicatorName != "" || got.Against+got.Party+got.Adjudicator != "" {
					t.Fatalf("%s sees %+v (%v)", who, got, err)
				}
				for _, s := range got.Steps {
					if s.By != gatetestOperator || s.Org+s.From+s.To+s.Statement.Text != "" {
						t.Errorf("%s sees the step %+v", who, s)
					}
				}
			}
			s := seen{due: v.Steps[0].Due.Format(time.RFC3339) + v.Steps[1].Due.Format(time.RFC3339), level: v.Level}
			for i, leaf := range w.leaves(t, first) {
				l, err := ledger.ParseLeaf(leaf)
				if err != nil {
					t.Fatal(err)
				}
				s.sizes = append(s.sizes, len(l.Event))
				if strings.Contains(string(leaf), w.callers[owner].Org) || strings.Contains(string(leaf), w.callers["spare"].Org) || strings.Contains(string(leaf),
					"secret") {
					t.Errorf("leaf %d tells: %s", i, leaf)
				}
			}
			all = append(all, s)
		}
		for _, s := range all[1:] {
			if s.due != all[0].due || s.level != all[0].level || !slices.Equal(s.sizes, all[0].sizes) {
				t.Errorf("two owners, two pictures:\n%+v\n%+v", all[0], s)
			}
		}
		w.replayed(t)
	})
}
