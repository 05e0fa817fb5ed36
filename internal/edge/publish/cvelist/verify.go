package cvelist

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/zip"
	"golang.org/x/mod/sumdb/note"

	"tasuki/spec/cve"
)

// ErrArchive means a file that is no archive of the list.
var ErrArchive = errors.New("cvelist: not an archive of the list")

// Bounds of what is read from an archive, which anybody may have made.
const (
	maxRecordFile = 64 << 20
	maxInner      = 16 << 30
	maxManifest   = 64 << 20
)

// Verification asks whether a baseline with deltas is the next baseline. Nothing but the files is read: the manifests beside them where
// they are there.
type Verification struct {
	Baseline string
	Deltas   []string
	Next     string
	// Keys are of those whose signature a manifest must have; nil asks for none.
	Keys note.Verifiers
	// Progress is told of every record read; it may be nil.
	Progress func(n int64)
}

// Verdict is what came of it.
type Verdict struct {
	Proved    bool         `json:"proved"`
	Records   int          `json:"records"`   // in the next baseline
	Missing   []string     `json:"missing"`   // the baseline with the deltas has them, the next one does not
	Extra     []string     `json:"extra"`     // the next one has them, nothing brought them
	Different []string     `json:"different"` // their bytes differ
	Erased    []Deletion   `json:"erased"`    // differ only because a body was erased after the next baseline's size, as a manifest says
	Archives  []ArchiveSum `json:"archives"`
}

// ArchiveSum is one of the files as it was read.
type ArchiveSum struct {
	File     string `json:"file"`
	Records  int    `json:"records"`
	SHA256   string `json:"sha256"`
	Manifest bool   `json:"manifest"` // one describes it, and rightly
	Signed   bool   `json:"signed"`   // by one of the keys that were given
	From     int64  `json:"from,omitzero"`
	To       int64  `json:"to,omitzero"`
}

// content is a state as it is compared: the digest of each record's bytes.
type content map[cve.ID][sha256.Size]byte

// opened is an archive that was read.
type opened struct {
	ArchiveSum
	content content
	file    *ArchiveFile // of the manifest; nil when there is none
	list    string
}

// Run verifies. An error means files that cannot be read, that are not what their manifests say, or that do not follow each other; a
// difference is no error but a verdict.
func (v *Verification) Run(ctx context.Context) (*Verdict, error) {
	out := &Verdict{Missing: []string{}, Extra: []string{}, Different: []string{}, Erased: []Deletion{}}
	state, err := v.open(ctx, v.Baseline, KindBaseline)
	if err != nil {
		return nil, err
	}
	out.Archives = append(out.Archives, state.ArchiveSum)
	told := map[string]int64{} // what manifests say was erased, and by which leaf
	tell := func(f *ArchiveFile) {
		if f != nil {
			for _, d := range f.Deletions {
				told[d.ID] = max(told[d.ID], d.Leaf)
			}
		}
	}
	tell(state.file)
	at := state.file
	for _, name := range v.Deltas {
		d, err := v.open(ctx, name, KindDelta)
		if err != nil {
			return nil, err
		}
		out.Archives = append(out.Archives, d.ArchiveSum)
		if at, err = follows(at, d, state.list); err != nil {
			return nil, err
		}
		tell(d.file)
		if err := d.applyTo(state.content); err != nil {
			return nil, err
		}
	}
	next, err := v.open(ctx, v.Next, KindBaseline)
	if err != nil {
		return nil, err
	}
	out.Archives = append(out.Archives, next.ArchiveSum)
	out.Records = len(next.content)
	if err := meets(at, next, state.list); err != nil {
		return nil, err
	}
	tell(next.file)
	out.compare(state.content, next, told)
	return out, nil
}

// follows holds a delta to the place that the ones before it reached, as far as manifests tell.
func follows(at *ArchiveFile, d *opened, list string) (*ArchiveFile, error) {
	if at == nil || d.file == nil {
		return nil, nil
	}
	switch {
	case d.list != list:
		return nil, fmt.Errorf("%w: %s is of list %.8s, the baseline of %.8s", ErrManifest, d.File, d.list, list)
	case d.file.From > at.To:
		return nil, fmt.Errorf("%w: leaves %d to %d are in none of the deltas before %s", ErrManifest, at.To, d.file.From-1, d.File)
	case d.file.To < at.To:
		return nil, fmt.Errorf("%w: %s ends at size %d, before %d, where those before it end", ErrManifest, d.File, d.file.To, at.To)
	}
	return d.file, nil
}

// meets holds the next baseline to the place that the deltas reached.
func meets(at *ArchiveFile, next *opened, list string) error {
	if at == nil || next.file == nil {
		return nil
	}
	switch {
	case next.list != list:
		return fmt.Errorf("%w: %s is of list %.8s, the baseline of %.8s", ErrManifest, next.File, next.list, list)
	case next.file.To != at.To:
		return fmt.Errorf("%w: the deltas reach size %d, %s is of size %d", ErrManifest, at.To, next.File, next.file.To)
	case next.file.Root != at.Root:
		return fmt.Errorf("%w: two roots of the log at size %d", ErrManifest, at.To)
	}
	return nil
}

// applyTo puts a delta over a state.
func (d *opened) applyTo(state content) error {
	if d.file != nil {
		for _, gone := range d.file.Deletions {
			id, err := cve.ParseID(gone.ID)
			if err != nil {
				return fmt.Errorf("%s: %w: %w", d.File, ErrManifest, err)
			}
			delete(state, id)
		}
	}
	for id, sum := range d.content {
		state[id] = sum
	}
	return nil
}

func (out *Verdict) compare(have content, next *opened, told map[string]int64) {
	// What was erased after the next baseline's size is gone from whichever file was made later.
	since := func(id string) bool {
		leaf, ok := told[id]
		if ok = ok && next.file != nil && leaf >= next.file.To; ok {
			out.Erased = append(out.Erased, Deletion{ID: id, Leaf: leaf})
		}
		return ok
	}
	for id, sum := range have {
		switch theirs, ok := next.content[id]; {
		case !ok:
			if text := id.String(); !since(text) {
				out.Missing = append(out.Missing, text)
			}
		case theirs != sum:
			out.Different = append(out.Different, id.String())
		}
	}
	for id := range next.content {
		if _, ok := have[id]; !ok {
			if text := id.String(); !since(text) {
				out.Extra = append(out.Extra, text)
			}
		}
	}
	slices.Sort(out.Missing)
	slices.Sort(out.Extra)
	slices.Sort(out.Different)
	slices.SortFunc(out.Erased, func(a, b Deletion) int { return strings.Compare(a.ID, b.ID) })
	out.Proved = len(out.Missing)+len(out.Extra)+len(out.Different) == 0
}

// open reads an archive and holds it to the manifest beside it.
func (v *Verification) open(ctx context.Context, name, kind string) (*opened, error) {
	o := &opened{ArchiveSum: ArchiveSum{File: filepath.Base(name)}, content: content{}}
	size, sum, err := sumFile(name)
	if err != nil {
		return nil, err
	}
	o.SHA256 = sum
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read from
	paths := map[cve.ID]string{}
	if err := v.unzip(ctx, f, size, 0, func(id cve.ID, path string, r io.Reader) error {
		if _, twice := o.content[id]; twice {
			return fmt.Errorf("%w: %s is in it twice", ErrArchive, id)
		}
		h := sha256.New()
		n, err := io.Copy(h, io.LimitReader(r, maxRecordFile+1))
		if err == nil && n > maxRecordFile {
			err = fmt.Errorf("%w: %s has more than %d bytes", ErrArchive, id, maxRecordFile)
		}
		o.content[id], paths[id] = [sha256.Size]byte(h.Sum(nil)), path
		if v.Progress != nil {
			v.Progress(1)
		}
		return err
	}); err != nil {
		return nil, fmt.Errorf("%s: %w", o.File, err)
	}
	o.Records = len(o.content)
	if err := v.describe(o, name, kind, size, paths); err != nil {
		return nil, fmt.Errorf("%s: %w", o.File, err)
	}
	return o, nil
}

// unzip gives fn every record of a zip, or of the zip in it.
func (v *Verification) unzip(ctx context.Context, r io.ReaderAt, size int64, depth int, fn func(id cve.ID, path string, r io.Reader) error) error {
	z, err := zip.NewReader(r, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // no path is ever used to write a file
		return fmt.Errorf("%w: %w", ErrArchive, err)
	}
	for _, f := range z.File {
		if err := ctx.Err(); err != nil {
			return err
		}
		base := path.Base(f.Name)
		switch {
		case strings.HasSuffix(base, ".zip") && depth == 0:
			if err := v.inner(ctx, f, fn); err != nil {
				return err
			}
		case strings.HasPrefix(base, "CVE-") && strings.HasSuffix(base, ".json"):
			id, err := cve.ParseID(strings.TrimSuffix(base, ".json"))
			if err != nil {
				return fmt.Errorf("%w: %w", ErrArchive, err)
			}
			entry, err := f.Open()
			if err != nil {
				return fmt.Errorf("%w: %s: %w", ErrArchive, id, err)
			}
			if err := errors.Join(fn(id, f.Name, entry), entry.Close()); err != nil {
				return err
			}
		}
	}
	return nil
}

// inner reads the zip in a zip, by way of a temporary file that is gone at once.
func (v *Verification) inner(ctx context.Context, f *zip.File, fn func(id cve.ID, path string, r io.Reader) error) error {
	in, err := f.Open()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrArchive, err)
	}
	defer in.Close() //nolint:errcheck // only read from
	spool, err := os.CreateTemp("", "tasuki-verify-*.zip")
	if err != nil {
		return err
	}
	defer os.Remove(spool.Name()) //nolint:errcheck // the system clears what is left there
	defer spool.Close()           //nolint:errcheck // only scratch
	n, err := io.Copy(spool, io.LimitReader(in, maxInner+1))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrArchive, err)
	}
	if n > maxInner {
		return fmt.Errorf("%w: an archive of more than %d bytes in it", ErrArchive, int64(maxInner))
	}
	return v.unzip(ctx, spool, n, 1, fn)
}

// describe finds the manifest beside an archive and holds the archive to it.
func (v *Verification) describe(o *opened, name, kind string, size int64, paths map[cve.ID]string) error {
	raw, err := readSmall(filepath.Join(filepath.Dir(name), ManifestName))
	if errors.Is(err, fs.ErrNotExist) && v.Keys == nil {
		return nil
	}
	if err != nil {
		return err
	}
	var m *Manifest
	if v.Keys != nil {
		signed, err := readSmall(filepath.Join(filepath.Dir(name), SignatureName))
		if err != nil {
			return err
		}
		m, err = OpenManifest(raw, signed, v.Keys)
		if err != nil {
			return err
		}
		o.Signed = true
	} else if m, err = ParseManifest(raw); err != nil {
		return err
	}
	f := m.file(filepath.Base(name))
	switch {
	case f == nil && v.Keys == nil:
		return nil // a manifest of other files
	case f == nil:
		return fmt.Errorf("%w: it says nothing of this file", ErrManifest)
	case f.Kind != kind:
		return fmt.Errorf("%w: this is a %s, expected a %s", ErrManifest, f.Kind, kind)
	case f.SHA256 != o.SHA256 || f.Bytes != size || f.Records != o.Records:
		return fmt.Errorf("%w: the archive is another than the manifest describes", ErrManifest)
	case f.Content != digest(o.content, paths):
		return fmt.Errorf("%w: the records are others than the manifest describes", ErrManifest)
	}
	o.Manifest, o.file, o.list, o.From, o.To = true, f, m.List, f.From, f.To
	return nil
}

// digest is ArchiveFile.Content.
func digest(c content, paths map[cve.ID]string) string {
	ids := make([]cve.ID, 0, len(c))
	for id := range c {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, cve.ID.Compare)
	h := sha256.New()
	var line bytes.Buffer
	for _, id := range ids {
		sum := c[id]
		line.Reset()
		fmt.Fprintf(&line, "%x  %s\n", sum, paths[id])
		_, _ = h.Write(line.Bytes()) // a hash takes everything
	}
	return hex.EncodeToString(h.Sum(nil))
}

func readSmall(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read from
	raw, err := io.ReadAll(io.LimitReader(f, maxManifest+1))
	if err == nil && len(raw) > maxManifest {
		err = fmt.Errorf("%w: more than %d bytes", ErrManifest, maxManifest)
	}
	return raw, err
}
