package cvelist

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zip"
)

// seen is what a walk emitted, as "path code" lines ("" for accepted files).
func seen(t *testing.T, path string, l Limits) (lines []string, files []*File) {
	t.Helper()
	l.TempDir = t.TempDir()
	_, err := Walk(t.Context(), path, l, func(f *File) error {
		line := f.Where()
		if f.Refused != nil {
			line += " " + string(f.Refused.Code)
		}
		lines, files = append(lines, line), append(files, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(l.TempDir); err != nil || len(left) > 0 {
		t.Errorf("temporary files left: %v, %v", left, err)
	}
	return lines, files
}

func expect(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n  %s\nexpected\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

var (
	one   = record("CVE-2024-0001", "2024-01-01T00:00:00.000Z")
	two   = record("CVE-2024-12345", "2024-01-02T00:00:00.000Z")
	three = record("CVE-1999-0003", "2024-01-03T00:00:00.000Z")
)

func packed(t testing.TB, raw []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	zw := gzip.NewWriter(&buf)
	if _, err := zw.Write(raw); err != nil {
		t.Fatal(err)
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// Every form in which the list is published or handed on.
func TestForms(t *testing.T) {
	plain := makeZip(t,
		entry{name: "cves/", store: true},
		entry{name: "cves/delta.json", raw: []byte(`{"fetchTime":"2024"}`)},
		entry{name: "cves/deltaLog.json", raw: []byte(`[]`)},
		entry{name: "README.md", raw: []byte("# list")},
		entry{name: "schema/CVE_Record_Format.json", raw: []byte(`{"$schema":"x","properties":{"cveMetadata":{},"dataType":{"enum":["CVE_RECORD"]}}}`)},
		entry{name: "cves/2024/12xxx/CVE-2024-12345.json", raw: two},
		entry{name: "cves/2024/0xxx/CVE-2024-0001.json", raw: one, store: true},
		entry{name: "odd/record.json", raw: three},
	)
	inZip := []string{"cves/2024/12xxx/CVE-2024-12345.json", "cves/2024/0xxx/CVE-2024-0001.json", "odd/record.json"}
	lines := slices.Concat(bytes.TrimSpace(jsonLine(t, one)), []byte("\r\n\n"), jsonLine(t, two))
	for _, tc := range []struct {
		name string
		raw  []byte
		want []string
	}{
		{"2024-01-01_all_CVEs_at_midnight.zip", plain, inZip},
		{"2024-01-01_all_CVEs_at_midnight.zip.zip", makeZip(t, entry{name: "cves.zip", raw: plain}), prefixed("cves.zip!", inZip)},
		{"stored.zip.zip", makeZip(t, entry{name: "cves.zip", raw: plain, store: true}), prefixed("cves.zip!", inZip)},
		{"2024-01-01_delta_CVEs_at_0100Z.zip", makeZip(t, entry{name: "deltaCves/CVE-2024-0001.json", raw: one}), []string{"deltaCves/CVE-2024-0001.json"}},
		{"no-suffix", plain, inZip},
		{"CVE-2024-0001.json", one, []string{"CVE-2024-0001.json"}},
		{"anything.txt", one, []string{"anything.txt"}},
		{"CVE-2024-0001.json.gz", packed(t, one), []string{"CVE-2024-0001.json"}},
		{"all.zip.gz", packed(t, plain), inZip},
		{"records.jsonl", lines, []string{"records.jsonl:1", "records.jsonl:3"}},
		{"records.txt", slices.Concat(jsonLine(t, one), jsonLine(t, two)), []string{"records.txt:1", "records.txt:2"}},
		{"records.jsonl.gz", packed(t, lines), []string{"records.jsonl:1", "records.jsonl:3"}},
		{"empty.zip", makeZip(t), nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := writeFile(t, tc.name, tc.raw)
			got, files := seen(t, p, Limits{})
			expect(t, got, tc.want...)
			for _, f := range files {
				if !bytes.Contains(f.Raw, []byte("CVE_RECORD")) || f.Size != int64(len(f.Raw)) || f.SHA256 == (Digest{}) {
					t.Errorf("%s: %d bytes of %d", f.Path, len(f.Raw), f.Size)
				}
			}
			var piped []string
			_, err := WalkReader(t.Context(), filepath.Base(p), bytes.NewReader(tc.raw), Limits{TempDir: t.TempDir()}, func(f *File) error {
				piped = append(piped, f.Where())
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			expect(t, piped, tc.want...)
		})
	}
}

func prefixed(prefix string, all []string) (out []string) {
	for _, s := range all {
		out = append(out, prefix+s)
	}
	return out
}

// jsonLine is a record on one line.
func jsonLine(t testing.TB, raw []byte) []byte {
	t.Helper()
	return append(bytes.Join(bytes.Fields(raw), []byte(" ")), '\n')
}

func TestDirectory(t *testing.T) {
	dir := t.TempDir()
	for name, raw := range map[string][]byte{
		".git/objects/CVE-2024-0001.json":     one,
		".github/x.json":                      one,
		"cves/delta.json":                     []byte(`{}`),
		"cves/2024/12xxx/CVE-2024-12345.json": two,
		"cves/2024/0xxx/CVE-2024-0001.json":   one,
		"cves/1999/0xxx/CVE-1999-0003.json":   three,
		"package.json":                        []byte(`{"name":"cveMetadata"}`),
		"downloads/delta.zip":                 makeZip(t, entry{name: "deltaCves/CVE-2024-0001.json", raw: one}),
	} {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	secret := writeFile(t, "outside.json", one)
	if err := os.Symlink(secret, filepath.Join(dir, "cves", "CVE-2024-9999.json")); err != nil {
		t.Logf("no links here: %v", err)
	}
	got, _ := seen(t, dir, Limits{})
	expect(t, got,
		"cves/1999/0xxx/CVE-1999-0003.json",
		"cves/2024/0xxx/CVE-2024-0001.json",
		"cves/2024/12xxx/CVE-2024-12345.json",
		"cves/CVE-2024-9999.json not-a-file",
		"downloads/delta.zip!deltaCves/CVE-2024-0001.json",
	)
}

// Each bad file of the acceptance list, beside good ones that must not suffer.
func TestBadRecords(t *testing.T) {
	huge := bytes.Repeat([]byte(" "), 100<<20)
	copy(huge, one)
	for _, tc := range []struct {
		name string
		file string
		raw  []byte
		code Code
		text string // part of the reason
	}{
		{"invalid UTF-8", "CVE-2024-0002.json", bytes.Replace(record("CVE-2024-0002", "x"), []byte(`"x"`), []byte("\"\xc3\x28\""), 1), CodeUTF8, "byte 0xc3 at offset"},
		{"duplicate keys", "CVE-2024-0002.json", bytes.Replace(record("CVE-2024-0002", "x"), []byte(`"state"`), []byte(`"cveId": "CVE-2024-0002", "state"`), 1), CodeDuplicate, `"cveId" occurs twice`},
		{"duplicate keys deep in unknown members", "CVE-2024-0002.json", bytes.Replace(record("CVE-2024-0002", "x"), []byte(`"cna": {`), []byte(`"cna": {"x_a": {"b": 1, "b": 2}, `), 1), CodeDuplicate, `"b" occurs twice`},
		{"100 MB JSON", "CVE-2024-0002.json", huge, CodeTooLarge, "104857600 bytes"},
		{"beyond the log's body", "CVE-2024-0002.json", append(record("CVE-2024-0002", "x"), huge[len(one):5<<20]...), CodeBodyTooLarge, "at most 4194304"},
		{"wrong id", "CVE-2024-0002.json", one, CodeWrongID, `named "CVE-2024-0002" but holds "CVE-2024-0001"`},
		{"no id", "CVE-2024-0002.json", []byte(`{"dataType":"CVE_RECORD"}`), CodeNotRecord, "no identifier"},
		{"bad id", "CVE-20X4-2.json", record("CVE-20X4-2", "x"), CodeID, "no four-digit year"},
		{"cut off", "CVE-2024-0002.json", one[:len(one)/2], CodeSyntax, "offset"},
		{"empty", "CVE-2024-0002.json", nil, CodeEmpty, "nothing"},
		{"byte order mark", "CVE-2024-0001.json", append([]byte("\xef\xbb\xbf"), one...), CodeBOM, "byte order mark"},
		{"UTF-16", "CVE-2024-0001.json", []byte("\xff\xfe{\x00}\x00"), CodeBOM, "UTF-16"},
		{"an array", "CVE-2024-0001.json", append(append([]byte("["), one...), ']'), CodeNotRecord, "wrong kind"},
		{"null", "CVE-2024-0001.json", []byte("null"), CodeNotRecord, "not an object"},
		{"another document", "CVE-2024-0001.json", []byte(`{"dataType":"CSAF"}`), CodeNotRecord, `"CSAF"`},
		{"reserved", "CVE-2024-0001.json", bytes.Replace(one, []byte("PUBLISHED"), []byte("RESERVED"), 1), CodeNotRecord, `"RESERVED"`},
		{"no containers", "CVE-2024-0001.json", bytes.Replace(one, []byte("containers"), []byte("x"), 1), CodeNotRecord, "no containers"},
		{"two documents", "CVE-2024-0001.json", append(slices.Clone(one), []byte("[1]")...), CodeSyntax, "offset"},
		{"10,001 levels", "CVE-2024-0001.json", append([]byte(`{"x":`), bytes.Repeat([]byte("["), 10001)...), CodeSyntax, "depth"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			check := func(f *File) {
				t.Helper()
				if f.Refused == nil || f.Refused.Code != tc.code || !strings.Contains(f.Refused.Text, tc.text) {
					t.Errorf("%s: %+v, expected %s … %s", f.Path, f.Refused, tc.code, tc.text)
				}
			}
			_, files := seen(t, writeFile(t, tc.file, tc.raw), Limits{})
			if len(files) != 1 {
				t.Fatalf("%d files", len(files))
			}
			check(files[0])
			// The same between good ones in an archive. (The 100 MB are mostly blanks: only their declared size is seen.)
			in := makeZip(t, entry{name: "a/CVE-2024-12345.json", raw: two}, entry{name: "b/" + tc.file, raw: tc.raw}, entry{name: "c/CVE-1999-0003.json", raw: three})
			got, files := seen(t, writeFile(t, "a.zip", in), Limits{Ratio: 1 << 20})
			expect(t, got, "a/CVE-2024-12345.json", "b/"+tc.file+" "+string(tc.code), "c/CVE-1999-0003.json")
			if len(files) == 3 {
				check(files[1])
			}
		})
	}
}

func TestPathTraversal(t *testing.T) {
	bad := []string{"../CVE-2024-0001.json", "a/../../CVE-2024-0001.json", "/etc/CVE-2024-0001.json", `..\CVE-2024-0001.json`,
		"C:/CVE-2024-0001.json", "CVE-2024-0001.json\x00", "a//CVE-2024-0001.json", "./CVE-2024-0001.json", "\x1b[31mCVE-2024-0001.json",
		"\xff/CVE-2024-0001.json", "../../etc/passwd", strings.Repeat("a/", 600) + "CVE-2024-0001.json"}
	entries := []entry{{name: "ok/CVE-2024-12345.json", raw: two}}
	for _, name := range bad {
		entries = append(entries, entry{name: name, raw: one})
	}
	dir := t.TempDir()
	p := filepath.Join(dir, "in", "a.zip")
	if err := os.Mkdir(filepath.Dir(p), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, makeZip(t, entries...), 0o600); err != nil {
		t.Fatal(err)
	}
	_, files := seen(t, p, Limits{})
	if len(files) != len(entries) || files[0].Refused != nil {
		t.Fatalf("%d files of %d", len(files), len(entries))
	}
	for _, f := range files[1:] {
		if f.Refused == nil || f.Refused.Code != CodePath || f.Raw != nil {
			t.Errorf("%q was accepted", f.Path)
		}
		if strings.ContainsAny(f.Path, "\x00\x1b") || strings.Contains(f.Path, "\xff") {
			t.Errorf("%q would reach a terminal", f.Path)
		}
	}
	if all, err := os.ReadDir(dir); err != nil || len(all) != 1 {
		t.Errorf("something was written: %v, %v", all, err)
	}
}

// patched is a zip whose central directory was changed after the fact.
func patched(t *testing.T, raw []byte, change func(header []byte)) []byte {
	t.Helper()
	raw = slices.Clone(raw)
	at := bytes.LastIndex(raw, []byte("PK\x01\x02"))
	if at < 0 {
		t.Fatal("no central directory")
	}
	change(raw[at:])
	return raw
}

func TestDamagedArchives(t *testing.T) {
	good := makeZip(t, entry{name: "CVE-2024-12345.json", raw: two}, entry{name: "CVE-2024-0001.json", raw: one})
	nested := makeZip(t, entry{name: "cves.zip", raw: good})
	size := func(offset int, n uint32) func([]byte) {
		return func(h []byte) { binary.LittleEndian.PutUint32(h[offset:], n) }
	}
	flip := slices.Clone(good)
	// Inside the first entry's packed data, which come after its 30 bytes of header and its name.
	flip[30+len("CVE-2024-12345.json")+20] ^= 0x40
	bomb := makeZip(t, entry{name: "CVE-2024-0001.json", raw: make([]byte, 10<<20)})
	for _, tc := range []struct {
		name string
		raw  []byte
		l    Limits
		want []string
	}{
		{"cut off", good[:len(good)-30], Limits{}, []string{"x.zip archive-damaged"}},
		{"cut off early", good[:40], Limits{}, []string{"x.zip archive-damaged"}},
		{"an error page", []byte("<html>not found</html>"), Limits{}, []string{"x.zip archive-damaged"}},
		{"no bytes", nil, Limits{}, []string{"x.zip archive-damaged"}},
		{"cut off inside", makeZip(t, entry{name: "cves.zip", raw: good[:len(good)-30]}), Limits{}, []string{"cves.zip archive-damaged"}},
		{"a flipped bit", flip, Limits{}, []string{"CVE-2024-12345.json " + codeOf(t, flip), "CVE-2024-0001.json"}},
		{"wrong CRC", patched(t, good, size(16, 1)), Limits{}, []string{"CVE-2024-12345.json", "CVE-2024-0001.json checksum-mismatch"}},
		{"says less than it holds", patched(t, good, size(24, 10)), Limits{}, []string{"CVE-2024-12345.json", "CVE-2024-0001.json length-mismatch"}},
		{"says more than it holds", patched(t, good, size(24, 9000)), Limits{}, []string{"CVE-2024-12345.json", "CVE-2024-0001.json truncated-entry"}},
		{"claims packed bytes it has not", patched(t, good, size(20, 1<<30)), Limits{}, []string{"x.zip zip-bomb"}},
		{"encrypted", patched(t, good, func(h []byte) { h[8] |= 1 }), Limits{}, []string{"CVE-2024-12345.json", "CVE-2024-0001.json unreadable-entry"}},
		{"packed by LZMA", patched(t, good, func(h []byte) { h[10] = 14 }), Limits{}, []string{"CVE-2024-12345.json", "CVE-2024-0001.json unreadable-entry"}},
		{"a link", patched(t, good, func(h []byte) { h[5] = 3; binary.LittleEndian.PutUint32(h[38:], 0o120777<<16) }), Limits{}, []string{"CVE-2024-12345.json", "CVE-2024-0001.json not-a-file"}},
		{"starts elsewhere", patched(t, good, size(42, 7)), Limits{}, []string{"CVE-2024-12345.json", "CVE-2024-0001.json truncated-entry"}},
		{"the same path twice", makeZip(t, entry{name: "CVE-2024-0001.json", raw: one}, entry{name: "CVE-2024-0001.json", raw: one}), Limits{}, []string{"CVE-2024-0001.json", "CVE-2024-0001.json duplicate-path"}},
		{"three deep", makeZip(t, entry{name: "a.zip", raw: nested}), Limits{}, []string{"a.zip!cves.zip nested-too-deep"}},
		{"bomb by ratio", bomb, Limits{}, []string{"CVE-2024-0001.json zip-bomb"}},
		{"bomb by total", good, Limits{Total: 500}, []string{"x.zip zip-bomb"}},
		{"bomb by entries", good, Limits{Entries: 1}, []string{"x.zip zip-bomb"}},
		{"bomb inside", nested, Limits{Archive: 100}, []string{"cves.zip zip-bomb"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, _ := seen(t, writeFile(t, "x.zip", tc.raw), tc.l)
			expect(t, got, tc.want...)
		})
	}
}

func TestDamagedGzip(t *testing.T) {
	broken := packed(t, two)
	broken[len(broken)-6] ^= 1 // in its CRC-32
	for _, tc := range []struct {
		name string
		raw  []byte
		l    Limits
		want string
	}{
		{"x.json.gz", packed(t, two)[:60], Limits{}, "x.json archive-damaged"},
		{"x.json.gz", packed(t, two)[:5], Limits{}, "x.json.gz archive-damaged"},
		{"x.json.gz", broken, Limits{}, "x.json archive-damaged"},
		{"x.json.gz", packed(t, packed(t, packed(t, one))), Limits{}, "x.json nested-too-deep"},
		{"x.json.gz", packed(t, make([]byte, 1<<20)), Limits{Record: 1 << 16}, "x.json too-large"},
		{"x.zip.gz", packed(t, makeZip(t, entry{name: "a.json", raw: one})), Limits{Archive: 50}, "x.zip zip-bomb"},
	} {
		got, _ := seen(t, writeFile(t, tc.name, tc.raw), tc.l)
		expect(t, got, tc.want)
	}
}

// codeOf is the code that a damaged first entry gets: where a flipped bit is noticed depends on the bit.
func codeOf(t *testing.T, raw []byte) string {
	t.Helper()
	zr, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	_, r := new(scratch).inflate(zr.File[0])
	if r == nil || !slices.Contains([]Code{CodeChecksum, CodeTruncated, CodeLength}, r.Code) {
		t.Fatalf("a flipped bit went unnoticed: %+v", r)
	}
	return string(r.Code)
}

// Entries that share one block of packed data unpack to far more than the archive holds.
func TestOverlappingEntries(t *testing.T) {
	body := bytes.Repeat([]byte("a"), 1<<20)
	raw := makeZip(t, entry{name: "CVE-2024-0001.json", raw: body})
	// One directory entry, repeated.
	at := bytes.LastIndex(raw, []byte("PK\x01\x02"))
	end := bytes.LastIndex(raw, []byte("PK\x05\x06"))
	const times = 1000
	var out bytes.Buffer
	out.Write(raw[:at])
	for range times {
		out.Write(raw[at:end])
	}
	tail := slices.Clone(raw[end:])
	binary.LittleEndian.PutUint16(tail[8:], times)
	binary.LittleEndian.PutUint16(tail[10:], times)
	binary.LittleEndian.PutUint32(tail[12:], uint32((end-at)*times))
	out.Write(tail)
	got, files := seen(t, writeFile(t, "x.zip", out.Bytes()), Limits{})
	expect(t, got, "x.zip zip-bomb")
	if len(files) == 1 && !strings.Contains(files[0].Refused.Text, "overlap") {
		t.Error(files[0].Refused)
	}
}

// The largest real record has 690 kB; it passes like any other.
func TestLargeRecordPasses(t *testing.T) {
	filler := bytes.Repeat([]byte(`{"version":"1.0","status":"affected"},`), 690_000/37)
	big := bytes.Replace(one, []byte(`"cna": {`), append(append([]byte(`"cna": {"versions":[`), filler...), []byte(`{}],`)...), 1)
	if len(big) < 690_000 {
		t.Fatal("too small")
	}
	got, files := seen(t, writeFile(t, "x.zip", makeZip(t, entry{name: "CVE-2024-0001.json", raw: big})), Limits{})
	expect(t, got, "CVE-2024-0001.json")
	if len(files) == 1 && !bytes.Equal(files[0].Raw, big) {
		t.Error("bytes were changed")
	}
}

func TestLongLines(t *testing.T) {
	long := append(bytes.Repeat([]byte("x"), 3000), '\n')
	raw := slices.Concat(jsonLine(t, one), long, jsonLine(t, two), long)
	got, _ := seen(t, writeFile(t, "x.jsonl", raw), Limits{Record: 1000})
	expect(t, got, "x.jsonl:1", "x.jsonl:2 too-large", "x.jsonl:3", "x.jsonl:4 too-large")
	got, _ = seen(t, writeFile(t, "x.jsonl", slices.Concat(long, jsonLine(t, one))), Limits{Record: 1000})
	expect(t, got, "x.jsonl:1 too-large", "x.jsonl:2")
}

func TestWalkErrors(t *testing.T) {
	if _, err := Walk(t.Context(), filepath.Join(t.TempDir(), "none"), Limits{}, nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("absent source: %v", err)
	}
	many := make([]entry, 5000)
	for i := range many {
		many[i] = entry{name: "a/" + itoa(int64(i)) + "/CVE-2024-0001.json", raw: one}
	}
	p := writeFile(t, "a.zip", makeZip(t, many...))
	stop := errors.New("enough")
	n := 0
	_, err := Walk(t.Context(), p, Limits{}, func(*File) error {
		if n++; n == 7 {
			return stop
		}
		return nil
	})
	if !errors.Is(err, stop) || n != 7 {
		t.Errorf("stopped after %d: %v", n, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	n = 0
	_, err = Walk(ctx, p, Limits{InFlight: 10_000}, func(*File) error {
		if n++; n == 7 {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || n != 7 {
		t.Errorf("cancelled after %d: %v", n, err)
	}
}
