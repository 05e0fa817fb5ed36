package cvelist

import (
	"bytes"
	"errors"
	"hash/crc32"
	"io"
	"strings"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zip"
)

// maxDepth is how many archives may lie in one another. The baseline is published as a zip in a zip; nothing needs three.
const maxDepth = 2

const (
	flagEncrypted = 0x1 // APPNOTE.TXT 4.4.4, bit 0

	entryRatioFrom   = 1 << 20  // below this an entry's ratio does not matter
	archiveRatioFrom = 64 << 20 // and an archive's
)

func isZip(magic []byte) bool {
	return bytes.HasPrefix(magic, []byte("PK\x03\x04")) || bytes.HasPrefix(magic, []byte("PK\x05\x06"))
}

// zip lists an archive: its directory decides order, sizes and names. archive is the place of the archive inside the
// source ("" for the source itself), name what to call it when it is refused whole.
func (w *walk) zip(archive, name string, r io.ReaderAt, size int64, depth int) error {
	zr, err := zip.NewReader(r, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return w.refuse(outer(archive, name), name, damaged(err, size))
	}
	if r := w.survey(zr, size); r != nil {
		return w.refuse(outer(archive, name), name, r)
	}
	seen := make(map[string]bool, len(zr.File))
	for _, f := range zr.File {
		if err := w.entry(archive, r, f, seen, depth); err != nil {
			return err
		}
	}
	return nil
}

// outer undoes the naming of a nested archive's own path: refused whole, it is a file of the archive around it.
func outer(archive, name string) string {
	return strings.TrimSuffix(strings.TrimSuffix(archive, name), "!")
}

// survey judges the whole archive by its directory, before anything of it is unpacked.
func (w *walk) survey(zr *zip.Reader, size int64) *Refusal {
	if len(zr.File) > w.l.Entries {
		return refuse(CodeBomb, "the archive has %d entries, at most %d are read", len(zr.File), w.l.Entries)
	}
	var files, bytes, packed int64
	for _, f := range zr.File {
		if f.CompressedSize64 > uint64(size) || packed > size {
			return refuse(CodeBomb, "the entries overlap: together they claim more than the archive's %d bytes", size)
		}
		packed += int64(f.CompressedSize64)
		if r, _ := roleOf(f.Name); (r == roleNamed || r == roleOdd) && f.UncompressedSize64 <= uint64(w.l.Record) {
			files++
			bytes += int64(f.UncompressedSize64)
		}
	}
	switch {
	case packed > size:
		return refuse(CodeBomb, "the entries overlap: together they claim more than the archive's %d bytes", size)
	case bytes > w.l.Total-w.unpacked:
		return refuse(CodeBomb, "the archive unpacks to %d bytes, at most %d are read from one source", bytes, w.l.Total)
	case bytes > archiveRatioFrom && bytes/w.l.Ratio > size:
		return refuse(CodeBomb, "the archive unpacks to %d bytes from %d, more than %d to 1", bytes, size, w.l.Ratio)
	}
	w.totals(files, bytes)
	return nil
}

// entry queues one entry, or descends into it.
func (w *walk) entry(archive string, r io.ReaderAt, f *zip.File, seen map[string]bool, depth int) error {
	if bad := checkPath(f.Name); bad != nil {
		return w.refuse(archive, f.Name, bad)
	}
	role, name := roleOf(f.Name)
	if strings.HasSuffix(f.Name, "/") || role == roleIgnored {
		w.ignored++
		return nil
	}
	t := &task{role: role, file: File{Archive: archive, Path: f.Name, Name: name}}
	switch {
	case seen[f.Name]:
		t.file.Refused = refuse(CodeTwice, "the archive has this path twice")
	case !f.Mode().IsRegular():
		t.file.Refused = refuse(CodeNotRegular, "the entry is a %s, expected a file", kindOf(f.Mode()))
	case f.Flags&flagEncrypted != 0:
		t.file.Refused = refuse(CodeMethod, "the entry is encrypted")
	case f.Method != zip.Store && f.Method != zip.Deflate:
		t.file.Refused = refuse(CodeMethod, "the entry is packed by method %d, expected 0 (store) or 8 (deflate)", f.Method)
	case role == roleArchive && depth >= maxDepth:
		t.file.Refused = refuse(CodeNested, "an archive inside %d others", depth)
	}
	seen[f.Name] = true
	if t.file.Refused != nil {
		return w.put(t)
	}
	if role == roleArchive {
		return w.nested(archive, r, f, depth)
	}
	t.file.Size = int64(min(f.UncompressedSize64, 1<<62))
	if t.file.Size > entryRatioFrom && t.file.Size <= w.l.Record && t.file.Size/w.l.Ratio > int64(f.CompressedSize64) {
		t.file.Refused = refuse(CodeBomb, "the entry unpacks to %d bytes from %d, more than %d to 1", t.file.Size, f.CompressedSize64, w.l.Ratio)
	}
	t.read = func(s *scratch) ([]byte, *Refusal) { return s.inflate(f) }
	return w.put(t)
}

// nested reads a zip inside a zip: in place when it is stored, from a temporary file otherwise.
func (w *walk) nested(archive string, r io.ReaderAt, f *zip.File, depth int) error {
	inner := f.Name
	if archive != "" {
		inner = archive + "!" + f.Name
	}
	size := int64(min(f.UncompressedSize64, 1<<62))
	switch {
	case size > w.l.Archive:
		return w.refuse(archive, f.Name, refuse(CodeBomb, "the archive has %d bytes, at most %d are read", size, w.l.Archive))
	case size > archiveRatioFrom && size/w.l.Ratio > int64(f.CompressedSize64):
		return w.refuse(archive, f.Name, refuse(CodeBomb, "the archive unpacks to %d bytes from %d", size, f.CompressedSize64))
	}
	if f.Method == zip.Store && f.CompressedSize64 == f.UncompressedSize64 {
		at, err := f.DataOffset()
		if err != nil {
			return w.refuse(archive, f.Name, damaged(err, size))
		}
		return w.zip(inner, f.Name, io.NewSectionReader(r, at, size), size, depth+1)
	}
	if w.unpacked += size; w.unpacked > w.l.Total {
		return w.refuse(archive, f.Name, refuse(CodeBomb, "the source unpacks to more than %d bytes", w.l.Total))
	}
	content, err := f.Open()
	if err != nil {
		return w.refuse(archive, f.Name, damaged(err, size))
	}
	defer content.Close() //nolint:errcheck // only read from
	spool, err := w.temp()
	if err != nil {
		return err
	}
	n, bad, err := w.fill(spool, io.LimitReader(content, size+1))
	switch {
	case err != nil:
		return err
	case bad != nil:
		return w.refuse(archive, f.Name, refuse(CodeTruncated, "the archive cannot be unpacked: %v", bad))
	case n != size:
		return w.refuse(archive, f.Name, refuse(CodeLength, "the archive unpacks to %d bytes or more, its directory says %d", n, size))
	}
	return w.zip(inner, f.Name, spool, n, depth+1)
}

// damaged words what zip.NewReader saw.
func damaged(err error, size int64) *Refusal {
	if errors.Is(err, zip.ErrFormat) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return refuse(CodeArchive, "no zip directory at the end of its %d bytes: the file is cut off or no zip", size)
	}
	return refuse(CodeArchive, "the zip cannot be read: %v", err)
}

// scratch is what a worker needs to unpack, kept from one entry to the next.
type scratch struct {
	packed []byte
	source bytes.Reader
	flate  io.ReadCloser
}

// inflate unpacks one entry and holds it to its directory's word on length and CRC-32. It never makes more bytes than
// declared, and the declared number was judged before.
func (s *scratch) inflate(f *zip.File) ([]byte, *Refusal) {
	// Deflate never needs much more than the plain bytes; an entry that claims so only wants memory.
	if f.CompressedSize64 > f.UncompressedSize64+f.UncompressedSize64/8+1024 {
		return nil, refuse(CodeLength, "the entry claims %d packed bytes for %d unpacked ones", f.CompressedSize64, f.UncompressedSize64)
	}
	r, err := f.OpenRaw()
	if err != nil {
		return nil, refuse(CodeTruncated, "the entry's local header cannot be read: %v", err)
	}
	n := int(f.CompressedSize64)
	if cap(s.packed) < n {
		s.packed = make([]byte, n+n/4)
	}
	packed := s.packed[:n]
	if got, err := io.ReadFull(r, packed); err != nil {
		return nil, refuse(CodeTruncated, "the archive ends %d bytes into the entry's %d", got, n)
	}
	out := make([]byte, f.UncompressedSize64)
	if f.Method == zip.Store {
		if len(packed) != len(out) {
			return nil, refuse(CodeLength, "a stored entry of %d bytes claims to unpack to %d", len(packed), len(out))
		}
		copy(out, packed)
	} else if bad := s.unpack(out, packed); bad != nil {
		return nil, bad
	}
	if sum := crc32.ChecksumIEEE(out); sum != f.CRC32 {
		return nil, refuse(CodeChecksum, "CRC-32 is %08x, the archive says %08x", sum, f.CRC32)
	}
	return out, nil
}

func (s *scratch) unpack(out, packed []byte) *Refusal {
	s.source.Reset(packed)
	if s.flate == nil {
		s.flate = flate.NewReader(&s.source)
	} else if err := s.flate.(flate.Resetter).Reset(&s.source, nil); err != nil {
		return refuse(CodeTruncated, "the entry cannot be unpacked: %v", err)
	}
	got, err := io.ReadFull(s.flate, out)
	var corrupt flate.CorruptInputError
	switch {
	case errors.As(err, &corrupt):
		return refuse(CodeTruncated, "the entry's data are damaged at packed byte %d", int64(corrupt))
	case errors.Is(err, io.ErrUnexpectedEOF) && s.source.Len() == 0 && got < len(out):
		return refuse(CodeTruncated, "the entry's data end after %d of %d bytes", got, len(out))
	case err != nil && !errors.Is(err, io.EOF):
		return refuse(CodeTruncated, "the entry cannot be unpacked: %v", err)
	}
	var more [1]byte
	if n, err := io.ReadFull(s.flate, more[:]); n > 0 {
		return refuse(CodeLength, "the entry unpacks to more than the %d bytes its directory says", len(out))
	} else if !errors.Is(err, io.EOF) {
		return refuse(CodeTruncated, "the entry's data end badly: %v", err)
	}
	if got != len(out) {
		return refuse(CodeLength, "the entry unpacks to %d bytes, its directory says %d", got, len(out))
	}
	return nil
}
