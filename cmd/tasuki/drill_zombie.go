package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"tasuki/internal/charter"
	"tasuki/internal/ledger"
	"tasuki/spec/c2sp"
)

// copyOperator copies the operator's disk while it stands still: what a snapshot of its machine would hold, key and all.
func (d *drill) copyOperator() error {
	if !canFreeze {
		return nil // it is copied when it is dead
	}
	if err := d.operator.process.freeze(); err != nil {
		return err
	}
	err := copyDrillDir(d.operator.dir, d.path("zombie"))
	if merr := copyDrillFile(d.operator.dir+".highwater", d.path("zombie.highwater")); err == nil && !errors.Is(merr, os.ErrNotExist) {
		err = merr
	}
	d.copied = true
	return errors.Join(err, d.operator.process.thaw())
}

// zombie brings the old operator back on its old address, from the copy: first the program itself, which may see what happened; then somebody who has the
// key and does not care.
func (d *drill) zombie(ctx context.Context) error {
	if err := os.Rename(d.path("zombie"), d.operator.dir); err != nil {
		return err
	}
	if err := os.Rename(d.path("zombie.highwater"), d.operator.dir+".highwater"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := d.oldProcess(ctx); err != nil {
		return err
	}
	return d.oldKey(ctx)
}

// oldProcess starts the copy, asks it to write, and looks whether it signs.
func (d *drill) oldProcess(ctx context.Context) error {
	p, err := d.start(ctx, "zombie", "--data", d.operator.dir, "--log-level", "info", "serve", "--listen", d.operator.addr)
	if err != nil {
		d.report.ZombieProcess = "does not start"
		d.report.detail("the old operator's process: %v", err)
		return ctx.Err()
	}
	defer p.kill()
	old := d.chain.Load().OpenedBy(2)
	said := map[string]int{}
	for end, i := wallClock().Add(max(2*time.Second, d.length(5))), 0; wallClock().Before(end); i++ {
		ids, err := d.classic.reserve(ctx, d.operator.url(), 1)
		said["reservation "+answered(len(ids) > 0, err)]++
		durable, err := d.classic.publish(ctx, d.operator.url(), http.MethodPost, d.classic.held[1+i%2])
		said["publication "+answered(durable, err)]++
		if raw, _, err := drillGet(ctx, d.http, d.operator.url()+"/pending"); err == nil && beyond(raw, old, d.report.HandoverSize) {
			said["signed beyond the handover"]++
			d.report.ZombieSigned++
		}
		if cp, counts := d.checkpointOf(ctx, d.http, d.operator.url()); counts && cp.Origin == old.Origin() && cp.Size > d.report.HandoverSize {
			d.report.ZombieQuorums++
		}
		if err := pause(ctx, 300*time.Millisecond); err != nil {
			return err
		}
	}
	var words []string
	for what, n := range said {
		words = append(words, fmt.Sprintf("%s (%d)", what, n))
	}
	slices.Sort(words)
	d.report.ZombieProcess = "started; " + strings.Join(words, ", ")
	return nil
}

// answered says what a server made of a write.
func answered(durable bool, err error) string {
	var answer *errDrillAnswer
	switch {
	case errors.As(err, &answer):
		return fmt.Sprintf("refused with %d", answer.status)
	case err != nil:
		return "not answered"
	case durable:
		return "acknowledged as durable"
	}
	return "promised"
}

// beyond says whether a note is a checkpoint of an origin, signed by its key, above a size.
func beyond(raw []byte, of *charter.Document, size int64) bool {
	n, err := note.Open(raw, note.VerifierList(of.Verifier()))
	if err != nil {
		return false
	}
	cp, err := c2sp.ParseCheckpoint(n.Text)
	return err == nil && cp.Origin == of.Origin() && cp.Size > size
}

// forger has the old log's key and goes on with its tree by leaves of its own.
type forger struct {
	d      *drill
	old    *charter.Document
	signer note.Signer
	hashes tlog.HashReaderFunc
	stored []tlog.Hash
	size   int64

	mu    sync.Mutex
	lines map[string]c2sp.Line // by who cosigned
	tree  c2sp.Checkpoint
	note  []byte
}

// oldKey lets a forger sign beyond the handover, at the old address and in the old name, and offer that to every mirror and witness.
func (d *drill) oldKey(ctx context.Context) error {
	key, err := charter.ReadLogKey(filepath.Join(d.operator.dir, logKeyFile))
	if err != nil {
		return err
	}
	f := &forger{d: d, old: d.chain.Load().OpenedBy(2), lines: map[string]c2sp.Line{}}
	if f.signer, err = key.Signer(); err != nil {
		return err
	}
	leaves, err := d.leaves(ctx, d.successor.url(), d.report.HandoverSize)
	if err != nil {
		return err
	}
	f.hashes = func(indexes []int64) (out []tlog.Hash, err error) {
		for _, i := range indexes {
			out = append(out, f.stored[i])
		}
		return out, nil
	}
	for _, leaf := range leaves {
		if err := f.grow(leaf); err != nil {
			return err
		}
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", d.operator.addr)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: f, ReadHeaderTimeout: time.Minute}
	served := make(chan error, 1)
	go func() { served <- server.Serve(ln) }()
	err = f.sign(ctx)
	err = errors.Join(err, server.Close())
	if serr := <-served; !errors.Is(serr, http.ErrServerClosed) {
		err = errors.Join(err, serr)
	}
	f.count()
	return err
}

// grow adds a leaf to the forger's tree.
func (f *forger) grow(leaf []byte) error {
	hashes, err := tlog.StoredHashes(f.size, leaf, f.hashes)
	f.stored = append(f.stored, hashes...)
	f.size++
	return err
}

// sign makes checkpoint after checkpoint and takes each to every witness, while mirrors find it where they once found the list.
func (f *forger) sign(ctx context.Context) error {
	for end := wallClock().Add(max(2*time.Second, f.d.length(5))); wallClock().Before(end); {
		leaf := ledger.Leaf{Event: []byte(fmt.Sprintf(`{"forged":%d}`, f.size))}
		raw, err := leaf.Marshal()
		if err != nil {
			raw = leaf.Event // any bytes have a hash
		}
		f.mu.Lock()
		err = f.grow(raw)
		root, rerr := tlog.TreeHash(f.size, f.hashes)
		if err = errors.Join(err, rerr); err != nil {
			f.mu.Unlock()
			return err
		}
		f.tree = c2sp.Checkpoint{Origin: f.old.Origin(), Size: f.size, Root: root}
		f.note, err = note.Sign(&note.Note{Text: f.tree.String()}, f.signer)
		f.mu.Unlock()
		if err != nil {
			return err
		}
		f.d.report.ZombieSigned++
		for _, w := range f.d.witnesses {
			if line, ok := f.ask(ctx, w.url(), 0); ok {
				f.take(line)
			}
		}
		f.counted()
		if err := pause(ctx, 500*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// ask brings the newest checkpoint to a witness as c2sp.org/tlog-witness has it.
func (f *forger) ask(ctx context.Context, base string, old int64) (line c2sp.Line, ok bool) {
	var proof tlog.TreeProof
	if old > 0 && old < f.size {
		p, err := tlog.ProveTree(f.size, old, f.hashes)
		if err != nil {
			return line, false
		}
		proof = p
	}
	body := c2sp.AddCheckpoint{Old: old, Proof: proof, Checkpoint: f.note}.Append(nil)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+c2sp.AddCheckpointPath, bytes.NewReader(body))
	if err != nil {
		return line, false
	}
	resp, err := f.d.http.Do(req)
	if err != nil {
		return line, false
	}
	defer resp.Body.Close() //nolint:errcheck // only read
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	switch {
	case err != nil:
	case resp.StatusCode == c2sp.WitnessConflict && old == 0:
		if size, err := c2sp.ParseSize(raw); err == nil && size > 0 && size < f.size {
			return f.ask(ctx, base, size)
		}
	case resp.StatusCode == c2sp.WitnessCosigned:
		if lines, err := c2sp.ParseLines(raw); err == nil && len(lines) > 0 {
			return lines[0], true
		}
	}
	return line, false
}

// ServeHTTP is the old address: the newest forgery, and a place for cosignatures.
func (f *forger) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	signed := f.note
	f.mu.Unlock()
	switch {
	case r.Method == http.MethodGet && (r.URL.Path == "/pending" || r.URL.Path == "/checkpoint") && signed != nil:
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write(signed) // whoever went away
	case r.Method == http.MethodPost && r.URL.Path == "/cosign":
		raw, err := io.ReadAll(io.LimitReader(r.Body, 64<<10))
		n, perr := c2sp.ParseNote(raw)
		if err != nil || perr != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		for _, line := range n.Lines {
			f.take(line)
		}
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// take keeps a line of somebody who is not the log.
func (f *forger) take(line c2sp.Line) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if line.Name != f.old.Origin() {
		f.lines[line.Name] = line
	}
}

// counted says whether the newest forgery has a quorum by now.
func (f *forger) counted() {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, err := c2sp.ParseNote(f.note)
	if err != nil {
		return
	}
	for _, line := range f.lines {
		n = n.With(line)
	}
	if _, err := countedBy(f.d.chain.Load(), f.tree.Origin, n.Bytes()); err == nil {
		f.d.report.ZombieQuorums++
	}
}

// count says who cosigned any forgery.
func (f *forger) count() {
	for name := range f.lines {
		switch {
		case slices.ContainsFunc(f.d.witnesses, func(w drillPlace) bool { return strings.HasPrefix(w.vkey, name+"+") }):
			f.d.report.ZombieWitnesses++
		default:
			f.d.report.ZombieMirrors++
		}
	}
}
