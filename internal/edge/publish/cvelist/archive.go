package cvelist

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tasuki/spec/cve"
)

// release is what is to be made.
type release struct {
	tag   string
	time  time.Time
	files []ArchiveFile // names, kinds and sizes of the log
}

// make writes a release. Its manifest comes last: a release without one is not there.
func (z *Zips) make(ctx context.Context, all held, r release, cp Checkpoint) (*Manifest, error) {
	dir := filepath.Join(z.Dir, r.tag)
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // what is published is for everybody
		return nil, err
	}
	m := &Manifest{Format: ManifestFormat, List: z.Source.ID(), Test: z.Source.Test(), Tag: r.tag, Time: cve.FormatTime(r.time), Checkpoint: string(cp.Note), Head: cp.Size}
	sums := ""
	for _, f := range r.files {
		if !z.link(all, r.tag, &f) {
			if err := z.archive(ctx, dir, &f, cp.Size); err != nil {
				return nil, err
			}
		}
		m.Files = append(m.Files, f)
		sums += f.SHA256 + "  " + f.Name + "\n"
	}
	raw, err := m.bytes()
	if err != nil {
		return nil, err
	}
	beside := []struct {
		name string
		raw  []byte
	}{{NotesName, m.notes()}, {SumsName, []byte(sums)}, {SignatureName, nil}, {ManifestName, raw}}
	if z.Sign != nil {
		if beside[2].raw, err = z.Sign(signedText(raw, m)); err != nil {
			return nil, err
		}
	}
	for _, b := range beside {
		name := filepath.Join(dir, b.name)
		if b.raw == nil { // an old signature is of another manifest
			if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, err
			}
			continue
		}
		if err := z.replace(name, func(w *os.File) error { _, err := w.Write(b.raw); return err }); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// link takes a day's baseline from another hour's release, where it lies already.
func (z *Zips) link(all held, tag string, f *ArchiveFile) bool {
	if f.Kind != KindBaseline {
		return false
	}
	for other, m := range all {
		have := m.file(f.Name)
		if have == nil || have.To != f.To || other == tag {
			continue
		}
		to := filepath.Join(z.Dir, tag, f.Name)
		if err := os.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := os.Link(filepath.Join(z.Dir, other, f.Name), to); err == nil {
			*f = *have
			return true
		}
	}
	return false
}

// archive writes one archive and completes what is known of it.
func (z *Zips) archive(ctx context.Context, dir string, f *ArchiveFile, head int64) error {
	s, err := between(ctx, z.Source, f.From, f.To)
	if err != nil {
		return err
	}
	moment, err := z.Source.At(ctx, f.To)
	if err != nil {
		return err
	}
	var got archived
	path := filepath.Join(dir, f.Name)
	err = z.replace(path, func(w *os.File) (err error) {
		if f.Kind == KindDelta {
			got, err = z.writeZip(ctx, w, &s, moment.Time, deltaFile)
			return err
		}
		inner, err := os.CreateTemp(dir, innerName+".*.part")
		if err != nil {
			return err
		}
		defer os.Remove(inner.Name()) //nolint:errcheck // the next run takes it away
		defer inner.Close()           //nolint:errcheck // only scratch
		if got, err = z.writeZip(ctx, inner, &s, moment.Time, treePath); err != nil {
			return err
		}
		if _, err := inner.Seek(0, io.SeekStart); err != nil {
			return err
		}
		return wrapZip(w, inner, moment.Time)
	})
	if err != nil {
		return err
	}
	f.Root, f.Records, f.Content = moment.root(), got.records, got.content
	if f.Kind == KindDelta {
		f.New, f.Updated = got.fresh, got.updated
	}
	if f.Deletions, err = z.deletions(ctx, &s, got.gone, head); err != nil {
		return err
	}
	f.Bytes, f.SHA256, err = sumFile(path)
	return err
}

// deletions are what an archive has to name: of the records that it could hold and does not, every one that was erased.
func (z *Zips) deletions(ctx context.Context, s *set, gone map[string]bool, head int64) ([]Deletion, error) {
	held := make(map[string]bool, len(s.entries))
	for i := range s.entries {
		if id := s.entries[i].id.String(); !gone[id] {
			held[id] = true
		}
	}
	if s.from == 0 {
		return erased(ctx, z.Source, 0, head, func(id string) bool { return held[id] })
	}
	// A delta takes away what stands at its end without a file: erased within it, or put within it and erased since.
	return erased(ctx, z.Source, s.from, head, func(id string) bool { return !gone[id] })
}

// notes is release_notes.md.
func (m *Manifest) notes() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "# CVE %s\n\n", title(m.Tag))
	if m.Test {
		b.WriteString("**TEST LIST: nothing in it counts.**\n\n")
	}
	for _, f := range m.Files {
		if f.Kind == KindBaseline {
			fmt.Fprintf(&b, "- `%s`: the whole list, %d records, at size %d of the log\n", f.Name, f.Records, f.To)
		} else {
			fmt.Fprintf(&b, "- `%s`: %s, from size %d to size %d of the log\n", f.Name, changes(f.New, f.Updated, len(f.Deletions)), f.From, f.To)
		}
	}
	fmt.Fprintf(&b, "\nList `%s`. `%s` holds the digests, the sizes of the log and what was erased; `tasuki verify delta BASELINE DELTA… NEXT` proves that a baseline with its deltas is the next baseline.\n",
		m.List, ManifestName)
	for _, f := range m.Files {
		if f.Kind == KindDelta && len(f.Deletions) > 0 {
			b.WriteString("\nDeleted, since a body was erased:\n\n")
			for _, d := range f.Deletions {
				fmt.Fprintf(&b, "- %s (leaf %d)\n", d.ID, d.Leaf)
			}
		}
	}
	return []byte(b.String())
}

// title is a release's title after the tag.
func title(tag string) string {
	text := strings.TrimPrefix(tag, "cve_")
	if at, ok := strings.CutSuffix(text, "_at_end_of_day"); ok {
		return at + " at End of Day"
	}
	if at, ok := strings.CutSuffix(text, firstSuffix); ok {
		return at + ", the first day"
	}
	return strings.Replace(text, "_", " ", 1)
}

// replace writes a file under another name and gives it its own when it is complete and on the disk.
func (z *Zips) replace(name string, write func(*os.File) error) error {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*.part")
	if err != nil {
		return err
	}
	err = write(f)
	if err == nil && !z.volatile {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		// CreateTemp makes private files; what is published is for everybody.
		if err = os.Chmod(f.Name(), 0o644); err == nil {
			err = os.Rename(f.Name(), name)
		}
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

func sumFile(name string) (size int64, sum string, err error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, "", err
	}
	defer f.Close() //nolint:errcheck // only read from
	h := sha256.New()
	size, err = io.Copy(h, f)
	return size, hex.EncodeToString(h.Sum(nil)), err
}
