package authority

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"tasuki/internal/store"
)

// How long a session lives (ADR 0013).
const (
	// SessionIdle is how long it lives without a request; it is counted in steps of touchEvery.
	SessionIdle = 30 * time.Minute
	// SessionMost is how long it lives at all.
	SessionMost = 12 * time.Hour

	touchEvery  = time.Minute
	maxSessions = 32 // of one user; the one that was silent longest goes first
	tokenLen    = 32 // bytes: nobody guesses 256 random bits
	maxAgent    = 200
)

// ErrNoSession means that nobody is signed in by what was presented: never, or not any more.
var ErrNoSession = errors.New("authority: no such session")

// The ways to sign in.
const (
	ViaKey  = "key"  // by the secret that the user's tools use too
	ViaOIDC = "oidc" // by an identity provider's word
)

// Credentials are what somebody signs in with.
type Credentials struct {
	Org, User string // short name and username, compared exactly
	Key       string // the secret
	Code      string // one-time password, where the user has a key for such
}

// Client is what is known of where a request comes from; it is shown to the user among their sessions.
type Client struct {
	Source string // address
	Agent  string // what the browser calls itself
}

// Session is somebody's stay in the portal.
type Session struct {
	Name   string // what the user knows it by; worth nothing to anybody else
	Caller Caller
	Via    string
	Client Client
	Began  time.Time
	Seen   time.Time // of the last request, to a minute
	TOTP   bool      // the user has a key for one-time passwords
}

// Sessions knows who is signed in. A browser holds a token of 256 random bits; the store holds its hash, so that whoever reads
// the store cannot be anybody. A session hangs on what it began with: the user's place in the organisation, their secret, their
// key for one-time passwords. When one of these changes it is gone, on every node, without anybody ending it.
type Sessions struct {
	db       *store.DB
	verifier *Verifier
	rand     io.Reader
	now      func() time.Time
}

// NewSessions is over the store and the clock of a verifier.
func NewSessions(v *Verifier, rand io.Reader) *Sessions {
	return &Sessions{db: v.db, verifier: v, rand: rand, now: v.now}
}

var (
	sessionPut       = q.Get("session_put")
	sessionGet       = q.Get("session_get")
	sessionList      = q.Get("session_list")
	sessionTouch     = q.Get("session_touch")
	sessionEnd       = q.Get("session_end")
	sessionEndNamed  = q.Get("session_end_named")
	sessionEndOthers = q.Get("session_end_others")
	sessionSweep     = q.Get("session_sweep")
	sessionTrim      = q.Get("session_trim")
	sessionBind      = q.Get("session_bind")
	sessionSecret    = q.Get("session_secret")
)

// Open signs somebody in and returns the token for their browser, or ErrUnauthorized: whatever is wrong, one-time password
// included. Guessing is slowed as Verifier.Login slows it.
func (s *Sessions) Open(ctx context.Context, cr Credentials, from Client) (token string, err error) {
	m, secret, err := s.verifier.check(ctx, cr.Org, cr.User, cr.Key, from.Source)
	if err != nil {
		return "", err
	}
	return s.open(ctx, m.caller(), secret, ViaKey, cr.Code, from)
}

// Vouch signs somebody in for whom an identity provider has vouched: the active user of that name. ErrUnauthorized when there is none.
// No one-time password is asked for: a second factor is the provider's affair.
func (s *Sessions) Vouch(ctx context.Context, org, user string, from Client) (token string, err error) {
	c := Caller{Role: Member}
	var secret int64
	err = s.db.View(ctx, func(tx *store.Tx) error {
		o, err := GetOrg(ctx, tx, s.now(), org)
		if err != nil {
			return err
		}
		if o.Short != org {
			return ErrNoOrg // a UUID names an organisation too, but not to people
		}
		c.Org = o.ID
		return tx.QueryRow(ctx, sessionSecret, o.ID, plain(user)).Scan(&c.User, &secret)
	})
	switch {
	case errors.Is(err, ErrNoOrg) || errors.Is(err, sql.ErrNoRows):
		return "", ErrUnauthorized
	case err != nil:
		return "", err
	}
	return s.open(ctx, c, secret, ViaOIDC, "", from)
}

func (s *Sessions) open(ctx context.Context, c Caller, secret int64, via, code string, from Client) (token string, err error) {
	var raw [tokenLen]byte
	var name [8]byte
	for _, b := range [][]byte{raw[:], name[:]} {
		if _, err := io.ReadFull(s.rand, b); err != nil {
			return "", fmt.Errorf("draw a session: %w", err)
		}
	}
	token = base64.RawURLEncoding.EncodeToString(raw[:])
	now := s.now()
	good := true
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		key, leaf, err := totpOf(ctx, tx, c.User)
		if err != nil {
			return err
		}
		if key != nil && via == ViaKey {
			// What a wrong password leaves behind has to be committed, so that it is no error here.
			if good, err = tryCode(ctx, tx, c.User, key, code, now); err != nil || !good {
				return err
			}
		}
		if _, err := tx.Exec(ctx, sessionSweep, now.Add(-SessionIdle).UnixMilli(), now.Add(-SessionMost).UnixMilli()); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, sessionPut, hashed(token), hex.EncodeToString(name[:]), c.User, c.Org, secret, leaf, via, legible(from.Agent), legible(from.Source),
			now.UnixMilli(), now.UnixMilli())
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, sessionTrim, c.User, c.User, maxSessions)
		return err
	})
	if err == nil && !good {
		err = ErrUnauthorized
	}
	if err != nil {
		return "", err
	}
	return token, nil
}

// Resume says who is signed in by a token, or ErrNoSession.
func (s *Sessions) Resume(ctx context.Context, token string) (out Session, err error) {
	if len(token) != base64.RawURLEncoding.EncodedLen(tokenLen) {
		return Session{}, ErrNoSession
	}
	now := s.now()
	err = s.db.View(ctx, func(tx *store.Tx) (err error) {
		out, err = scanSession(tx.QueryRow(ctx, sessionGet, hashed(token), now.Add(-SessionIdle).UnixMilli(), now.Add(-SessionMost).UnixMilli()))
		return err
	})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return Session{}, ErrNoSession
	case err != nil:
		return Session{}, err
	}
	if now.Sub(out.Seen) < touchEvery {
		return out, nil
	}
	out.Seen = now
	return out, s.db.Update(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, sessionTouch, now.UnixMilli(), hashed(token), now.UnixMilli())
		return err
	})
}

// List is every living session of a user, the one seen last first.
func (s *Sessions) List(ctx context.Context, user string) (out []Session, err error) {
	now := s.now()
	err = s.db.View(ctx, func(tx *store.Tx) error {
		rows, err := tx.Query(ctx, sessionList, user, now.Add(-SessionIdle).UnixMilli(), now.Add(-SessionMost).UnixMilli())
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // Err below says what went wrong
		for rows.Next() {
			one, err := scanSession(rows)
			if err != nil {
				return err
			}
			out = append(out, one)
		}
		return rows.Err()
	})
	return out, err
}

// End signs out whoever holds a token. That nobody does is no error.
func (s *Sessions) End(ctx context.Context, token string) error {
	return s.exec(ctx, sessionEnd, hashed(token))
}

// EndNamed ends one of a user's sessions by its name.
func (s *Sessions) EndNamed(ctx context.Context, user, name string) error {
	return s.exec(ctx, sessionEndNamed, user, name)
}

// EndOthers ends a user's sessions but the one of a name.
func (s *Sessions) EndOthers(ctx context.Context, user, name string) error {
	return s.exec(ctx, sessionEndOthers, user, name)
}

func (s *Sessions) exec(ctx context.Context, query *store.Query, args ...any) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, query, args...)
		return err
	})
}

// BindSession lets a session outlive what its own user has just done in the same transaction: another secret, another key for
// one-time passwords. Every other session of theirs ends by that.
func BindSession(ctx context.Context, tx *store.Tx, s Session) error {
	_, err := tx.Exec(ctx, sessionBind, s.Caller.User, s.Name)
	return err
}

func hashed(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// legible is what a client says of itself as it can be kept and shown.
func legible(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == utf8.RuneError {
			return -1
		}
		return r
	}, s)
	if len(s) > maxAgent {
		s = strings.ToValidUTF8(s[:maxAgent], "")
	}
	return s
}

func scanSession(row scanner) (Session, error) {
	out := Session{Caller: Caller{Role: Member}}
	var began, seen, totp int64
	err := row.Scan(&out.Name, &out.Caller.User, &out.Caller.Org, &out.Via, &out.Client.Agent, &out.Client.Source, &began, &seen, &totp)
	out.Began, out.Seen, out.TOTP = moment(began), moment(seen), totp == 1
	return out, err
}
