package cvelist

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"io"
	"path"
	"runtime"
	"time"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zip"
)

// deltaFolder is where a delta zip keeps its records, without folders below.
const deltaFolder = "deltaCves/"

// innerName is the archive inside the archive that a baseline is.
const innerName = "cves.zip"

// packed is one record, ready to be written.
type packed struct {
	name   string
	size   int
	crc    uint32
	sha256 [sha256.Size]byte
	data   []byte // deflated
}

// pack deflates one file. Workers do it side by side; what comes out depends on the bytes alone.
func pack(w *flate.Writer, name string, raw []byte) (*packed, error) {
	var b bytes.Buffer
	b.Grow(len(raw)/3 + 64)
	w.Reset(&b)
	_, err := w.Write(raw)
	if err = errors.Join(err, w.Close()); err != nil {
		return nil, err
	}
	return &packed{name: name, size: len(raw), crc: crc32.ChecksumIEEE(raw), sha256: sha256.Sum256(raw), data: b.Bytes()}, nil
}

// header is an entry's, with the log's time and nothing of this machine's.
func header(name string, at time.Time) zip.FileHeader {
	at = at.UTC()
	h := zip.FileHeader{Name: name, Method: zip.Deflate}
	if at.Year() >= 1980 { // before that MS-DOS knew no time
		h.ModifiedDate = uint16(at.Day() + int(at.Month())<<5 + (at.Year()-1980)<<9) //nolint:gosec,staticcheck // fits until 2107; CreateRaw writes these and nothing else
		h.ModifiedTime = uint16(at.Second()/2 + at.Minute()<<5 + at.Hour()<<11)      //nolint:gosec,staticcheck // as above
	}
	return h
}

// archived is what came of writing a set as a zip.
type archived struct {
	records, fresh, updated int
	content                 string
	gone                    map[string]bool // entries without a file
}

// writeZip writes the files of a set as a zip with the given paths: the same set and time give the same bytes.
func (z *Zips) writeZip(ctx context.Context, w io.Writer, s *set, at time.Time, name func(*entry) string) (archived, error) {
	type work struct {
		name string
		raw  []byte
		done chan<- *packed
		fail chan<- error
	}
	workers := max(1, min(runtime.GOMAXPROCS(0), len(s.entries)/8))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	todo := make(chan work)
	defer close(todo)
	for range workers {
		go func() {
			deflate, ok := z.deflaters.Get().(*flate.Writer)
			if !ok {
				deflate, _ = flate.NewWriter(nil, flate.DefaultCompression) // only a wrong level is an error
			}
			defer z.deflaters.Put(deflate)
			for t := range todo {
				if p, err := pack(deflate, t.name, t.raw); err != nil {
					t.fail <- err
				} else {
					t.done <- p
				}
			}
		}()
	}

	archive := zip.NewWriter(w)
	out := archived{gone: map[string]bool{}}
	content := sha256.New()
	write := func(p *packed) error {
		out.records++
		_, _ = io.WriteString(content, hex.EncodeToString(p.sha256[:])+"  "+p.name+"\n") // a hash takes everything
		h := header(p.name, at)
		h.CRC32, h.CompressedSize64, h.UncompressedSize64 = p.crc, uint64(len(p.data)), uint64(p.size)
		f, err := archive.CreateRaw(&h)
		if err == nil {
			_, err = f.Write(p.data)
		}
		return err
	}
	// Entries are packed out of order and written in order: a queue of what is under way.
	type pending struct {
		done chan *packed
		fail chan error
	}
	var queue []pending
	next := func() error {
		p := queue[0]
		queue = queue[1:]
		select {
		case done := <-p.done:
			return write(done)
		case err := <-p.fail:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	err := s.each(ctx, z.Source, func(e *entry, raw []byte) error {
		switch {
		case raw == nil:
			out.gone[e.id.String()] = true
			return nil
		case e.had:
			out.updated++
		default:
			out.fresh++
		}
		p := pending{make(chan *packed, 1), make(chan error, 1)}
		select {
		case todo <- work{name(e), raw, p.done, p.fail}:
		case <-ctx.Done():
			return ctx.Err()
		}
		if queue = append(queue, p); len(queue) > 4*workers {
			return next()
		}
		return nil
	})
	for err == nil && len(queue) > 0 {
		err = next()
	}
	if err != nil {
		return out, err
	}
	out.content = hex.EncodeToString(content.Sum(nil))
	return out, archive.Close()
}

// treePath and deltaFile are where an entry stands in a baseline and in a delta.
func treePath(e *entry) string { return e.id.Path() }

func deltaFile(e *entry) string { return deltaFolder + path.Base(e.id.Path()) }

// wrapZip writes the archive around an archive. What is inside is packed already.
func wrapZip(w io.Writer, inner io.ReadSeeker, at time.Time) error {
	sum := crc32.NewIEEE()
	size, err := io.Copy(sum, inner)
	if err != nil {
		return err
	}
	if _, err := inner.Seek(0, io.SeekStart); err != nil {
		return err
	}
	z := zip.NewWriter(w)
	h := header(innerName, at)
	h.Method, h.CRC32, h.CompressedSize64, h.UncompressedSize64 = zip.Store, sum.Sum32(), uint64(size), uint64(size) //nolint:gosec // a file's size
	f, err := z.CreateRaw(&h)
	if err == nil {
		_, err = io.Copy(f, inner)
	}
	return errors.Join(err, z.Close())
}
