package authority_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tasuki/internal/authority"
	"tasuki/internal/event"
	"tasuki/internal/gate"
	"tasuki/internal/ledger"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
	"tasuki/spec/totp"
)

// history draws commands, also such as are refused, and remembers what it made.
type history struct {
	w           *world
	orgs, users []string
	grants      []string
	done        map[string]int
}

// refusals are the errors that a command may answer with; any other is a fault.
var refusals = []error{authority.ErrOrgExists, authority.ErrShortTaken, authority.ErrNoOrg, authority.ErrUserExists, authority.ErrNoUser, authority.ErrUsernameTaken,
	authority.ErrSameOrg, authority.ErrNoGrant, authority.ErrEnded, authority.ErrParent, authority.ErrPackVersion, authority.ErrShort, authority.ErrTooManyUsers}

var someRoles = []authority.OrgRole{authority.CNA, authority.Secretariat, authority.BulkDownload, authority.ADP, authority.TopLevelRoot, authority.Root, authority.LastResort}

// step carries out one drawn command.
func (h *history) step(t testing.TB, rt *rapid.T) {
	name := func(label string) string { return fmt.Sprintf("name%d", rapid.IntRange(0, 6).Draw(rt, label)) }
	pick := func(label string, from []string) string {
		if len(from) == 0 {
			return operator
		}
		return rapid.SampledFrom(from).Draw(rt, label)
	}
	role := func(label string) authority.OrgRole { return rapid.SampledFrom(someRoles).Draw(rt, label) }
	yes := func(label string) bool { return rapid.Bool().Draw(rt, label) }
	do := rapid.SampledFrom([]string{"register", "adopt", "org", "grant", "end", "contacts", "add", "user", "user", "remove", "reset", "totp", "totp", "rules", "erase", "erase"}).Draw(rt, "do")
	h.w.now = h.w.now.Add(time.Duration(rapid.IntRange(-5_000, 90_000).Draw(rt, "clock")) * time.Millisecond)
	if do == "erase" {
		// Any leaf: public and private bodies, leaves without one, and such as were erased before.
		if size := h.w.size(t); size > 0 {
			h.w.erase(t, size-1-int64(rapid.IntRange(0, int(min(size-1, 60))).Draw(rt, "leaf")))
		}
		h.done[do]++
		return
	}
	// Everything is drawn before the command: rapid draws by panics, which the gate would take for the command's.
	var cmd func(ctx context.Context, tx *store.Tx, turn event.Turn) error
	switch do {
	case "register", "adopt":
		n := authority.NewOrg{Short: name("short"), Name: name("long"), Roles: []authority.OrgRole{role("role")},
			Profile: authority.Profile{Country: rapid.SampledFrom([]string{"", "JP"}).Draw(rt, "country")}}
		make := authority.Register
		if do == "adopt" {
			n.ID, make = fmt.Sprintf("aaaaaaaa-0000-4000-8000-%012d", rapid.IntRange(0, 20).Draw(rt, "uuid")), authority.Adopt
		}
		cmd = func(ctx context.Context, tx *store.Tx, turn event.Turn) error {
			o, err := make(ctx, tx, turn, n)
			if err == nil {
				h.orgs = append(h.orgs, o.ID)
			}
			return err
		}
	case "org":
		id, c := pick("org", h.orgs), authority.OrgChange{Name: ptr(name("long")), Add: []authority.OrgRole{role("add")}, Remove: []authority.OrgRole{role("remove")}}
		if yes("rename") {
			c.Short = ptr(name("short"))
		}
		if yes("quota") {
			c.Quota = ptr(int64(rapid.IntRange(0, 1000).Draw(rt, "quota")))
		}
		cmd = func(ctx context.Context, tx *store.Tx, turn event.Turn) error {
			_, err := authority.ChangeOrg(ctx, tx, turn, id, c)
			return err
		}
	case "grant":
		n := authority.NewGrant{Org: pick("org", h.orgs), Role: role("role"), Scope: authority.Scope{Text: name("text"), Include: []authority.Match{{Vendor: name("vendor")}}}}
		if yes("under") {
			n.Parent = pick("parent", h.grants)
		}
		seconds := rapid.IntRange(0, 100).Draw(rt, "for")
		cmd = func(ctx context.Context, tx *store.Tx, turn event.Turn) error {
			if seconds > 0 {
				n.To = turn.Now().Add(time.Duration(seconds) * time.Second)
			}
			g, err := authority.GiveGrant(ctx, tx, turn, n)
			if err == nil {
				h.grants = append(h.grants, g.ID)
			}
			return err
		}
	case "end":
		id := pick("grant", h.grants)
		cmd = func(ctx context.Context, tx *store.Tx, turn event.Turn) error {
			return authority.EndGrant(ctx, tx, turn, id, "for a reason", "")
		}
	case "contacts":
		id, contacts := pick("org", h.orgs), []authority.Contact{{Email: name("mail")}}
		cmd = func(ctx context.Context, tx *store.Tx, turn event.Turn) error {
			return authority.SetContacts(ctx, tx, turn, id, contacts)
		}
	case "add":
		n := authority.NewUser{Org: pick("org", h.orgs), Username: name("username"), Name: authority.PersonName{Last: name("last")}}
		if yes("secret") {
			n.PHC = cheap
		}
		cmd = func(ctx context.Context, tx *store.Tx, turn event.Turn) error {
			u, err := authority.AddUser(ctx, tx, turn, n)
			if err == nil {
				h.users = append(h.users, u.ID)
			}
			return err
		}
	case "user":
		id, c := pick("user", h.users), authority.UserChange{First: ptr(name("first")), Active: ptr(yes("active"))}
		switch rapid.IntRange(0, 3).Draw(rt, "more") {
		case 1:
			c.Username = ptr(name("username"))
		case 2:
			c.Org = ptr(pick("org", h.orgs))
		case 3:
			c.Add = []string{authority.Admin}
		}
		cmd = func(ctx context.Context, tx *store.Tx, turn event.Turn) error {
			_, err := authority.ChangeUser(ctx, tx, turn, id, c)
			return err
		}
	case "totp":
		id, off, key := pick("user", h.users), yes("off"), []byte(fmt.Sprintf("key-of-twenty-bytes%d", rapid.IntRange(0, 9).Draw(rt, "key")))
		cmd = func(ctx context.Context, tx *store.Tx, turn event.Turn) error {
			if off {
				return authority.ClearTOTP(ctx, tx, turn, id)
			}
			return authority.SetTOTP(ctx, tx, turn, id, totp.FormatKey(key), totp.Code(key, totp.Step(turn.Now())))
		}
	case "remove":
		id := pick("user", h.users)
		cmd = func(ctx context.Context, tx *store.Tx, turn event.Turn) error {
			return authority.RemoveUser(ctx, tx, turn, id)
		}
	case "reset":
		id := pick("user", h.users)
		cmd = func(ctx context.Context, tx *store.Tx, turn event.Turn) error {
			return authority.ResetSecret(ctx, tx, turn, id, cheap)
		}
	case "rules":
		var raw []byte
		if yes("other") {
			raw = otherRules
		}
		cmd = func(ctx context.Context, tx *store.Tx, turn event.Turn) error {
			_, err := authority.AdoptRulePack(ctx, tx, turn, raw, "")
			return err
		}
	}
	err := h.w.try(t, cmd)
	switch {
	case err == nil:
		h.done[do]++
	case !slices.ContainsFunc(refusals, func(want error) bool { return errors.Is(err, want) }):
		t.Fatalf("%s: %v", do, err)
	}
}

// otherRules are rules that give nobody anything.
var otherRules = []byte(`{"version":"0.0.1","effective":"2026-01-01T00:00:00Z","roles":[{"role":"CNA","powers":["assign"],"gives":["CNA"]}],
	"calendars":[{"calendar":"all","zone":"UTC","through":"2026-12-31"}]}`)

// For any history of all commands with erasures, the live tables equal those of a replay of the erased log, on each engine, and
// those of a copy that got the leaves and what is left of the bodies; a copy without private bodies has the same organisations,
// grants and rules, and nobody's name.
func TestTablesAreTheLogs(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := &history{w: newWorld(t, db), done: map[string]int{}}
		rapid.Check(t, func(rt *rapid.T) {
			for range rapid.IntRange(1, 12).Draw(rt, "commands") {
				h.step(t, rt)
			}
			if got, err := h.w.gate.Replay(t.Context(), false, nil); err != nil {
				t.Fatalf("replay: %v %x", err, got) // not rt: a world that outlives the check cannot be shrunk
			}
		})
		for _, do := range []string{"register", "adopt", "org", "grant", "end", "contacts", "add", "user", "remove", "reset", "totp", "totp", "rules", "erase"} {
			if h.done[do] == 0 && !testing.Short() { // short histories may miss one
				t.Errorf("%s never succeeded: %v", do, h.done)
			}
		}
		whole, public := copyOf(t, h.w, true), copyOf(t, h.w, false)
		if a, b := digest(t, h.w), digest(t, whole); a != b {
			t.Errorf("a copy differs: %x %x", a, b)
		}
		whole.replayed(t)
		public.replayed(t)
		h.w.view(t, func(ctx context.Context, tx *store.Tx) error {
			return public.db.View(ctx, func(other *store.Tx) error {
				a, n, err := authority.Orgs(ctx, tx, h.w.now, 0, 1000)
				b, m, err2 := authority.Orgs(ctx, other, h.w.now, 0, 1000)
				if err := errors.Join(err, err2); err != nil || n != m {
					return fmt.Errorf("%d and %d organisations, %w", n, m, err)
				}
				for i := range a {
					if a[i].ID != b[i].ID || a[i].Short != b[i].Short || !slices.Equal(a[i].Roles, b[i].Roles) || b[i].Quota != 0 {
						t.Errorf("organisations differ:\n%+v\n%+v", a[i], b[i])
					}
				}
				_, users, err := authority.Users(ctx, other, 0, 1)
				if users != 0 {
					t.Errorf("the public copy knows %d users", users)
				}
				return err
			})
		})
	})
}

func digest(t testing.TB, w *world) (sum [32]byte) {
	w.view(t, func(ctx context.Context, tx *store.Tx) (err error) {
		sum, err = authority.Projection{}.Digest(ctx, tx)
		return err
	})
	return sum
}

// copyOf is a world that got the leaves of another and what is left of their bodies.
func copyOf(t *testing.T, from *world, private bool) *world {
	t.Helper()
	var leaves []gate.Stored
	from.view(t, func(ctx context.Context, tx *store.Tx) error {
		return from.log.Scan(ctx, tx, 0, func(index int64, leaf []byte, body *ledger.Body) error {
			s := gate.Stored{Index: index, Leaf: leaf, Body: body}
			if private {
				p, err := from.log.Private(ctx, tx, index)
				if err == nil {
					s.Private = &p
				} else if !errors.Is(err, ledger.ErrNotFound) {
					return err
				}
			}
			leaves = append(leaves, s)
			return nil
		})
	})
	to := newWorld(t, storetest.Open(t, storetest.SQLite(t)))
	if err := to.gate.Apply(t.Context(), leaves); err != nil {
		t.Fatal(err)
	}
	return to
}
