package program_test

import (
	"errors"
	"io"
	"sync/atomic"
	"testing"

	"tasuki/internal/authority"
	"tasuki/internal/program"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

// What comes first of two reasons is told, in the order of the acts' comments.
func TestOrderOfRefusals(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx, sec, acme, other := t.Context(), w.callers["secretariat"], w.callers["acme"], w.callers["other"]
		text := func(s string) *string { return &s }
		reserve := func(c authority.Caller, owner string, amount int64, batch *string) error {
			_, err := w.Reserve(ctx, c, program.Reservation{Owner: owner, Year: 1998, Amount: amount, Batch: batch})
			return err
		}
		admin := authority.NewUser{Username: "boss@other", Roles: []string{authority.Admin}}
		_, key, err := w.AddUser(ctx, operator, "other", admin)
		if err != nil {
			t.Fatal(err)
		}
		boss, err := w.Login(ctx, "other", "boss@other", key, "test")
		if err != nil {
			t.Fatal(err)
		}
		add := func(c authority.Caller, short string, n authority.NewUser) error {
			_, _, err := w.AddUser(ctx, c, short, n)
			return err
		}
		for _, c := range []struct {
			what      string
			got, want error
		}{
			{"for others, none", reserve(acme, "other", 0, nil), program.ErrReserveForOther},
			{"none", reserve(acme, "acme", 0, nil), program.ErrAmount},
			{"less than none, for nobody", reserve(sec, "nobody", -1, nil), program.ErrAmount},
			{"two, without saying how, for nobody", reserve(sec, "nobody", 2, nil), program.ErrNoBatch},
			{"two, saying nothing", reserve(acme, "acme", 2, text("")), program.ErrNoBatch},
			{"for nobody, in a way there is not", reserve(sec, "nobody", 1, text("x")), authority.ErrNoOrg},
			{"one, saying nothing, of no year", reserve(acme, "acme", 1, text("")), program.ErrBatch},

			{"the year of examples", w.OpenRange(ctx, sec, 1900), program.ErrYear},
			{"no year", w.OpenRange(ctx, sec, 0), program.ErrYear},
			{"no year, for a CNA", w.OpenRange(ctx, acme, 0), authority.ErrNotSecretariat},

			{"a user by one without powers, to nobody", add(acme, "nobody", authority.NewUser{Username: "eve"}), authority.ErrNotAdmin},
			{"a user to nobody, with a UUID", add(boss, "nobody", authority.NewUser{ID: "x", Username: "eve"}), authority.ErrNoOrg},
			{"a user with a UUID, to another organisation", add(boss, "acme", authority.NewUser{ID: "x", Username: "eve"}), program.ErrIDGiven},
			{"a user that there is, to another organisation", add(boss, "acme", authority.NewUser{Username: "ann@acme"}), authority.ErrNotAdmin},
			{"a user that there is", add(boss, "other", authority.NewUser{Username: "ann@other"}), authority.ErrUserExists},
		} {
			if !errors.Is(c.got, c.want) {
				t.Errorf("%s: %v, want %v", c.what, c.got, c.want)
			}
		}
		if _, err := w.ResetSecret(ctx, other, "acme", "ann@acme"); !errors.Is(err, authority.ErrOtherOrg) {
			t.Errorf("another's secret: %v", err)
		}
	})
}

// dice counts what is drawn.
type dice struct {
	io.Reader
	drawn atomic.Int64
}

func (d *dice) Read(p []byte) (int, error) {
	d.drawn.Add(int64(len(p)))
	return d.Reader.Read(p)
}

// Who is refused has cost no hash: nothing was drawn that could have been hashed. The refusal is written down all the same, once.
func TestRefusalsCostNoHash(t *testing.T) {
	w := newWorld(t, storetest.Open(t, storetest.SQLite(t)))
	ctx, acme := t.Context(), w.callers["acme"]
	d := &dice{Reader: w.Gate.Rand}
	w.Gate.Rand = d
	if _, _, err := w.AddUser(ctx, acme, "acme", authority.NewUser{Username: "eve"}); !errors.Is(err, authority.ErrNotAdmin) {
		t.Errorf("a user by one without powers: %v", err)
	}
	if _, err := w.ResetSecret(ctx, acme, "other", "ann@other"); !errors.Is(err, authority.ErrOtherOrg) {
		t.Errorf("another's secret: %v", err)
	}
	if err := w.Deny(ctx, acme, authority.ErrNotADP); !errors.Is(err, authority.ErrNotADP) {
		t.Errorf("denied: %v", err)
	}
	if n := d.drawn.Load(); n != 0 {
		t.Errorf("%d bytes were drawn", n)
	}
	if _, err := w.ResetSecret(ctx, acme, "acme", "ann@acme"); err != nil || d.drawn.Load() == 0 {
		t.Errorf("one's own: %v, %d bytes drawn", err, d.drawn.Load())
	}
	err := w.DB.View(ctx, func(tx *store.Tx) error {
		refusals, err := authority.Refusals(ctx, tx, acme, 0, 10)
		if len(refusals) != 3 {
			t.Errorf("written down: %+v", refusals)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
