package cvelist

import (
	"archive/zip"
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// days is a list that was published every hour for three days, and where the archives lie.
type days struct {
	*world
	z     *Zips
	first time.Time // midnight
	keys  note.Verifiers
}

func newDays(t *testing.T) *days {
	t.Helper()
	secret, public, err := note.GenerateKey(rand.Reader, "tasuki.test/log")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	d := &days{world: newWorld(21), first: time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC), keys: note.VerifierList(verifier)}
	d.z = &Zips{Source: d.world, Dir: t.TempDir(), volatile: true, Sign: func(text string) ([]byte, error) { return note.Sign(&note.Note{Text: text}, signer) }}
	d.put("CVE-2026-0001", false) // never touched again
	for d.clock.Before(d.first) {
		d.step()
	}
	for at := d.first; at.Before(d.first.Add(3 * day)); at = at.Add(time.Hour) {
		for d.clock.Before(at) {
			d.put([]string{"CVE-2026-0100", "CVE-2026-0101", "CVE-2026-0102"}[d.rng.IntN(3)], true)
		}
		if _, err := d.z.Publish(t.Context(), at); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func (d *days) baseline(n int) string {
	at := d.first.Add(time.Duration(n) * day)
	return filepath.Join(d.z.Dir, hourTag(at), baselineName(at))
}

func (d *days) end(n int) string {
	at := d.first.Add(time.Duration(n) * day)
	return filepath.Join(d.z.Dir, endTag(at), endName(at))
}

func (d *days) hour(n, hour int) string {
	at := d.first.Add(time.Duration(n)*day + time.Duration(hour)*time.Hour)
	return filepath.Join(d.z.Dir, hourTag(at), hourName(at))
}

// copied is a folder as somebody downloaded it.
func copied(t *testing.T, name string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Dir(name))); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, filepath.Base(name))
}

func TestVerify(t *testing.T) {
	d := newDays(t)
	alone := func(name string) string { // without its manifest
		name = copied(t, name)
		for _, beside := range []string{ManifestName, SignatureName} {
			if err := os.Remove(filepath.Join(filepath.Dir(name), beside)); err != nil {
				t.Fatal(err)
			}
		}
		return name
	}
	changed := func(name string, edit func([]byte) []byte, which string) string {
		name = copied(t, name)
		path := filepath.Join(filepath.Dir(name), which)
		raw, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(path, edit(raw), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		return name
	}
	cut := func(raw []byte) []byte { return raw[:len(raw)/2] }
	for _, tc := range []struct {
		name   string
		v      Verification
		fails  string // in the error; "" for none
		proved bool
	}{
		{"a day", Verification{Baseline: d.baseline(0), Deltas: []string{d.end(0)}, Next: d.baseline(1)}, "", true},
		{"two days", Verification{Baseline: d.baseline(0), Deltas: []string{d.end(0), d.end(1)}, Next: d.baseline(2)}, "", true},
		{"hours that overlap", Verification{Baseline: d.baseline(0), Deltas: []string{d.hour(0, 3), d.hour(0, 9), d.hour(0, 9), d.end(0)}, Next: d.baseline(1)}, "", true},
		{"nothing between", Verification{Baseline: d.baseline(1), Next: d.baseline(1)}, "", true},
		{"signed", Verification{Baseline: d.baseline(0), Deltas: []string{d.end(0)}, Next: d.baseline(1), Keys: d.keys}, "", true},
		{"without manifests", Verification{Baseline: alone(d.baseline(0)), Deltas: []string{alone(d.end(0))}, Next: alone(d.baseline(1))}, "", true},
		{"a day is missing", Verification{Baseline: d.baseline(0), Deltas: []string{d.end(1)}, Next: d.baseline(2)}, "are in none of the deltas", false},
		{"the end is missing", Verification{Baseline: d.baseline(0), Deltas: []string{d.hour(0, 9)}, Next: d.baseline(1)}, "the deltas reach size", false},
		{"the wrong order", Verification{Baseline: d.baseline(0), Deltas: []string{d.end(0), d.hour(0, 3)}, Next: d.baseline(1)}, "before", false},
		{"a hole without manifests", Verification{Baseline: alone(d.baseline(0)), Deltas: []string{alone(d.hour(0, 0))}, Next: alone(d.baseline(1))}, "", false},
		{"a delta as a baseline", Verification{Baseline: d.end(0), Next: d.baseline(1)}, "this is a delta", false},
		{"an archive that is cut", Verification{Baseline: changed(d.baseline(0), cut, filepath.Base(d.baseline(0))), Next: d.baseline(1)}, "not an archive", false},
		{"another archive under its name", Verification{Baseline: changed(d.baseline(0), func([]byte) []byte { return read(t, d.baseline(1)) },
			filepath.Base(d.baseline(0))), Next: d.baseline(1)}, "another than the manifest describes", false},
		{"another content, digest of the archive set right", Verification{Baseline: changed(d.baseline(0), func(raw []byte) []byte {
			m, err := ParseManifest(raw)
			if err != nil {
				t.Fatal(err)
			}
			m.Files[0].Content = strings.Repeat("0", 64)
			raw, err = m.bytes()
			if err != nil {
				t.Fatal(err)
			}
			return raw
		}, ManifestName), Next: d.baseline(1)}, "records are others", false},
		{"a manifest that is cut", Verification{Baseline: changed(d.baseline(0), cut, ManifestName), Next: d.baseline(1)}, "manifest not valid", false},
		{"another manifest than was signed", Verification{Baseline: changed(d.baseline(0), func(raw []byte) []byte { return append(raw, '\n') }, ManifestName),
			Next: d.baseline(0), Keys: d.keys}, "another manifest", false},
		{"somebody else's key", Verification{Baseline: d.baseline(0), Next: d.baseline(0), Keys: note.VerifierList()}, "manifest not valid", false},
		{"unsigned, where signatures are asked for", Verification{Baseline: alone(d.baseline(0)), Next: d.baseline(0), Keys: d.keys}, "no such file", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := tc.v.Run(t.Context())
			switch {
			case tc.fails != "":
				if err == nil || !strings.Contains(err.Error(), tc.fails) {
					t.Errorf("%v, want %q", err, tc.fails)
				}
			case err != nil:
				t.Error(err)
			case got.Proved != tc.proved || len(got.Erased) > 0 || len(got.Archives) != len(tc.v.Deltas)+2:
				t.Errorf("%+v", got)
			case tc.v.Keys != nil && !got.Archives[0].Signed:
				t.Errorf("not called signed: %+v", got.Archives[0])
			case !tc.proved && len(got.Missing)+len(got.Extra)+len(got.Different) == 0:
				t.Errorf("nothing is named: %+v", got)
			}
		})
	}
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// What was downloaded before an erasure and what was made after it agree but for the record that is gone, and Verify says which it is.
func TestVerifyAcrossAnErasure(t *testing.T) {
	d := newDays(t)
	before := []string{copied(t, d.baseline(0)), copied(t, d.end(0)), copied(t, d.baseline(1))}
	v := d.newest("CVE-2026-0001")
	v.erased, v.raw = d.leaf(), nil
	got, err := d.z.Publish(t.Context(), d.first.Add(3*day-time.Hour))
	if err != nil || len(got.Remade) == 0 {
		t.Fatalf("%+v %v", got, err)
	}
	after := []string{d.baseline(0), d.end(0), d.baseline(1)}
	for i := range 8 {
		pick := func(n int) string {
			if i&(1<<n) != 0 {
				return after[n]
			}
			return before[n]
		}
		verdict, err := (&Verification{Baseline: pick(0), Deltas: []string{pick(1)}, Next: pick(2)}).Run(t.Context())
		if err != nil {
			t.Fatalf("%03b: %v", i, err)
		}
		mixed := (i&1 != 0) != (i&4 != 0)
		if !verdict.Proved || mixed != (len(verdict.Erased) == 1 && verdict.Erased[0].ID == "CVE-2026-0001") {
			t.Errorf("%03b: %+v", i, verdict)
		}
	}
	notes := string(read(t, filepath.Join(filepath.Dir(d.baseline(0)), NotesName)))
	if strings.Contains(notes, "TEST LIST") || !strings.Contains(notes, "the whole list") {
		t.Error(notes)
	}
	// The day in which it was erased takes it away, for those who hold the baseline before.
	n := int((d.times[v.erased].Sub(d.first) - 1) / day)
	if _, err := d.z.Publish(t.Context(), d.first.Add(time.Duration(n+1)*day)); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(d.end(n))
	m, err := OpenManifest(read(t, filepath.Join(dir, ManifestName)), read(t, filepath.Join(dir, SignatureName)), d.keys)
	if err != nil || len(m.Files[0].Deletions) != 1 || m.Files[0].Deletions[0] != (Deletion{ID: "CVE-2026-0001", Leaf: v.erased}) {
		t.Errorf("%+v %v", m, err)
	}
	if notes := string(read(t, filepath.Join(dir, NotesName))); !strings.Contains(notes, "CVE-2026-0001") {
		t.Error(notes)
	}
}

// The same list gives the same archives, byte for byte.
func TestArchivesAreDeterministic(t *testing.T) {
	d := newDays(t)
	again := &Zips{Source: d.world, Dir: t.TempDir(), volatile: true}
	if _, err := again.Publish(t.Context(), d.first.Add(2*day)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{d.baseline(2), d.end(1)} {
		other := filepath.Join(again.Dir, filepath.Base(filepath.Dir(name)), filepath.Base(name))
		if !bytes.Equal(read(t, name), read(t, other)) {
			t.Errorf("%s differs", filepath.Base(name))
		}
	}
	// The standard library reads them, and their times are the log's.
	z, err := zip.OpenReader(d.end(1))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	for _, f := range z.File {
		r, err := f.Open()
		if err == nil {
			_, err = io.Copy(io.Discard, r)
		}
		if err != nil || f.Modified.After(d.first.Add(2*day)) || f.Modified.Before(d.first) {
			t.Errorf("%s, %s: %v", f.Name, f.Modified, err)
		}
	}
}

// A folder of another list, or of another history, is left alone; old releases go.
func TestReleasesAreKeptApart(t *testing.T) {
	d := newDays(t)
	at := d.first.Add(3 * day)
	if _, err := (&Zips{Source: otherList{d.world}, Dir: d.z.Dir}).Publish(t.Context(), at); !errors.Is(err, ErrForeign) {
		t.Errorf("another list: %v", err)
	}
	if _, err := (&Zips{Source: otherRoots{d.world}, Dir: d.z.Dir}).Publish(t.Context(), at); !errors.Is(err, ErrFork) {
		t.Errorf("another history: %v", err)
	}
	d.z.Keep = 48 * time.Hour
	got, err := d.z.Publish(t.Context(), at)
	if err != nil || len(got.Deleted) == 0 {
		t.Fatalf("%+v %v", got, err)
	}
	if _, err := os.Stat(filepath.Dir(d.baseline(0))); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the first day is still there: %v", err)
	}
	if v, err := (&Verification{Baseline: d.baseline(2), Deltas: []string{d.end(2)}, Next: d.baseline(3)}).Run(t.Context()); err != nil || !v.Proved {
		t.Errorf("%+v %v", v, err)
	}
	// A test list says so in every release.
	d.test = true
	other := &Zips{Source: d.world, Dir: t.TempDir(), volatile: true}
	if _, err := other.Publish(t.Context(), at); err != nil {
		t.Fatal(err)
	}
	notes, err := filepath.Glob(filepath.Join(other.Dir, "*", NotesName))
	if err != nil || len(notes) == 0 {
		t.Fatal(notes, err)
	}
	for _, name := range notes {
		if !strings.Contains(string(read(t, name)), "TEST LIST") {
			t.Errorf("%s says nothing of it", name)
		}
	}
}
