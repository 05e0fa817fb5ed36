package authority

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"tasuki/internal/ledger"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

const (
	orgID = "aaaaaaaa-0000-4000-8000-000000000001"
	annID = "aaaaaaaa-0000-4000-8000-000000000002"
)

// foldFact puts a row into a table as the fold of a leaf would.
func foldFact(t testing.TB, db *store.DB, leaf int64, e func() []any) {
	t.Helper()
	a := e()
	err := db.Update(t.Context(), func(tx *store.Tx) error {
		table := a[0].(factTable)
		return table.add(t.Context(), tx, a[1].(string), a[2].(*store.Query), append([]any{leaf}, a[3:]...)...)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func newSigned(t testing.TB, db *store.DB, key string) *Verifier {
	t.Helper()
	if err := db.Migrate(t.Context(), ledger.Schema(), Schema()); err != nil {
		t.Fatal(err)
	}
	err := db.Update(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(t.Context(), orgPut, orgID, 1, 1, "acme", "Acme", "", 0, 1, 1)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	setUser(t, db, 2, 1)
	setSecret(t, db, 3, key)
	v, err := NewVerifier(db, rand.Reader, func() time.Time { return time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC) })
	if err != nil {
		t.Fatal(err)
	}
	v.wait = func(context.Context, time.Duration) {}
	return v
}

func setUser(t testing.TB, db *store.DB, leaf int64, active int) {
	foldFact(t, db, leaf, func() []any {
		return []any{privateFacts[0], annID, userPut, annID, orgID, "ann", "", "", "", "", "", active, 0, 2, 1, 1}
	})
}

func setSecret(t testing.TB, db *store.DB, leaf int64, key string) {
	t.Helper()
	text, err := HashSecret(rand.Reader, key)
	if err != nil {
		t.Fatal(err)
	}
	foldFact(t, db, leaf, func() []any { return []any{privateFacts[1], annID, secretPut, annID, text, 1} })
}

// One error for everything that is wrong; what changes in the tables holds for the next sign-in, remembered or not.
func TestLogin(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		v := newSigned(t, db, "first")
		try := func(org, user, key string, ok bool) {
			t.Helper()
			c, err := v.Login(t.Context(), org, user, key, "192.0.2.1")
			switch {
			case ok && (err != nil || c != Caller{Role: Member, Org: orgID, User: annID}):
				t.Errorf("%s/%s: %+v, %v", org, user, c, err)
			case !ok && (!errors.Is(err, ErrUnauthorized) || c != Caller{} || err.Error() != ErrUnauthorized.Error()):
				t.Errorf("%s/%s: %+v, %v", org, user, c, err)
			}
		}
		try("acme", "ann", "first", true)
		try("acme", "ann", "first", true)
		for _, c := range [][3]string{{"acme", "ann", "First"}, {"Acme", "ann", "first"}, {"acme", "Ann", "first"}, {"", "", ""}, {"acme", "ann", ""},
			{"ac\x00me", "ann", "first"}, {"acme", "bob", "first"}, {"beta", "ann", "first"}} {
			try(c[0], c[1], c[2], false)
		}
		setUser(t, db, 4, 0)
		try("acme", "ann", "first", false) // switched off
		setUser(t, db, 5, 1)
		try("acme", "ann", "first", true)
		setSecret(t, db, 6, "second")
		try("acme", "ann", "first", false) // reset
		try("acme", "ann", "second", true)

		if err := v.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		err := db.View(t.Context(), func(tx *store.Tx) error {
			at, err := LastUsed(t.Context(), tx, annID)
			if want := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC); err != nil || !at.Equal(want) {
				t.Errorf("last used %v, %v", at, err)
			}
			at, err = LastUsed(t.Context(), tx, orgID)
			if err != nil || !at.IsZero() {
				t.Errorf("last used by nobody: %v, %v", at, err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// Failures slow down further failures of the same user and source; a right key is answered at once in between, other users and
// sources too, and all is forgotten after a while.
func TestGuessingIsSlowed(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite(t))
	v := newSigned(t, db, "right")
	now := time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)
	v.now = func() time.Time { return now }
	var waited []time.Duration
	v.wait = func(_ context.Context, d time.Duration) { waited = append(waited, d) }
	try := func(user, key, source string) []time.Duration {
		waited = nil
		if _, err := v.Login(t.Context(), "acme", user, key, source); (err == nil) != (key == "right") {
			t.Fatalf("%s %s: %v", user, key, err)
		}
		return waited
	}
	for i, want := range []time.Duration{0, 0, 0, 250, 500, 1000, 2000, 4000, 8000, 8000} {
		got := try("ann", "wrong", "a")
		if want == 0 && len(got) != 0 || want > 0 && (len(got) != 1 || got[0] != want*time.Millisecond) {
			t.Errorf("failure %d waited %v", i, got)
		}
		if got := try("ann", "right", "a"); len(got) != 0 {
			t.Errorf("the right key waited %v", got)
		}
	}
	if got := try("ann", "wrong", "b"); len(got) != 0 {
		t.Errorf("another source waited %v", got)
	}
	if got := try("bob", "wrong", "a"); len(got) != 0 {
		t.Errorf("another user waited %v", got)
	}
	now = now.Add(forgetAfter + time.Second)
	if got := try("ann", "wrong", "a"); len(got) != 0 {
		t.Errorf("a quarter of an hour later: %v", got)
	}
}

// However many ask at once, no more than the slots hash, and those who failed before leave one free.
func TestVerificationsAreBounded(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite(t))
	v := newSigned(t, db, "right")
	v.slots, v.suspect = make(chan struct{}, 2), make(chan struct{}, 1)
	if _, err := v.Login(t.Context(), "acme", "ann", "wrong", "bad"); !errors.Is(err, ErrUnauthorized) {
		t.Fatal(err)
	}
	v.suspect <- struct{}{} // a guess is being verified
	done, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			if _, err := v.Login(done, "acme", "ann", fmt.Sprint("wrong", i), "bad"); !errors.Is(err, context.Canceled) {
				t.Errorf("a guess came past another: %v", err)
			}
		})
	}
	if _, err := v.Login(t.Context(), "acme", "ann", "right", "good"); err != nil {
		t.Errorf("the right key from elsewhere: %v", err)
	}
	if len(v.slots) != 0 {
		t.Errorf("%d slots are taken", len(v.slots))
	}
	stop()
	wg.Wait()
	<-v.suspect
	if _, err := v.Login(t.Context(), "acme", "ann", "right", "bad"); err != nil {
		t.Errorf("the right key from where guesses came: %v", err)
	}
}

// What is found good while others wait with the same key is good for them without a hash of their own. The key here is good only by
// memory, so a hash would refuse it.
func TestOneHashForAllWhoWait(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite(t))
	v := newSigned(t, db, "right")
	if _, err := v.Login(t.Context(), "acme", "ann", "wrong", "here"); !errors.Is(err, ErrUnauthorized) {
		t.Fatal(err) // whoever comes from here passes two doors from now on, and the test stands between them
	}
	for _, active := range []int{1, 0} {
		v.good = newRecent[[32]byte, struct{}](10)
		v.suspect, v.slots = make(chan struct{}), make(chan struct{})
		setUser(t, db, int64(10-active), active)
		got := make(chan error)
		go func() { _, err := v.Login(t.Context(), "acme", "ann", "by memory", "here"); got <- err }()
		<-v.suspect
		v.remember(v.mac("key", annID, 3, "by memory"))
		<-v.slots
		v.slots <- struct{}{}
		v.suspect <- struct{}{}
		if err := <-got; active == 1 && err != nil || active == 0 && !errors.Is(err, ErrUnauthorized) {
			t.Errorf("active %d: %v", active, err)
		}
	}
}

func TestMemoryIsBounded(t *testing.T) {
	r := newRecent[int, int](100)
	r.put(-1, 7)
	for i := range 10_000 {
		r.put(i, i)
		if _, ok := r.get(-1); !ok {
			t.Fatalf("what is used all the time was forgotten after %d", i)
		}
		if n := len(r.young) + len(r.old); n > 100 {
			t.Fatalf("%d entries", n)
		}
	}
	if _, ok := r.get(5); ok {
		t.Error("nothing was forgotten")
	}
}

func TestSecrets(t *testing.T) {
	key, text, err := DrawSecret(rand.Reader)
	if err != nil || !regexp.MustCompile(`^[0-9a-f]{36}$`).MatchString(key) || !strings.HasPrefix(text, "$argon2id$v=19$m=19456,t=2,p=1$") || strings.Contains(text, key) {
		t.Errorf("%s %s %v", key, text, err)
	}
	p, err := parsePHC(text)
	if err != nil || !p.is(key) || p.is(key[1:]) || p.is("") {
		t.Errorf("%v", err)
	}
	// The reference's own test vector (github.com/P-H-C/phc-winner-argon2, test.c, Argon2id v=19).
	if p, err := parsePHC("$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"); err != nil || !p.is("password") || p.is("Password") {
		t.Errorf("the reference's vector: %v", err)
	}
	for _, bad := range []string{"", "x", "$argon2i$v=19$m=8,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=08,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc\n",
		"$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$"} {
		if _, err := parsePHC(bad); !errors.Is(err, ErrPHC) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// Unknown organisations and users take as long as a wrong key: the same hash is computed. Durations are noise on a busy machine,
// so the hashes are counted: whatever is wrong, one is computed.
func TestSameWork(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite(t))
	v := newSigned(t, db, "right")
	if v.dummy.time != argonTime || v.dummy.memory != argonMemory || v.dummy.lanes != argonLanes {
		t.Errorf("the dummy costs %d passes over %d KiB", v.dummy.time, v.dummy.memory)
	}
	setUser(t, db, 9, 0)
	v.slots = make(chan struct{}) // passes nobody whom the test does not let in and out
	hashes := make(chan int)
	done := make(chan struct{})
	go func() {
		n := 0
		for {
			select {
			case <-v.slots:
				n++
				v.slots <- struct{}{}
			case <-done:
				hashes <- n
				return
			}
		}
	}()
	wrong := [][3]string{{"acme", "ann", "right"}, {"acme", "bob", "right"}, {"beta", "ann", "right"}, {"acme", "ann", "wrong"}}
	for _, c := range wrong {
		if _, err := v.Login(t.Context(), c[0], c[1], c[2], ""); !errors.Is(err, ErrUnauthorized) {
			t.Errorf("%v: %v", c, err)
		}
	}
	close(done)
	if n := <-hashes; n != len(wrong) {
		t.Errorf("%d hashes for %d answers", n, len(wrong))
	}
}

func BenchmarkLogin(b *testing.B) {
	db := storetest.Open(b, storetest.SQLite(b))
	v := newSigned(b, db, "right")
	b.Run("remembered", func(b *testing.B) {
		for b.Loop() {
			if _, err := v.Login(b.Context(), "acme", "ann", "right", "a"); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("hashed", func(b *testing.B) {
		for b.Loop() {
			v.good = newRecent[[32]byte, struct{}](16)
			if _, err := v.Login(b.Context(), "acme", "ann", "right", "a"); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("wrong", func(b *testing.B) {
		for b.Loop() {
			if _, err := v.Login(b.Context(), "acme", "ann", "wrong", "a"); err == nil {
				b.Fatal("signed in")
			}
		}
	})
}
