package authority

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"time"

	"tasuki/internal/store"
)

// ErrUnauthorized means that the credentials are not good. It says no more: an unknown organisation, an unknown or inactive user
// and a wrong key are one.
var ErrUnauthorized = errors.New("authority: unauthorized")

// How guessing is slowed. The first failures cost nothing, for people mistype; each later one of the same user and source
// doubles the wait before its answer.
const (
	freeFailures = 3
	firstDelay   = 250 * time.Millisecond
	longestDelay = 8 * time.Second
	forgetAfter  = 15 * time.Minute
)

// Sizes of what a Verifier remembers; together a few megabytes at most.
const (
	maxRemembered = 16_384
	maxFailures   = 16_384
	maxUsed       = 65_536
	maxWaiting    = 1024 // answers that are held back at once; beyond them nothing is gained by waiting
)

// Verifier checks keys. A success is remembered in memory, so that a client that sends its key with each request pays for the
// hash once; what is remembered hangs on the leaf of the secret, so that a reset forgets it by itself, and whether the user is
// active is read every time. It is safe for concurrent use.
type Verifier struct {
	db   *store.DB
	now  func() time.Time
	wait func(ctx context.Context, d time.Duration) // sleeps; tests have their own

	key   [32]byte // drawn at start: what is in memory is worth nothing elsewhere
	dummy *phc     // verified where there is nothing to verify, so that the answer takes as long

	slots   chan struct{} // verifications at once; each takes 19 MiB
	waiting chan struct{}
	suspect chan struct{} // those of sources that failed before: they never take every slot

	mu       sync.Mutex
	good     *recent[[32]byte, struct{}]
	failures *recent[[32]byte, failed]
	used     map[string]int64 // user to hour, not written yet
}

type failed struct {
	n    int
	last time.Time
}

// NewVerifier makes a Verifier over a store.
func NewVerifier(db *store.DB, rand io.Reader, now func() time.Time) (*Verifier, error) {
	n := runtime.GOMAXPROCS(0)
	v := &Verifier{db: db, now: now, wait: sleep,
		slots: make(chan struct{}, n), suspect: make(chan struct{}, max(1, n/2)), waiting: make(chan struct{}, maxWaiting),
		good: newRecent[[32]byte, struct{}](maxRemembered), failures: newRecent[[32]byte, failed](maxFailures), used: map[string]int64{}}
	if _, err := io.ReadFull(rand, v.key[:]); err != nil {
		return nil, fmt.Errorf("draw the verifier's key: %w", err)
	}
	// The hash of nothing that anybody knows: to verify a key against it takes as long as against any other, to make it takes no time.
	v.dummy = &phc{time: argonTime, memory: argonMemory, lanes: argonLanes, salt: make([]byte, saltLen), hash: make([]byte, hashLen)}
	for _, part := range [][]byte{v.dummy.salt, v.dummy.hash} {
		if _, err := io.ReadFull(rand, part); err != nil {
			return nil, fmt.Errorf("draw the verifier's key: %w", err)
		}
	}
	return v, nil
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

var login = q.Get("login")

// Login says who is calling: a Member, or ErrUnauthorized. org is a short name, both names compare exactly. source is where the
// request came from, as far as it can be known (an address or network); failures slow down only further failures of the same
// user and source. A right key is never refused and never made to wait for more than a free core.
func (v *Verifier) Login(ctx context.Context, org, user, key, source string) (Caller, error) {
	m, _, err := v.check(ctx, org, user, key, source)
	return m.caller(), err
}

// Enter is Login for whoever wants to know also what the caller is at the moment.
func (v *Verifier) Enter(ctx context.Context, org, user, key, source string) (Standing, error) {
	m, _, err := v.check(ctx, org, user, key, source)
	if err != nil {
		return Standing{}, err
	}
	if m.rules == nil {
		err = v.db.Glance(ctx, func(tx *store.Tx) (err error) {
			m.rules, err = RulesOf(ctx, tx, m.version)
			return err
		})
	}
	if err != nil {
		return Standing{}, err
	}
	return m.standing(v.now()), nil
}

// check says who it is whose key is good, with the leaf of the secret.
func (v *Verifier) check(ctx context.Context, org, user, key, source string) (m membership, leaf int64, err error) {
	var text string
	err = v.db.Glance(ctx, func(tx *store.Tx) error {
		rows, err := tx.Query(ctx, login, plain(user), plain(org))
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // scanMembership has asked for the error
		m, err = scanMembership(rows, &leaf, &text)
		return err
	})
	if err != nil {
		return membership{}, 0, err
	}
	known := m.user.ID != "" && m.user.Active
	hash, perr := parsePHC(text)
	if perr != nil {
		hash, known = v.dummy, false
	}
	ticket := v.mac("key", m.user.ID, leaf, key)
	pair, from := v.mac("pair", org, 0, user, source), v.mac("from", source, 0)
	ok := known && v.remembered(ticket)
	if !ok {
		right, err := v.verify(ctx, hash, key, v.suspects(pair, from), func() bool { return known && v.remembered(ticket) })
		if err != nil {
			return membership{}, 0, err
		}
		ok = known && right
		if ok {
			v.remember(ticket)
		}
	}
	if !ok {
		v.slow(ctx, v.fail(pair, from))
		return membership{}, 0, ErrUnauthorized
	}
	v.touch(m.user.ID)
	return m, leaf, nil
}

// mac names something in memory. Lengths stand between the texts, so that no two lists of texts are one.
func (v *Verifier) mac(use, subject string, n int64, texts ...string) (sum [32]byte) {
	h := hmac.New(sha256.New, v.key[:])
	var b [8]byte
	number := func(n int64) {
		binary.BigEndian.PutUint64(b[:], uint64(n))
		h.Write(b[:])
	}
	number(n)
	for _, t := range append([]string{use, subject}, texts...) {
		number(int64(len(t)))
		io.WriteString(h, t)
	}
	h.Sum(sum[:0])
	return sum
}

func (v *Verifier) remembered(ticket [32]byte) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	_, ok := v.good.get(ticket)
	return ok
}

func (v *Verifier) remember(ticket [32]byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.good.put(ticket, struct{}{})
}

// verify hashes the key when its turn comes. Those who failed before pass a narrower door first. Where another request found the same
// key good meanwhile, once is enough: after a start, all connections of a busy client wait here together.
func (v *Verifier) verify(ctx context.Context, p *phc, key string, suspect bool, found func() bool) (bool, error) {
	doors := []chan struct{}{v.slots}
	if suspect {
		doors = []chan struct{}{v.suspect, v.slots}
	}
	for _, door := range doors {
		select {
		case door <- struct{}{}:
			defer func() { <-door }()
		case <-ctx.Done():
			return false, context.Cause(ctx)
		}
	}
	return found() || p.is(key), nil
}

// suspects says whether the user and source, or the source alone, failed often of late.
func (v *Verifier) suspects(pair, from [32]byte) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := v.now()
	return v.recently(pair, now).n > 0 || v.recently(from, now).n > 2*freeFailures
}

func (v *Verifier) recently(key [32]byte, now time.Time) failed {
	f, ok := v.failures.get(key)
	if !ok || now.Sub(f.last) > forgetAfter {
		return failed{}
	}
	return f
}

// fail notes a failure and says how long its answer waits.
func (v *Verifier) fail(pair, from [32]byte) time.Duration {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := v.now()
	f := v.recently(pair, now)
	for _, key := range [][32]byte{pair, from} {
		v.failures.put(key, failed{n: min(v.recently(key, now).n+1, 1000), last: now})
	}
	if f.n < freeFailures {
		return 0
	}
	return min(firstDelay<<min(f.n-freeFailures, 10), longestDelay)
}

// slow holds an answer back.
func (v *Verifier) slow(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	select {
	case v.waiting <- struct{}{}:
		v.wait(ctx, d)
		<-v.waiting
	default:
	}
}

var (
	usedPut = q.Get("used_put")
	usedGet = q.Get("used_get")
)

// touch notes that a user's secret was used in this hour, in memory.
func (v *Verifier) touch(user string) {
	hour := v.now().Truncate(time.Hour).UnixMilli()
	v.mu.Lock()
	defer v.mu.Unlock()
	if _, ok := v.used[user]; ok || len(v.used) < maxUsed {
		v.used[user] = hour
	}
}

// Flush writes down when secrets were last used. Call it now and then, and before the end: a minute's worth may be lost, and
// nobody should notice.
func (v *Verifier) Flush(ctx context.Context) error {
	v.mu.Lock()
	used := v.used
	v.used = map[string]int64{}
	v.mu.Unlock()
	if len(used) == 0 {
		return nil
	}
	return v.db.Update(ctx, func(tx *store.Tx) error {
		for user, hour := range used {
			if _, err := tx.Exec(ctx, usedPut, hour, user); err != nil {
				return err
			}
		}
		return nil
	})
}

// LastUsed is the hour in which a user's secret was last used, as far as it was written down; zero when it was not.
func LastUsed(ctx context.Context, tx *store.Tx, user string) (time.Time, error) {
	var at int64
	err := tx.QueryRow(ctx, usedGet, user).Scan(&at)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, nil
	}
	return moment(at), err
}

// recent is a bounded map that forgets what was used longest ago, roughly: it keeps two generations and drops the older one when
// the younger is full.
type recent[K comparable, V any] struct {
	max        int
	young, old map[K]V
}

func newRecent[K comparable, V any](max int) *recent[K, V] {
	return &recent[K, V]{max: max / 2, young: map[K]V{}}
}

func (r *recent[K, V]) get(k K) (V, bool) {
	if v, ok := r.young[k]; ok {
		return v, true
	}
	v, ok := r.old[k]
	if ok {
		r.put(k, v)
	}
	return v, ok
}

func (r *recent[K, V]) put(k K, v V) {
	if _, ok := r.young[k]; !ok && len(r.young) >= r.max {
		r.old, r.young = r.young, make(map[K]V, r.max)
	}
	r.young[k] = v
}
