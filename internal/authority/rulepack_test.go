package authority_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"tasuki/internal/authority"
	"tasuki/internal/event"
	"tasuki/internal/store"
)

func utc(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

// Deadlines are exact to the second, whatever the clocks of the place do meanwhile.
func TestDeadlines(t *testing.T) {
	for _, tc := range []struct{ trigger, calendar, at, want string }{
		// Hours are hours, also over a weekend and when clocks are turned.
		{"refusal.answer", "", "2026-11-20T22:15:07Z", "2026-11-23T22:15:07Z"},
		{"refusal.direct", "us-federal", "2026-10-31T12:00:00Z", "2026-11-03T12:00:00Z"},
		{"disclosure.publish.should", "", "2028-02-28T23:59:59Z", "2028-02-29T23:59:59Z"},
		{"disclosure.publish.must", "japan", "2026-12-31T00:00:01Z", "2027-01-03T00:00:01Z"},
		// Business days: the day of the event does not count, the last one counts to its end.
		{"dispute.acknowledge", "", "2026-11-20T00:00:00Z", "2026-11-25T23:59:59Z"},
		{"dispute.acknowledge", "", "2026-11-20T23:59:59Z", "2026-11-25T23:59:59Z"},
		{"dispute.acknowledge", "", "2026-11-21T12:00:00Z", "2026-11-25T23:59:59Z"}, // a Saturday
		{"dispute.decide", "", "2026-11-23T12:00:00Z", "2026-11-30T23:59:59Z"},
		// In the zone of the calendar: in Washington it is still Wednesday; Thursday is Thanksgiving.
		{"dispute.acknowledge", "us-federal", "2026-11-26T04:30:00Z", "2026-12-02T04:59:59Z"},
		// In Tokyo it is already Saturday; Monday is a holiday.
		{"dispute.acknowledge", "japan", "2026-11-20T15:00:00Z", "2026-11-26T14:59:59Z"},
		// Three holidays in a row, one of them because it lies between two.
		{"dispute.acknowledge", "japan", "2026-09-18T03:00:00Z", "2026-09-28T14:59:59Z"},
		// Over Easter, and into summer time.
		{"dispute.acknowledge", "target", "2026-03-26T11:00:00Z", "2026-03-31T21:59:59Z"},
		{"dispute.acknowledge", "target", "2026-04-02T11:00:00Z", "2026-04-09T21:59:59Z"},
		{"dispute.extend", "weekdays", "2026-12-18T10:00:00Z", "2027-01-08T23:59:59Z"},
		// Months: to the same day, or to the last.
		{"cna.inactive", "", "2026-03-15T10:00:00Z", "2026-09-15T10:00:00Z"},
		{"cna.inactive", "", "2026-08-31T10:00:00Z", "2027-02-28T10:00:00Z"},
		{"cna.inactive", "", "2027-08-30T10:00:00Z", "2028-02-29T10:00:00Z"},
		// Weeks and days by the clock of the place: an hour more in autumn.
		{"cna.inactive.notice", "us-federal", "2026-10-25T16:00:00Z", "2026-11-08T17:00:00Z"},
		{"rbp.remedy", "weekdays", "2026-10-25T16:00:00.999Z", "2026-11-08T16:00:00Z"},
	} {
		got, err := authority.Builtin().Deadline(tc.trigger, utc(tc.at), tc.calendar)
		if err != nil || !got.Equal(utc(tc.want)) || got.Location() != time.UTC {
			t.Errorf("%s in %q from %s: %v (%v), want %s", tc.trigger, tc.calendar, tc.at, got, err, tc.want)
		}
	}
	if _, err := authority.Builtin().Deadline("moon", time.Now(), ""); !errors.Is(err, authority.ErrTrigger) {
		t.Error(err)
	}
	if _, err := authority.Builtin().Deadline("refusal.answer", time.Now(), "moon"); !errors.Is(err, authority.ErrCalendar) {
		t.Error(err)
	}
}

// Holidays of the calendars are days of the week that are not free anyway, or fall on one where the law leaves them.
func TestCalendars(t *testing.T) {
	for _, c := range authority.Builtin().Calendars {
		for _, day := range c.Holidays {
			at, err := time.Parse(time.DateOnly, day)
			if err != nil || c.Business(at.Add(12*time.Hour)) || day > c.Through {
				t.Errorf("%s: %s (%v)", c.Name, day, err)
			}
			if weekday := at.Weekday(); c.Name == "us-federal" && (weekday == time.Saturday || weekday == time.Sunday) {
				t.Errorf("%s: %s is observed on a %s", c.Name, day, weekday)
			}
		}
	}
}

func TestBuiltinRules(t *testing.T) {
	p := authority.Builtin()
	if p.Version != "4.2.0" || !p.Effective.Equal(utc("2026-08-25T00:00:00Z")) || !p.Example("CVE-1900-0001") || p.Example("CVE-2026-1900") {
		t.Errorf("%s of %s", p.Version, p.Effective)
	}
	for _, r := range []authority.OrgRole{authority.CNA, authority.Secretariat, authority.BulkDownload, authority.RootCNA, authority.ADP, authority.Board,
		authority.TopLevelRoot, authority.Root, authority.LastResort, authority.SupplierADP} {
		found := false
		for _, rule := range p.Roles {
			found = found || rule.Role == r && rule.About != ""
		}
		if !found {
			t.Errorf("nothing is said of %s", r)
		}
	}
	if !p.MayGive(authority.Root, authority.CNA) || p.MayGive(authority.CNA, authority.CNA) || p.MayGive(authority.Root, authority.TopLevelRoot) ||
		!p.HasPower(authority.Board, authority.AdoptRules) || p.HasPower(authority.RootCNA, authority.Adjudicate) {
		t.Error("powers")
	}
	last := p.Levels[len(p.Levels)-1]
	if len(p.Levels) != 5 || p.Levels[0].Level != "cna" || !p.Levels[2].Final || last.Level != "board" {
		t.Errorf("levels %+v", p.Levels)
	}
}

func TestMalformedRules(t *testing.T) {
	good, err := os.ReadFile("rules/4.2.0.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"no version":        {`"version": "4.2.0"`, `"version": ""`},
		"unknown role":      {`"role": "BOARD"`, `"role": "KING"`},
		"gives unknown":     {`"gives": ["SECRETARIAT"`, `"gives": ["KING"`},
		"role twice":        {`"role": "BOARD"`, `"role": "CNA"`},
		"level twice":       {`"level": "root"`, `"level": "cna"`},
		"no unit":           {`"unit": "hours"`, `"unit": "moons"`},
		"no time":           {`"amount": 24`, `"amount": 0`},
		"trigger twice":     {`"disclosure.publish.must"`, `"disclosure.publish.should"`},
		"unknown member":    {`"examples"`, `"samples"`},
		"no zone":           {`"Asia/Tokyo"`, `"Asia/Edo"`},
		"local zone":        {`"Asia/Tokyo"`, `"Local"`},
		"no such day":       {`["saturday", "sunday"]`, `["caturday"]`},
		"no such date":      {`"2026-01-19"`, `"2026-02-30"`},
		"holidays unsorted": {`"2026-01-19"`, `"2027-01-19"`},
		"calendar twice":    {`"calendar": "japan"`, `"calendar": "target"`},
	} {
		bad := bytes.Replace(good, []byte(change[0]), []byte(change[1]), 1)
		if _, err := authority.ParseRulePack(bad); bytes.Equal(bad, good) || !errors.Is(err, authority.ErrRulePack) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Decisions are stamped with the pack in force; a pack that comes later changes what may be done, not what was stamped, and
// each can be read by its version.
func TestAdoptRulePack(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		adopt := func(raw []byte) error {
			return w.try(t, func(ctx context.Context, tx *store.Tx, turn event.Turn) error {
				_, err := authority.AdoptRulePack(ctx, tx, turn, raw, "")
				return err
			})
		}
		inForce := func() (version string) {
			w.view(t, func(ctx context.Context, tx *store.Tx) error {
				p, err := authority.RulesInForce(ctx, tx)
				version = p.Version
				return err
			})
			return version
		}
		if inForce() != "4.2.0" || w.size(t) != 0 {
			t.Error("before any was adopted, the pack that comes with the program is in force")
		}
		if err := errors.Join(adopt(nil), adopt(nil)); err != nil || w.size(t) != 1 {
			t.Errorf("%v, %d leaves", err, w.size(t))
		}
		o := w.org(t, "acme", authority.LastResort)
		u := w.user(t, o.ID, "ann")
		if err := adopt(otherRules); err != nil || inForce() != "0.0.1" {
			t.Errorf("%v, %s", err, inForce())
		}
		if s := w.standing(t, u); !errors.Is(s.MustBeCNA(), authority.ErrNotCNA) {
			t.Error("the other rules give CNAs of last resort nothing")
		}
		if g := w.grantOf(t, "acme", authority.LastResort); g.Pack != "4.2.0" {
			t.Errorf("stamped %s", g.Pack)
		}
		for name, raw := range map[string]string{"builtin": strings.Replace(string(otherRules), "0.0.1", "4.2.0", 1), "other": strings.Replace(string(otherRules), "2026-12-31", "2027-12-31", 1)} {
			if err := adopt([]byte(raw)); !errors.Is(err, authority.ErrPackVersion) {
				t.Errorf("%s: another content for the version: %v", name, err)
			}
		}
		if err := adopt([]byte("{}")); !errors.Is(err, authority.ErrRulePack) {
			t.Error(err)
		}
		w.view(t, func(ctx context.Context, tx *store.Tx) error {
			for _, version := range []string{"4.2.0", "0.0.1"} {
				if p, err := authority.RulesOf(ctx, tx, version); err != nil || p.Version != version {
					t.Errorf("%s: %v", version, err)
				}
			}
			if _, err := authority.RulesOf(ctx, tx, "9"); !errors.Is(err, authority.ErrRulePack) {
				t.Error(err)
			}
			return nil
		})
		if err := adopt(nil); err != nil || inForce() != "4.2.0" {
			t.Errorf("back: %v, %s", err, inForce())
		}
		w.replayed(t)
	})
}
