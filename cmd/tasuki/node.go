package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/note"

	"tasuki/internal/authority"
	"tasuki/internal/catalogue"
	"tasuki/internal/charter"
	"tasuki/internal/continuity"
	"tasuki/internal/drafts"
	"tasuki/internal/edge/mirror"
	"tasuki/internal/gate"
	"tasuki/internal/gcve"
	"tasuki/internal/governance"
	"tasuki/internal/jobs"
	"tasuki/internal/ledger"
	"tasuki/internal/program"
	"tasuki/internal/registry"
	"tasuki/internal/store"
	"tasuki/spec/cve/schema"
)

// node is an open list: every part, wired. Several nodes may share one PostgreSQL store.
type node struct {
	cfg   Config
	dir   *DataDir
	log   *slog.Logger
	now   func() time.Time
	rand  io.Reader
	keyed bool // this node holds the log key of the present epoch

	db        *store.DB
	ledger    *ledger.Log
	gate      *gate.Gate
	catalogue *catalogue.Service
	verifier  *authority.Verifier
	acts      *program.Service
	public    *program.Public // what anybody may ask
	chain     *charter.Chain
	signer    *ledger.Signer // nil when not keyed
	// What is said about the list by others than the log key: published checkpoints, seals, evidence.
	continuity *continuity.SQL
	publishing *publishing // nil when what is signed is published
	sightings  continuity.Sightings
	refusals   *jobs.Refusals
	cursors    *jobs.Cursors
	sealed     string     // why nothing may be written as long as this node is open, "" when it may
	office     office     // whether it acts as the list's operator at the moment
	handing    sync.Mutex // one handover at a time

	role       *mirrorRole                             // of a copy that follows; nil for a list's own node
	follower   *mirror.Follower                        // of such a copy
	stored     atomic.Int64                            // leaves that such a copy holds
	mirrorVKey string                                  // of its key, "" without one
	policy     atomic.Pointer[continuity.ClientPolicy] // of a copy that follows

	news       news    // of the log's growth
	signedNews news    // of the log key's signatures
	leaving    leaving // from when on nobody should be kept waiting

	checkpoint atomic.Pointer[ledger.Checkpoint]
	importing  atomic.Pointer[string] // what an import under way says of itself
	syncing    sync.Mutex             // one synchronisation at a time
	serving    atomic.Bool            // Run is under way

	background sync.WaitGroup
	stop       context.CancelFunc
}

// projections are every fold, in order.
func projections() []gate.Projection {
	return []gate.Projection{registry.Projection{}, authority.Projection{}, catalogue.Projection{}, governance.Projection{}, gcve.Projection{}, continuity.Projection{}}
}

// migrate brings a store's schema forward.
func migrate(ctx context.Context, db *store.DB) error {
	return db.Migrate(ctx, ledger.Schema(), charter.Schema(), registry.Schema(), catalogue.Schema(), jobs.Schema(), authority.Schema(), governance.Schema(),
		drafts.Schema(), gcve.Schema(), continuity.Schema())
}

// dsn is the store's address.
func (s Setup) dsn() string {
	if s.Config.Store != "" {
		return s.Config.Store
	}
	return filepath.Join(s.Dir.Path, "tasuki.db")
}

// highWater is the path of the high-water file, "" for none.
func (s Setup) highWater() string {
	switch s.Config.HighWater {
	case "off":
		return ""
	case "":
		return s.Dir.Path + ".highwater"
	}
	return s.Config.HighWater
}

// openNode opens the list in a data directory, founding one where that is permitted and there is none.
func openNode(ctx context.Context, s Setup) (_ *node, err error) {
	n := &node{cfg: s.Config, dir: s.Dir, log: s.Log, now: s.Now, rand: s.Rand, leaving: newLeaving()}
	go schema.NewValidator() //nolint:errcheck // compiled while the store opens; openActs says what is wrong with it
	if n.db, err = store.Open(ctx, s.dsn(), store.Options{Log: s.Log}); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.db.Close())
		}
	}()
	if err := migrate(ctx, n.db); err != nil {
		return nil, err
	}
	n.ledger = ledger.New(n.db)
	n.continuity = &continuity.SQL{DB: n.db, Log: n.ledger, Rand: n.rand}
	n.cursors = jobs.NewCursors(n.db, s.Now)
	n.refusals = jobs.NewRefusals(n.db)
	n.catalogue = catalogue.New(n.db, n.ledger, n.now, s.Log)
	if n.role, err = s.role(); err != nil {
		return nil, err
	}
	if err := n.load(ctx); errors.Is(err, charter.ErrNone) && n.role != nil {
		if err := n.foundMirror(ctx); err != nil {
			return nil, fmt.Errorf("found a mirror: %w", err)
		}
	} else if errors.Is(err, charter.ErrNone) && s.Create {
		n.now = s.Seed.clock(s.Now)
		if err := n.found(ctx, s); err != nil {
			return nil, fmt.Errorf("found a list: %w", err)
		}
		n.now = s.Now
	} else if err != nil {
		return nil, fmt.Errorf("%s: %w", n.db.Name(), err)
	}
	if s.Seed != nil {
		if err := n.sow(ctx, s.Seed); err != nil {
			return nil, fmt.Errorf("seed: %w", err)
		}
	}
	key, err := n.key(ctx)
	if err != nil {
		return nil, err
	}
	// A sealed store signs nothing and numbers nothing: it may be as old as it is.
	if path := s.highWater(); path != "" && n.sealed == "" {
		if err := n.db.View(ctx, func(tx *store.Tx) error { return n.ledger.CheckHighWater(ctx, tx, path) }); err != nil {
			return nil, fmt.Errorf("%w\nThis looks like an older copy of a list that went on. If the newer one is lost, open a new epoch with "+
				"\"tasuki restore --board-key FILE\"; the high-water file is %s", err, path)
		}
	}
	if err := n.sweepScratch(); err != nil {
		return nil, err
	}
	n.openGate()
	if err := n.refold(ctx); err != nil {
		n.gate.Close()
		return nil, fmt.Errorf("fold the log again: %w", err)
	}
	if err := errors.Join(n.openActs(), n.upgradeCharter(ctx), n.openEscrow(ctx)); err != nil {
		n.gate.Close()
		return nil, err
	}
	if key != nil {
		n.keyed = true
		o := ledger.SignerOptions{Key: presentKey{key, n.db}, Holder: n.holder(), HighWater: s.highWater(), Now: n.now, Log: n.log,
			Signed: func(c ledger.Checkpoint) {
				n.checkpoint.Store(&c)
				n.signedNews.tell()
			}}
		if n.publishing, err = n.openPublishing(ctx, key); err != nil {
			n.gate.Close()
			return nil, fmt.Errorf("open publication: %w", err)
		}
		if n.publishing != nil {
			o.Signed, o.Pause = n.publishing.signed, n.publishing.settled
		}
		n.signer = ledger.NewSigner(n.ledger, o)
	}
	if n.role != nil {
		if err := n.openFollower(ctx); err != nil {
			n.gate.Close()
			return nil, err
		}
	}
	n.readCheckpoint(ctx)
	context.AfterFunc(ctx, n.leaving.begin)
	var work context.Context
	work, n.stop = context.WithCancel(context.WithoutCancel(ctx))
	n.background.Go(func() { tendMemory(work) })
	n.background.Go(func() {
		started := n.now()
		if err := n.catalogue.Warm(work, nil); err != nil && work.Err() == nil {
			n.log.ErrorContext(work, "search index not filled", "err", err)
			return
		}
		n.log.DebugContext(work, "search index ready", "records", n.catalogue.Len(), "took", n.now().Sub(started))
	})
	return n, nil
}

// holder names this process towards the other nodes of its store. An embedded store has none: whoever holds its directory may go on
// with the lease of the process that died with it.
func (n *node) holder() string {
	if n.db.Engine() == store.SQLite {
		return filepath.Base(n.dir.Path)
	}
	var raw [8]byte
	if _, err := io.ReadFull(n.rand, raw[:]); err != nil {
		return n.dir.Path
	}
	return fmt.Sprintf("%s#%x", filepath.Base(n.dir.Path), raw)
}

// load reads the charter chain.
func (n *node) load(ctx context.Context) error {
	return n.db.View(ctx, func(tx *store.Tx) (err error) {
		n.chain, err = charter.Load(ctx, tx)
		return err
	})
}

func (n *node) openGate() {
	n.gate = gate.New(gate.Config{DB: n.db, Log: n.ledger, List: n.chain.ListID(), Operator: n.chain.Head().Charter().Operator.Org,
		Rules: authority.Rules{Sealed: n.sealed}, Projections: projections(), Now: n.now, ClockLeap: time.Duration(n.cfg.ClockLeap), Rand: n.rand, Logger: n.log, Scratch: n.scratch,
		Admit: n.admit,
		Committed: func(int64) {
			n.news.tell()
			if n.signer != nil {
				n.signer.Notify()
			}
		}})
}

// foldsCursor keeps the versions of the folds that made the derived tables.
const foldsCursor = "node/folds"

// foldVersions names the folds of this program.
func foldVersions() (text string) {
	for _, p := range projections() {
		text += fmt.Sprintf("%s/%d ", p.Name(), p.Version())
	}
	return text
}

// refold brings derived tables that an older (or newer) program folded to this one's version, by folding the log again.
func (n *node) refold(ctx context.Context) error {
	want := foldVersions()
	have, err := n.cursors.Load(ctx, foldsCursor)
	if err != nil || string(have) == want {
		return err
	}
	size, err := n.size(ctx)
	if err != nil {
		return err
	}
	if size > 1 { // more than the leaf that founded the list
		// A warning, though nothing is wrong: whoever only asked something waits for it, minutes with a million leaves.
		n.log.WarnContext(ctx, "derived tables are of another version of this program: folding the log again, once", "have", string(have), "want", want, "leaves", size)
		began := n.now()
		told := began
		_, err := n.gate.Replay(ctx, true, func(done, total int64) {
			now := n.now()
			if now.Sub(told) < 5*time.Second {
				return
			}
			told = now
			spent := now.Sub(began)
			left := time.Duration(float64(spent) * float64(total-done) / float64(max(done, 1)))
			n.log.WarnContext(ctx, "folding the log again", "done", done, "leaves", total, "per_second", int64(float64(done)/spent.Seconds()), "left", left.Round(time.Second))
		})
		if err != nil {
			return err
		}
	}
	return n.cursors.Save(ctx, foldsCursor, []byte(want))
}

// key reads the log key of the present epoch and decides whether this node may write: one whose key is another epoch's, or
// a copy that was restored without the board, is sealed.
func (n *node) key(ctx context.Context) (note.Signer, error) {
	if n.role != nil {
		n.sealed = "this is a mirror: writes go to the list's operator, " + n.chain.Head().Charter().Operator.URL
		return nil, nil
	}
	why, err := n.cursors.Load(ctx, sealedCursor)
	if err != nil {
		return nil, err
	}
	n.sealed = string(why)
	if n.sealed != "" {
		return nil, nil
	}
	k, err := readLogKey(n.dir.Path, n.chain)
	switch {
	case errors.Is(err, errNoKey) && n.db.Engine() == store.Postgres:
		return nil, nil // another node of this store signs
	case errors.Is(err, errNoKey):
		n.sealed = err.Error() + "; \"tasuki restore --board-key FILE\" opens a new epoch"
		return nil, nil
	case err != nil:
		return nil, err
	}
	return k.Signer()
}

// Run does the node's own work until ctx ends.
func (n *node) Run(ctx context.Context) error {
	n.serving.Store(true)
	defer n.serving.Store(false)
	defer n.leaving.begin()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	failed := make(chan error, 8)
	var work sync.WaitGroup
	start := func(f func(context.Context) error) {
		work.Go(func() {
			if err := f(ctx); err != nil && ctx.Err() == nil {
				failed <- err
				cancel()
			}
		})
	}
	if n.signer != nil {
		start(n.sign)
	}
	if n.publishing != nil {
		start(n.publishing.run)
		start(n.lookForSuccessor)
	}
	if n.follower != nil && !n.role.Offline {
		start(n.follower.Run)
	}
	start(n.tendActs)
	start(n.followLog)
	start(n.followCharter)
	start(n.beat)
	start(n.tendEscrow)
	start(n.schedule)
	work.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

// followLog keeps the search index and the newest checkpoint of a store that other nodes write too at hand, so that the
// first question after a pause does not pay for what happened meanwhile.
func (n *node) followLog(ctx context.Context) error {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	var told int64
	for {
		size, err := n.size(ctx)
		if err == nil && size > told {
			told = size
			n.news.tell() // another node may have written
		}
		if ready, seq := n.catalogue.Ready(); ready {
			if err == nil && size > seq {
				if err := n.catalogue.Follow(ctx); err != nil && ctx.Err() == nil {
					n.log.WarnContext(ctx, "search index not brought forward", "err", err)
				}
			}
		}
		if !n.keyed || n.publishing != nil && n.db.Engine() == store.Postgres { // another node may have published
			n.readCheckpoint(ctx)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// errNewCharter ends a node whose list got a new epoch through another node of its store: keys, origin and operator of
// every surface change with it, and a fresh start is the one way to change them all at once.
var errNewCharter = errors.New("the list has a new charter; start this node again to serve it")

// followCharter looks for a charter that another node of a shared store brought in.
func (n *node) followCharter(ctx context.Context) error {
	if n.db.Engine() != store.Postgres {
		return nil // nobody else writes to this store
	}
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		err := n.db.View(ctx, func(tx *store.Tx) error {
			chain, err := charter.Load(ctx, tx)
			if err != nil {
				return err
			}
			return n.takeOver(chain)
		})
		if errors.Is(err, errNewCharter) {
			return err
		}
		if err != nil && ctx.Err() == nil {
			n.log.WarnContext(ctx, "charter not read", "err", err)
		}
	}
}

// Close stops what goes on beside requests and releases the store. What was committed is signed first, where that may be, so that a
// finished command leaves a checkpoint over its work.
func (n *node) Close() error {
	n.stop()
	n.gate.Close()
	n.background.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	n.noteUse(ctx)
	if n.maySign() {
		if err := n.signer.Finish(ctx); err != nil {
			n.log.WarnContext(ctx, "last checkpoint not signed", "err", err)
		}
	}
	return n.db.Close()
}
