package ledger

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
	"tasuki/spec/c2sp"
)

// sampleCharters stand for a charter chain; trust is what package charter would make of it.
var sampleCharters = [][]byte{[]byte(`{"signed":{"v":1},"sigs":[]}`), []byte(`{"signed":{"v":2},"sigs":[]}`)}

func (s *sampleLog) trust(charters [][]byte) (string, note.Verifiers, error) {
	if len(charters) != 2 || !bytes.Equal(charters[0], sampleCharters[0]) || !bytes.Equal(charters[1], sampleCharters[1]) {
		return "", nil, errors.New("not the chain of the sample")
	}
	return sampleList, s.keys, nil
}

func (s *sampleLog) proof(t testing.TB, cp Checkpoint, parts ...Part) []byte {
	t.Helper()
	var file []byte
	view(t, s.db, func(tx *store.Tx) (err error) {
		file, err = s.BuildProof(context.Background(), tx, parts, cp, sampleCharters)
		return err
	})
	return file
}

func TestProof(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newSample(t, db)
		cp := s.sign(t)
		parts := []Part{{7, "base"}, {77, "cna"}, {147, "adp:" + sampleOrg}, {sampleErased, "cna"}, {samplePrivate, "cna"}}
		file := s.proof(t, cp, parts...)
		v, err := VerifyProof(file, ProofOptions{Trust: s.trust, ListID: sampleList, Bodies: [][]byte{s.bodies[7], s.bodies[77]}})
		if err != nil {
			t.Fatal(err)
		}
		if v.ListID != sampleList || len(v.Parts) != len(parts) {
			t.Fatalf("%+v", v)
		}
		for i, p := range v.Parts {
			if p.Role != parts[i].Role || p.Index != parts[i].Index || p.Checkpoint.Size != sampleSize {
				t.Errorf("part %d: %+v", i, p)
			}
			if p.BodyOK != (i < 2) || p.Erased != (p.Index == sampleErased) || p.HasBody != (p.Index != samplePrivate) {
				t.Errorf("part %d: body checked %v, erased %v, present %v", i, p.BodyOK, p.Erased, p.HasBody)
			}
		}

		// The same file with nothing of ours but the formats: what a stranger with x/mod/sumdb would do.
		proofs, err := c2sp.ParseProofs(file, 9)
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range proofs {
			n, err := note.Open(p.Checkpoint, s.keys)
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(n.Text, "\n")
			root, err := tlog.ParseHash(lines[2])
			if err != nil || lines[0] != sampleOrigin || lines[1] != "300" {
				t.Fatalf("%q, %v", lines, err)
			}
			var leaf []byte
			view(t, db, func(tx *store.Tx) (err error) {
				leaf, err = s.Leaf(context.Background(), tx, parts[i].Index)
				return err
			})
			if err := tlog.CheckRecord(p.Path, 300, root, p.Index, tlog.RecordHash(leaf)); err != nil {
				t.Errorf("part %d: %v", i, err)
			}
		}
		if _, _, err := NewSigner(s.Log, SignerOptions{Key: s.key, Holder: "test", Now: fixedNow}).Sign(context.Background()); err != nil {
			t.Fatal(err)
		}
		view(t, db, func(tx *store.Tx) error {
			_, err := s.BuildProof(context.Background(), tx, []Part{{300, "base"}}, cp, nil)
			if !errors.Is(err, ErrNotFound) {
				t.Errorf("a leaf that is not there: %v", err)
			}
			old := cp
			old.Size = 5
			if _, err := s.BuildProof(context.Background(), tx, []Part{{7, "base"}}, old, nil); !errors.Is(err, ErrSize) {
				t.Errorf("a checkpoint that does not cover the leaf: %v", err)
			}
			if _, err := s.BuildProof(context.Background(), tx, nil, cp, nil); !errors.Is(err, ErrProof) {
				t.Errorf("no parts: %v", err)
			}
			return nil
		})
	})
}

// TestVerifyProofNamesTheFault changes one thing in a good file.
func TestVerifyProofNamesTheFault(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite(t))
	s := newSample(t, db)
	cp := s.sign(t)
	good := s.proof(t, cp, Part{7, "base"}, Part{77, "cna"})

	// edit decodes the parts, lets fn change them, and encodes them again.
	edit := func(fn func(p []c2sp.Proof)) []byte {
		proofs, err := c2sp.ParseProofs(good, 9)
		if err != nil {
			t.Fatal(err)
		}
		fn(proofs)
		var file []byte
		for _, p := range proofs {
			file = p.Append(file)
		}
		return file
	}
	inExtra := func(old, new string) func([]c2sp.Proof) {
		return func(p []c2sp.Proof) {
			if !bytes.Contains(p[0].Extra, []byte(old)) {
				t.Fatalf("extra does not contain %s", old)
			}
			p[0].Extra = bytes.Replace(p[0].Extra, []byte(old), []byte(new), 1)
		}
	}
	opts := ProofOptions{Trust: s.trust, ListID: sampleList, Bodies: [][]byte{s.bodies[7]}}
	if _, err := VerifyProof(good, opts); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		file []byte
		want error
		part string
	}{
		{"empty file", nil, ErrProof, ""},
		{"cut file", good[:len(good)-2], ErrProof, "part 1"},
		{"extra not canonical", edit(inExtra(`"leaf":`, `"leaf": `)), ErrProof, "part 0"},
		{"extra with an unknown member", edit(inExtra(`"role"`, `"rank":1,"role"`)), ErrProof, "part 0"},
		{"salt in capitals", edit(func(p []c2sp.Proof) {
			i := bytes.Index(p[0].Extra, []byte(`"salt":"`)) + 8
			copy(p[0].Extra[i:], "ABCD")
		}), ErrProof, "part 0"},
		{"no extra", edit(func(p []c2sp.Proof) { p[1].Extra = nil }), ErrProof, "part 1"},
		{"charters in the second part", edit(func(p []c2sp.Proof) {
			p[1].Extra = bytes.Replace(p[1].Extra, []byte(`{"leaf"`), []byte(`{"charters":[{}],"leaf"`), 1)
		}), ErrProof, "part 1"},
		{"charter changed", edit(inExtra(`{"v":1}`, `{"v":3}`)), ErrCharter, ""},
		{"leaf's time", edit(inExtra(`"t":"2026`, `"t":"2025`)), ErrInclusion, "part 0 (base, leaf 7)"},
		{"leaf's body hash", edit(inExtra(`"n":`, `"n":1`)), ErrInclusion, "part 0"},
		{"leaf's form", edit(inExtra(`"o":{"back":`, `"o":{"bac":`)), ErrLeaf, "part 0"},
		{"leaf of another list", edit(inExtra(`"list":"9c`, `"list":"8c`)), ErrLeaf, "part 0"},
		{"index", edit(func(p []c2sp.Proof) { p[1].Index++ }), ErrInclusion, "part 1 (cna, leaf 78)"},
		{"index beyond the tree", edit(func(p []c2sp.Proof) { p[1].Index = 300 }), ErrInclusion, "part 1"},
		{"path", edit(func(p []c2sp.Proof) { p[0].Path[3][0] ^= 1 }), ErrInclusion, "part 0"},
		{"path too short", edit(func(p []c2sp.Proof) { p[0].Path = p[0].Path[1:] }), ErrInclusion, "part 0"},
		{"checkpoint's size", edit(func(p []c2sp.Proof) {
			p[0].Checkpoint = bytes.Replace(p[0].Checkpoint, []byte("\n300\n"), []byte("\n301\n"), 1)
		}), ErrCheckpoint, "part 0"},
		{"checkpoint's origin", edit(func(p []c2sp.Proof) {
			p[0].Checkpoint = bytes.ReplaceAll(p[0].Checkpoint, []byte("1-first"), []byte("2-other"))
		}), ErrCheckpoint, "part 0"},
		{"salt", edit(func(p []c2sp.Proof) {
			i := bytes.Index(p[0].Extra, []byte(`"salt":"`)) + 8
			p[0].Extra[i] = "10"[(p[0].Extra[i]-'0')&1]
		}), ErrBody, "part 0"},
		{"no salt", edit(func(p []c2sp.Proof) {
			i := bytes.Index(p[0].Extra, []byte(`,"salt":"`))
			p[0].Extra = append(p[0].Extra[:i:i], '}')
		}), ErrBody, "part 0"},
	} {
		if bytes.Equal(tc.file, good) {
			t.Fatalf("%s: the file was not changed", tc.name)
		}
		_, err := VerifyProof(tc.file, opts)
		if !errors.Is(err, tc.want) || !strings.Contains(err.Error(), tc.part) {
			t.Errorf("%s: %v; want %v in %q", tc.name, err, tc.want, tc.part)
		}
	}

	for name, o := range map[string]struct {
		ProofOptions
		want error
	}{
		"another pin":      {ProofOptions{Trust: s.trust, ListID: strings.Repeat("0", 64)}, ErrCharter},
		"other body":       {ProofOptions{Trust: s.trust, Bodies: [][]byte{[]byte("{}")}}, ErrBody},
		"body of one byte": {ProofOptions{Trust: s.trust, Bodies: [][]byte{bytes.Replace(s.bodies[7], []byte("7"), []byte("8"), 1)}}, ErrBody},
	} {
		if _, err := VerifyProof(good, o.ProofOptions); !errors.Is(err, o.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A checkpoint signed under a known key, but in the name of another log.
	forged, err := note.Sign(&note.Note{Text: c2sp.Checkpoint{Origin: "example.com/log", Size: cp.Size, Root: cp.Root}.String()}, s.key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenCheckpoint(forged, s.keys); !errors.Is(err, ErrCheckpoint) {
		t.Errorf("a checkpoint in another log's name: %v", err)
	}
}

func FuzzVerifyProof(f *testing.F) {
	db := storetest.Open(f, storetest.SQLite(f))
	s := newSample(f, db)
	good := s.proof(f, s.sign(f), Part{7, "base"}, Part{samplePrivate, "cna"})
	f.Add(good)
	f.Add([]byte(c2sp.ProofHeader + "\nextra " + base64.StdEncoding.EncodeToString([]byte(`{"leaf":{},"role":"a"}`)) + "\nindex 0\n\na\n1\n\n— a b\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		v, err := VerifyProof(file, ProofOptions{Trust: s.trust})
		if err != nil {
			for _, known := range []error{ErrProof, ErrCharter, ErrCheckpoint, ErrLeaf, ErrInclusion} {
				if errors.Is(err, known) {
					return
				}
			}
			t.Fatalf("untyped error %v", err)
		}
		// Whatever verifies says something true: the leaf at that index is the log's.
		for _, p := range v.Parts {
			raw, err := p.Leaf.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			view(t, db, func(tx *store.Tx) error {
				leaf, err := s.Leaf(context.Background(), tx, p.Index)
				if err != nil || !bytes.Equal(leaf, raw) {
					t.Fatalf("leaf %d is not the log's: %v", p.Index, err)
				}
				return nil
			})
		}
	})
}
