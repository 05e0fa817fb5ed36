package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"

	"tasuki/internal/store"
	"tasuki/spec/c2sp"
)

// SignerOptions say who signs, as whom, and how often.
type SignerOptions struct {
	Key    note.Signer // its name is the origin; required
	Holder string      // who we are towards the other nodes of the store; required, unique per process

	Interval  time.Duration      // least time between two signatures under load; 0 means 500 ms
	Poll      time.Duration      // how often to look for what other nodes committed; 0 means 250 ms
	Lease     time.Duration      // how long a silent holder keeps the others waiting; 0 means 5 s
	HighWater string             // path of the high-water file outside the data directory; "" for none
	Signed    func(c Checkpoint) // called for each checkpoint that Sign meets first, on disk by then; one at a time; may be nil
	// Pause waits, after a new checkpoint, until the next may be signed; nil waits Interval. A list with a quorum publishes one
	// checkpoint before it offers the next, or mirrors would each cosign another one.
	Pause func(ctx context.Context, c Checkpoint)
	Now   func() time.Time // required
	Log   *slog.Logger     // nil means discard
}

// Signer signs the log's head whenever it has grown. Any number of nodes on one store may run one: the lease decides
// who does the work, and only that; that no two signatures contradict each other is due to the compare-and-swap in
// ledger_checkpoint, which holds whatever clocks and leases do.
type Signer struct {
	l      *Log
	o      SignerOptions
	wake   chan struct{}
	mu     sync.Mutex // one signature at a time in this process
	handed Checkpoint // the newest that was marked in the high-water file and handed on
}

// NewSigner returns a signer over l. Nothing is signed before Run or Sign.
func NewSigner(l *Log, o SignerOptions) *Signer {
	o.Interval = orDefault(o.Interval, 500*time.Millisecond)
	o.Poll = orDefault(o.Poll, 250*time.Millisecond)
	o.Lease = orDefault(o.Lease, 5*time.Second)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Signer{l: l, o: o, wake: make(chan struct{}, 1)}
	if s.o.Pause == nil {
		s.o.Pause = s.interval
	}
	return s
}

func (s *Signer) interval(ctx context.Context, _ Checkpoint) {
	select {
	case <-ctx.Done():
	case <-time.After(s.o.Interval):
	}
}

func orDefault(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}

// Notify says that the log has grown. It never blocks.
func (s *Signer) Notify() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Run signs until ctx ends: at once when notified after a pause, at most every Interval under load. It returns nil
// when ctx ends, and ErrFork or ErrBehind when the store contradicts what was signed: then nothing may be signed or
// written any more. Other errors are logged and tried again. On return the lease is given back.
func (s *Signer) Run(ctx context.Context) error {
	defer s.Release()
	tick := time.NewTicker(s.o.Poll)
	defer tick.Stop()
	for {
		switch c, fresh, err := s.Sign(ctx); {
		case errors.Is(err, ErrFork) || errors.Is(err, ErrBehind):
			return err
		case ctx.Err() != nil:
			return nil
		case err != nil && !errors.Is(err, errNotHolder) && !errors.Is(err, errRaced):
			s.o.Log.ErrorContext(ctx, "checkpoint not signed", "origin", s.o.Key.Name(), "err", err)
			s.interval(ctx, c)
		case fresh:
			s.o.Pause(ctx, c)
		}
		if err := s.awaitGrowth(ctx, tick.C); err != nil {
			return nil //nolint:nilerr // the context ended, which is how Run is meant to end
		}
	}
}

// awaitGrowth returns when somebody notified, or when polling finds leaves that no checkpoint covers.
func (s *Signer) awaitGrowth(ctx context.Context, tick <-chan time.Time) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.wake:
			return nil
		case <-tick:
			grown, err := s.grown(ctx)
			if err != nil && ctx.Err() == nil {
				s.o.Log.WarnContext(ctx, "log head not read", "err", err)
			}
			if grown {
				return nil
			}
		}
	}
}

// grown looks with two small reads, so that idle nodes cost the store nothing.
func (s *Signer) grown(ctx context.Context) (grown bool, err error) {
	err = s.l.db.View(ctx, func(tx *store.Tx) error {
		head, err := s.l.Head(ctx, tx)
		if err != nil {
			return err
		}
		c, err := s.l.Checkpoint(ctx, tx, s.o.Key.Name())
		if errors.Is(err, ErrNotFound) {
			grown = true
			return nil
		}
		grown = err == nil && c.Size != head.Size
		return err
	})
	return grown, err
}

// Finish signs what is not signed yet and releases the lease. That another node is signing is no error.
func (s *Signer) Finish(ctx context.Context) error {
	grown, err := s.grown(ctx)
	if err != nil || !grown {
		return err
	}
	defer s.Release()
	if _, _, err = s.Sign(ctx); errors.Is(err, errNotHolder) || errors.Is(err, errRaced) {
		return nil
	}
	return err
}

var errNotHolder = errors.New("ledger: another node holds the signing lease")

// Sign signs the present head once, if it is not signed yet and no other node holds the lease, and returns the newest
// checkpoint with whether it is new.
func (s *Signer) Sign(ctx context.Context) (c Checkpoint, fresh bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.o.Now()
	err = s.l.db.Update(ctx, func(tx *store.Tx) error {
		if err := s.lease(ctx, tx, now); err != nil {
			return err
		}
		var err error
		c, fresh, err = s.l.sign(ctx, tx, s.o.Key, s.handed, now.UnixMilli())
		return err
	})
	if err != nil {
		return Checkpoint{}, false, err
	}
	if c.Origin == s.handed.Origin && c.Size == s.handed.Size {
		return c, fresh, nil
	}
	if s.o.HighWater != "" {
		// After the commit: a mark above the store would make an honest restart look like a rollback. Before the
		// checkpoint is handed on: whoever has seen it can count on the mark. A higher mark is another node's.
		err := WriteHighWater(s.o.HighWater, c2sp.Checkpoint{Origin: c.Origin, Size: c.Size, Root: c.Root})
		if err != nil && !errors.Is(err, ErrBehind) {
			return c, fresh, fmt.Errorf("signed size %d: %w", c.Size, err)
		}
	}
	s.handed = c
	if s.o.Signed != nil {
		s.o.Signed(c)
	}
	return c, fresh, nil
}

const leaseName = "sign"

func (s *Signer) lease(ctx context.Context, tx *store.Tx, now time.Time) error {
	until := now.Add(s.o.Lease).UnixMilli()
	res, err := tx.Exec(ctx, queries.Get("lease_take"), leaseName, s.o.Holder, until, now.UnixMilli())
	if err != nil {
		return fmt.Errorf("take the signing lease: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return fmt.Errorf("take the signing lease: %w", err)
	}
	if n == 0 {
		return errNotHolder
	}
	return nil
}

// Release lets another node sign at once instead of after the lease has run out. Run calls it; who only calls Sign does so
// when no more is to come.
func (s *Signer) Release() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	err := s.l.db.Update(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, queries.Get("lease_drop"), leaseName, s.o.Holder)
		return err
	})
	if err != nil {
		s.o.Log.WarnContext(ctx, "signing lease not given back", "err", err)
	}
}
