package cvelist

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"tasuki/spec/cve"
)

// FuzzWalk: whatever the source is, a walk ends without a panic; an accepted file has a path that stays inside, is a
// record by Inspect's own word and has the digest it says; what comes out is bounded by the limits. (Run it with
// -fuzzminimizetime=5x: several goroutines make coverage waver, and the default spends its minute on minimising.)
func FuzzWalk(f *testing.F) {
	good := makeZip(f, entry{name: "cves/2024/12xxx/CVE-2024-12345.json", raw: two}, entry{name: "CVE-2024-0001.json", raw: one, store: true})
	f.Add(good)
	f.Add(makeZip(f, entry{name: "cves.zip", raw: good}))
	f.Add(makeZip(f, entry{name: "cves.zip", raw: good, store: true}))
	f.Add(makeZip(f, entry{name: "../CVE-2024-0001.json", raw: one}, entry{name: `a\b.json`, raw: one}))
	f.Add(packed(f, good))
	f.Add(packed(f, one))
	f.Add(one)
	f.Add(append(jsonLine(f, one), jsonLine(f, two)...))
	limits := Limits{Record: 64 << 10, Body: 32 << 10, Total: 256 << 10, Archive: 256 << 10, Entries: 100, Workers: 2}
	limits.TempDir = f.TempDir()
	f.Fuzz(func(t *testing.T, raw []byte) {
		var total int64
		stats, err := WalkReader(t.Context(), "x", bytes.NewReader(raw), limits, func(file *File) error {
			if file.Refused != nil {
				if file.Refused.Code == "" || file.Refused.Text == "" {
					t.Errorf("%q is refused without a reason", file.Path)
				}
				return nil
			}
			total += int64(len(file.Raw))
			for part := range strings.SplitSeq(file.Path, "/") {
				if part == ".." || strings.ContainsAny(part, "\\\x00") || !utf8.ValidString(part) {
					t.Errorf("path %q climbs", file.Path)
				}
			}
			if file.Path == "" || file.Path[0] == '/' || int64(len(file.Raw)) > limits.Body {
				t.Errorf("%q with %d bytes was accepted", file.Path, len(file.Raw))
			}
			if r := Inspect(file.Raw, file.Name); r != nil {
				t.Errorf("%q was accepted though %v", file.Path, r)
			}
			if file.SHA256 != sha256.Sum256(file.Raw) {
				t.Errorf("%q has another digest", file.Path)
			}
			return nil
		})
		if err != nil {
			t.Errorf("a source is never an error: %v", err)
		}
		if total > limits.Total || stats.Bytes < total {
			t.Errorf("%d bytes came out, stats say %d", total, stats.Bytes)
		}
	})
}

// FuzzInspect: what Inspect accepts is a well-formed object with one meaning (no name twice), of the identifier that
// the file's name claims.
func FuzzInspect(f *testing.F) {
	f.Add(one, "CVE-2024-0001")
	f.Add(two, "")
	f.Add([]byte(`{"dataType":"CVE_RECORD","dataType":"CVE_RECORD"}`), "")
	f.Add([]byte("\xef\xbb\xbf{}"), "CVE-2024-0001")
	f.Fuzz(func(t *testing.T, raw []byte, name string) {
		if r := Inspect(raw, name); r != nil {
			if r.Text == "" || !utf8.ValidString(r.Text) || !utf8.ValidString(r.Pointer) || r.Offset < 0 || r.Offset > int64(len(raw)) {
				t.Errorf("a bad reason: %+v", r)
			}
			return
		}
		var strict map[string]any
		if err := json.Unmarshal(raw, &strict); err != nil {
			t.Fatal(err)
		}
		id, _ := strict["cveMetadata"].(map[string]any)["cveId"].(string)
		if _, err := cve.ParseID(id); err != nil || (name != "" && name != id) {
			t.Errorf("accepted %q under the name %q", id, name)
		}
	})
}

// FuzzPath: a path that is accepted stays inside on this system and names no drive or stream on another.
func FuzzPath(f *testing.F) {
	for _, p := range []string{"cves/2024/0xxx/CVE-2024-0001.json", "../a", "/a", `a\b`, "C:a", "a/./b", "a//b", "a\x00", "\xff", "a/"} {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, p string) {
		if strings.ContainsFunc(printable(p), unicode.IsControl) || !utf8.ValidString(printable(p)) {
			t.Errorf("%q is not printable", printable(p))
		}
		if checkPath(p) != nil {
			return
		}
		if !filepath.IsLocal(p) || strings.ContainsAny(p, "\\:\x00") || path.Clean(p) != strings.TrimSuffix(p, "/") {
			t.Errorf("%q was accepted", p)
		}
	})
}

// FuzzMirrorFiles: an index never leads off its mirror; a sums file gives the digest that its line for the name states;
// a Content-Range that is accepted is a range.
func FuzzMirrorFiles(f *testing.F) {
	sum := strings.Repeat("ab", 32)
	f.Add([]byte(`{"format":"tasuki-baseline/1","url":"x.zip","sha256":"`+sum+`","fetchTime":"2026-11-21T00:00:00Z"}`), "x.zip")
	f.Add([]byte(`{"format":"tasuki-baseline/1","url":"//evil/x.zip","sha256":"`+sum+`","fetchTime":"2026-11-21T00:00:00Z"}`), "x.zip")
	f.Add([]byte(sum+"  x.zip\n"+sum+" *dir/y.zip\n"), "y.zip")
	f.Add([]byte(sum), "x.zip")
	f.Add([]byte("bytes 5-9/10"), "")
	f.Fuzz(func(t *testing.T, raw []byte, name string) {
		if b, err := parseIndex(raw, "https://mirror.example/list"); err == nil {
			if !strings.HasPrefix(b.url, "https://mirror.example/") || b.sha256 == nil || b.time.IsZero() && !bytes.Contains(raw, []byte("0001-01-01")) {
				t.Errorf("an index leads to %+v", b)
			}
		} else if !errors.Is(err, ErrIndex) {
			t.Error(err)
		}
		if d := parseSums(raw, name, false); d != nil && !bytes.Contains(bytes.ToLower(raw), []byte(hex.EncodeToString(d[:]))) {
			t.Errorf("%x is not in the file", d[:])
		}
		if from, total, ok := contentRange(string(raw)); ok && (from < 0 || total >= 0 && from >= total) {
			t.Errorf("%q is no range", raw)
		}
	})
}
