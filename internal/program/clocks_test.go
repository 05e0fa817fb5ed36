package program_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"tasuki/internal/authority"
	"tasuki/internal/gate"
	"tasuki/internal/governance"
	"tasuki/internal/program"
	"tasuki/internal/registry"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
	"tasuki/spec/cve"
)

func (w *tree) sight(t *testing.T, list ...program.Seen) (n int) {
	t.Helper()
	err := w.Gate.Do(t.Context(), operator, gate.Command{Action: authority.Import, Bulk: true, Decide: func(ctx context.Context, turn *gate.Turn) (err error) {
		n, err = program.Sight(ctx, turn.Tx, turn, list)
		return err
	}})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A reserved identifier that an import cites starts the same clocks whoever owns it, once; publishing ends them, and only then they are
// somebody's.
func TestSighting(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newTree(t, db)
		ctx := t.Context()
		w.at(t, "2027-04-28T03:00:00Z")
		ours, theirs, public := w.reserve(t, "acme", 1)[0], w.reserve(t, "other", 1)[0], w.publish(t, "acme")
		first := w.Size(t)
		list := []program.Seen{
			{ID: ours, How: governance.SeenCited, Source: "all.zip", Citing: public},
			{ID: theirs, How: governance.SeenRecord, Source: "all.zip"},
			{ID: ours, How: governance.SeenCited, Source: "other.zip"},
			{ID: public, How: governance.SeenCited, Source: "all.zip"},
			{ID: "CVE-2026-77777", How: governance.SeenCited, Source: "all.zip"},
		}
		if n := w.sight(t, list...); n != 2 {
			t.Fatalf("%d were noted", n)
		}
		if n := w.sight(t, list...); n != 0 {
			t.Fatalf("%d were noted again", n)
		}
		leaves := w.leaves(t, first)
		for i, leaf := range leaves {
			for _, short := range []string{"acme", "other"} {
				if strings.Contains(string(leaf), w.callers[short].Org) {
					t.Errorf("leaf %d tells of %s: %s", i, short, leaf)
				}
			}
		}
		clocks, err := w.Clocks(ctx, w.callers["acme"])
		if err != nil || len(clocks) != 6 {
			t.Fatalf("%d clocks (%v)", len(clocks), err)
		}
		want := []struct {
			what, due, strength string
			cve                 string
		}{
			{"disclosure.publish.should", "2027-04-29T03:00:00Z", "should", ours}, {"disclosure.publish.should", "2027-04-29T03:00:00Z", "should", theirs},
			{"disclosure.publish.must", "2027-05-01T03:00:00Z", "must", ours}, {"disclosure.publish.must", "2027-05-01T03:00:00Z", "must", theirs},
			{"rbp.remedy", "2027-05-12T03:00:00Z", "should", ours}, {"rbp.remedy", "2027-05-12T03:00:00Z", "should", theirs},
		}
		for i, k := range clocks {
			if k.What != want[i].what || k.Due.Format(time.RFC3339Nano) != want[i].due || k.Strength != want[i].strength || k.CVE != want[i].cve || k.OrgName != "" ||
				k.Mine != (k.CVE == ours) || k.Rule == "" {
				t.Errorf("clock %d: %+v, want %+v", i, k, want[i])
			}
		}
		w.at(t, "2027-04-29T03:00:01Z")
		if clocks, err = w.Clocks(ctx, operator); err != nil || !clocks[0].Overdue || clocks[2].Overdue || clocks[0].Left != -time.Second {
			t.Errorf("a second later: %+v (%v)", clocks[0], err)
		}
		w.at(t, "2027-05-01T03:00:00Z")
		if _, err := w.Publish(ctx, w.callers["acme"], program.Submission{ID: ours, Container: []byte(container)}); err != nil {
			t.Fatal(err)
		}
		rejected := cve.Rejected
		if _, err := w.ChangeID(ctx, w.callers["other"], theirs, program.IDChange{State: &rejected}); err != nil {
			t.Fatal(err)
		}
		if clocks, err = w.Clocks(ctx, operator); err != nil || len(clocks) != 0 {
			t.Errorf("clocks after it: %+v (%v)", clocks, err)
		}
		a, err := w.ActivityOf(ctx, "acme")
		if err != nil || a.Met != 2 || a.Missed != 1 || a.Published != 2 || a.Records != 2 {
			t.Errorf("acme: %+v (%v)", a, err)
		}
		if seen, err := w.Sightings(ctx, 10); err != nil || len(seen) != 2 || seen[1].CVE != ours || seen[1].Source != "all.zip" || seen[1].IDs[0] != public {
			t.Errorf("%+v (%v)", seen, err)
		}
		w.replayed(t)
	})
}

// Who may report that an identifier is public, and what counts as a place.
func TestReportSighting(t *testing.T) {
	w := newTree(t, storetest.Open(t, storetest.SQLite(t)))
	ctx, id := t.Context(), w.reserve(t, "acme", 1)[0]
	if _, err := w.ReportSighting(ctx, w.callers["other"], id, "https://blog.test/"); !errors.Is(err, program.ErrNotParty) {
		t.Errorf("another CNA: %v", err)
	}
	for _, address := range []string{"blog.test", "javascript:alert(1)", "https://user:pass@blog.test/", "https://"} {
		if _, err := w.ReportSighting(ctx, w.callers["acme"], id, address); !errors.Is(err, program.ErrAddress) {
			t.Errorf("%q: %v", address, err)
		}
	}
	if _, err := w.ReportSighting(ctx, w.callers["acme"], "CVE-2026-9999", "https://blog.test/"); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("no such identifier: %v", err)
	}
	first := w.Size(t)
	for _, want := range []bool{true, false} {
		if fresh, err := w.ReportSighting(ctx, w.callers["acme"], id, "https://blog.test/"); fresh != want || err != nil {
			t.Errorf("%v (%v), want %v", fresh, err, want)
		}
	}
	if leaf := w.leaves(t, first)[0]; strings.Contains(string(leaf), w.callers["acme"].Org) {
		t.Errorf("it tells who reported: %s", leaf)
	}
}

// A CNA that does nothing for six months gets three notices, two weeks apart, each confirmed by its Root, and loses its role two weeks
// after the third; its reserved identifiers are rejected, its records move, its users cannot sign in.
func TestInactive(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newTree(t, db)
		ctx, as := t.Context(), func(short string) authority.Caller { return w.callers[short] }
		w.at(t, "2027-01-31T12:00:00Z") // 21:00 in Tokyo, whose calendar counts; six months later July has a 31st as well
		kept, unused := w.publish(t, "acme"), w.reserve(t, "acme", 120)
		quiet := func(who string) (out []string) {
			list, err := w.Inactive(ctx, as(who))
			if err != nil {
				t.Fatal(err)
			}
			for _, q := range list {
				if q.Short == "acme" {
					out = append(out, q.Step+" "+q.Next.Format(time.RFC3339))
				}
			}
			return out
		}
		expect := func(who string, want ...string) {
			t.Helper()
			if got := quiet(who); strings.Join(got, ";") != strings.Join(want, ";") {
				t.Errorf("%s sees %q, want %q", who, got, want)
			}
		}
		w.at(t, "2027-07-31T12:00:00Z")
		expect("root1")
		if _, err := w.SendNotice(ctx, as("root1"), "acme", say("x")); !errors.Is(err, program.ErrTooEarly) {
			t.Errorf("noticed in time: %v", err)
		}
		w.Clock.Add(time.Second)
		expect("root1", "notice 2027-07-31T12:00:00Z")
		expect("root2")
		expect("other")
		if _, err := w.SendNotice(ctx, as("root2"), "acme", say("x")); !errors.Is(err, program.ErrNotAbove) {
			t.Errorf("noticed by another Root: %v", err)
		}
		for _, due := range []string{"2027-08-14T12:00:01Z", "2027-08-28T12:00:01Z", "2027-09-11T12:00:01Z"} {
			v, err := w.SendNotice(ctx, as("root1"), "acme", say("Are you there?"))
			if err != nil || v.Due.Format(time.RFC3339) != due {
				t.Fatalf("%+v (%v), want due %s", v.Case, err, due)
			}
			w.at(t, due)
		}
		expect("tlr1", "revoke 2027-09-11T12:00:01Z")
		r := program.Removal{Org: "acme", Statement: say("No answer.")}
		if err := w.Remove(ctx, as("root1"), r); !errors.Is(err, program.ErrTooEarly) {
			t.Errorf("revoked in the last second: %v", err)
		}
		w.Clock.Add(time.Second)
		if _, err := w.SendNotice(ctx, as("root1"), "acme", say("x")); !errors.Is(err, governance.ErrState) {
			t.Errorf("a fourth notice: %v", err)
		}
		if err := w.Remove(ctx, as("root2"), r); !errors.Is(err, program.ErrNotAbove) {
			t.Errorf("removed by another Root: %v", err)
		}
		if err := w.Remove(ctx, as("root1"), r); !errors.Is(err, program.ErrHeir) {
			t.Errorf("removed without an heir: %v", err)
		}
		r.Heir = "spare"
		if err := w.Remove(ctx, as("root1"), r); err != nil {
			t.Fatal(err)
		}
		for _, id := range append(unused[:2:2], kept) {
			i, err := w.ID(ctx, as("spare"), id)
			if err != nil || i.OwnerName != "spare" || (i.State == cve.Rejected) != (id != kept) {
				t.Errorf("%+v (%v)", i, err)
			}
		}
		if _, err := w.Standing(ctx, as("acme")); !errors.Is(err, authority.ErrUnauthorized) {
			t.Errorf("acme's user: %v", err)
		}
		grants, err := w.Grants(ctx, "acme")
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range grants {
			if g.Stands {
				t.Errorf("it is still %s", g.Role)
			}
		}
		list, err := w.Notices(ctx, operator)
		if err != nil || len(list) != 1 || list[0].Outcome != governance.Revoked {
			t.Errorf("%+v (%v)", list, err)
		}
		w.replayed(t)
	})
}

// Whoever acts again after a notice is left alone; and in between two notices there is time.
func TestActiveAgain(t *testing.T) {
	w := newTree(t, storetest.Open(t, storetest.SQLite(t)))
	ctx, root := t.Context(), w.callers["root1"]
	w.at(t, "2027-06-01T00:00:00Z")
	if _, err := w.SendNotice(ctx, root, "acme", say("Are you there?")); err != nil {
		t.Fatal(err)
	}
	w.Clock.Add(14*24*time.Hour - time.Second)
	if _, err := w.SendNotice(ctx, root, "acme", say("x")); !errors.Is(err, program.ErrTooEarly) {
		t.Errorf("the second a second early: %v", err)
	}
	if n, err := w.NoteActive(ctx, operator); n != 0 || err != nil {
		t.Errorf("%d active (%v)", n, err)
	}
	w.reserve(t, "acme", 1)
	if n, err := w.NoteActive(ctx, operator); n != 1 || err != nil {
		t.Errorf("%d active (%v)", n, err)
	}
	if _, err := w.CloseNotice(ctx, root, "acme", say("x")); !errors.Is(err, governance.ErrNoCase) {
		t.Errorf("closed again: %v", err)
	}
	list, err := w.Notices(ctx, operator)
	if err != nil || len(list) != 1 || list[0].Outcome != governance.Active || list[0].State != governance.Closed {
		t.Errorf("%+v (%v)", list, err)
	}
}
