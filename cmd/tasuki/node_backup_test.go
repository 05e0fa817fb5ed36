package main

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tasuki/internal/gate"
	"tasuki/internal/ledger"
	"tasuki/internal/store"
)

// TestBackupRefuses names what a backup does not do, and what it leaves behind then: nothing.
func TestBackupRefuses(t *testing.T) {
	n, _ := filled(t, setupAt(t, "", ""), few)
	dir := t.TempDir()
	there := filepath.Join(dir, "there")
	if err := os.WriteFile(there, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Backup(t.Context(), BackupRequest{To: there}, quiet{}); !errors.Is(err, errBackupExists) {
		t.Errorf("over a file: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := n.Backup(ctx, BackupRequest{To: filepath.Join(dir, "stopped")}, watching{progress: func(Progress) { cancel() }}); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	taken := filepath.Join(dir, "taken")
	_, err := n.Backup(t.Context(), BackupRequest{To: taken}, watching{progress: func(Progress) {
		if err := os.WriteFile(taken, []byte("meanwhile"), 0o600); err != nil {
			t.Error(err)
		}
	}})
	if !errors.Is(err, errBackupExists) {
		t.Errorf("over a file that came meanwhile: %v", err)
	}
	if err := n.db.Update(t.Context(), func(tx *store.Tx) error { return n.ledger.Erase(t.Context(), tx, 21) }); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Backup(t.Context(), BackupRequest{To: filepath.Join(dir, "lost")}, quiet{}); err == nil || !strings.Contains(err.Error(), "leaf 21 is without its body") {
		t.Errorf("of a store that lost a body: %v", err)
	}
	if got, want := dirEntries(t, dir), []string{"taken", "there"}; !slices.Equal(got, want) {
		t.Errorf("left behind are %q, want %q", got, want)
	}
	if raw, err := os.ReadFile(taken); err != nil || string(raw) != "meanwhile" {
		t.Errorf("it now has %.20q, %v", raw, err)
	}
	if err := os.Remove(filepath.Join(n.dir.Path, logKeyFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Backup(t.Context(), BackupRequest{To: filepath.Join(dir, "key"), WithKey: true}, quiet{}); !errors.Is(err, errNoKey) {
		t.Errorf("with a key that is not there: %v", err)
	}
}

// TestBackupWhileErasing erases a body when its leaf is about to be written: the file is begun again, has the erasure and not
// the body.
func TestBackupWhileErasing(t *testing.T) {
	n, _ := filled(t, setupAt(t, "", ""), few)
	file := filepath.Join(t.TempDir(), "backup")
	steps, erased := 0, false
	sum, err := n.Backup(t.Context(), BackupRequest{To: file}, watching{
		progress: func(p Progress) {
			if p.Done == p.Total && !erased { // the body is in the file by now
				erased = true
				if err := erase(n, 30); err != nil {
					t.Error(err)
				}
			}
		},
		step: func(string) { steps++ },
	})
	if err != nil || steps != 1 || sum.Size != filledSize+1 {
		t.Fatalf("%+v after %d steps, %v", sum, steps, err)
	}
	for _, s := range readAll(t, file) {
		if s.Index == 30 && s.Body != nil {
			t.Error("the erased body is in the backup")
		}
	}
}

// readAll reads the leaves of a backup.
func readAll(t *testing.T, file string) (all []gate.Stored) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, _, err := readBackup(f, quiet{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for {
		part, err := b.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, part...)
	}
}

// TestFrontier compares the backup's tree with the ledger's.
func TestFrontier(t *testing.T) {
	n, _ := opened(t, setupAt(t, "", ""))
	var f frontier
	for size := int64(0); size < 70; size++ {
		var head ledger.Head
		err := n.db.View(t.Context(), func(tx *store.Tx) (err error) {
			if head, err = n.ledger.Head(t.Context(), tx); err != nil {
				return err
			}
			leaf, err := n.ledger.Leaf(t.Context(), tx, size)
			f.push(ledger.LeafHash(leaf))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := f.root(), head.Root(); f.size != head.Size || got != want {
			t.Fatalf("size %d: %s, want %s", f.size, hex.EncodeToString(got[:]), hex.EncodeToString(want[:]))
		}
		if err := heartbeat(n); err != nil {
			t.Fatal(err)
		}
	}
}
