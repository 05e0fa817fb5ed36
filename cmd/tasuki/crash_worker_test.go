package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql/driver"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"modernc.org/sqlite"

	"tasuki/internal/authority"
	"tasuki/internal/event"
	"tasuki/internal/gate"
	"tasuki/internal/ledger"
	"tasuki/internal/registry"
	"tasuki/internal/store"
)

// crashEnv carries a crashJob to the process that is to be killed: this test binary under the name crashWorker.
const (
	crashEnv        = "TASUKI_CRASH_JOB"
	crashWorkerName = "crash-worker"
)

// crashJob tells a worker what to do. The worker says on standard output what it may be held to, one line each, and writes a
// line only after the thing is done:
//
//	start                  the process runs
//	ready LIST             the node is open; LIST is the list's id
//	leaf INDEX HASH        gate.Do returned for a command that appended this leaf
//	private INDEX HASH     likewise, of a committed event: SHA-256 of the private body
//	never ID               the command about ID was refused: no leaf may speak of it
//	record ID SHA256       the import reported the record as taken in
//	imported ADDED UPDATED UNCHANGED FILES
//	checkpoint BASE64      a signed checkpoint that was handed out
//	closing, closed        the node is being closed, is closed
//	connections ALL COMMITTING   how many connections to SQLite it opened, and how many of them may commit
//	error TEXT             something failed that should not
type crashJob struct {
	Dir    string        // data directory
	Store  string        // DSN; "" for SQLite in the directory
	Source []string      // what to import, per opening; none for nothing
	Run    int           // number of this run, unique within the directory: it keeps identifiers apart
	Ahead  time.Duration // how far the clock is ahead: leases of a killed run have run out
	Writes int           // per writer and opening; 0 means until standard input closes
	Opens  int           // how often the node is opened, worked and closed in this process
	Schema bool          // only open the store and bring its schema forward, then exit without closing
}

func (j crashJob) setup(dir *DataDir) Setup {
	c := defaultConfig()
	c.Store = j.Store
	return Setup{Config: c, Dir: dir, Create: true, Log: slog.New(slog.DiscardHandler), Rand: rand.Reader,
		Now: func() time.Time { return time.Now().Add(j.Ahead) }}
}

// crashWriters is how many goroutines write at once.
const crashWriters = 4

// crashWorker is the life of the process that is going to be killed.
func crashWorker() {
	w := &worker{stop: make(chan struct{})}
	w.say("start")
	if err := json.Unmarshal([]byte(os.Getenv(crashEnv)), &w.job); err != nil {
		w.fail(err)
	}
	sqlite.RegisterConnectionHook(requireFullSync)
	if w.job.Schema {
		w.schema()
		return
	}
	go func() { // the parent says stop by closing the pipe; so does its death
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(w.stop)
	}()
	for w.open = range max(w.job.Opens, 1) {
		if err := w.work(); err != nil {
			w.fail(err)
		}
		w.job.Ahead += 10 * time.Second
	}
}

type worker struct {
	job  crashJob
	open int
	stop chan struct{}
	node *node
	told atomic.Int64 // size of the newest checkpoint that was printed
}

// say prints one line with one write, which a pipe takes whole or not at all.
func (w *worker) say(format string, args ...any) { fmt.Fprintf(os.Stdout, format+"\n", args...) }

func (w *worker) fail(err error) {
	w.say("error %s", oneLine(err))
	os.Exit(1)
}

func oneLine(err error) string { return fmt.Sprintf("%.2000q", err.Error()) }

// connections counts what requireFullSync has seen, committing those that may commit.
var connections, committing atomic.Int64

// requireFullSync refuses every connection that could commit without reaching the disk: as a hook of the driver it sees
// each that this process opens, whoever opens it.
func requireFullSync(c sqlite.ExecQuerierContext, dsn string) error {
	mode, err := pragma(c, "synchronous")
	if err != nil {
		return err
	}
	readOnly, err := pragma(c, "query_only")
	if err != nil {
		return err
	}
	connections.Add(1)
	if readOnly == 0 {
		committing.Add(1)
		if mode < 2 {
			return fmt.Errorf("connection %s commits with synchronous=%d", dsn, mode)
		}
	}
	return nil
}

func pragma(c sqlite.ExecQuerierContext, name string) (int64, error) {
	rows, err := c.QueryContext(context.Background(), "PRAGMA "+name, nil)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	row := make([]driver.Value, 1)
	if err := rows.Next(row); err != nil {
		return 0, err
	}
	n, ok := row[0].(int64)
	if !ok {
		return 0, fmt.Errorf("PRAGMA %s answers %v", name, row[0])
	}
	return n, nil
}

// schema brings the schema forward through the handle that migrations have for themselves, and leaves without a Close
// that could make good what a commit left undone.
func (w *worker) schema() {
	dir, err := openDataDir(w.job.Dir, true)
	if err != nil {
		w.fail(err)
	}
	db, err := store.Open(context.Background(), filepath.Join(dir.Path, "tasuki.db"), store.Options{})
	if err == nil {
		err = migrate(context.Background(), db)
	}
	if err != nil {
		w.fail(err)
	}
	w.say("ready schema")
	os.Exit(0)
}

// work opens the node, writes to it from all sides, and closes it.
func (w *worker) work() (err error) {
	ctx := context.Background()
	dir, err := openDataDir(w.job.Dir, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	if w.node, err = openNode(ctx, w.job.setup(dir)); err != nil {
		return err
	}
	w.say("ready %s", w.node.chain.ListID())
	if w.node.sealed != "" {
		return fmt.Errorf("sealed: %s", w.node.sealed)
	}

	var writers, others sync.WaitGroup
	running, halt := context.WithCancel(ctx)
	others.Go(func() {
		if err := w.node.Run(running); err != nil {
			w.say("error run: %s", oneLine(err))
		}
	})
	others.Go(func() { w.sign(running) })
	for n := range crashWriters {
		writers.Go(func() { w.write(running, n) })
	}
	if w.open < len(w.job.Source) {
		writers.Go(func() { w.bring(running, w.job.Source[w.open]) })
	}
	if w.job.Writes == 0 {
		<-w.stop
		halt()
	}
	writers.Wait()
	halt()
	others.Wait()
	w.say("connections %d %d", connections.Load(), committing.Load())
	w.say("closing")
	if err := w.node.Close(); err != nil {
		return err
	}
	w.say("closed")
	return nil
}

// write gives interactive commands one after the other and acknowledges each as a surface would: after gate.Do returned.
func (w *worker) write(ctx context.Context, writer int) {
	caller := authority.Caller{Role: authority.Operator, Name: "crash"}
	errRefused := errors.New("refused on purpose")
	for i := 0; (w.job.Writes == 0 || i < w.job.Writes) && ctx.Err() == nil; i++ {
		number := ((w.job.Run*10+w.open)*10+writer)*100_000 + i
		id := fmt.Sprintf("CVE-2031-%d", 1_000_000+number)
		// Every fourth document is a new version of the one before.
		if i%4 == 3 {
			id = fmt.Sprintf("CVE-2031-%d", 1_000_000+number-1)
		}
		refuse, private := i%7 == 5, i%7 == 6
		if refuse {
			id = fmt.Sprintf("CVE-2032-%d", 1_000_000+number)
		}
		doc, err := w.node.gate.Pack(event.RecordImported, crashRecord(id, i))
		if err != nil {
			w.fail(err)
		}
		index := int64(-1)
		var leaf []byte
		secret := fmt.Appendf(nil, `{"n":%d}`, number)
		err = w.node.gate.Do(ctx, caller, gate.Command{Action: authority.Import, Decide: func(ctx context.Context, t *gate.Turn) (err error) {
			if private {
				var own ledger.Own
				own, err = t.EmitPrivate(ctx, secret)
				index = own.Index
			} else {
				_, index, err = registry.Import(ctx, t.Tx, doc, false, time.Time{}, t.Emit)
			}
			if err != nil {
				return err
			}
			if refuse {
				return errRefused
			}
			leaf, err = w.node.ledger.Leaf(ctx, t.Tx, index)
			return err
		}})
		switch {
		case refuse && errors.Is(err, errRefused):
			w.say("never %s", id)
		case err != nil && ctx.Err() != nil:
			return
		case err != nil:
			w.fail(err)
		default:
			hash := ledger.LeafHash(leaf)
			w.say("leaf %d %x", index, hash[:])
			if private {
				w.say("private %d %x", index, sha256.Sum256(secret))
			}
		}
	}
}

// crashRecord is a small record; n makes it differ and orders it in time.
func crashRecord(id string, n int) []byte {
	when := time.Date(2031, 1, 1, 0, 0, n, 0, time.UTC).Format("2006-01-02T15:04:05.000Z")
	return fmt.Appendf(nil, `{"dataType":"CVE_RECORD","dataVersion":"5.1","cveMetadata":{"cveId":"%s","assignerOrgId":"22222222-2222-4222-8222-222222222222","state":"PUBLISHED","datePublished":"2031-01-01T00:00:00.000Z","dateUpdated":"%s"},"containers":{"cna":{"providerMetadata":{"orgId":"22222222-2222-4222-8222-222222222222"},"descriptions":[{"lang":"en","value":"Flaw %d."}],"affected":[{"vendor":"Kumo","product":"Ledger","versions":[{"version":"%d","status":"affected"}]}],"references":[{"url":"https://kumo.example/%d"}]}}}`,
		id, when, n, n, n)
}

// bring imports the source once and acknowledges what the import reports.
func (w *worker) bring(ctx context.Context, source string) {
	sum, err := w.node.Import(ctx, ImportRequest{Paths: []string{source}, Every: true}, nil, itemsOf(func(i Item) {
		switch i.Outcome {
		case "added", "updated", "unchanged":
			w.say("record %s %s", i.ID, i.SHA256)
		default:
			w.say("error import: %s %s: %s", i.Name, i.Outcome, i.Reason)
		}
	}))
	if err == nil {
		w.say("imported %d %d %d %d", sum.Added, sum.Updated, sum.Unchanged, sum.Files)
	} else if ctx.Err() == nil {
		w.fail(err)
	}
}

// itemsOf is a reporter that listens to items only.
type itemsOf func(Item)

func (itemsOf) Progress(Progress) {}
func (itemsOf) Step(string)       {}
func (f itemsOf) Item(i Item)     { f(i) }

// sign signs far more often than a node does, and hands out what it and the node's own signer signed.
func (w *worker) sign(ctx context.Context) {
	for ctx.Err() == nil {
		c, _, err := w.node.signer.Sign(ctx)
		if err != nil && ctx.Err() == nil {
			w.say("error sign: %s", oneLine(err))
			return
		}
		if err == nil {
			w.handOut(c)
		}
		if c := w.node.checkpoint.Load(); c != nil {
			w.handOut(*c)
		}
		select {
		case <-ctx.Done():
		case <-time.After(15 * time.Millisecond):
		}
	}
}

func (w *worker) handOut(c ledger.Checkpoint) {
	if w.told.Swap(c.Size) != c.Size {
		w.say("checkpoint %s", base64.StdEncoding.EncodeToString(c.Note))
	}
}

// said splits what a worker printed into whole lines. A last line without its end was never said.
func said(out []byte) []string {
	var lines []string
	s := bufio.NewScanner(newWhole(out))
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		lines = append(lines, s.Text())
	}
	return lines
}
