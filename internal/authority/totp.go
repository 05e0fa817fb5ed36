package authority

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"tasuki/internal/event"
	"tasuki/internal/store"
	"tasuki/spec/totp"
)

// How often a one-time password may be wrong. Whoever gets so far has the user's secret already, so that here, other than with
// secrets, too many wrong ones close the door for a while: six digits would not stand slowing alone.
const (
	maxWrongCodes = 10
	codesClosed   = 15 * time.Minute
)

// ErrCode means a one-time password that is wrong, or was used before.
var ErrCode = errors.New("authority: the one-time password is not good")

var (
	totpGet     = q.Get("totp_get")
	totpTry     = q.Get("totp_try")
	totpAccept  = q.Get("totp_accept")
	totpUsedPut = q.Get("totp_used_put")
)

// SetTOTP gives a user a key for one-time passwords, of which code is one: ErrNoUser, totp.ErrKey, ErrCode. It is a private fact.
func SetTOTP(ctx context.Context, tx *store.Tx, t event.Turn, user, key, code string) error {
	u, err := GetUser(ctx, tx, user)
	if err != nil {
		return err
	}
	raw, err := totp.ParseKey(key)
	if err != nil {
		return err
	}
	step, ok := totp.Find(raw, code, t.Now())
	if !ok {
		return ErrCode
	}
	if err := emitFact(ctx, t, &totpFact{Kind: totpSet, Secret: totp.FormatKey(raw), User: u.ID}); err != nil {
		return err
	}
	// The password that proved the key is used up by that.
	_, err = tx.Exec(ctx, totpUsedPut, u.ID, step)
	return err
}

// ClearTOTP takes a user's key for one-time passwords away; ErrNoUser. That there is none is no error.
func ClearTOTP(ctx context.Context, tx *store.Tx, t event.Turn, user string) error {
	u, err := GetUser(ctx, tx, user)
	if err != nil {
		return err
	}
	if key, _, err := totpOf(ctx, tx, u.ID); err != nil || key == nil {
		return err
	}
	return emitFact(ctx, t, &totpFact{Kind: totpSet, User: u.ID})
}

// HasTOTP says whether a user has a key for one-time passwords.
func HasTOTP(ctx context.Context, tx *store.Tx, user string) (bool, error) {
	key, _, err := totpOf(ctx, tx, user)
	return key != nil, err
}

// totpOf is the key of a user and its leaf; nil and −1 where there is none, nil and a leaf where it was taken away.
func totpOf(ctx context.Context, tx *store.Tx, user string) (key []byte, leaf int64, err error) {
	var text string
	switch err := tx.QueryRow(ctx, totpGet, user).Scan(&leaf, &text); {
	case errors.Is(err, sql.ErrNoRows):
		return nil, -1, nil
	case err != nil:
		return nil, 0, err
	case text == "":
		return nil, leaf, nil
	}
	key, err = totp.ParseKey(text)
	return key, leaf, err
}

// tryCode says whether a one-time password is good now, and uses it up. Wrong ones are counted, over all nodes, before they are
// looked at.
func tryCode(ctx context.Context, tx *store.Tx, user string, key []byte, code string, now time.Time) (bool, error) {
	since := now.Add(-codesClosed).UnixMilli()
	if open, err := changed(ctx, tx, totpTry, user, now.UnixMilli(), since, since, maxWrongCodes); err != nil || !open {
		return false, err
	}
	step, ok := totp.Find(key, code, now)
	if !ok {
		return false, nil
	}
	return changed(ctx, tx, totpAccept, step, user, step)
}

// TryCode says whether a one-time password of a user is good now, and uses it up; it is counted like one at the door. Without a key
// there is no good one.
func (s *Sessions) TryCode(ctx context.Context, user, code string) (good bool, err error) {
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		key, _, err := totpOf(ctx, tx, user)
		if err != nil || key == nil {
			return err
		}
		good, err = tryCode(ctx, tx, user, key, code, s.now())
		return err
	})
	return good, err
}

// changed carries a query out and says whether it changed a row.
func changed(ctx context.Context, tx *store.Tx, query *store.Query, args ...any) (bool, error) {
	res, err := tx.Exec(ctx, query, args...)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n > 0, err
}
