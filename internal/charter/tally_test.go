package charter

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestCombineAndTally(t *testing.T) {
	c := threeOfFive(t)
	draft, err := c.Amend(clock, func(n *Charter) {
		n.Board.Keys[4] = BoardSeat{"b6", "Body b6", pubText(6)} // b6 comes for b5
	})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := draft.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	carried := func(keys ...int) *Document { // as on another machine
		d, err := Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		sign(d, keys...)
		return d
	}
	ids := func(seats []BoardSeat) string {
		var out []string
		for _, s := range seats {
			out = append(out, s.ID)
		}
		return strings.Join(out, " ")
	}
	some, err := Combine(draft, carried(1), carried(1, 6), carried())
	if err != nil {
		t.Fatal(err)
	}
	if len(draft.Sigs()) != 0 {
		t.Error("combining signed the draft itself")
	}
	tally := some.Tally(c.Head())
	if ids(tally.Old.Signed) != "b1" || ids(tally.Old.Missing) != "b2 b3 b4 b5" || tally.Old.Short() != 2 ||
		ids(tally.New.Signed) != "b1 b6" || tally.New.Short() != 1 || tally.Complete() || tally.Log || tally.Other != nil {
		t.Errorf("%+v of %+v", tally, *tally.Old)
	}
	if err := c.Check(some); !errors.Is(err, ErrThreshold) {
		t.Errorf("taken: %v", err)
	}

	forged := carried(5)
	forged.Sign("b2", key(9))
	forged.Sign(LogSigner, key(9))
	forged.Sign("b9", key(9))
	all, err := Combine(some, forged, carried(3))
	if err != nil {
		t.Fatal(err)
	}
	tally = all.Tally(c.Head())
	if !slices.Equal(tally.Other, []string{"b2", "b9", LogSigner}) || !tally.Complete() {
		t.Errorf("%+v of %+v", tally, *tally.Old)
	}
	if err := c.Check(all); err != nil {
		t.Errorf("refused: %v", err)
	}
	if back, err := Parse(mustWire(t, all)); err != nil || back.Hash() != draft.Hash() {
		t.Errorf("read back: %v", err)
	}
	if tally := c.Genesis().Tally(nil); tally.Old != nil || !tally.Complete() {
		t.Errorf("genesis: %+v", tally)
	}

	other, err := c.Amend(clock, func(n *Charter) { n.Reason = "another" })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Combine(draft, other); !errors.Is(err, ErrOtherDocument) {
		t.Errorf("two documents combined: %v", err)
	}
	// A feature amendment is signed by the log key alone; the tally says so and does not call it a stranger's.
	lone, _ := found(t)
	up, err := lone.AddFeatures(clock, "", "events-2")
	if err != nil {
		t.Fatal(err)
	}
	up.Sign(LogSigner, key(firstLog))
	if tally := up.Tally(lone.Head()); !tally.Log || tally.Other != nil || tally.Complete() {
		t.Errorf("%+v", tally)
	}
}

func mustWire(t testing.TB, d *Document) []byte {
	t.Helper()
	raw, err := d.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestRoleKeys(t *testing.T) {
	for _, role := range []Role{RoleMirror, RoleWitness, RoleNode} {
		k := &RoleKey{Role: role, Name: "m1.example/tasuki", Private: key(1)}
		path := t.TempDir() + "/key"
		if err := k.WriteFile(path); err != nil {
			t.Fatal(err)
		}
		if err := k.WriteFile(path); err == nil {
			t.Errorf("%s: overwritten", role)
		}
		for _, as := range []Role{RoleMirror, RoleWitness, RoleNode} {
			back, err := ReadRoleKey(path, as)
			if as != role {
				if !errors.Is(err, ErrKeyFile) {
					t.Errorf("%s read as %s: %v", role, as, err)
				}
				continue
			}
			if err != nil || back.Name != k.Name || !back.Private.Equal(k.Private) {
				t.Errorf("%s: read back %v, %v", role, back, err)
			}
		}
		if c, err := k.Cosigner(); role == RoleNode != errors.Is(err, ErrKeyFile) {
			t.Errorf("%s cosigns: %v, %v", role, c, err)
		}
	}
	if _, err := (&RoleKey{Role: RoleMirror, Name: "m 1", Private: key(1)}).Marshal(); err == nil {
		t.Error("a name with a space")
	}
	good, err := (&RoleKey{Role: RoleMirror, Name: "m1", Private: key(1)}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for name, in := range map[string]string{
		"plus in the name": strings.Replace(string(good), "KEY-1 m1 ", "KEY-1 m+1 ", 1), "short": strings.Replace(string(good), "=\n", "\n", 1),
		"no name": strings.Replace(string(good), "KEY-1 m1 ", "KEY-1 ", 1),
	} {
		_, err := ParseRoleKey([]byte(in), RoleMirror)
		if !errors.Is(err, ErrKeyFile) || strings.Contains(err.Error(), string(good[len(good)-30:len(good)-10])) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
