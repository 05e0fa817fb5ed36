package ledger

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

func (s *sampleLog) sign(t testing.TB) Checkpoint {
	t.Helper()
	c, _, err := NewSigner(s.Log, SignerOptions{Key: s.key, Holder: "test", Now: time.Now}).Sign(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (s *sampleLog) fsck(t testing.TB) []string {
	t.Helper()
	var found []string
	total := int64(-1)
	o := FsckOptions{Read: sampleMeaning, Keys: s.keys, Private: true, Progress: func(done, of int64) { total = done }}
	view(t, s.db, func(tx *store.Tx) error {
		return s.Fsck(context.Background(), tx, o, func(p Problem) { found = append(found, p.String()) })
	})
	if total < 0 {
		t.Error("no progress was reported")
	}
	return found
}

func TestFsckClean(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newSample(t, db)
		if found := s.fsck(t); found != nil {
			t.Errorf("unsigned: %q", found)
		}
		s.sign(t)
		if found := s.fsck(t); found != nil {
			t.Errorf("signed: %q", found)
		}
		s.extend(t, 3000) // more than a page, and a checkpoint inside the log
		if found := s.fsck(t); found != nil {
			t.Errorf("grown: %q", found)
		}
	})
}

// TestFsckNamesTheOffender tampers with one thing at a time, behind the ledger's back, and expects its name: want is
// the start of the one problem reported, or of each if several are due.
func TestFsckNamesTheOffender(t *testing.T) {
	other := bytes.Repeat([]byte{7}, 32)
	body, err := Pack(bytes.NewReader(make([]byte, 16)), []byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, sql string
		args      []any
		want      []string
	}{
		{"leaf under a tile", `UPDATE ledger_leaf SET leaf = (SELECT leaf FROM ledger_leaf WHERE idx = 12) WHERE idx = 11`, nil,
			[]string{"leaf 11: does not hash to what tile 0/0 holds", "leaf 11: is stamped", "body 11: is another one", "leaf 81: back is 11", "leaf 12: back is"}},
		{"one byte of a leaf under a tile", `UPDATE ledger_leaf SET leaf = ? WHERE idx = 10`, []any{[]byte(`{"e":{}`)},
			[]string{"leaf 10: ledger: malformed leaf", "leaf 10: does not hash to what tile 0/0 holds", "private 10"}},
		{"leaf in the tail", `UPDATE ledger_leaf SET leaf = (SELECT leaf FROM ledger_leaf WHERE idx = 290) WHERE idx = 299`, nil,
			[]string{"leaf 296: or one up to leaf 299 does not hash", "leaf 299: is stamped", "body 299", "leaf 299: back", "private", "subject", "checkpoint: "}},
		{"leaf lost", `DELETE FROM ledger_leaf WHERE idx = 200`, nil, []string{"leaf 200: is not there", "private 200: stands behind"}},
		{"last leaf lost", `DELETE FROM ledger_leaf WHERE idx = 299`, nil,
			[]string{"head: says 300 leaves, there are 299", "subject 299", "body 299"}},
		{"leaf beyond the end", `INSERT INTO ledger_leaf (idx, leaf) VALUES (300, ?)`, []any{[]byte("{}")},
			[]string{"head: says 300 leaves, there are 301", "leaf 300: lies beyond"}},
		{"body bytes", `UPDATE ledger_body SET packed = ?, n = 2, enc = 0, dict = ? WHERE idx = 7`, []any{body.Packed, body.Dict}, []string{"body 7"}},
		{"body that does not unpack", `UPDATE ledger_body SET packed = ? WHERE idx = 7`, []any{[]byte("?")}, []string{"body 7: ledger: body cannot be unpacked"}},
		{"body's salt", `UPDATE ledger_body SET salt = ? WHERE idx = 8`, []any{make([]byte, 16)}, []string{"body 8: ledger: body does not match its hash"}},
		{"whole body", `UPDATE ledger_body SET packed = ?, n = 2, enc = 0, dict = ?, salt = ?, hash = ? WHERE idx = 9`,
			[]any{body.Packed, body.Dict, body.Salt[:], body.Hash[:]}, []string{"body 9: is another one than the leaf names"}},
		{"body purged silently", `DELETE FROM ledger_body WHERE idx = 5`, nil, []string{"body 5: is not there, and no event says that it was erased"}},
		{"body back after erasure", `UPDATE ledger_body SET idx = 41 WHERE idx = 42`, nil, []string{"body 41: is still there", "body 41: is another", "body 42: is not there"}},
		{"body beside a leaf without", `UPDATE ledger_body SET idx = 20 WHERE idx = 21`, nil, []string{"body 20: stands beside", "body 21: is not there"}},
		{"body beyond the end", `UPDATE ledger_body SET idx = 300 WHERE idx = 21`, nil, []string{"body 300: lies beyond", "body 21: is not there"}},
		{"private body", `UPDATE ledger_private SET body = ? WHERE idx = 20`, []any{[]byte(`{}`)}, []string{"private 20: does not open"}},
		{"private body lost", `DELETE FROM ledger_private WHERE idx = 20`, nil, []string{"private 20: is not there"}},
		{"tile hash", `UPDATE ledger_tile SET hashes = ? WHERE n = 0`, []any{bytes.Repeat(other, 256)}, []string{"tile 0/0: does not hold"}},
		{"tile cut", `UPDATE ledger_tile SET hashes = ? WHERE n = 0`, []any{other}, []string{"tile 0/0: is not there, or not 256 hashes long"}},
		{"tile root", `UPDATE ledger_tile SET root = ? WHERE n = 0`, []any{other}, []string{"tile 0/0: its root is not"}},
		{"tile lost", `DELETE FROM ledger_tile WHERE n = 0`, nil, []string{"tile 0/0: is not there"}},
		{"tile beyond the end", `INSERT INTO ledger_tile (level, n, root, hashes) VALUES (1, 0, ?, ?)`, []any{other, other}, []string{"tile 1/0: lies beyond"}},
		{"head's edge", `UPDATE ledger_head SET edge = ?`, []any{bytes.Repeat(other, 4)},
			[]string{"head: its hash over leaves 0 to 255", "head: its hash over leaves 256 to 287", "head: its hash over leaves 288 to 295", "head: its hash over leaves 296 to 299"}},
		{"head's edge cut", `UPDATE ledger_head SET edge = ?`, []any{other}, []string{"head: ledger: malformed head"}},
		{"head's size", `UPDATE ledger_head SET size = 1099511627776, edge = ?`, []any{other}, []string{"head: says 1099511627776 leaves, there are 300"}},
		{"head's time", `UPDATE ledger_head SET time = 5`, nil, []string{"head: says the last stamp is 5"}},
		{"checkpoint's root", `UPDATE ledger_checkpoint SET root = ?`, []any{other},
			[]string{"checkpoint: " + sampleOrigin + " signed root", "checkpoint: " + sampleOrigin + ": the note says something else"}},
		{"checkpoint's size", `UPDATE ledger_checkpoint SET size = 299`, nil,
			[]string{"checkpoint: " + sampleOrigin + " signed root", "checkpoint: " + sampleOrigin + ": the note says something else"}},
		{"checkpoint's note", `UPDATE ledger_checkpoint SET note = 'x'`, nil, []string{"checkpoint: " + sampleOrigin}},
		{"checkpoint's signature", `UPDATE ledger_checkpoint SET note = REPLACE(note, '— tasuki', '— other')`, nil,
			[]string{"checkpoint: " + sampleOrigin + ": ledger: checkpoint not valid"}},
		{"subject", `UPDATE ledger_subject SET idx = 3 WHERE subject = 'CVE-2026-0007'`, nil, []string{`subject 3: is kept as the newest leaf about "CVE-2026-0007"`}},
		{"subject lost", `DELETE FROM ledger_subject WHERE subject = 'CVE-2026-0007'`, nil, []string{"subject: 1 subjects of the log are not kept"}},
		{"dictionary", `UPDATE ledger_dict SET bytes = ?`, []any{other}, []string{"dictionary 2052259841: is not the one", "dictionary 2052259841: carries another number"}},
		{"dictionary lost", `DELETE FROM ledger_dict`, nil, []string{"dictionary 2052259841: is used by bodies and not kept"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			db := storetest.Open(t, storetest.SQLite(t))
			s := newSample(t, db)
			s.sign(t)
			update(t, db, func(tx *store.Tx) error {
				res, err := tx.Exec(context.Background(), store.Inline("tamper", tc.sql), tc.args...)
				if err != nil {
					return err
				}
				if n, err := res.RowsAffected(); err != nil || n == 0 {
					t.Fatalf("tampering changed %d rows, %v", n, err)
				}
				return nil
			})
			found := s.fsck(t)
			for _, f := range found {
				if !startsWithAny(f, tc.want) {
					t.Errorf("unexpected: %s", f)
				}
			}
			for _, w := range tc.want[:1] {
				if !anyStartsWith(found, w) {
					t.Errorf("not named: %s\nfound: %q", w, found)
				}
			}
		})
	}
}

func startsWithAny(s string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

func anyStartsWith(list []string, prefix string) bool {
	for _, s := range list {
		if strings.HasPrefix(s, prefix) {
			return true
		}
	}
	return false
}

// TestFsckHashes: the quick check still names a leaf, a tile and the head.
func TestFsckHashes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newSample(t, db)
		check := func() (found []string) {
			view(t, db, func(tx *store.Tx) error {
				return s.Fsck(context.Background(), tx, FsckOptions{Hashes: true}, func(p Problem) { found = append(found, p.String()) })
			})
			return found
		}
		if found := check(); found != nil {
			t.Errorf("clean log: %q", found)
		}
		update(t, db, func(tx *store.Tx) error {
			_, err := tx.Exec(context.Background(), store.Inline("tamper", `UPDATE ledger_leaf SET leaf = ? WHERE idx = 100`), testLeaf(t, 100, -1))
			return err
		})
		if found := check(); !anyStartsWith(found, "leaf 100: does not hash") {
			t.Errorf("a changed leaf is not named: %q", found)
		}
	})
}
