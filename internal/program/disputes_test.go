package program_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"tasuki/internal/authority"
	"tasuki/internal/gate/gatetest"
	"tasuki/internal/governance"
	"tasuki/internal/ledger"
	"tasuki/internal/program"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

// tree is a world with two hierarchies: tlr1 over root1 over acme and loner, tlr2 over root2 over other; a CNA of last resort
// under each head; and a Board.
type tree struct {
	*world
	grants map[string]authority.Grant
}

func newTree(t *testing.T, db *store.DB) *tree {
	t.Helper()
	w := &tree{world: newWorld(t, db), grants: map[string]authority.Grant{}}
	for _, short := range []string{"tlr1", "tlr2", "root1", "root2", "loner", "lr1", "lr2", "board", "spare"} {
		w.member(t, short)
	}
	give := func(short string, role authority.OrgRole, under, calendar string) {
		t.Helper()
		g, err := w.GiveGrant(t.Context(), operator, authority.NewGrant{Org: short, Role: role, Parent: w.grants[under].ID,
			Scope: authority.Scope{Text: "all of " + short, Calendar: calendar}})
		if err != nil {
			t.Fatal(err)
		}
		w.grants[short] = g
	}
	give("board", authority.Board, "", "")
	give("tlr1", authority.TopLevelRoot, "", "us-federal")
	give("tlr2", authority.TopLevelRoot, "", "target")
	give("root1", authority.Root, "tlr1", "japan")
	give("root2", authority.Root, "tlr2", "")
	for short, under := range map[string]string{"acme": "root1", "loner": "tlr1", "other": "root2", "spare": "root1"} {
		w.underRoot(t, short, under)
	}
	give("lr1", authority.LastResort, "tlr1", "")
	give("lr2", authority.LastResort, "tlr2", "")
	return w
}

// member makes an organisation without a role, with a user who can sign in.
func (w *tree) member(t *testing.T, short string) {
	t.Helper()
	if _, err := w.RegisterOrg(t.Context(), operator, authority.NewOrg{Short: short, Name: "The " + short}); err != nil {
		t.Fatal(err)
	}
	u, _, err := w.AddUser(t.Context(), operator, short, authority.NewUser{Username: "ann@" + short})
	if err != nil {
		t.Fatal(err)
	}
	w.callers[short] = authority.Caller{Role: authority.Member, Org: u.Org, User: u.ID}
}

// underRoot gives an organisation the role of a CNA under another, in place of what it was registered with.
func (w *tree) underRoot(t *testing.T, short, under string) {
	t.Helper()
	old, err := w.Grants(t.Context(), short)
	if err != nil {
		t.Fatal(err)
	}
	if w.grants[short], err = w.GiveGrant(t.Context(), operator, authority.NewGrant{Org: short, Role: authority.CNA, Parent: w.grants[under].ID}); err != nil {
		t.Fatal(err)
	}
	for _, g := range old {
		if err := w.EndGrant(t.Context(), operator, g.ID, "replaced"); err != nil {
			t.Fatal(err)
		}
	}
}

func (w *tree) at(t *testing.T, when string) {
	t.Helper()
	to, err := time.Parse(time.RFC3339, when)
	if err != nil {
		t.Fatal(err)
	}
	w.Clock.Add(to.Sub(w.Clock.Now()))
}

func (w *tree) publish(t *testing.T, short string) string {
	t.Helper()
	id := w.reserve(t, short, 1)[0]
	if _, err := w.Publish(t.Context(), w.callers[short], program.Submission{ID: id, Container: jsontext.Value(container)}); err != nil {
		t.Fatal(err)
	}
	return id
}

func (w *tree) replayed(t *testing.T) {
	t.Helper()
	if out, err := w.Gate.Replay(t.Context(), false, nil); err != nil {
		t.Errorf("%v: %+v", err, out)
	}
	if !testing.Short() {
		w.followed(t)
	}
}

func say(text string) governance.Statement {
	return governance.Statement{Text: text, Evidence: []string{"https://evidence.test/1"}}
}

// A dispute is opened, acknowledged and decided where it was opened; everybody can read it.
func TestDispute(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, ctx := newTree(t, db), t.Context()
		id := w.publish(t, "acme")
		v, err := w.OpenDispute(ctx, w.callers["other"], program.NewDispute{Subject: "content", IDs: []string{id}, Statement: say("It is not a flaw.")})
		if err != nil {
			t.Fatal(err)
		}
		if v.State != governance.Open || v.Level != "cna" || v.PartyName != "other" || v.AgainstName != "acme" || v.AdjudicatorName != "acme" || v.Hidden {
			t.Errorf("opened: %+v", v)
		}
		if v, err = w.Acknowledge(ctx, w.callers["acme"], v.ID, say("We look at it.")); err != nil || v.State != governance.Acknowledged {
			t.Fatalf("%+v (%v)", v, err)
		}
		if v, err = w.Decide(ctx, w.callers["acme"], v.ID, governance.Invalid, say("It is one.")); err != nil || v.Outcome != governance.Invalid {
			t.Fatalf("%+v (%v)", v, err)
		}
		v, err = w.Case(ctx, authority.Caller{Role: authority.Anonymous}, v.ID)
		if err != nil || len(v.Steps) != 3 || v.Steps[2].Statement.Text != "It is one." || v.Whole || len(v.May) != 0 {
			t.Errorf("a stranger sees %+v (%v)", v, err)
		}
		if v, err = w.Case(ctx, w.callers["other"], v.ID); err != nil || !slices.Equal(v.May, []string{"escalate"}) {
			t.Errorf("the loser may %q (%v)", v.May, err)
		}
		if list, err := w.CasesAbout(ctx, operator, id); err != nil || len(list) != 1 || !strings.HasPrefix(list[0].ID, v.ID) {
			t.Errorf("about it: %+v (%v)", list, err)
		}
		w.replayed(t)
	})
}

const gatetestOperator = gatetest.Operator

// leaves are the log's from one on, as stored.
func (w *tree) leaves(t *testing.T, from int64) (out [][]byte) {
	t.Helper()
	err := w.DB.View(t.Context(), func(tx *store.Tx) error {
		return w.Log.Scan(t.Context(), tx, from, func(_ int64, leaf []byte, _ *ledger.Body) error {
			out = append(out, slices.Clone(leaf))
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// While a dispute runs its record carries the tag and the reason: by the owner's hand, or by that of a Root that is no CNA, under a
// direction of its own; both go when the dispute turns out to be void, and stay when it cannot be resolved.
func TestDisputedTag(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, ctx := newTree(t, db), t.Context()
		id := w.publish(t, "acme")
		open := func() string {
			v, err := w.OpenDispute(ctx, w.callers["other"], program.NewDispute{Subject: "content", IDs: []string{id}, Statement: say("It is not a flaw.")})
			if err != nil {
				t.Fatal(err)
			}
			return v.ID
		}
		tagged := func(want string) {
			t.Helper()
			view, err := w.Catalogue.Get(ctx, id)
			if err != nil {
				t.Fatal(err)
			}
			raw, err := view.Raw()
			if has := strings.Contains(string(raw), `"tags":["disputed"]`); err != nil || has != (want != "") || !strings.Contains(string(raw), want) {
				t.Errorf("the record is %s (%v), want %q in it", raw, err, want)
			}
		}
		in := open()
		for _, who := range []string{"other", "root1"} {
			if _, err := w.TagDisputed(ctx, w.callers[who], in, id, "x"); !errors.Is(err, program.ErrNotAbove) {
				t.Errorf("%s tags: %v", who, err)
			}
		}
		if _, err := w.TagDisputed(ctx, w.callers["acme"], in, id, "Other says that it is none."); err != nil {
			t.Fatal(err)
		}
		tagged("Disputed (case " + in + "): Other says that it is none.")
		if _, err := w.Acknowledge(ctx, w.callers["acme"], in, say("x")); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Decide(ctx, w.callers["acme"], in, governance.Invalid, say("It is one.")); err != nil {
			t.Fatal(err)
		}
		tagged("")
		if _, err := w.Escalate(ctx, w.callers["other"], in, say("x")); err != nil {
			t.Fatal(err)
		}
		if _, err := w.TagDisputed(ctx, w.callers["root1"], in, id, "The Root looks at it."); err != nil {
			t.Fatal(err)
		}
		tagged("The Root looks at it.")
		v, err := w.Acknowledge(ctx, w.callers["root1"], in, say("x"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.UntagDisputed(ctx, w.callers["root1"], in, id); !errors.Is(err, governance.ErrState) {
			t.Errorf("untagged while it runs: %v", err)
		}
		if v, err = w.Decide(ctx, w.callers["root1"], in, governance.Unresolved, say("Who knows.")); err != nil {
			t.Fatal(err)
		}
		tagged("The Root looks at it.")
		if _, err := w.Publish(ctx, w.callers["root1"], program.Submission{ID: id, Container: jsontext.Value(container),
			Want: program.WantOne}); !errors.Is(err, authority.ErrNotCNA) {
			t.Errorf("the Root's direction outlives its decision: %v", err)
		}
		if _, err := w.UntagDisputed(ctx, w.callers["acme"], in, id); !errors.Is(err, governance.ErrState) {
			t.Errorf("untagged though unresolved: %v", err)
		}
		if v, err = w.Decide(ctx, w.callers["root1"], in, governance.Invalid, say("After all.")); err != nil || v.Outcome != governance.Invalid {
			t.Fatal(err)
		}
		tagged("")
		sub := program.Submission{ID: id, Container: jsontext.Value(container), Want: program.WantOne}
		if _, err := w.Publish(ctx, w.callers["root1"], sub); !errors.Is(err, authority.ErrNotCNA) {
			t.Errorf("the Root's direction outlives the dispute: %v", err)
		}
		w.replayed(t)
	})
}
