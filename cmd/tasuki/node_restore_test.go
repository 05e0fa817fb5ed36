package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tasuki/internal/authority"
	"tasuki/internal/charter"
	"tasuki/internal/gate"
	"tasuki/internal/ledger"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

// TestRestore brings a list to every engine from every engine: all of it comes back, it can be read and proved, and nobody
// writes to it before the board has opened an epoch.
func TestRestore(t *testing.T) {
	for _, from := range []store.Engine{store.SQLite, store.Postgres} {
		for _, to := range []store.Engine{store.SQLite, store.Postgres} {
			if from == store.Postgres && to == store.Postgres {
				continue // both halves are tried by the others
			}
			t.Run(from.String()+" to "+to.String(), func(t *testing.T) {
				dsn := func(e store.Engine) string {
					if e == store.Postgres {
						return storetest.Postgres(t)
					}
					return ""
				}
				source := setupAt(t, "", dsn(from))
				old, _ := filled(t, source, few)
				id := anID(t, old)
				file := filepath.Join(t.TempDir(), "backup")
				made, err := old.Backup(t.Context(), BackupRequest{To: file}, quiet{})
				if err != nil {
					t.Fatal(err)
				}
				info, err := os.Stat(file)
				if err != nil || info.Size() != made.Bytes || made.Size != filledSize || info.Mode().Perm() != 0o600 {
					t.Errorf("summary %+v of a file of %d bytes with mode %v, %v", made, info.Size(), info.Mode(), err)
				}

				s := setupAt(t, "", dsn(to))
				sum, err := restoreNode(t.Context(), s, RestoreRequest{Backup: file}, quiet{})
				if err != nil {
					t.Fatal(err)
				}
				origin := old.chain.Opening().Origin()
				if want := (RestoreSummary{Size: made.Size, Epoch: 1, ReadOnly: true, Origin: origin}); sum != want {
					t.Errorf("summary %+v, want %+v", sum, want)
				}
				sealed, done := opened(t, s)
				checkSame(t, old, sealed)
				if got := checkSound(t, sealed, id); got.Parts[0].Checkpoint.Origin != origin {
					t.Errorf("proved under %s", got.Parts[0].Checkpoint.Origin)
				}
				if err := heartbeat(sealed); !errors.Is(err, authority.ErrSealed) {
					t.Errorf("write to a restored store: %v", err)
				}
				if sealed.keyed {
					t.Error("a restored store has a key")
				}
				done()

				sum, err = restoreNode(t.Context(), s, RestoreRequest{BoardKey: filepath.Join(source.Dir.Path, boardKeyFile)}, quiet{})
				if err != nil {
					t.Fatal(err)
				}
				if sum.Size != made.Size+1 || sum.Epoch != 2 || sum.ReadOnly || sum.Origin == origin {
					t.Errorf("summary %+v", sum)
				}
				next, _ := opened(t, s)
				if err := heartbeat(next); err != nil {
					t.Errorf("write in the new epoch: %v", err)
				}
				checkSame(t, old, next)
				if got := checkSound(t, next, id); got.Parts[0].Checkpoint.Origin != sum.Origin || got.ListID != old.chain.ListID() {
					t.Errorf("proved under %s of list %s", got.Parts[0].Checkpoint.Origin, got.ListID)
				}
				checkOpening(t, next, made.Size)
			})
		}
	}
}

// TestRestoreInterrupted stops an unpacking: the store is sealed, no epoch can be opened on the part, another backup is
// refused, and the same one goes on.
func TestRestoreInterrupted(t *testing.T) {
	source := setupAt(t, "", "")
	old, _ := filled(t, source, few)
	dir := t.TempDir()
	file, other := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	board := filepath.Join(source.Dir.Path, boardKeyFile)
	for _, f := range []string{file, other} {
		if _, err := old.Backup(t.Context(), BackupRequest{To: f, WithKey: true}, quiet{}); err != nil {
			t.Fatal(err)
		}
		if err := heartbeat(old); err != nil {
			t.Fatal(err)
		}
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		dsn := ""
		if db.Engine() == store.Postgres {
			dsn = storetest.Postgres(t)
		}
		s := setupAt(t, "", dsn)
		ctx, cancel := context.WithCancel(t.Context())
		_, err := restoreNode(ctx, s, RestoreRequest{Backup: file, BoardKey: board}, watching{progress: func(p Progress) {
			if p.Step == "restore" && p.Done > 0 {
				cancel()
			}
		}})
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("interrupted: %v", err)
		}
		half, done := opened(t, s)
		size, err := half.size(t.Context())
		if err != nil || size == 0 || size >= filledSize {
			t.Fatalf("%d leaves, %v: not interrupted in between", size, err)
		}
		if err := heartbeat(half); !errors.Is(err, authority.ErrSealed) {
			t.Errorf("write to half a store: %v", err)
		}
		if _, err := half.Backup(t.Context(), BackupRequest{To: filepath.Join(t.TempDir(), "half")}, quiet{}); !errors.Is(err, errUnfinished) {
			t.Errorf("backup of half a store: %v", err)
		}
		done()
		if _, err := restoreNode(t.Context(), s, RestoreRequest{BoardKey: board}, quiet{}); !errors.Is(err, errUnfinished) {
			t.Errorf("epoch on half a store: %v", err)
		}
		if _, err := restoreNode(t.Context(), s, RestoreRequest{Backup: other}, quiet{}); !errors.Is(err, errNotNew) {
			t.Errorf("another backup into half a store: %v", err)
		}
		sum, err := restoreNode(t.Context(), s, RestoreRequest{Backup: file, BoardKey: board}, quiet{})
		if err != nil || sum.Size != filledSize+1 {
			t.Fatalf("resumed: %+v, %v", sum, err)
		}
		n, _ := opened(t, s)
		leaves, _ := contents(t, n)
		want, _ := contents(t, old)
		if !slices.Equal(leaves[:filledSize], want[:filledSize]) {
			t.Error("a resumed restore has other leaves")
		}
		checkSound(t, n, anID(t, n))
		if _, err := restoreNode(t.Context(), s, RestoreRequest{Backup: file}, quiet{}); !errors.Is(err, errNotNew) {
			t.Errorf("restore over a list: %v", err)
		}
	})
}

// TestRestoreRefuses feeds files that are whole but say something else than the list did: each is found out and named.
func TestRestoreRefuses(t *testing.T) {
	old, _ := filled(t, setupAt(t, "", ""), few)
	dir := t.TempDir()
	file := filepath.Join(dir, "backup")
	var erased *ledger.Body
	err := old.db.View(t.Context(), func(tx *store.Tx) (err error) {
		erased, err = old.ledger.Body(t.Context(), tx, 25)
		return err
	})
	if err := errors.Join(err, erase(old, 25)); err != nil {
		t.Fatal(err)
	}
	if _, err := old.Backup(t.Context(), BackupRequest{To: file}, quiet{}); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, chain, err := readBackup(f, quiet{})
	if err != nil {
		t.Fatal(err)
	}
	leaves := readAll(t, file)
	withBody := slices.IndexFunc(leaves, func(s gate.Stored) bool { return s.Body != nil && s.Index > 20 })
	private := slices.IndexFunc(leaves, func(s gate.Stored) bool { return s.Private != nil })
	at := fmt.Sprintf("leaf %d", withBody)
	for _, tc := range []struct {
		name   string
		change func(m *backupManifest, all []gate.Stored)
		says   string
	}{
		{"another root", func(m *backupManifest, _ []gate.Stored) { m.Root = strings.Repeat("0", 64) }, "hash to"},
		{"a changed leaf", func(_ *backupManifest, all []gate.Stored) {
			all[withBody].Leaf = bytes.Replace(all[withBody].Leaf, []byte(`"state":"P`), []byte(`"state":"Q`), 1)
		}, ""},
		{"a changed body", func(_ *backupManifest, all []gate.Stored) {
			all[withBody].Body = leaves[withBody-1].Body
		}, at},
		{"a lost body", func(_ *backupManifest, all []gate.Stored) { all[withBody].Body = nil }, at + " is without its body"},
		{"a changed salt", func(_ *backupManifest, all []gate.Stored) {
			b := *all[withBody].Body
			b.Salt[3]++
			all[withBody].Body = &b
		}, at},
		{"an invented private body", func(_ *backupManifest, all []gate.Stored) {
			p := *all[private].Private
			p.Body = []byte(`{"org":"another"}`)
			all[private].Private = &p
		}, fmt.Sprintf("leaf %d", private)},
		{"an erased body", func(_ *backupManifest, all []gate.Stored) { all[25].Body = erased }, "leaf 25, which its own log says was erased"},
		{"a stranger's checkpoint", func(m *backupManifest, _ []gate.Stored) {
			m.Checkpoints[0].Note = strings.Replace(m.Checkpoints[0].Note, fmt.Sprintf("\n%d\n", filledSize+1), fmt.Sprintf("\n%d\n", filledSize), 1)
		}, "checkpoint"},
		{"another list", func(m *backupManifest, _ []gate.Stored) { m.List = strings.Repeat("a", 64) }, "another list"},
		{"another epoch", func(m *backupManifest, _ []gate.Stored) { m.Origin += "x" }, "epoch"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m, all := b.Manifest, slices.Clone(leaves)
			m.Checkpoints = slices.Clone(m.Checkpoints)
			tc.change(&m, all)
			out := filepath.Join(t.TempDir(), "tampered")
			writeAll(t, out, m, chain, b.Dicts, all)
			s := setupAt(t, "", "")
			sum, err := restoreNode(t.Context(), s, RestoreRequest{Backup: out}, quiet{})
			if !errors.Is(err, errBackupDamaged) || !strings.Contains(fmt.Sprint(err), tc.says) {
				t.Errorf("%+v, %v", sum, err)
			}
		})
	}
}

// writeAll writes a backup by hand.
func writeAll(t *testing.T, file string, m backupManifest, chain *charter.Chain, dicts map[int64][]byte, all []gate.Stored) {
	t.Helper()
	var buf bytes.Buffer
	w, err := newBackupWriter(&buf, m)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range chain.Documents() {
		err = errors.Join(err, w.charter(d))
	}
	for _, id := range m.Dicts {
		err = errors.Join(err, w.file(dictName(id), dicts[id]))
	}
	for _, s := range all {
		err = errors.Join(err, w.leaf(s))
	}
	if err := errors.Join(err, w.close()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, buf.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}
