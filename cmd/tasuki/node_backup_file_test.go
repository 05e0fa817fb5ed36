package main

import (
	"archive/tar"
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"tasuki/internal/charter"
	"tasuki/internal/gate"
	"tasuki/internal/ledger"
)

// smallBackup is a backup of leaves that are not leaves: its reader does not look into them.
func smallBackup(t testing.TB, all []gate.Stored, dict []byte) []byte {
	t.Helper()
	doc, _, err := charter.Genesis(charter.Options{Log: make([]byte, 32)}, constant(7), func() time.Time { return time.Unix(1_800_000_000, 0) })
	if err != nil {
		t.Fatal(err)
	}
	m := backupManifest{Format: backupFormat, Program: "test", Made: time.Unix(1_800_000_000, 0).UTC(), List: doc.ListID(), Origin: doc.Origin(),
		Size: int64(len(all)), Charters: 1, Dicts: []int64{9}, Checkpoints: []backupCheckpoint{}, WithKey: true}
	var buf bytes.Buffer
	w, err := newBackupWriter(&buf, m)
	if err == nil {
		err = errors.Join(w.charter(doc), w.file(dictName(9), dict), w.file(logKeyEntry, []byte("secret\n")))
	}
	for _, s := range all {
		err = errors.Join(err, w.leaf(s))
	}
	if err := errors.Join(err, w.close()); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// constant reads as one byte for ever.
type constant byte

func (c constant) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(c)
	}
	return len(p), nil
}

// readSmall reads a backup to its end.
func readSmall(raw []byte) (b *backupReader, all []gate.Stored, err error) {
	b, err = openBackup(bytes.NewReader(raw), int64(len(raw)), nil)
	if err != nil {
		return nil, nil, err
	}
	defer b.Close()
	for {
		part, err := b.Next()
		if errors.Is(err, io.EOF) {
			return b, all, nil
		}
		if err != nil {
			return b, all, err
		}
		all = append(all, part...)
	}
}

// material makes n leaves out of some bytes, with and without what stands beside a leaf.
func material(n int, from []byte) []gate.Stored {
	var all []gate.Stored
	for i := range n {
		at := func(k int) []byte { return from[min(len(from), (i*k)%(len(from)+1)):] }
		s := gate.Stored{Index: int64(i), Leaf: at(3)}
		if i%2 == 0 {
			s.Body = &ledger.Body{N: int64(len(from)) << (i % 40), Enc: uint8(i), Dict: int64(i * i), Packed: at(7)}
			copy(s.Body.Salt[:], at(1))
			copy(s.Body.Hash[:], at(2))
		}
		if i%3 == 0 {
			s.Private = &ledger.Private{Body: at(5)}
			copy(s.Private.Salt[:], at(4))
		}
		all = append(all, s)
	}
	return all
}

// equalStored compares leaves; nil and empty are the same bytes.
func equalStored(a, b gate.Stored) bool {
	return a.Index == b.Index && bytes.Equal(appendStored(nil, a), appendStored(nil, b))
}

// FuzzBackup: what was written is read back; a file with any byte changed, or cut anywhere, or with something behind it, is
// not read at all.
func FuzzBackup(f *testing.F) {
	f.Add(uint16(0), []byte{}, uint32(0), byte(1))
	f.Add(uint16(3), []byte(`{"e":{"kind":"heartbeat/1"}}`), uint32(22), byte(3))
	f.Add(uint16(700), []byte("some leaves"), uint32(99), byte(0x80))
	f.Fuzz(func(t *testing.T, n uint16, from []byte, pos uint32, flip byte) {
		all := material(int(n)%1500, from[:min(len(from), 1<<10)])
		raw := smallBackup(t, all, from)
		b, got, err := readSmall(raw)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.EqualFunc(all, got, equalStored) {
			t.Fatalf("%d leaves come back as %d, or as others", len(all), len(got))
		}
		if !bytes.Equal(b.Dicts[9], from) || string(b.LogKey) != "secret\n" || len(b.Charters) != 1 {
			t.Fatalf("dictionary %q, key %q, %d charters", b.Dicts[9], b.LogKey, len(b.Charters))
		}
		at := int(pos) % len(raw)
		if flip != 0 {
			bad := bytes.Clone(raw)
			bad[at] ^= flip
			if _, _, err := readSmall(bad); !refused(err) {
				t.Fatalf("byte %d changed by %#x: %v", at, flip, err)
			}
		}
		if _, _, err := readSmall(raw[:at]); !refused(err) {
			t.Fatalf("cut to %d of %d bytes: %v", at, len(raw), err)
		}
		if _, _, err := readSmall(append(bytes.Clone(raw), flip)); !errors.Is(err, errBackupCut) {
			t.Fatalf("a byte behind its end: %v", err)
		}
	})
}

func refused(err error) bool {
	return errors.Is(err, errBackup) || errors.Is(err, errBackupCut) || errors.Is(err, errBackupDamaged) || errors.Is(err, errBackupNewer)
}

var sealer = sync.OnceValues(func() (*zstd.Encoder, error) {
	return zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(1<<16))
})

// seal makes a file around an archive, with the digest that belongs to it.
func seal(archive []byte) []byte {
	enc, err := sealer()
	if err != nil {
		panic(err)
	}
	var buf bytes.Buffer
	buf.Write(skipFrame([]byte(backupMark)))
	buf.Write(enc.EncodeAll(archive, nil))
	size := uint64(buf.Len() + backupTailLen)
	tail := skipFrame(append(binary.LittleEndian.AppendUint64([]byte(backupMark), size), make([]byte, 32)...))
	buf.Write(tail[:len(tail)-32])
	sum := ledger.EventHash(buf.Bytes())
	buf.Write(sum[:])
	return buf.Bytes()
}

// FuzzBackupArchive: whatever stands in a file whose digest is right, the reader answers leaves that can be written again, or
// says that the file is damaged. It never panics. Run it with -fuzzminimizetime=10x: small archives are not worth a minute each.
func FuzzBackupArchive(f *testing.F) {
	for _, n := range []int{0, 1, 5} {
		raw := smallBackup(f, material(n, []byte("abcdef")), []byte("dict"))
		dec, err := zstd.NewReader(bytes.NewReader(raw))
		if err != nil {
			f.Fatal(err)
		}
		archive, err := io.ReadAll(dec)
		if err != nil {
			f.Fatal(err)
		}
		dec.Close()
		f.Add(archive)
		f.Add(archive[:len(archive)/2])
		f.Add(bytes.Replace(archive, []byte("leaves/"), []byte("heaves/"), 1))
	}
	f.Fuzz(func(t *testing.T, archive []byte) {
		b, all, err := readSmall(seal(archive))
		if err != nil {
			if !errors.Is(err, errBackupDamaged) {
				t.Fatalf("untyped: %v", err)
			}
			return
		}
		if int64(len(all)) != b.Manifest.Size {
			t.Fatalf("%d leaves, the manifest says %d", len(all), b.Manifest.Size)
		}
	})
}

// FuzzBackupLeaves: an entry of leaves has one spelling.
func FuzzBackupLeaves(f *testing.F) {
	for _, s := range material(7, []byte("leaf and body")) {
		f.Add(appendStored(nil, s))
	}
	f.Add([]byte{0x80, 0x00, 0x00}) // a length in two bytes that fits one
	f.Fuzz(func(t *testing.T, raw []byte) {
		c := &cutter{raw: raw}
		s := c.stored(0)
		if c.bad {
			return
		}
		if again := appendStored(nil, s); !bytes.Equal(again, raw[:len(raw)-len(c.raw)]) {
			t.Fatalf("%x is written again as %x", raw, again)
		}
	})
}

// TestBackupNamesWhatIsWrong says of files what they are.
func TestBackupNamesWhatIsWrong(t *testing.T) {
	whole := smallBackup(t, material(300, []byte("abcdef")), []byte("dict"))
	change := func(at int) []byte {
		b := bytes.Clone(whole)
		b[at]++
		return b
	}
	for _, tc := range []struct {
		name string
		raw  []byte
		want error
	}{
		{"nothing", nil, errBackup},
		{"text", []byte("CVE-2024-0001\n"), errBackup},
		{"a zip", []byte("PK\x03\x04 and more than a head's length of it"), errBackup},
		{"the head's beginning", whole[:10], errBackupCut},
		{"the head", whole[:backupHeadLen], errBackupCut},
		{"half", whole[:len(whole)/2], errBackupCut},
		{"all but a byte", whole[:len(whole)-1], errBackupCut},
		{"two of them", append(bytes.Clone(whole), whole...), errBackupCut},
		{"a newer format", change(backupHeadLen - 2), errBackupNewer},
		{"a byte of the content", change(len(whole) / 2), errBackupDamaged},
		{"a byte of the digest", change(len(whole) - 1), errBackupDamaged},
		{"its length", change(len(whole) - 40), errBackupCut},
		{"no archive", seal(nil), errBackupDamaged},
		{"garbage", seal([]byte("garbage")), errBackupDamaged},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, _, err := readSmall(tc.raw); !errors.Is(err, tc.want) {
				t.Errorf("%v, want %v", err, tc.want)
			}
		})
	}
	if _, _, err := readSmall(whole); err != nil {
		t.Error(err)
	}
}

// TestBackupIsAnOrdinaryArchive holds the promise that other tools can read a backup: one zstd stream of one tar.
func TestBackupIsAnOrdinaryArchive(t *testing.T) {
	raw := smallBackup(t, material(600, []byte("abcdef")), []byte("dict"))
	dec, err := zstd.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	defer dec.Close()
	archive := tar.NewReader(dec)
	var names []string
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Mode != 0o600 {
			t.Errorf("%s has mode %o", h.Name, h.Mode)
		}
		names = append(names, h.Name)
	}
	want := []string{"manifest.json", names[1], "dictionary/9.zdict", "log.key", "leaves/000000000000", "leaves/000000000256", "leaves/000000000512", "end.json"}
	if !slices.Equal(names, want) {
		t.Errorf("entries %q, want %q", names, want)
	}
}

// TestRepack reads bodies whose dictionary only the backup has.
func TestRepack(t *testing.T) {
	var contents [][]byte
	for i := range 200 {
		contents = append(contents, fmt.Appendf(nil, `{"containers":{"cna":{"title":"number %d","descriptions":[{"lang":"en","value":"text %d"}]}}}`, i, i*i))
	}
	dict, err := zstd.BuildDict(zstd.BuildDictOptions{ID: 0x7a53ffff, Contents: contents, History: bytes.Join(contents[:50], nil), Offsets: [3]int{1, 4, 8}})
	if err != nil {
		t.Fatal(err)
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderDict(dict))
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	own, err := ledger.Pack(rand.Reader, contents[9])
	if err != nil {
		t.Fatal(err)
	}
	foreign := *own
	foreign.Dict, foreign.Packed = 0x7a53ffff, enc.EncodeAll(contents[9], nil)
	unknown := foreign
	unknown.Dict = 5
	if err := foreign.Check(); !errors.Is(err, ledger.ErrEncoding) {
		t.Fatalf("the program knows the dictionary: %v", err)
	}
	r := newRepacker(map[int64][]byte{0x7a53ffff: dict})
	defer r.close()
	for range 2 {
		b := foreign
		if err := r.body(&b); err != nil {
			t.Fatal(err)
		}
		if err := b.Check(); err != nil || b.Dict != 0 {
			t.Errorf("dictionary %d, %v", b.Dict, err)
		}
	}
	kept := *own
	if err := r.body(&kept); err != nil || kept.Dict != own.Dict || !bytes.Equal(kept.Packed, own.Packed) {
		t.Errorf("a body of our own dictionary was packed again: %v", err)
	}
	if err := r.body(&unknown); err == nil {
		t.Error("a body without its dictionary was taken")
	}
}
