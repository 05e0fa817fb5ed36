package program_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"tasuki/internal/authority"
	"tasuki/internal/governance"
	"tasuki/internal/program"
	"tasuki/internal/registry"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
	"tasuki/spec/cve"
)

// A CNA that is asked first is silent for 72 hours; that is a refusal in the second after, its Root has 72 hours more, and the CNA of last
// resort that it directs assigns. Hours are hours: a weekend lies in between.
func TestFirstRefusal(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, ctx := newTree(t, db), t.Context()
		as := func(short string) authority.Caller { return w.callers[short] }
		w.at(t, "2027-03-12T20:00:00Z") // a Friday; clocks change in New York on the Sunday
		v, err := w.AskFirst(ctx, as("other"), program.NewRefusal{Org: "acme", Statement: say("A flaw in Rocket is public.")})
		if err != nil || v.State != governance.Asked || v.Due.Format(time.RFC3339Nano) != "2027-03-15T20:00:00Z" {
			t.Fatalf("asked: %+v (%v)", v.Case, err)
		}
		if _, err := w.Direct(ctx, as("root1"), program.NewDirection{Case: v.ID, Org: "lr1"}); !errors.Is(err, governance.ErrState) {
			t.Errorf("directed before there was a refusal: %v", err)
		}
		w.at(t, "2027-03-15T20:00:00Z")
		if n, err := w.NoteSilence(ctx, operator); n != 0 || err != nil {
			t.Fatalf("in the last second: %d (%v)", n, err)
		}
		w.Clock.Add(time.Second)
		if _, err := w.NoteSilence(ctx, as("root1")); !errors.Is(err, authority.ErrDenied) {
			t.Errorf("somebody else notes silence: %v", err)
		}
		for _, want := range []int{1, 0} {
			if n, err := w.NoteSilence(ctx, operator); n != want || err != nil {
				t.Fatalf("silence: %d (%v), want %d", n, err, want)
			}
		}
		if v, err = w.Case(ctx, as("acme"), v.ID); err != nil || v.State != governance.Refused || v.AdjudicatorName != "root1" ||
			v.Due.Format(time.RFC3339) != "2027-03-18T20:00:01Z" ||
			v.Steps[1].Reason != governance.Silent {
			t.Fatalf("refused: %+v (%v)", v, err)
		}
		if _, err := w.AnswerFirst(ctx, as("acme"), v.ID, false, say("no")); !errors.Is(err, governance.ErrState) {
			t.Errorf("declined after the silence: %v", err)
		}
		for _, who := range []string{"root2", "acme", "lr1", "secretariat"} {
			if _, err := w.Direct(ctx, as(who), program.NewDirection{Case: v.ID, Org: "lr1"}); !errors.Is(err, program.ErrNotAbove) {
				t.Errorf("%s directs: %v", who, err)
			}
		}
		w.at(t, "2027-03-18T20:00:01Z")
		if v, err = w.Direct(ctx, as("root1"), program.NewDirection{Case: v.ID, Org: "lr1", Statement: say("Assign.")}); err != nil ||
			v.State != governance.Directed {
			t.Fatalf("directed: %+v (%v)", v.Case, err)
		}
		w.publish(t, "lr1")
		if _, err := w.CloseRefusal(ctx, as("other"), v.ID, governance.Assigned, say("done")); !errors.Is(err, authority.ErrDenied) {
			t.Errorf("closed by a stranger: %v", err)
		}
		if v, err = w.CloseRefusal(ctx, as("lr1"), v.ID, governance.Assigned, say("CVE assigned.")); err != nil || v.State != governance.Closed ||
			v.Outcome != governance.Assigned {
			t.Fatalf("closed: %+v (%v)", v.Case, err)
		}
		for short, want := range map[string][2]int64{"acme": {0, 1}, "root1": {1, 0}, "lr1": {1, 0}} {
			if a, err := w.ActivityOf(ctx, short); err != nil || a.Met != want[0] || a.Missed != want[1] {
				t.Errorf("%s: %+v (%v), want met and missed %v", short, a.Timeliness, err, want)
			}
		}
		w.replayed(t)
	})
}

// The other ways a question of first refusal can go.
func TestAnswersToFirstRefusal(t *testing.T) {
	w := newTree(t, storetest.Open(t, storetest.SQLite(t)))
	ctx, as := t.Context(), func(short string) authority.Caller { return w.callers[short] }
	v, err := w.AskFirst(ctx, as("other"), program.NewRefusal{Org: "acme", Statement: say("x")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.AnswerFirst(ctx, as("other"), v.ID, true, say("y")); !errors.Is(err, program.ErrNotParty) {
		t.Errorf("answered by who asked: %v", err)
	}
	if v, err = w.AnswerFirst(ctx, as("acme"), v.ID, true, say("We assign.")); err != nil || v.Outcome != governance.Accepted {
		t.Errorf("accepted: %+v (%v)", v.Case, err)
	}
	if v, err = w.AskFirst(ctx, as("other"), program.NewRefusal{Org: "acme"}); err == nil {
		v, err = w.AnswerFirst(ctx, as("acme"), v.ID, false, say("We do not."))
	}
	if err != nil || v.State != governance.Refused {
		t.Fatalf("declined: %+v (%v)", v.Case, err)
	}
	if _, err := w.CloseRefusal(ctx, as("root1"), v.ID, governance.Assigned, say("")); !errors.Is(err, governance.ErrOutcome) {
		t.Errorf("assigned without a direction: %v", err)
	}
	if v, err = w.CloseRefusal(ctx, as("root1"), v.ID, governance.NoVuln, say("It is none.")); err != nil || v.Outcome != governance.NoVuln {
		t.Errorf("determined: %+v (%v)", v.Case, err)
	}
	if v, err = w.AskFirst(ctx, as("acme"), program.NewRefusal{Org: "acme", InAdvance: true}); err != nil || v.State != governance.Refused ||
		v.AdjudicatorName != "root1" {
		t.Errorf("declined in advance: %+v (%v)", v.Case, err)
	}
	if _, err := w.AskFirst(ctx, as("other"), program.NewRefusal{Org: "acme", InAdvance: true}); !errors.Is(err, authority.ErrDenied) {
		t.Errorf("declined by somebody else: %v", err)
	}
	if _, err := w.AskFirst(ctx, as("other"), program.NewRefusal{Org: "board"}); !errors.Is(err, program.ErrNobody) {
		t.Errorf("asked who is no CNA: %v", err)
	}
}

// When time presses, a Root directs another to publish a reserved identifier of a CNA below it: that party may put the record, and
// nothing else, until the direction ends; the log does not say whose it was until the record does.
func TestExigentDirection(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newTree(t, db)
		ctx, as := t.Context(), func(short string) authority.Caller { return w.callers[short] }
		id := w.reserve(t, "acme", 1)[0]
		sub := program.Submission{ID: id, Container: jsontext.Value(container)}
		if _, err := w.Publish(ctx, as("lr1"), sub); !errors.Is(err, program.ErrNotOwner) {
			t.Fatalf("before the direction: %v", err)
		}
		if _, err := w.Direct(ctx, as("root2"), program.NewDirection{Org: "lr2", IDs: []string{id}}); !errors.Is(err, program.ErrNotAbove) {
			t.Errorf("a Root of another hierarchy: %v", err)
		}
		first := w.Size(t)
		v, err := w.Direct(ctx, as("root1"), program.NewDirection{Org: "lr1", IDs: []string{id}, Statement: say("secret-reason")})
		if err != nil || v.State != governance.Directed || !v.Hidden {
			t.Fatalf("%+v (%v)", v.Case, err)
		}
		for i, leaf := range w.leaves(t, first) {
			for _, who := range []string{"acme", "root1"} {
				if strings.Contains(string(leaf), as(who).Org) || strings.Contains(string(leaf), "secret") {
					t.Errorf("leaf %d tells of %s: %s", i, who, leaf)
				}
			}
		}
		if clocks, err := w.Clocks(ctx, as("lr1")); err != nil || len(clocks) != 1 || clocks[0].What != "direction" || clocks[0].CVE != id {
			t.Errorf("clocks: %+v (%v)", clocks, err)
		}
		rejected := cve.Rejected
		if _, err := w.ChangeID(ctx, as("lr1"), id, program.IDChange{State: &rejected}); !errors.Is(err, program.ErrNotOwner) {
			t.Errorf("the party rejects the identifier: %v", err)
		}
		raw, err := w.Publish(ctx, as("lr1"), sub)
		if err != nil {
			t.Fatal(err)
		}
		rec, err := cve.Decode(raw)
		if err != nil || rec.Metadata.AssignerShortName != "acme" || rec.Containers.CNA.Provider.OrgID != as("lr1").Org {
			t.Errorf("%s (%v)", raw, err)
		}
		if clocks, err := w.Clocks(ctx, operator); err != nil || len(clocks) != 0 {
			t.Errorf("clocks after it: %+v (%v)", clocks, err)
		}
		if _, err := w.EndDirection(ctx, as("acme"), v.ID, "lr1", "over"); !errors.Is(err, authority.ErrDenied) {
			t.Errorf("ended by the owner: %v", err)
		}
		if v, err = w.EndDirection(ctx, as("root1"), v.ID, "lr1", "over"); err != nil || v.State != governance.Closed {
			t.Errorf("ended: %+v (%v)", v.Case, err)
		}
		sub.Want = program.WantOne
		if _, err := w.Publish(ctx, as("lr1"), sub); !errors.Is(err, program.ErrNotOwner) {
			t.Errorf("after the direction: %v", err)
		}
		if _, err := w.Publish(ctx, as("acme"), sub); err != nil {
			t.Errorf("the owner: %v", err)
		}
		w.replayed(t)
	})
}

// A refusal about a reserved identifier names the CNA that was asked, and neither who asked nor what for.
func TestRefusalAboutAReservedIdentifier(t *testing.T) {
	w := newTree(t, storetest.Open(t, storetest.SQLite(t)))
	ctx, as := t.Context(), func(short string) authority.Caller { return w.callers[short] }
	id := w.reserve(t, "other", 1)[0]
	first := w.Size(t)
	v, err := w.AskFirst(ctx, as("other"), program.NewRefusal{Org: "acme", IDs: []string{id}, Statement: say("secret-words")})
	if err != nil || v.PartyName != "other" || v.Steps[0].Statement.Text != "secret-words" {
		t.Fatalf("%+v (%v)", v, err)
	}
	if v, err = w.AnswerFirst(ctx, as("acme"), v.ID, false, say("secret-answer")); err != nil || v.AdjudicatorName != "root1" {
		t.Fatalf("%+v (%v)", v, err)
	}
	for i, leaf := range w.leaves(t, first) {
		if strings.Contains(string(leaf), as("other").Org) || strings.Contains(string(leaf), as("root1").Org) || strings.Contains(string(leaf), "secret") {
			t.Errorf("leaf %d tells: %s", i, leaf)
		}
	}
	got, err := w.Case(ctx, authority.Caller{Role: authority.Anonymous}, v.ID)
	if err != nil || got.PartyName+got.AdjudicatorName != "" || got.AgainstName != "acme" || got.Steps[0].Statement.Text != "" {
		t.Errorf("a stranger sees %+v (%v)", got, err)
	}
	if v, err = w.CloseRefusal(ctx, as("other"), v.ID, governance.Withdrawn, say("")); err != nil || v.Outcome != governance.Withdrawn {
		t.Errorf("withdrawn by who asked: %v", err)
	}
	w.replayed(t)
}

// A transfer is asked for, ordered by the Root of the owner, and shown; of a reserved identifier nobody hears.
func TestTransfer(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newTree(t, db)
		ctx, as := t.Context(), func(short string) authority.Caller { return w.callers[short] }
		a, b, hidden := w.publish(t, "acme"), w.publish(t, "acme"), w.reserve(t, "acme", 1)[0]
		ask := program.NewTransfer{IDs: []string{a, b}, To: "other", Reason: "delay", Statement: say("They do not answer.")}
		if _, err := w.AskTransfer(ctx, as("other"), program.NewTransfer{IDs: []string{hidden}, To: "other"}); !errors.Is(err, program.ErrUnheard) {
			t.Errorf("a reserved one: %v", err)
		}
		v, err := w.AskTransfer(ctx, as("other"), ask)
		if err != nil || v.State != governance.Asked || v.PartyName != "acme" || v.AgainstName != "other" || v.Subject != "delay" {
			t.Fatalf("%+v (%v)", v, err)
		}
		for _, who := range []string{"other", "root2", "acme"} {
			if _, err := w.Transfer(ctx, as(who), program.NewTransfer{Case: v.ID}); !errors.Is(err, program.ErrNotAbove) {
				t.Errorf("%s orders it: %v", who, err)
			}
		}
		if v, err = w.Transfer(ctx, as("root1"), program.NewTransfer{Case: v.ID}); err != nil || v.State != governance.Transferred || len(v.Steps) != 3 {
			t.Fatalf("%+v (%v)", v, err)
		}
		if i, err := w.ID(ctx, as("other"), b); err != nil || i.OwnerName != "other" {
			t.Errorf("%+v (%v)", i, err)
		}
		if rel, err := w.Relations(ctx, a); err != nil || len(rel) != 1 || rel[0].Case != v.ID || rel[0].From != as("acme").Org || rel[0].Pack != "4.2.0" {
			t.Errorf("%+v (%v)", rel, err)
		}
		if _, err := w.CloseTransfer(ctx, as("other"), v.ID, governance.Withdrawn, say("")); !errors.Is(err, governance.ErrState) {
			t.Errorf("withdrawn after it: %v", err)
		}
		first := w.Size(t)
		if v, err = w.Transfer(ctx, as("root1"), program.NewTransfer{IDs: []string{hidden}, To: "other"}); err != nil || v.ID != "" || w.Size(t) != first+1 {
			t.Errorf("of a reserved one: %+v (%v), %d leaves", v.Case, err, w.Size(t)-first)
		}
		if leaf := w.leaves(t, first)[0]; !strings.Contains(string(leaf), `"kind":"private/1"`) {
			t.Errorf("it shows: %s", leaf)
		}
		// Back again on a Root's own account, and a request that is denied.
		if v, err = w.Transfer(ctx, as("root2"), program.NewTransfer{IDs: []string{a}, To: "acme", Reason: "scope",
			Statement: say("After all.")}); err != nil || len(v.Steps) != 2 {
			t.Errorf("%+v (%v)", v, err)
		}
		if v, err = w.AskTransfer(ctx, as("other"), program.NewTransfer{IDs: []string{a}, To: "other"}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.CloseTransfer(ctx, as("acme"), v.ID, governance.Withdrawn, say("")); !errors.Is(err, program.ErrNotParty) {
			t.Errorf("withdrawn by the other side: %v", err)
		}
		if v, err = w.CloseTransfer(ctx, as("root1"), v.ID, governance.Denied, say("No.")); err != nil || v.Outcome != governance.Denied {
			t.Errorf("%+v (%v)", v, err)
		}
		w.replayed(t)
	})
}

func TestSplitAndMerge(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newTree(t, db)
		ctx, as := t.Context(), func(short string) authority.Caller { return w.callers[short] }
		one, two, three, theirs, hidden := w.publish(t, "acme"), w.publish(t, "acme"), w.reserve(t, "acme", 1)[0], w.publish(t, "other"), w.reserve(t, "acme", 1)[0]
		if err := w.Split(ctx, as("acme"), one, []string{hidden}, say("x")); !errors.Is(err, program.ErrUnheard) {
			t.Errorf("into a reserved one: %v", err)
		}
		if err := w.Split(ctx, as("acme"), one, []string{theirs}, say("x")); !errors.Is(err, program.ErrNotOwner) {
			t.Errorf("into somebody else's: %v", err)
		}
		if err := w.Split(ctx, as("acme"), one, []string{two}, say("Two flaws.")); err != nil {
			t.Fatal(err)
		}
		for keep, redundant := range map[string][]string{one: {one}, hidden: {two}, "CVE-2026-9999": {two}, two: nil} {
			if err := w.Merge(ctx, as("acme"), keep, redundant, ""); !errors.Is(err, program.ErrKeep) && !errors.Is(err, registry.ErrNotFound) {
				t.Errorf("into %s: %v", keep, err)
			}
		}
		for range 2 { // merging again does no harm
			if err := w.Merge(ctx, as("acme"), theirs, []string{two, three}, "Both are duplicates."); err != nil {
				t.Fatal(err)
			}
		}
		for _, id := range []string{two, three} {
			i, err := w.ID(ctx, as("acme"), id)
			if err != nil || i.State != cve.Rejected || !i.Record {
				t.Errorf("%+v (%v)", i, err)
			}
			view, err := w.Catalogue.Get(ctx, id)
			if err != nil {
				t.Fatal(err)
			}
			if raw, err := view.Raw(); err != nil || !strings.Contains(string(raw), `"replacedBy":["`+theirs+`"]`) {
				t.Errorf("%s: %s (%v)", id, raw, err)
			}
		}
		if rel, err := w.Relations(ctx, one); err != nil || len(rel) != 1 || rel[0].Statement.Text != "Two flaws." {
			t.Errorf("%+v (%v)", rel, err)
		}
		w.replayed(t)
	})
}

// What a year left unused is listed and rejected in batches.
func TestUnused(t *testing.T) {
	w := newTree(t, storetest.Open(t, storetest.SQLite(t)))
	ctx, acme := t.Context(), w.callers["acme"]
	w.publish(t, "acme")
	ids := w.reserve(t, "acme", 150)
	list, total, err := w.Unused(ctx, acme, "acme", 2026, 0, 500)
	if err != nil || total != 150 || len(list) != 150 {
		t.Fatalf("%d of %d (%v)", len(list), total, err)
	}
	if _, err := w.RejectUnused(ctx, w.callers["other"], ids[:1]); !errors.Is(err, program.ErrNotOwner) {
		t.Errorf("somebody else: %v", err)
	}
	for _, want := range []int{150, 0} {
		if n, err := w.RejectUnused(ctx, acme, ids); n != want || err != nil {
			t.Errorf("%d rejected (%v), want %d", n, err, want)
		}
	}
	if _, total, err := w.Unused(ctx, acme, "acme", 2026, 0, 1); total != 0 || err != nil {
		t.Errorf("%d are left (%v)", total, err)
	}
}
