package program_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"tasuki/internal/authority"
	"tasuki/internal/program"
	"tasuki/internal/registry"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
	"tasuki/spec/cve"
)

const (
	movedOrg = "77777777-7777-4777-8777-777777777777"
	movedAnn = "88888888-8888-4888-8888-888888888888"
	movedBob = "99999999-9999-4999-8999-999999999999"
)

func verdicts(list []program.PullOutcome) (out []program.Verdict) {
	for _, o := range list {
		out = append(out, o.Verdict)
	}
	return out
}

// A CNA moves here: what it had there it has here, under the same UUIDs, and its own tool goes on with the same key.
func TestPull(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		phc, err := authority.HashSecret(rand.Reader, "the-key-from-there")
		if err != nil {
			t.Fatal(err)
		}
		there := time.Date(2026, 2, 3, 4, 5, 6, 789e6, time.UTC)
		taken := w.reserve(t, "acme", 1)[0]
		p := program.Pull{From: "https://cve.test/api/", Org: program.PulledOrg{ID: movedOrg, Short: "moved", Name: "Moved Corp", CNA: true, Quota: 42},
			Users: []program.PulledUser{
				{ID: movedAnn, Username: "ann@moved", Name: authority.PersonName{First: "Ann"}, Admin: true, Created: there, PHC: phc},
				{ID: movedBob, Username: "bob@moved", Inactive: true},
			},
			IDs: []program.PulledID{
				{ID: "CVE-2026-0111", State: cve.Reserved, Reserved: there, ByOrg: "moved", ByUser: "ann@moved"},
				{ID: "CVE-2025-30001", State: cve.Rejected, Reserved: there, ByOrg: "mitre", ByUser: "REDACTED"},
				{ID: taken, State: cve.Reserved, Reserved: there},
				{ID: "CVE-2026-0112", State: cve.Published},
			}}

		if _, err := w.Pull(ctx, w.callers["acme"], p); !errors.Is(err, authority.ErrNotSecretariat) {
			t.Errorf("a CNA pulls: %v", err)
		}
		dry := p
		dry.DryRun = true
		size := w.Size(t)
		would, err := w.Pull(ctx, operator, dry)
		if err != nil || w.Size(t) != size {
			t.Fatalf("a dry run: %v, %d leaves more", err, w.Size(t)-size)
		}
		got, err := w.Pull(ctx, operator, p)
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", would) {
			t.Errorf("a dry run said\n%+v\nthen came\n%+v", would, got)
		}
		if got.Org.Verdict != program.PulledNew || !got.Secret || !slices.Equal(verdicts(got.Users), []program.Verdict{"added", "added"}) ||
			!slices.Equal(verdicts(got.IDs), []program.Verdict{"added", "added", "conflict", "conflict"}) {
			t.Errorf("%+v", got)
		}
		if !errors.Is(got.IDs[2].Why, registry.ErrForeign) || !errors.Is(got.IDs[3].Why, program.ErrPullState) {
			t.Errorf("%v, %v", got.IDs[2].Why, got.IDs[3].Why)
		}

		c, err := w.Login(ctx, "moved", "ann@moved", "the-key-from-there", "test")
		if err != nil || c.Org != movedOrg || c.User != movedAnn {
			t.Fatalf("%+v: %v", c, err)
		}
		if q, err := w.QuotaOf(ctx, c, "moved"); err != nil || q != (program.Quota{Quota: 42, Reserved: 1, Available: 41}) {
			t.Errorf("%+v (%v)", q, err)
		}
		ids, total, err := w.IDs(ctx, c, registry.Filter{Limit: 10})
		if err != nil || total != 2 {
			t.Fatalf("%d: %+v (%v)", total, ids, err)
		}
		if i := ids[1]; i.ID != "CVE-2026-0111" || !i.Reserved.Equal(there) || i.RequesterOrg != "moved" || i.RequesterUser != "ann@moved" || i.Foreign {
			t.Errorf("%+v", i)
		}
		if i := ids[0]; i.State != cve.Rejected || i.RequesterOrg != "" || i.RequesterUser != "" || !i.Foreign {
			t.Errorf("%+v", i)
		}
		if _, err := w.Publish(ctx, c, program.Submission{ID: "CVE-2026-0111", Container: []byte(container)}); err != nil {
			t.Errorf("publishing what was pulled: %v", err)
		}

		// Once more: nothing happens, and what was done here since stays done.
		size = w.Size(t)
		again, err := w.Pull(ctx, operator, p)
		if err != nil || w.Size(t) != size || again.Org.Verdict != program.PulledHere || again.Secret ||
			!slices.Equal(verdicts(again.Users), []program.Verdict{"unchanged", "unchanged"}) ||
			!slices.Equal(verdicts(again.IDs), []program.Verdict{"unchanged", "unchanged", "conflict", "conflict"}) {
			t.Errorf("%+v (%v), %d leaves more", again, err, w.Size(t)-size)
		}

		// The short name and the usernames belong to whom they belong to.
		other := program.Pull{From: p.From, Org: program.PulledOrg{ID: "66666666-6666-4666-8666-666666666666", Short: "acme", Name: "Acme"}}
		if _, err := w.Pull(ctx, operator, other); !errors.Is(err, program.ErrPullOrg) {
			t.Errorf("another acme: %v", err)
		}
		other.Org = p.Org
		other.Users = []program.PulledUser{{ID: "66666666-6666-4666-8666-666666666666", Username: "ann@moved"}, {ID: w.callers["acme"].User, Username: "x@moved"},
			{ID: "not a UUID", Username: "y@moved"}}
		if got, err := w.Pull(ctx, operator, other); err != nil || !errors.Is(got.Users[0].Why, program.ErrPullUser) || !errors.Is(got.Users[1].Why, authority.ErrOtherOrg) ||
			!errors.Is(got.Users[2].Why, program.ErrPullUUID) {
			t.Errorf("%+v (%v)", got, err)
		}
		if out, err := w.Gate.Replay(ctx, false, nil); err != nil {
			t.Errorf("%v: %+v", err, out)
		}
	})
}

// Published identifiers come by the import of the list: before the pull or after it, they are the organisation's by its UUID. The
// caller's key is not set over one that is here.
func TestPullOfAnAssigner(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		doc := func(id, assigner string) []byte {
			return fmt.Appendf(nil, `{"dataType":"CVE_RECORD","dataVersion":"5.1","cveMetadata":{"cveId":%q,"assignerOrgId":%q,"state":"PUBLISHED","dateUpdated":"2026-01-01T00:00:00Z"},`+
				`"containers":{"cna":{"descriptions":[{"lang":"en","value":"A flaw."}]}}}`, id, assigner)
		}
		p := program.Pull{From: "https://cve.test/api/", Org: program.PulledOrg{ID: movedOrg, Short: "moved", Name: "Moved Corp", CNA: true, Quota: 5},
			Users: []program.PulledUser{{ID: movedAnn, Username: "ann@moved"}},
			IDs:   []program.PulledID{{ID: "CVE-2026-0201", State: cve.Reserved}, {ID: "CVE-2026-0202", State: cve.Reserved}}}
		if got, err := w.Pull(ctx, operator, p); err != nil || got.Org.Verdict != program.PulledNew || got.Secret {
			t.Fatalf("%+v (%v)", got, err)
		}
		w.Import(t, doc("CVE-2026-0300", movedOrg), doc("CVE-2026-0301", "66666666-6666-4666-8666-666666666666"))
		owner := func(id string) string {
			i, err := w.ID(ctx, w.callers["secretariat"], id)
			if err != nil {
				t.Fatal(err)
			}
			return i.OwnerName
		}
		if owner("CVE-2026-0300") != "" {
			t.Error("an import gave an identifier away")
		}
		phc, err := authority.HashSecret(rand.Reader, "the-key-from-there")
		if err != nil {
			t.Fatal(err)
		}
		p.Users[0].PHC = phc
		p.IDs = append(p.IDs, program.PulledID{ID: "CVE-2026-0300", State: cve.Reserved}, program.PulledID{ID: "CVE-2026-0301", State: cve.Reserved})
		got, err := w.Pull(ctx, operator, p)
		if err != nil || got.Org.Verdict != program.PulledFrom || !got.Secret ||
			!slices.Equal(verdicts(got.IDs), []program.Verdict{"unchanged", "unchanged", "unchanged", "conflict"}) {
			t.Errorf("%+v (%v)", got, err)
		}
		if owner("CVE-2026-0300") != "moved" || owner("CVE-2026-0301") != "" {
			t.Errorf("owners %q and %q", owner("CVE-2026-0300"), owner("CVE-2026-0301"))
		}
		secret, err := w.ResetSecret(ctx, w.callers["secretariat"], "moved", "ann@moved")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := w.Pull(ctx, operator, p); err != nil || got.Secret || got.Org.Verdict != program.PulledHere {
			t.Errorf("%+v (%v)", got, err)
		}
		if _, err := w.Login(ctx, "moved", "ann@moved", secret, "test"); err != nil {
			t.Errorf("a pull took the key away: %v", err)
		}
		if out, err := w.Gate.Replay(ctx, false, nil); err != nil {
			t.Errorf("%v: %+v", err, out)
		}
	})
}
