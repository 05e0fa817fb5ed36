package main

import (
	"archive/tar"
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/klauspost/compress/zstd"

	"tasuki/internal/gate"
	"tasuki/internal/ledger"
)

// backupReader reads a backup whose digest was found right.
type backupReader struct {
	Manifest backupManifest
	Charters [][]byte
	Dicts    map[int64][]byte
	LogKey   []byte // nil when the file has none
	Digest   string // hex, of the whole file but the digest itself: the file's name for itself

	zstd   *zstd.Decoder
	tar    *tar.Reader
	counts backupCounts
	ended  bool
}

// openBackup checks that r, size bytes long, is a whole backup and reads all but the leaves. Errors wrap errBackup,
// errBackupNewer, errBackupCut or errBackupDamaged. Close it.
func openBackup(r io.ReaderAt, size int64, progress func(done int64)) (*backupReader, error) {
	sum, err := checkBackup(r, size, progress)
	if err != nil {
		return nil, err
	}
	b := &backupReader{Dicts: map[int64][]byte{}, Digest: hex.EncodeToString(sum)}
	b.zstd, err = zstd.NewReader(io.NewSectionReader(r, 0, size), zstd.WithDecoderMaxMemory(64<<20), zstd.WithDecoderMaxWindow(8<<20), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	b.tar = tar.NewReader(b.zstd)
	if err := b.begin(); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

// checkBackup looks at head and tail and compares the digest.
func checkBackup(r io.ReaderAt, size int64, progress func(done int64)) ([]byte, error) {
	head := make([]byte, min(size, int64(backupHeadLen)))
	if _, err := r.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	want := skipFrame([]byte(backupMark))
	generation := len(want) - 2 // of the byte that tells formats apart
	switch {
	case !bytes.Equal(head[:min(len(head), generation)], want[:min(len(head), generation)]) || len(head) == 0:
		return nil, errBackup
	case len(head) < len(want):
		return nil, fmt.Errorf("%w: %d bytes", errBackupCut, size)
	case !bytes.Equal(head, want):
		return nil, fmt.Errorf("%w: %q, this program knows %q", errBackupNewer, head[8:backupHeadLen-1], backupMark[:len(backupMark)-1])
	case size < int64(backupHeadLen+backupTailLen):
		return nil, fmt.Errorf("%w: %d bytes", errBackupCut, size)
	}
	tail := make([]byte, backupTailLen)
	if _, err := r.ReadAt(tail, size-int64(backupTailLen)); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	mark := binary.LittleEndian.AppendUint64([]byte(backupMark), uint64(size))
	mark = skipFrame(append(mark, make([]byte, sha256.Size)...))
	if !bytes.Equal(tail[:backupTailLen-sha256.Size], mark[:backupTailLen-sha256.Size]) {
		return nil, fmt.Errorf("%w: its end is not there", errBackupCut)
	}
	digest := sha256.New()
	body := bufio.NewReaderSize(io.NewSectionReader(r, 0, size-sha256.Size), 1<<18)
	for done := int64(0); ; {
		n, err := io.CopyN(digest, body, 8<<20)
		done += n
		if progress != nil {
			progress(done)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	if sum := digest.Sum(nil); !bytes.Equal(sum, tail[backupTailLen-sha256.Size:]) {
		return nil, fmt.Errorf("%w: its bytes hash to %x, its end says %x", errBackupDamaged, sum[:8], tail[backupTailLen-sha256.Size:][:8])
	}
	return tail[backupTailLen-sha256.Size:], nil
}

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{errBackupDamaged}, args...)...)
}

// entry reads the next entry whole.
func (b *backupReader) entry() (name string, content []byte, err error) {
	h, err := b.tar.Next()
	if err != nil {
		return "", nil, damaged("no entry where one belongs: %w", err)
	}
	if h.Typeflag != tar.TypeReg || h.Size > maxEntry {
		return "", nil, damaged("entry %.60q: type %q, %d bytes", h.Name, h.Typeflag, h.Size)
	}
	content, err = io.ReadAll(b.tar)
	if err != nil {
		return "", nil, damaged("entry %.60q: %w", h.Name, err)
	}
	return h.Name, content, nil
}

// expect reads the next entry, which must have this name.
func (b *backupReader) expect(want string) ([]byte, error) {
	name, content, err := b.entry()
	if err == nil && name != want {
		err = damaged("entry %.60q where %s belongs", name, want)
	}
	return content, err
}

func (b *backupReader) json(name string, content []byte, into any) error {
	if err := json.Unmarshal(content, into, json.RejectUnknownMembers(true)); err != nil {
		return damaged("%s: %w", name, err)
	}
	return nil
}

// begin reads everything before the leaves.
func (b *backupReader) begin() error {
	raw, err := b.expect("manifest.json")
	if err != nil {
		return err
	}
	m := &b.Manifest
	if err := b.json("manifest.json", raw, m); err != nil {
		return err
	}
	if m.Format != backupFormat || m.Size < 0 || m.Charters < 1 || m.Charters > 1<<16 || len(m.Dicts) > 1<<10 {
		return damaged("manifest.json: format %d, size %d, %d charters, %d dictionaries", m.Format, m.Size, m.Charters, len(m.Dicts))
	}
	for i := range m.Charters {
		name, content, err := b.entry()
		if err != nil {
			return err
		}
		if !strings.HasPrefix(name, "charter/"+strconv.Itoa(i+1)+"-") {
			return damaged("entry %.60q where charter %d belongs", name, i+1)
		}
		b.Charters = append(b.Charters, content)
	}
	for _, id := range m.Dicts {
		if b.Dicts[id], err = b.expect(dictName(id)); err != nil {
			return err
		}
	}
	if m.WithKey {
		b.LogKey, err = b.expect(logKeyEntry)
	}
	return err
}

// Next returns the next leaves, and io.EOF when all were returned and the file ended as it should.
func (b *backupReader) Next() ([]gate.Stored, error) {
	if b.ended {
		return nil, io.EOF
	}
	name, content, err := b.entry()
	if err != nil {
		return nil, err
	}
	if name == "end.json" {
		return nil, b.end(content)
	}
	if name != leavesName(b.counts.Leaves) {
		return nil, damaged("entry %.60q where leaf %d belongs", name, b.counts.Leaves)
	}
	c := &cutter{raw: content}
	var out []gate.Stored
	for len(c.raw) > 0 && !c.bad && len(out) < leavesPerEntry {
		s := c.stored(b.counts.Leaves)
		if c.bad {
			break
		}
		out = append(out, s)
		b.counts.Leaves++
		if s.Body != nil {
			b.counts.Bodies++
		}
		if s.Private != nil {
			b.counts.Privates++
		}
	}
	if c.bad || len(c.raw) > 0 || len(out) == 0 {
		return nil, damaged("leaf %d cannot be read", b.counts.Leaves)
	}
	return out, nil
}

// end checks what was read against the counts, and that nothing follows.
func (b *backupReader) end(content []byte) error {
	var says backupCounts
	if err := b.json("end.json", content, &says); err != nil {
		return err
	}
	if says != b.counts || says.Leaves != b.Manifest.Size {
		return damaged("it has %+v, says %+v and should have %d leaves", b.counts, says, b.Manifest.Size)
	}
	if _, err := b.tar.Next(); !errors.Is(err, io.EOF) {
		return damaged("something follows end.json (%v)", err)
	}
	if n, err := b.zstd.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		return damaged("something follows the archive (%v)", err)
	}
	b.ended = true
	return io.EOF
}

// Close releases the decoder.
func (b *backupReader) Close() { b.zstd.Close() }

// cutter takes pieces off the front of an entry; after the first that is not there everything is empty and bad is set.
type cutter struct {
	raw []byte
	bad bool
}

func (c *cutter) bytes(n uint64) []byte {
	if c.bad || n > uint64(len(c.raw)) {
		c.bad = true
		return nil
	}
	p := c.raw[:n:n]
	c.raw = c.raw[n:]
	return p
}

func (c *cutter) byte() byte {
	if p := c.bytes(1); p != nil {
		return p[0]
	}
	return 0
}

func (c *cutter) fill(into []byte) { copy(into, c.bytes(uint64(len(into)))) }

// uvarint reads a number that fits an int64, in its shortest form.
func (c *cutter) uvarint() uint64 {
	v, n := binary.Uvarint(c.raw)
	if c.bad || n <= 0 || v > 1<<63-1 || n > 1 && c.raw[n-1] == 0 {
		c.bad = true
		return 0
	}
	c.raw = c.raw[n:]
	return v
}

func (c *cutter) stored(index int64) gate.Stored {
	s := gate.Stored{Index: index, Leaf: c.bytes(c.uvarint())}
	bits := c.byte()
	if bits > hasBody|hasPrivate {
		c.bad = true
	}
	if bits&hasBody != 0 {
		s.Body = &ledger.Body{}
		c.fill(s.Body.Salt[:])
		c.fill(s.Body.Hash[:])
		s.Body.N = int64(c.uvarint())
		s.Body.Enc = c.byte()
		s.Body.Dict = int64(c.uvarint())
		s.Body.Packed = c.bytes(c.uvarint())
	}
	if bits&hasPrivate != 0 {
		s.Private = &ledger.Private{}
		c.fill(s.Private.Salt[:])
		s.Private.Body = c.bytes(c.uvarint())
	}
	return s
}

// repacker makes bodies readable whose dictionary this program does not carry: they are packed again without any. The salted
// hash still says whether they are what they were.
type repacker struct {
	dicts   map[int64][]byte
	foreign map[int64]*zstd.Decoder // nil for a dictionary that the program carries
	plain   *zstd.Encoder
}

func newRepacker(dicts map[int64][]byte) *repacker {
	return &repacker{dicts: dicts, foreign: map[int64]*zstd.Decoder{}}
}

func (r *repacker) body(b *ledger.Body) (err error) {
	if b.Dict == 0 {
		return nil
	}
	dec, known := r.foreign[b.Dict]
	if !known {
		if _, err := b.Compact(); errors.Is(err, ledger.ErrEncoding) {
			raw, ok := r.dicts[b.Dict]
			if !ok {
				return fmt.Errorf("dictionary %d is not in the backup", b.Dict)
			}
			dec, err = zstd.NewReader(nil, zstd.WithDecoderDicts(raw), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(2*ledger.MaxBody))
			if err != nil {
				return fmt.Errorf("dictionary %d: %w", b.Dict, err)
			}
		}
		r.foreign[b.Dict] = dec
	}
	if dec == nil {
		return nil
	}
	content, err := dec.DecodeAll(b.Packed, nil)
	if err != nil {
		return err
	}
	if r.plain == nil {
		if r.plain, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false)); err != nil {
			return err
		}
	}
	b.Dict, b.Packed = 0, r.plain.EncodeAll(content, nil)
	return nil
}

func (r *repacker) close() {
	for _, d := range r.foreign {
		if d != nil {
			d.Close()
		}
	}
}
