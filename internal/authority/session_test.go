package authority_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tasuki/internal/authority"
	"tasuki/internal/event"
	"tasuki/internal/store"
	"tasuki/spec/totp"
)

// Hashes are slow on purpose, so that these tests make few.
const annsKey = "0123456789abcdef0123456789abcdef0123"

var annsPHC = sync.OnceValue(func() string {
	phc, err := authority.HashSecret(rand.Reader, annsKey)
	if err != nil {
		panic(err)
	}
	return phc
})

type signing struct {
	*world
	*authority.Sessions
	org authority.Org
	ann authority.User
}

func newSigning(t *testing.T, w *world) *signing {
	t.Helper()
	v, err := authority.NewVerifier(w.db, w.rand, func() time.Time { return w.now })
	if err != nil {
		t.Fatal(err)
	}
	s := &signing{world: w, Sessions: authority.NewSessions(v, w.rand), org: w.org(t, "acme", authority.CNA)}
	w.do(t, func(ctx context.Context, tx *store.Tx, turn event.Turn) (err error) {
		s.ann, err = authority.AddUser(ctx, tx, turn, authority.NewUser{Org: s.org.ID, Username: "ann@acme.test", PHC: annsPHC()})
		return err
	})
	return s
}

var desk = authority.Client{Source: "192.0.2.7", Agent: "Browser/1\x00\n"}

func (s *signing) credentials() authority.Credentials {
	return authority.Credentials{Org: "acme", User: "ann@acme.test", Key: annsKey}
}

func (s *signing) in(t *testing.T) string {
	t.Helper()
	token, err := s.Open(t.Context(), s.credentials(), desk)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// alive says whether a token is somebody's.
func (s *signing) alive(t *testing.T, token string) bool {
	t.Helper()
	_, err := s.Resume(t.Context(), token)
	if err != nil && !errors.Is(err, authority.ErrNoSession) {
		t.Fatal(err)
	}
	return err == nil
}

func (s *signing) change(t *testing.T, c authority.UserChange) {
	t.Helper()
	s.do(t, func(ctx context.Context, tx *store.Tx, turn event.Turn) error {
		_, err := authority.ChangeUser(ctx, tx, turn, s.ann.ID, c)
		return err
	})
}

func TestSession(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := newSigning(t, w)
		first, second := s.in(t), s.in(t)
		if first == second || len(first) != 43 {
			t.Fatalf("tokens %q and %q", first, second)
		}
		got, err := s.Resume(t.Context(), first)
		want := authority.Session{Name: got.Name, Caller: authority.Caller{Role: authority.Member, Org: s.org.ID, User: s.ann.ID}, Via: authority.ViaKey,
			Client: authority.Client{Source: "192.0.2.7", Agent: "Browser/1"}, Began: w.now, Seen: w.now}
		if err != nil || got != want || len(got.Name) != 16 {
			t.Errorf("%+v (%v)", got, err)
		}
		for _, bad := range []string{"", "x", first[:42], first + "A", first[:42] + "!", strings.Repeat("A", 43), got.Name} {
			if s.alive(t, bad) {
				t.Errorf("%q is a session", bad)
			}
		}
		for name, cr := range map[string]authority.Credentials{
			"org":  {Org: "beta", User: "ann@acme.test", Key: annsKey},
			"uuid": {Org: s.org.ID, User: "ann@acme.test", Key: annsKey},
			"user": {Org: "acme", User: "bob@acme.test", Key: annsKey},
			"key":  {Org: "acme", User: "ann@acme.test", Key: annsKey + "0"},
		} {
			if token, err := s.Open(t.Context(), cr, desk); !errors.Is(err, authority.ErrUnauthorized) || token != "" {
				t.Errorf("wrong %s: %q %v", name, token, err)
			}
		}
		list, err := s.List(t.Context(), s.ann.ID)
		if err != nil || len(list) != 2 {
			t.Fatalf("%+v (%v)", list, err)
		}
		if err := s.EndNamed(t.Context(), s.org.ID, got.Name); err != nil || !s.alive(t, first) {
			t.Errorf("somebody else ended it (%v)", err)
		}
		if err := s.EndOthers(t.Context(), s.ann.ID, got.Name); err != nil || !s.alive(t, first) || s.alive(t, second) {
			t.Errorf("the others were ended: %v", err)
		}
		if err := s.End(t.Context(), first); err != nil || s.alive(t, first) {
			t.Errorf("signed out: %v", err)
		}
		third := s.in(t)
		if list, err = s.List(t.Context(), s.ann.ID); err != nil || len(list) != 1 {
			t.Fatalf("%+v (%v)", list, err)
		}
		if err := s.EndNamed(t.Context(), s.ann.ID, list[0].Name); err != nil || s.alive(t, third) {
			t.Errorf("ended by its name: %v", err)
		}
		var many []string
		for range 33 {
			w.now = w.now.Add(time.Millisecond)
			many = append(many, s.in(t))
		}
		if s.alive(t, many[0]) || !s.alive(t, many[1]) {
			t.Error("not the oldest of 33 was dropped")
		}
	})
}

// What is in the store lets nobody in: neither the token nor anything it could be made from.
func TestStoreHoldsNoToken(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := newSigning(t, w)
		token := s.in(t)
		var hash, name string
		w.view(t, func(ctx context.Context, tx *store.Tx) error {
			return tx.QueryRow(ctx, store.Inline("hash", `SELECT hash, name FROM authority_session`)).Scan(&hash, &name)
		})
		if len(hash) != 64 || strings.Contains(hash+name, token) || s.alive(t, hash) || s.alive(t, hash[:43]) || s.alive(t, name) {
			t.Errorf("%s %s for %s", hash, name, token)
		}
	})
}

func TestSessionEndsByItself(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := newSigning(t, w)
		t.Run("idle", func(t *testing.T) {
			token := s.in(t)
			for range 3 {
				w.now = w.now.Add(authority.SessionIdle - time.Second)
				if !s.alive(t, token) {
					t.Fatal("gone before its time")
				}
			}
			w.now = w.now.Add(authority.SessionIdle)
			if s.alive(t, token) {
				t.Error("alive after half an hour of silence")
			}
		})
		t.Run("old", func(t *testing.T) {
			token, began := s.in(t), w.now
			for w.now.Sub(began) < authority.SessionMost-20*time.Minute {
				w.now = w.now.Add(20 * time.Minute)
				if !s.alive(t, token) {
					t.Fatalf("gone after %v", w.now.Sub(began))
				}
			}
			w.now = began.Add(authority.SessionMost)
			if s.alive(t, token) {
				t.Error("alive after twelve hours")
			}
			s.in(t)
			w.view(t, func(ctx context.Context, tx *store.Tx) error {
				var n int
				if err := tx.QueryRow(ctx, store.Inline("rows", `SELECT count(*) FROM authority_session`)).Scan(&n); err != nil || n != 1 {
					t.Errorf("%d rows are left of sessions long over (%v)", n, err)
				}
				return nil
			})
		})
		t.Run("secret reset", func(t *testing.T) {
			own, other := s.in(t), s.in(t)
			session, err := s.Resume(t.Context(), own)
			if err != nil {
				t.Fatal(err)
			}
			w.do(t, func(ctx context.Context, tx *store.Tx, turn event.Turn) error {
				if err := authority.ResetSecret(ctx, tx, turn, s.ann.ID, annsPHC()); err != nil {
					return err
				}
				return authority.BindSession(ctx, tx, session)
			})
			if !s.alive(t, own) || s.alive(t, other) {
				t.Error("the session that reset the secret goes on, the other one does not")
			}
			w.do(t, func(ctx context.Context, tx *store.Tx, turn event.Turn) error {
				return authority.ResetSecret(ctx, tx, turn, s.ann.ID, annsPHC())
			})
			if s.alive(t, own) {
				t.Error("alive after somebody else reset the secret")
			}
		})
		t.Run("switched off", func(t *testing.T) {
			token := s.in(t)
			s.change(t, authority.UserChange{Active: ptr(false)})
			if s.alive(t, token) {
				t.Error("alive after the user was switched off")
			}
			if list, err := s.List(t.Context(), s.ann.ID); err != nil || len(list) != 0 {
				t.Errorf("%+v (%v)", list, err)
			}
			s.change(t, authority.UserChange{Active: ptr(true)})
		})
		t.Run("moved", func(t *testing.T) {
			token := s.in(t)
			beta := w.org(t, "beta", authority.CNA)
			s.change(t, authority.UserChange{Org: &beta.ID})
			if s.alive(t, token) {
				t.Error("alive in an organisation that the user left")
			}
			s.change(t, authority.UserChange{Org: &s.org.ID})
		})
		t.Run("erased", func(t *testing.T) {
			token := s.in(t)
			var leaves []int64
			w.view(t, func(ctx context.Context, tx *store.Tx) (err error) {
				leaves, err = authority.UserLeaves(ctx, tx, s.ann.ID)
				return err
			})
			for _, leaf := range leaves {
				w.erase(t, leaf)
			}
			if s.alive(t, token) {
				t.Error("alive after the user was erased")
			}
			w.view(t, func(ctx context.Context, tx *store.Tx) error {
				var n int
				if err := tx.QueryRow(ctx, store.Inline("rows", `SELECT count(*) FROM authority_session`)).Scan(&n); err != nil || n != 0 {
					t.Errorf("%d rows about somebody who was erased (%v)", n, err)
				}
				return nil
			})
			w.replayed(t)
		})
	})
}

func (s *signing) setTOTP(t *testing.T, key []byte, code string) error {
	t.Helper()
	return s.try(t, func(ctx context.Context, tx *store.Tx, turn event.Turn) error {
		return authority.SetTOTP(ctx, tx, turn, s.ann.ID, totp.FormatKey(key), code)
	})
}

func (s *signing) code(key []byte) string { return totp.Code(key, totp.Step(s.now)) }

func (s *signing) open(t *testing.T, code string) error {
	t.Helper()
	cr := s.credentials()
	cr.Code = code
	_, err := s.Open(t.Context(), cr, desk)
	return err
}

func TestOneTimePasswords(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := newSigning(t, w)
		key := []byte("12345678901234567890")
		before := s.in(t)
		if err := s.setTOTP(t, key, "000000"); !errors.Is(err, authority.ErrCode) {
			t.Errorf("a wrong password proved a key: %v", err)
		}
		if err := s.setTOTP(t, key[:10], s.code(key)); !errors.Is(err, totp.ErrKey) {
			t.Errorf("half a key: %v", err)
		}
		if err := s.setTOTP(t, key, s.code(key)); err != nil {
			t.Fatal(err)
		}
		if s.alive(t, before) {
			t.Error("a session without one-time password outlived the key's setting")
		}
		if err := s.open(t, s.code(key)); !errors.Is(err, authority.ErrUnauthorized) {
			t.Errorf("the password that proved the key is good again: %v", err)
		}
		if err := s.open(t, ""); !errors.Is(err, authority.ErrUnauthorized) {
			t.Errorf("without password: %v", err)
		}
		w.now = w.now.Add(totp.Period)
		used := s.code(key)
		if err := s.open(t, used); err != nil {
			t.Fatalf("the next password: %v", err)
		}
		if err := s.open(t, used); !errors.Is(err, authority.ErrUnauthorized) {
			t.Errorf("a password twice: %v", err)
		}
		if good, err := s.TryCode(t.Context(), s.ann.ID, used); err != nil || good {
			t.Errorf("a password that was used, tried again: %v %v", good, err)
		}
		w.now = w.now.Add(totp.Period)
		if good, err := s.TryCode(t.Context(), s.ann.ID, s.code(key)); err != nil || !good {
			t.Errorf("a password, tried: %v %v", good, err)
		}
		if good, err := s.TryCode(t.Context(), s.org.ID, s.code(key)); err != nil || good {
			t.Errorf("of nobody: %v %v", good, err)
		}
		// A provider's word is enough.
		if token, err := s.Vouch(t.Context(), "acme", "ann@acme.test", desk); err != nil || !s.alive(t, token) {
			t.Errorf("vouched: %v", err)
		}
		w.do(t, func(ctx context.Context, tx *store.Tx, turn event.Turn) error {
			return authority.ClearTOTP(ctx, tx, turn, s.ann.ID)
		})
		if err := s.open(t, ""); err != nil {
			t.Errorf("after the key was taken away: %v", err)
		}
		w.replayed(t)
	})
}

// Too many wrong passwords close the door for a while, however many nodes and sources they come from, and at once.
func TestGuessingOneTimePasswords(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := newSigning(t, w)
		key := []byte("12345678901234567890")
		if err := s.setTOTP(t, key, s.code(key)); err != nil {
			t.Fatal(err)
		}
		w.now = w.now.Add(time.Minute)
		if err := s.open(t, "wrong"); !errors.Is(err, authority.ErrUnauthorized) {
			t.Fatal(err)
		}
		if err := s.open(t, s.code(key)); err != nil {
			t.Fatalf("one wrong password shut a good one out: %v", err)
		}
		var all sync.WaitGroup
		var in atomic.Int32
		w.now = w.now.Add(time.Minute)
		for i := range 40 {
			cr := s.credentials()
			cr.Code = fmt.Sprintf("%06d", i)
			if i >= 30 {
				cr.Code = "none"
			}
			all.Go(func() {
				if _, err := s.Open(context.Background(), cr, authority.Client{Source: fmt.Sprintf("192.0.2.%d", i)}); err == nil {
					in.Add(1)
				}
			})
		}
		all.Wait()
		if in.Load() != 0 {
			t.Fatalf("%d guesses were good", in.Load())
		}
		if err := s.open(t, s.code(key)); !errors.Is(err, authority.ErrUnauthorized) {
			t.Errorf("the door is open after 40 guesses: %v", err)
		}
		w.now = w.now.Add(15*time.Minute + time.Second)
		if err := s.open(t, s.code(key)); err != nil {
			t.Errorf("the door stays shut: %v", err)
		}
	})
}

func TestVouch(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := newSigning(t, w)
		token, err := s.Vouch(t.Context(), "acme", "ann@acme.test", desk)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := s.Resume(t.Context(), token); err != nil || got.Via != authority.ViaOIDC || got.Caller.User != s.ann.ID {
			t.Errorf("%+v (%v)", got, err)
		}
		for _, pair := range [][2]string{{"acme", "Ann@acme.test"}, {"Acme", "ann@acme.test"}, {"acme", ""}, {"", ""}, {s.org.ID, "ann@acme.test"}, {"beta", "ann@acme.test"}} {
			if token, err := s.Vouch(t.Context(), pair[0], pair[1], desk); !errors.Is(err, authority.ErrUnauthorized) || token != "" {
				t.Errorf("%q: %v", pair, err)
			}
		}
		s.change(t, authority.UserChange{Active: ptr(false)})
		if _, err := s.Vouch(t.Context(), "acme", "ann@acme.test", desk); !errors.Is(err, authority.ErrUnauthorized) {
			t.Errorf("switched off: %v", err)
		}
	})
}

func TestRefusals(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann := authority.Caller{Role: authority.Member, Org: operator, User: operator}
		if err := w.db.Update(t.Context(), func(tx *store.Tx) error {
			for i := range 5 {
				for _, c := range []authority.Caller{ann, {Role: authority.Operator, Name: "x"}} {
					if err := authority.Audit(t.Context(), tx, w.now, c, "act", fmt.Sprintf("reason %d", i)); err != nil {
						return err
					}
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		w.view(t, func(ctx context.Context, tx *store.Tx) error {
			var got []string
			before := int64(0)
			for range 4 {
				page, err := authority.Refusals(ctx, tx, ann, before, 2)
				if err != nil {
					return err
				}
				for _, r := range page {
					got, before = append(got, r.Reason), r.N
				}
			}
			if want := []string{"reason 4", "reason 3", "reason 2", "reason 1", "reason 0"}; !slices.Equal(got, want) {
				t.Errorf("%q", got)
			}
			return nil
		})
	})
}
