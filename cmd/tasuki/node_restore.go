package main

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"tasuki/internal/charter"
	"tasuki/internal/continuity"
	"tasuki/internal/event"
	"tasuki/internal/gate"
	"tasuki/internal/jobs"
	"tasuki/internal/ledger"
	"tasuki/internal/store"
)

var (
	errNotNew     = errors.New("restore: there is a list here already; a backup is only unpacked into a new directory and an empty store")
	errUnfinished = errors.New("restore: the backup is not unpacked to its end; run the same restore again first")
	errBoardKey   = errors.New("restore: not the key that can open an epoch of this list")
)

// restoreNode unpacks a backup, opens a new epoch, or both. What was committed after the backup was made is not in it, and
// nobody here can know what that was; so a restored list never simply goes on. With the board's key it goes on under a new
// origin and a new log key, with counters that leave a gap; without it, it can be read.
//
// An unpacking that was interrupted leaves a sealed store and goes on when it is run again with the same file.
func restoreNode(ctx context.Context, s Setup, r RestoreRequest, report Reporter) (sum RestoreSummary, err error) {
	if r.Backup == "" && r.BoardKey == "" {
		return sum, errors.New("restore: neither a backup nor a board key was given")
	}
	var board *charter.BoardKey
	if r.BoardKey != "" {
		if board, err = charter.ReadBoardKey(r.BoardKey); err != nil {
			return sum, err
		}
	}
	n := &node{cfg: s.Config, dir: s.Dir, log: s.Log, now: s.Now, rand: s.Rand}
	var b *backupReader
	if r.Backup != "" {
		f, err := os.Open(r.Backup)
		if err != nil {
			return sum, err
		}
		defer f.Close() //nolint:errcheck // only read
		if b, n.chain, err = readBackup(f, report); err != nil {
			return sum, fmt.Errorf("%s: %w", r.Backup, err)
		}
		defer b.Close()
		if n.chain.Test() && !r.AllowTest {
			return sum, fmt.Errorf("%s: %w", r.Backup, errTestList)
		}
		if err := mayOpenEpoch(n.chain, board); err != nil {
			return sum, err
		}
	}
	if n.db, err = store.Open(ctx, s.dsn(), store.Options{Log: s.Log}); err != nil {
		return sum, err
	}
	defer func() { err = errors.Join(err, n.db.Close()) }()
	if err := migrate(ctx, n.db); err != nil {
		return sum, err
	}
	n.ledger = ledger.New(n.db)
	n.continuity = &continuity.SQL{DB: n.db, Log: n.ledger, Rand: n.rand}
	n.cursors = jobs.NewCursors(n.db, n.now)
	if b != nil {
		if err := n.unpack(ctx, b, board == nil, report); err != nil {
			return sum, fmt.Errorf("%s: %w", r.Backup, err)
		}
	} else if err := n.load(ctx); err != nil {
		return sum, fmt.Errorf("%s: %w", n.db.Name(), err)
	}
	if board != nil {
		if err := n.openNextEpoch(ctx, s, board, report); err != nil {
			return sum, err
		}
	}
	size, err := n.size(ctx)
	if err != nil {
		return sum, err
	}
	now := n.chain.Opening()
	return RestoreSummary{Size: size, Epoch: now.Charter().Operator.Epoch, Origin: now.Origin(), ReadOnly: board == nil}, nil
}

// readBackup opens a backup and its charter chain, which must be the one that the manifest speaks of.
func readBackup(f *os.File, report Reporter) (*backupReader, *charter.Chain, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	b, err := openBackup(f, info.Size(), func(done int64) {
		report.Progress(Progress{Step: "check the backup", Done: done, Total: info.Size(), Unit: "bytes"})
	})
	if err != nil {
		return nil, nil, err
	}
	chain, err := charter.ParseChain(b.Charters...)
	if err == nil && (chain.ListID() != b.Manifest.List || chain.Opening().Origin() != b.Manifest.Origin) {
		err = errors.New("they are of another list or epoch than the manifest says")
	}
	if err == nil {
		for _, c := range b.Manifest.Checkpoints {
			signed, cerr := ledger.OpenCheckpoint([]byte(c.Note), chain.Verifiers())
			if cerr == nil && (signed.Origin != c.Origin || signed.Size != c.Size || c.Size > b.Manifest.Size) {
				cerr = ledger.ErrCheckpoint
			}
			if cerr != nil {
				err = fmt.Errorf("checkpoint of %s: %w", c.Origin, cerr)
			}
		}
	}
	if err != nil {
		b.Close()
		return nil, nil, damaged("charters: %w", err)
	}
	return b, chain, nil
}

// unfinished is the seal of a store into which a backup is being unpacked.
func unfinished(b *backupReader) string { return unfinishedSeal + " (" + b.Digest + ")" }

const unfinishedSeal = "a backup is being unpacked into this store"

// unpack brings a backup into an empty store, or goes on with it. From its first write to its end, and then until an epoch
// is opened, the store is sealed.
func (n *node) unpack(ctx context.Context, b *backupReader, keepKey bool, report Reporter) error {
	if err := n.beginUnpacking(ctx, b); err != nil {
		return err
	}
	m := b.Manifest
	if err := n.applyBackup(ctx, b, report); err != nil {
		return err
	}
	var head ledger.Head
	err := n.db.View(ctx, func(tx *store.Tx) (err error) {
		head, err = n.ledger.Head(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	if root := head.Root(); head.Size != m.Size || hex.EncodeToString(root[:]) != m.Root {
		return damaged("its %d leaves hash to %x…, its manifest says %.16s…", head.Size, root[:8], m.Root)
	}
	if keepKey && b.LogKey != nil {
		if err := n.keepLogKey(b.LogKey); err != nil {
			return err
		}
	}
	why := fmt.Sprintf("restored from a backup of %s, which holds %d leaves: what was committed later is not here; "+
		"\"tasuki restore --board-key FILE\" opens a new epoch", m.Made.UTC().Format(time.RFC3339), m.Size)
	if err := n.cursors.Save(ctx, sealedCursor, []byte(why)); err != nil {
		return err
	}
	report.Step(fmt.Sprintf("unpacked %s leaves of list %.16s", thousands(m.Size), m.List))
	return nil
}

// beginUnpacking seals the store and stores the charters, unless an earlier run of the same restore has done so.
func (n *node) beginUnpacking(ctx context.Context, b *backupReader) error {
	seal, err := n.cursors.Load(ctx, sealedCursor)
	if err != nil {
		return err
	}
	size, err := n.size(ctx)
	if err != nil {
		return err
	}
	resumed := string(seal) == unfinished(b) && size <= b.Manifest.Size
	if !resumed {
		err := n.db.View(ctx, func(tx *store.Tx) error {
			_, err := charter.Load(ctx, tx)
			return err
		})
		if err == nil || size > 0 || len(seal) > 0 {
			return fmt.Errorf("%s: %w", n.db.Name(), errNotNew)
		}
		if !errors.Is(err, charter.ErrNone) {
			return err
		}
		for _, name := range []string{logKeyFile, boardKeyFile} {
			if _, err := os.Lstat(filepath.Join(n.dir.Path, name)); !errors.Is(err, fs.ErrNotExist) {
				return errors.Join(fmt.Errorf("%s is in %s: %w", name, n.dir.Path, errNotNew), err)
			}
		}
	}
	// The seal comes first: whoever opens the store from here on finds that nothing may be written.
	if err := n.cursors.Save(ctx, sealedCursor, []byte(unfinished(b))); err != nil {
		return err
	}
	return n.db.Update(ctx, func(tx *store.Tx) error { return charter.Save(ctx, tx, n.chain) })
}

// applyBackup brings the leaves in through the gate, which believes nothing, and each checkpoint when the log has grown to
// its size.
func (n *node) applyBackup(ctx context.Context, b *backupReader, report Reporter) error {
	g := gate.New(gate.Config{DB: n.db, Log: n.ledger, List: n.chain.ListID(), Operator: n.chain.Head().Charter().Operator.Org,
		Projections: projections(), Now: n.now, Rand: n.rand, Logger: n.log})
	defer g.Close()
	size, err := n.size(ctx)
	if err != nil {
		return err
	}
	re := newRepacker(b.Dicts)
	defer re.close()
	missing := gaps{}
	signed := b.Manifest.Checkpoints
	sign := func() error {
		for ; len(signed) > 0 && signed[0].Size <= size; signed = signed[1:] {
			if signed[0].Size < size {
				continue // by the run that took the log past it
			}
			if err := n.signAgain(ctx, signed[0]); err != nil {
				return err
			}
		}
		return nil
	}
	if err := sign(); err != nil {
		return err
	}
	for {
		report.Progress(Progress{Step: "restore", Done: size, Total: b.Manifest.Size, Unit: "leaves"})
		batch, err := b.Next()
		if errors.Is(err, io.EOF) {
			if err := missing.none(); err != nil {
				return damaged("%w", err)
			}
			return nil
		}
		if err != nil {
			return err
		}
		var gone []int64
		for _, s := range batch {
			target, err := missing.see(s)
			if err != nil {
				return damaged("%w", err)
			}
			if target >= 0 {
				gone = append(gone, target)
			}
		}
		for len(batch) > 0 && ctx.Err() == nil {
			first := batch[0].Index
			end := first + int64(len(batch))
			if len(signed) > 0 && signed[0].Size > first {
				end = min(end, signed[0].Size)
			}
			part := batch[:end-first]
			batch = batch[end-first:]
			if end <= size {
				continue // there since an earlier run
			}
			part = part[max(0, size-first):]
			if err := n.applyPart(ctx, g, re, part); err != nil {
				return err
			}
			size = end
			if err := sign(); err != nil {
				return err
			}
		}
		if err := n.stayErased(ctx, gone); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("restore stopped after %d of %d leaves; run it again to go on: %w", size, b.Manifest.Size, err)
		}
	}
}

func (n *node) applyPart(ctx context.Context, g *gate.Gate, re *repacker, part []gate.Stored) error {
	for i := range part {
		if s := &part[i]; s.Body != nil {
			if err := re.body(s.Body); err != nil {
				return damaged("body of leaf %d: %w", s.Index, err)
			}
		}
	}
	err := g.Apply(ctx, part)
	for _, bad := range []error{gate.ErrForeign, ledger.ErrBody, ledger.ErrEncoding, ledger.ErrMalformed, ledger.ErrOrder, event.ErrMalformed} {
		if errors.Is(err, bad) {
			return damaged("%w", err)
		}
	}
	return err
}

// stayErased looks whether bodies that the log says were erased have come in all the same.
func (n *node) stayErased(ctx context.Context, leaves []int64) error {
	if len(leaves) == 0 {
		return nil
	}
	return n.db.View(ctx, func(tx *store.Tx) error {
		for _, i := range leaves {
			_, err := n.ledger.Body(ctx, tx, i)
			_, perr := n.ledger.Private(ctx, tx, i)
			if err == nil || perr == nil {
				return damaged("it holds the body of leaf %d, which its own log says was erased", i)
			}
			if !errors.Is(err, ledger.ErrNotFound) || !errors.Is(perr, ledger.ErrNotFound) {
				return errors.Join(err, perr)
			}
		}
		return nil
	})
}

// signAgain records a checkpoint of the log whose leaves have just come in. It goes the way of every signature, which checks
// the tree against the ones before, with a key that knows this one signature.
func (n *node) signAgain(ctx context.Context, c backupCheckpoint) error {
	signed, err := note.Open([]byte(c.Note), n.chain.Verifiers())
	if err != nil {
		return damaged("checkpoint of %s: %w", c.Origin, err)
	}
	key := onlySigned{text: signed.Text}
	for _, s := range signed.Sigs {
		if s.Name == c.Origin {
			key.sig = s
		}
	}
	at := func() time.Time { return time.UnixMilli(c.Time) }
	got, _, err := ledger.NewSigner(n.ledger, ledger.SignerOptions{Key: key, Holder: "restore", Lease: time.Nanosecond, Now: at, Log: n.log}).Sign(ctx)
	if err == nil && got.Size != c.Size {
		err = ledger.ErrCheckpoint
	}
	if err != nil {
		return damaged("checkpoint of %s at size %d: %w", c.Origin, c.Size, err)
	}
	return nil
}

// onlySigned signs again what its owner has signed once, and nothing else.
type onlySigned struct {
	text string
	sig  note.Signature
}

func (o onlySigned) Name() string    { return o.sig.Name }
func (o onlySigned) KeyHash() uint32 { return o.sig.Hash }

func (o onlySigned) Sign(msg []byte) ([]byte, error) {
	if string(msg) != o.text {
		return nil, errors.New("the log is not the one that was signed")
	}
	raw, err := base64.StdEncoding.DecodeString(o.sig.Base64)
	if err != nil || len(raw) < 4 {
		return nil, errors.New("malformed signature")
	}
	return raw[4:], nil // behind the key's hash
}

// keepLogKey puts the log key of a backup where it was. The seal is asked before the key is, so nothing is signed with it.
func (n *node) keepLogKey(raw []byte) error {
	k, err := charter.ParseLogKey(raw)
	if err != nil {
		return damaged("log key: %w", err)
	}
	if want := n.chain.Opening(); k.Origin != want.Origin() || !want.LogKey().Equal(k.Public()) {
		return damaged("log key: it is of %s", k.Origin)
	}
	err = k.WriteFile(filepath.Join(n.dir.Path, logKeyFile))
	if errors.Is(err, fs.ErrExist) {
		return nil // by the run that this one goes on with
	}
	return err
}

// isUnfinished says whether a seal is that of a restore that was interrupted.
func isUnfinished(seal []byte) bool { return strings.HasPrefix(string(seal), unfinishedSeal) }
