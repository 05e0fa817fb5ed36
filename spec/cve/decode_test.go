package cve

import (
	stdjson "encoding/json"
	"errors"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

func TestDecodeRefuses(t *testing.T) {
	for _, tc := range []struct {
		name, in string
		pointer  string
		reason   string // part of the error's text
	}{
		{"empty", "", "", "empty"},
		{"white space only", " \n", "", "empty"},
		{"byte order mark", "\xef\xbb\xbf{}", "", "byte order mark"},
		{"cut off", `{"dataType":"CVE_RECORD","cveMetadata":{"cveId":"CVE-2`, "/cveMetadata/cveId", "unexpected EOF"},
		{"trailing garbage", `{} x`, "", "after top-level value"},
		{"two documents", `{}{}`, "", "after top-level value"},
		{"duplicate name", `{"cveMetadata":{"cveId":"a","cveId":"b"}}`, "/cveMetadata/cveId", "duplicate"},
		{"duplicate name in a member we do not read", `{"x_a":{"b":1,"b":2}}`, "/x_a/b", "duplicate"},
		{"duplicate name by escape", `{"x_a":{"b":1,"\u0062":2}}`, "/x_a/b", "duplicate"},
		{"invalid UTF-8", "{\"containers\":{\"cna\":{\"title\":\"\xff\"}}}", "/containers/cna/title", "invalid UTF-8"},
		{"invalid UTF-8 in a member we do not read", "{\"x_a\":[\"\xff\"]}", "/x_a/0", "invalid UTF-8"},
		{"lone surrogate", `{"x_a":"\ud800"}`, "/x_a", "surrogate"},
		{"depth bomb", `{"x_a":` + strings.Repeat("[", 20000), "", "depth"},
		{"object wanted, null given", `null`, "", "must be an object, not null"},
		{"object wanted, list given", `[]`, "", "must be an object, not a list"},
		{"number for a string", `{"cveMetadata":{"cveId":5}}`, "/cveMetadata/cveId", "must be a string, not a number"},
		{"object for a list", `{"containers":{"adp":{}}}`, "/containers/adp", "must be a list, not an object"},
		{"string for a score", `{"containers":{"cna":{"metrics":[{"cvssV3_1":{"baseScore":"9.8"}}]}}}`,
			"/containers/cna/metrics/0/cvssV3_1/baseScore", "must be a number, not a string"},
		{"a score beyond float64", `{"containers":{"cna":{"metrics":[{"cvssV3_1":{"baseScore":1e999}}]}}}`,
			"/containers/cna/metrics/0/cvssV3_1/baseScore", "must be a number, not a number beyond all range"},
		{"no JSON after a wrong type", `{"dataType":5,"cveMetadata":{`, "/cveMetadata", "unexpected EOF"},
		{"string for an object", `{"containers":{"cna":{"metrics":[{"cvssV3_1":"AV:N"}]}}}`,
			"/containers/cna/metrics/0/cvssV3_1", "must be an object, not a string"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Decode([]byte(tc.in))
			if err == nil {
				t.Fatal("accepted")
			}
			if !strings.Contains(err.Error(), tc.reason) {
				t.Errorf("error %q does not say %q", err, tc.reason)
			}
			if len(err.Error()) > 300 {
				t.Errorf("error text of %d bytes", len(err.Error()))
			}
			var syntax *SyntaxError
			var typ *TypeError
			switch {
			case errors.As(err, &syntax):
				if tc.name != "depth bomb" && syntax.Pointer != tc.pointer {
					t.Errorf("pointer %q, want %q", syntax.Pointer, tc.pointer)
				}
				if syntax.Offset < 0 || syntax.Offset > int64(len(tc.in)) {
					t.Errorf("offset %d of %d", syntax.Offset, len(tc.in))
				}
			case errors.As(err, &typ):
				if typ.Pointer != tc.pointer {
					t.Errorf("pointer %q, want %q", typ.Pointer, tc.pointer)
				}
			default:
				t.Errorf("untyped error %T", err)
			}
		})
	}
}

func TestDecodeTakes(t *testing.T) {
	rec, err := Decode([]byte(` {"CVEMetadata":{"cveId":"other case"},"x_new":{"deep":[1,{"y":null}]},
		"cveMetadata":{"cveId":"CVE-2024-0001","assignerShortName":null},"containers":{"cna":{"title":"\u65e5\u672c","adp":7}}}` + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	if rec.Metadata.ID != "CVE-2024-0001" || rec.Containers.CNA.Title != "日本" || rec.Metadata.AssignerShortName != "" {
		t.Errorf("read %+v", rec)
	}
}

func TestDecodeSamples(t *testing.T) {
	for name, raw := range samples(t) {
		rec, err := Decode(raw)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if rec.Metadata.ID+".json" != name {
			t.Errorf("%s holds %s", name, rec.Metadata.ID)
		}
	}
}

// TestDecodeArchive reads every record of the big archive: all decode, all ids and dates parse.
func TestDecodeArchive(t *testing.T) {
	if testing.Short() {
		t.Skip("42,107 records: not in -short")
	}
	var records, unzoned atomic.Int64
	eachInZip(t, sharedData(t, "cvelist/vulnrichment-cve5.zip"), func(name string, raw []byte) {
		rec, err := Decode(raw)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		records.Add(1)
		id, err := ParseID(rec.Metadata.ID)
		if err != nil {
			t.Error(err)
		}
		if id.Path() != name || path.Base(name) != id.String()+".json" {
			t.Errorf("%s has the path %s, want %s", id, name, id.Path())
		}
		dates := []string{rec.Metadata.DateReserved, rec.Metadata.DatePublished, rec.Metadata.DateUpdated,
			rec.Metadata.DateRejected, rec.Containers.CNA.Provider.DateUpdated, rec.Containers.CNA.DatePublic, rec.Containers.CNA.DateAssigned}
		for _, adp := range rec.Containers.ADP {
			dates = append(dates, adp.Provider.DateUpdated)
			for _, item := range adp.Timeline {
				dates = append(dates, item.Time)
			}
		}
		for _, item := range rec.Containers.CNA.Timeline {
			dates = append(dates, item.Time)
		}
		for _, date := range dates {
			if date == "" {
				continue
			}
			_, zoned, err := ParseTime(date)
			if err != nil {
				t.Errorf("%s: %v", id, err)
			}
			if !zoned {
				unzoned.Add(1)
			}
		}
	})
	if records.Load() != 42107 {
		t.Errorf("%d records, want 42107", records.Load())
	}
	t.Logf("%d records, %d dates without a zone", records.Load(), unzoned.Load())
}

// FuzzDecode: it never panics, and what it accepts encoding/json accepts too (it is the stricter of the two).
func FuzzDecode(f *testing.F) {
	for _, raw := range samples(f) {
		if len(raw) < 8000 {
			f.Add(raw)
		}
	}
	f.Add([]byte(`{"cveMetadata":{"cveId":"a","cveId":"b"}}`))
	f.Add([]byte("null"))
	f.Add([]byte(`{"x_a":"\ud800"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		rec, err := Decode(raw)
		if err != nil {
			var syntax *SyntaxError
			var typ *TypeError
			if !errors.As(err, &syntax) && !errors.As(err, &typ) {
				t.Fatalf("untyped error %T: %v", err, err)
			}
			return
		}
		if !stdjson.Valid(raw) {
			t.Fatal("accepted what encoding/json calls invalid")
		}
		var std struct {
			Metadata struct {
				ID string `json:"cveId"`
			} `json:"cveMetadata"`
		}
		// encoding/json matches names in any case, so only a document without look-alikes can be compared.
		if strings.Count(strings.ToLower(string(raw)), "cveid") == 1 && strings.Count(strings.ToLower(string(raw)), "cvemetadata") == 1 {
			if err := stdjson.Unmarshal(raw, &std); err == nil && strings.Contains(string(raw), `"cveId"`) &&
				strings.Contains(string(raw), `"cveMetadata"`) && std.Metadata.ID != rec.Metadata.ID {
				t.Fatalf("read id %q, encoding/json %q", rec.Metadata.ID, std.Metadata.ID)
			}
		}
	})
}

// BenchmarkDecode reads the committed samples, and every tenth record of the big archive when that is at hand; the
// import needs at least 300 MB/s on one core. "library" is what Decode would be without the scanner, in the same run.
func BenchmarkDecode(b *testing.B) {
	var committed [][]byte
	for _, raw := range samples(b) {
		committed = append(committed, raw)
	}
	b.Run("samples", func(b *testing.B) { benchmarkDecode(b, committed, Decode) })
	b.Run("samples/library", func(b *testing.B) { benchmarkDecode(b, committed, slow) })
	b.Run("archive", func(b *testing.B) { benchmarkDecode(b, tenth(b), Decode) })
	b.Run("archive/library", func(b *testing.B) { benchmarkDecode(b, tenth(b), slow) })
}

func tenth(b *testing.B) [][]byte {
	var mu sync.Mutex
	var all [][]byte
	n := 0
	eachInZip(b, sharedData(b, "cvelist/vulnrichment-cve5.zip"), func(_ string, raw []byte) {
		mu.Lock()
		defer mu.Unlock()
		if n++; n%10 == 0 {
			all = append(all, raw)
		}
	})
	return all
}

func benchmarkDecode(b *testing.B, all [][]byte, decode func([]byte) (*Record, error)) {
	var size int64
	for _, raw := range all {
		size += int64(len(raw))
	}
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		for _, raw := range all {
			if _, err := decode(raw); err != nil {
				b.Fatal(err)
			}
		}
	}
}
