package c2sp

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// What another implementation (transparency-dev/formats v0.1.1) derives from the seed below and signed with it.
const (
	peerVKey = "witness.example.com/w1+5d79ec7f+BGuMUblD2VAMmxOGmiockzFvG7K/QWBrKVJnoCl5hUw8"
	peerLine = "— witness.example.com/w1 XXnsfwAAAABrArkkQ8KBhm60CTJtNg8/RayUO2Cg6T/ewOytFN6AM6zTlV1qZwl6UCUH+tmTQtSOn0CweNApvpZkuKLC+EMo4EAjCA==\n"
)

func testCosigner(t testing.TB) *Cosigner {
	t.Helper()
	seed := sha256.Sum256([]byte("c2sp cosigner"))
	c, err := NewCosigner("witness.example.com/w1", ed25519.NewKeyFromSeed(seed[:]))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCosignatureIsThePeers(t *testing.T) {
	c := testCosigner(t)
	if got := c.VKey().String(); got != peerVKey {
		t.Errorf("verifier key %s", got)
	}
	lines, err := ParseLines([]byte(peerLine))
	if err != nil {
		t.Fatal(err)
	}
	v, err := NewCosignatureVerifier(peerVKey)
	if err != nil {
		t.Fatal(err)
	}
	at, err := v.Check(specCheckpoint, lines[0])
	if err != nil {
		t.Fatal(err)
	}
	// Ed25519 is deterministic, so the same second gives the same line.
	mine, err := c.Cosign(specCheckpoint, at.Add(999*time.Millisecond))
	if err != nil || mine.String() != peerLine {
		t.Errorf("%s (%v)", mine, err)
	}

	// And through the note package, whose Open is how a client sees a checkpoint.
	signed, err := note.Sign(&note.Note{Text: specCheckpoint}, c.Signer(func() time.Time { return at }))
	if err != nil || string(signed) != specCheckpoint+"\n"+peerLine {
		t.Fatalf("%s (%v)", signed, err)
	}
	opened, err := note.Open(signed, note.VerifierList(v))
	if err != nil || len(opened.Sigs) != 1 {
		t.Fatalf("%+v, %v", opened, err)
	}
}

func TestCosignatureRefuses(t *testing.T) {
	c := testCosigner(t)
	at := time.Unix(1679315147, 0).UTC()
	line, err := c.Cosign(specCheckpoint, at)
	if err != nil {
		t.Fatal(err)
	}
	v, err := NewCosignatureVerifier(c.VKey().String())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := v.Check(specCheckpoint, line); err != nil || !got.Equal(at) {
		t.Fatalf("%v, %v", got, err)
	}
	change := func(i int) Line {
		sig := bytes.Clone(line.Sig)
		sig[i] ^= 1
		return Line{line.Name, line.Hash, sig}
	}
	for name, tc := range map[string]struct {
		text string
		line Line
	}{
		"another text":      {strings.Replace(specCheckpoint, "20852163", "20852164", 1), line},
		"another time":      {specCheckpoint, change(7)},
		"a time beyond":     {specCheckpoint, change(0)},
		"another signature": {specCheckpoint, change(8)},
		"another name":      {specCheckpoint, Line{"w2", line.Hash, line.Sig}},
		"another hash":      {specCheckpoint, Line{line.Name, line.Hash + 1, line.Sig}},
		"too short":         {specCheckpoint, Line{line.Name, line.Hash, line.Sig[:71]}},
		"too long":          {specCheckpoint, Line{line.Name, line.Hash, append(bytes.Clone(line.Sig), 0)}},
		"no timestamp":      {specCheckpoint, Line{line.Name, line.Hash, line.Sig[8:]}},
	} {
		if _, err := v.Check(tc.text, tc.line); !errors.Is(err, ErrCosignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := c.Cosign("anything", at); !errors.Is(err, ErrCheckpoint) {
		t.Errorf("something else was cosigned: %v", err)
	}
	if _, err := c.Cosign(specCheckpoint, time.Unix(-1, 0)); !errors.Is(err, ErrCosignature) {
		t.Errorf("cosigned before 1970: %v", err)
	}

	later, err := c.Cosign(specCheckpoint, at.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if l, when, ok := v.Find(specCheckpoint, []Line{change(9), line, later, {"x", 1, []byte("y")}}); !ok || l.String() != later.String() || !when.Equal(at.Add(time.Hour)) {
		t.Errorf("found %v of %v, %v", l, when, ok)
	}
	if _, _, ok := v.Find(specCheckpoint, []Line{change(9)}); ok {
		t.Error("a wrong line was found")
	}
}

func TestVKeyRefuses(t *testing.T) {
	good := peerVKey
	for name, text := range map[string]string{
		"empty": "", "no name": good[strings.Index(good, "+"):], "no key": "a+b", "another name": "x" + good, "upper hash": strings.Replace(good, "5d79ec7f", "5D79EC7F", 1),
		"space": strings.Replace(good, "/", " ", 1), "newline": good + "\n", "cut": good[:len(good)-4], "long": "x" + strings.Repeat("x", 5000) + good,
		"bare type": "a+" + "00000000" + "+BA==", "control": strings.Replace(good, "/", "\x01", 1),
	} {
		if k, err := ParseVKey(text); !errors.Is(err, ErrVKey) {
			t.Errorf("%s: %v, %v", name, k, err)
		}
	}
	// A short Ed25519 key with the right hash.
	short := VKey{"a", keyHash("a", AlgEd25519, []byte("short")), AlgEd25519, []byte("short")}.String()
	if _, err := ParseVKey(short); !errors.Is(err, ErrVKey) {
		t.Errorf("short: %v", err)
	}
	// Another type is read, so that a charter can be shown, and used for nothing.
	other := VKey{"a", keyHash("a", AlgMLDSA44, []byte("long")), AlgMLDSA44, []byte("long")}.String()
	if k, err := ParseVKey(other); err != nil || k.Alg != AlgMLDSA44 {
		t.Errorf("%v, %v", k, err)
	}
	if _, err := NewCosignatureVerifier(other); !errors.Is(err, ErrVKey) {
		t.Errorf("ML-DSA verifies: %v", err)
	}
	if _, err := NewVKey("a b", AlgEd25519, make([]byte, 32)); !errors.Is(err, ErrVKey) {
		t.Errorf("a name with a space: %v", err)
	}
	if _, err := NewVKey("a", AlgMLDSA44, make([]byte, 32)); !errors.Is(err, ErrVKey) {
		t.Errorf("an Ed25519 key for ML-DSA: %v", err)
	}
	if _, err := NewCosigner("a", nil); !errors.Is(err, ErrVKey) {
		t.Errorf("a cosigner without a key: %v", err)
	}
}

// FuzzVKey: what is read is written as it was, and the note package agrees on every key of a log.
func FuzzVKey(f *testing.F) {
	f.Add(peerVKey)
	f.Add(testKey(f, "log.example", AlgEd25519, 1).String())
	f.Add("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
	f.Fuzz(func(t *testing.T, text string) {
		k, err := ParseVKey(text)
		if err == nil && k.String() != text {
			t.Fatalf("written as %q", k)
		}
		if v, nerr := note.NewVerifier(text); nerr == nil && err == nil && (v.Name() != k.Name || v.KeyHash() != k.Hash) {
			t.Fatalf("%s %08x, the note package says %s %08x", k.Name, k.Hash, v.Name(), v.KeyHash())
		} else if err == nil && k.Alg == AlgEd25519 && nerr != nil {
			t.Fatalf("the note package refuses it: %v", nerr)
		}
	})
}

// FuzzNote: what is read is written as it was; the note package opens it to the same text; a line put in twice stands once.
func FuzzNote(f *testing.F) {
	f.Add([]byte(specCheckpoint + "\n" + peerLine))
	f.Add([]byte(specCheckpoint + "\n" + peerLine + peerLine + "— a AAAAAQI=\n"))
	f.Add([]byte("\n\n— a AAAAAQI=\n"))
	v, err := NewCosignatureVerifier(peerVKey)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		n, err := ParseNote(raw)
		if err != nil {
			if !errors.Is(err, ErrNote) {
				t.Fatalf("%v", err)
			}
			return
		}
		if !bytes.Equal(n.Bytes(), raw) {
			t.Fatalf("written as %q", n.Bytes())
		}
		opened, err := note.Open(raw, note.VerifierList(v))
		var unverified *note.UnverifiedNoteError
		var invalid *note.InvalidSignatureError
		switch {
		case errors.As(err, &unverified):
			opened = unverified.Note
		case errors.As(err, &invalid): // our key over another text: the note package says so, and we find nothing
			return
		case err != nil:
			t.Fatalf("the note package refuses it: %v", err)
		}
		if opened.Text != n.Text {
			t.Fatalf("text %q, the note package says %q", n.Text, opened.Text)
		}
		_, _, found := v.Find(n.Text, n.Lines)
		if found != (len(opened.Sigs) == 1) {
			t.Fatalf("our cosignature found: %v, the note package says %d", found, len(opened.Sigs))
		}
		l := n.Lines[0]
		twice := n.With(l).With(l)
		count := 0
		for _, x := range twice.Lines {
			if x.Is(l) {
				count++
			}
		}
		if count != 1 {
			t.Fatalf("a key's line stands %d times", count)
		}
	})
}
