package catalogue

import (
	"archive/zip"
	"errors"
	"io"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/klauspost/compress/s2"

	"tasuki/spec/cve"
)

// sample is the records of the sample that the program carries.
func sample(t testing.TB) []*cve.Record {
	t.Helper()
	z, err := zip.OpenReader(filepath.Join("..", "..", "cmd", "tasuki", "sample", "cve5-sample-500.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	var out []*cve.Record
	for _, f := range z.File {
		if !strings.HasSuffix(f.Name, ".json") {
			continue
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		rec, _, err := cve.DecodeLoose(raw)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, rec)
	}
	return out
}

// bare is an entry as unpack gives it: an empty list is none.
func bare(e entry) *entry {
	if len(e.Products) == 0 {
		e.Products = nil
	}
	if len(e.Text) == 0 {
		e.Text = nil
	}
	for i, k := range e.Keys {
		if len(k) == 0 {
			e.Keys[i] = nil
		}
	}
	return &e
}

func TestEntriesComeBack(t *testing.T) {
	scored := 0
	for _, rec := range sample(t) {
		e := makeEntry(rec)
		got, err := unpack(e.pack())
		if err != nil {
			t.Fatalf("%s: %v", rec.Metadata.ID, err)
		}
		if want := bare(e); !reflect.DeepEqual(got, want) {
			t.Fatalf("%s comes back as\n%+v, went in as\n%+v", rec.Metadata.ID, got, want)
		}
		if got.Score != nil {
			scored++
		}
	}
	if scored < 100 {
		t.Errorf("only %d entries with a score: the sample no longer shows much", scored)
	}
}

func TestDamagedEntriesAreErrors(t *testing.T) {
	e := makeEntry(sample(t)[0])
	plain := e.append(nil)
	for n := range plain {
		if _, err := unpack(s2.Encode(nil, plain[:n])); !errors.Is(err, errEntry) {
			t.Fatalf("cut to %d of %d bytes: %v", n, len(plain), err)
		}
	}
	if _, err := unpack(s2.Encode(nil, append(plain, 0))); !errors.Is(err, errEntry) {
		t.Errorf("a byte too many: %v", err)
	}
	if _, err := unpack([]byte("\xff\xff\xff")); !errors.Is(err, errEntry) {
		t.Errorf("no s2 block: %v", err)
	}
}

// FuzzEntry: what can be read can be written, and is then read as the same.
func FuzzEntry(f *testing.F) {
	for i, rec := range sample(f) {
		if i%50 == 0 {
			e := makeEntry(rec)
			f.Add(e.append(nil))
		}
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, plain []byte) {
		e, err := unpack(s2.Encode(nil, plain))
		if err != nil {
			return
		}
		again, err := unpack(e.pack())
		if err != nil {
			t.Fatal(err)
		}
		if e.Score != nil && e.Score.Value != e.Score.Value { // NaN is not equal to itself
			e.Score.Value, again.Score.Value = 0, 0
		}
		if !reflect.DeepEqual(e, again) {
			t.Fatalf("%+v\ncomes back as\n%+v", e, again)
		}
	})
}

func BenchmarkEntry(b *testing.B) {
	var packed [][]byte
	var made []entry
	records := sample(b)
	for _, rec := range records {
		e := makeEntry(rec)
		made = append(made, e)
		packed = append(packed, e.pack())
	}
	b.Run("make", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			makeEntry(records[i%len(records)])
		}
	})
	b.Run("pack", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			made[i%len(made)].pack()
		}
	})
	b.Run("unpack", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if _, err := unpack(packed[i%len(packed)]); err != nil {
				b.Fatal(err)
			}
		}
	})
}
