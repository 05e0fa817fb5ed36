package main

import (
	"archive/tar"
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/klauspost/compress/zstd"

	"tasuki/internal/charter"
	"tasuki/internal/gate"
)

// A backup is one file that `zstd -d | tar t` can look into; docs/protocols/backup.md describes it byte by byte:
//
//	head      zstd skippable frame: "tasuki backup 1\n"
//	content   zstd frame: a tar archive of manifest.json, charter/…, dictionary/…, log.key, leaves/…, end.json
//	tail      zstd skippable frame: "tasuki backup 1\n", length of the file, SHA-256 over everything before the digest
//
// The tail is what makes a file a backup: one that was cut short has none, and nothing is unpacked before the digest was
// found right.

var (
	errBackup        = errors.New("backup: not a backup of this program")
	errBackupNewer   = errors.New("backup: written in a newer format")
	errBackupCut     = errors.New("backup: cut short, or never finished")
	errBackupDamaged = errors.New("backup: damaged")
)

// backupFormat is the version that is written and the only one that is read.
const backupFormat = 1

const (
	backupMark    = "tasuki backup 1\n"
	skippable     = 0x184D2A5B // RFC 8878 §3.1.2: one of sixteen magic numbers for what a decoder passes over
	backupHeadLen = 8 + len(backupMark)
	backupTailLen = 8 + len(backupMark) + 8 + sha256.Size

	leavesPerEntry = 256      // at most
	bytesPerEntry  = 1 << 20  // after which an entry of leaves is closed, though it may have fewer
	maxEntry       = 16 << 20 // that a reader takes: bytesPerEntry, one leaf with its bodies, and room
)

// backupManifest is manifest.json, the first entry.
type backupManifest struct {
	Format      int                `json:"format"`
	Program     string             `json:"program"` // version that wrote the file
	Made        time.Time          `json:"made"`
	List        string             `json:"list"` // list id
	ListName    string             `json:"list_name"`
	Origin      string             `json:"origin"` // of the epoch it was made in
	Epoch       int64              `json:"epoch"`
	Size        int64              `json:"size"` // leaves
	Root        string             `json:"root"` // hex, over all of them
	Charters    int                `json:"charters"`
	Dicts       []int64            `json:"dictionaries"`
	Checkpoints []backupCheckpoint `json:"checkpoints"` // smallest first, one per epoch that signed any
	WithKey     bool               `json:"with_key"`
}

// backupCheckpoint is a signed tree head of the log inside.
type backupCheckpoint struct {
	Origin string `json:"origin"`
	Size   int64  `json:"size"`
	Time   int64  `json:"time"` // when it was signed, Unix milliseconds
	Note   string `json:"note"` // verbatim
}

// backupCounts is end.json, the last entry.
type backupCounts struct {
	Leaves   int64 `json:"leaves"`
	Bodies   int64 `json:"bodies"`
	Privates int64 `json:"privates"`
}

// backupWriter writes a backup's bytes. The order of calls is the order of the entries.
type backupWriter struct {
	out    *bufio.Writer // under hashed
	digest hash.Hash
	n      int64
	zstd   *zstd.Encoder
	tar    *tar.Writer
	made   time.Time
	first  int64 // of the leaves in entry
	entry  []byte
	counts backupCounts
}

func newBackupWriter(w io.Writer, m backupManifest) (*backupWriter, error) {
	b := &backupWriter{out: bufio.NewWriterSize(w, 1<<18), digest: sha256.New(), made: m.Made.UTC().Truncate(time.Second)}
	if _, err := b.Write(skipFrame([]byte(backupMark))); err != nil {
		return nil, err
	}
	var err error
	b.zstd, err = zstd.NewWriter(b, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(2), zstd.WithWindowSize(4<<20))
	if err != nil {
		return nil, err
	}
	b.tar = tar.NewWriter(b.zstd)
	return b, b.json("manifest.json", m)
}

// Write takes the bytes of the file itself: everything passes the digest.
func (b *backupWriter) Write(p []byte) (int, error) {
	b.digest.Write(p)
	n, err := b.out.Write(p)
	b.n += int64(n)
	return n, err
}

func skipFrame(content []byte) []byte {
	f := binary.LittleEndian.AppendUint32(nil, skippable)
	f = binary.LittleEndian.AppendUint32(f, uint32(len(content)))
	return append(f, content...)
}

// file adds an entry.
func (b *backupWriter) file(name string, content []byte) error {
	err := b.tar.WriteHeader(&tar.Header{Name: name, Size: int64(len(content)), Mode: 0o600, ModTime: b.made, Format: tar.FormatUSTAR})
	if err == nil {
		_, err = b.tar.Write(content)
	}
	return err
}

func (b *backupWriter) json(name string, v any) error {
	raw, err := json.Marshal(v, jsontext.WithIndent("  "))
	if err != nil {
		return err
	}
	return b.file(name, append(raw, '\n'))
}

func (b *backupWriter) charter(d *charter.Document) error {
	raw, err := d.Bytes()
	if err != nil {
		return err
	}
	return b.file("charter/"+d.FileName(), raw)
}

func dictName(id int64) string { return fmt.Sprintf("dictionary/%d.zdict", id) }

const logKeyEntry = "log.key"

// leaf adds a leaf with what stands beside it. Leaves come in order, from 0.
func (b *backupWriter) leaf(s gate.Stored) error {
	if s.Index != b.counts.Leaves {
		return fmt.Errorf("leaf %d follows leaf %d", s.Index, b.counts.Leaves-1)
	}
	b.entry = appendStored(b.entry, s)
	b.counts.Leaves++
	if s.Body != nil {
		b.counts.Bodies++
	}
	if s.Private != nil {
		b.counts.Privates++
	}
	if b.counts.Leaves-b.first >= leavesPerEntry || len(b.entry) >= bytesPerEntry {
		return b.flush()
	}
	return nil
}

func (b *backupWriter) flush() error {
	if len(b.entry) == 0 {
		return nil
	}
	err := b.file(leavesName(b.first), b.entry)
	b.entry, b.first = b.entry[:0], b.counts.Leaves
	return err
}

func leavesName(first int64) string { return fmt.Sprintf("leaves/%012d", first) }

// close ends the file. What was written is a backup only when close returned nil.
func (b *backupWriter) close() error {
	if err := b.flush(); err != nil {
		return err
	}
	if err := b.json("end.json", b.counts); err != nil {
		return err
	}
	if err := errors.Join(b.tar.Close(), b.zstd.Close()); err != nil {
		return err
	}
	tail := binary.LittleEndian.AppendUint64([]byte(backupMark), uint64(b.n)+uint64(backupTailLen))
	frame := skipFrame(append(tail, make([]byte, sha256.Size)...))
	if _, err := b.Write(frame[:len(frame)-sha256.Size]); err != nil {
		return err
	}
	if _, err := b.Write(b.digest.Sum(nil)); err != nil {
		return err
	}
	return b.out.Flush()
}

// abandon releases what the writer holds; the file is not a backup.
func (b *backupWriter) abandon() { b.zstd.Close() } //nolint:errcheck // what it writes is thrown away

// Bits of the byte behind each leaf that say what follows it.
const (
	hasBody    = 1
	hasPrivate = 2
)

// appendStored writes uvarint-prefixed leaf, the bits, then salt, hash, n, enc, dict and packed bytes of a body, then salt and
// bytes of a private body.
func appendStored(b []byte, s gate.Stored) []byte {
	bytes := func(p []byte) {
		b = binary.AppendUvarint(b, uint64(len(p)))
		b = append(b, p...)
	}
	bytes(s.Leaf)
	var bits byte
	if s.Body != nil {
		bits |= hasBody
	}
	if s.Private != nil {
		bits |= hasPrivate
	}
	b = append(b, bits)
	if s.Body != nil {
		b = append(b, s.Body.Salt[:]...)
		b = append(b, s.Body.Hash[:]...)
		b = binary.AppendUvarint(b, uint64(s.Body.N))
		b = append(b, s.Body.Enc)
		b = binary.AppendUvarint(b, uint64(s.Body.Dict))
		bytes(s.Body.Packed)
	}
	if s.Private != nil {
		b = append(b, s.Private.Salt[:]...)
		bytes(s.Private.Body)
	}
	return b
}
