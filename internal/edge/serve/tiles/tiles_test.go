package tiles

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"tasuki/internal/ledger"
	"tasuki/spec/c2sp"
)

// fakeLog has one full bundle, one with three entries, and a bundle of large bodies.
type fakeLog struct {
	broken error
	large  int
}

var bodyHash = [32]byte{0xab, 0xcd, 31: 0x01}

func (f *fakeLog) Checkpoint(context.Context) ([]byte, error) {
	return []byte("tasuki/0/1-x\n259\nAAAA\n\n— x y\n"), f.broken
}

func (f *fakeLog) Tile(_ context.Context, level int, n int64, width int) ([]byte, error) {
	if level == 0 && (n == 0 || n == 1 && width <= 3) {
		return bytes.Repeat([]byte{byte(n)}, 32*width), f.broken
	}
	return nil, fmt.Errorf("tile %d/%d: %w", level, n, fs.ErrNotExist)
}

func (f *fakeLog) Entries(ctx context.Context, n int64, width int) ([]byte, error) {
	if _, err := f.Tile(ctx, 0, n, width); err != nil {
		return nil, err
	}
	var b []byte
	for i := range width {
		b, _ = c2sp.AppendEntry(b, fmt.Appendf(nil, `{"i":%d}`, i))
	}
	return b, nil
}

func (f *fakeLog) Bodies(_ context.Context, n int64, from int, fn func(byte, [16]byte, []byte) error) error {
	if n > 1 {
		return fs.ErrNotExist
	}
	items := 256
	if n == 1 {
		items = 3
	}
	for i := from; i < items; i++ {
		if f.broken != nil && i == 2 {
			return f.broken
		}
		mark, raw := ledger.BodyPresent, fmt.Appendf(nil, `{"n":%d}`, i)
		if f.large > 0 {
			raw = bytes.Repeat([]byte{'x'}, f.large)
		}
		if i%3 == 1 {
			mark, raw = byte(1+i/3%3), nil
		}
		if err := fn(mark, [16]byte{byte(i)}, raw); err != nil {
			return err
		}
	}
	return nil
}

func (f *fakeLog) Body(_ context.Context, hash [32]byte) ([16]byte, []byte, error) {
	if hash != bodyHash {
		return [16]byte{}, nil, fs.ErrNotExist
	}
	return [16]byte{15: 7}, []byte("<script>alert(1)</script>"), nil
}

func (f *fakeLog) Charters(_ context.Context, fn func(string, []byte) error) error {
	for i, doc := range []string{`{"v":1}`, `{"v":2}`} {
		if err := fn(fmt.Sprintf("%d-%08x", i+1, i), []byte(doc)); err != nil {
			return err
		}
	}
	return f.broken
}

func (f *fakeLog) Proof(_ context.Context, id string) (file []byte, older int64, err error) {
	switch id {
	case "CVE-2024-0001":
	case "CVE-2024-0002":
		older = 300
	default:
		return nil, 0, fs.ErrNotExist
	}
	return []byte("c2sp.org/tlog-proof@v1\n"), older, nil
}

func TestProofOfAnOlderVersion(t *testing.T) {
	for id, want := range map[string]string{"CVE-2024-0001": "", "CVE-2024-0002": "300"} {
		if got := get(t, &fakeLog{}, "GET", "/proof/"+id).Header.Get(Older); got != want {
			t.Errorf("%s: %s is %q, want %q", id, Older, got, want)
		}
	}
}

func get(t *testing.T, l Log, method, path string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	Handler(l, slog.New(slog.DiscardHandler)).ServeHTTP(w, r)
	return w.Result()
}

func read(t *testing.T, res *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestPaths(t *testing.T) {
	hash := hex.EncodeToString(bodyHash[:])
	for _, tc := range []struct {
		path   string
		status int
		kind   string
		cache  string
		size   int
	}{
		{"/checkpoint", 200, "text/plain; charset=utf-8", "public, max-age=2", -1},
		{"/tile/0/000", 200, "application/octet-stream", immutable, 32 * 256},
		{"/tile/0/001.p/3", 200, "application/octet-stream", brief, 96},
		{"/tile/0/001", 404, "application/problem+json", "no-store", -1},
		{"/tile/0/x000/001", 404, "application/problem+json", "no-store", -1},
		{"/tile/64/000", 404, "application/problem+json", "no-store", -1},
		{"/tile/0/000.p/256", 404, "application/problem+json", "no-store", -1},
		{"/tile/entries/001.p/3", 200, "application/octet-stream", brief, 3 * (2 + 7)},
		{"/tile/entries/000", 200, "application/octet-stream", immutable, -1},
		{"/bodies/001", 200, "application/octet-stream", "no-cache", 2*(4+16+7) + 4},
		{"/bodies/002", 404, "application/problem+json", "no-store", -1},
		{"/bodies/1", 404, "application/problem+json", "no-store", -1},
		{"/bodies/001?from=2", 200, "application/octet-stream", "no-cache", 4 + 16 + 7},
		{"/bodies/001?from=256", 404, "application/problem+json", "no-store", -1},
		{"/bodies/001?from=x", 404, "application/problem+json", "no-store", -1},
		{"/body/ab/" + hash, 200, "application/octet-stream", "no-cache", 25},
		{"/body/cd/" + hash, 404, "application/problem+json", "no-store", -1},
		{"/body/ab/" + strings.ToUpper(hash), 404, "application/problem+json", "no-store", -1},
		{"/body/00/" + strings.Repeat("0", 64), 404, "application/problem+json", "no-store", -1},
		{"/charter/", 200, "application/json", brief, -1},
		{"/charter/2-00000001.json", 200, "application/json", immutable, 7},
		{"/charter/3-00000001.json", 404, "application/problem+json", "no-store", -1},
		{"/charter/2-00000001", 404, "application/problem+json", "no-store", -1},
		{"/proof/CVE-2024-0001", 200, "text/plain; charset=utf-8", "no-cache", -1},
		{"/proof/CVE-2024-9999", 404, "application/problem+json", "no-store", -1},
		{"/other", 404, "application/problem+json", "no-store", -1},
	} {
		t.Run(tc.path, func(t *testing.T) {
			res := get(t, &fakeLog{}, "GET", tc.path)
			body := read(t, res)
			if res.StatusCode != tc.status || res.Header.Get("Content-Type") != tc.kind || res.Header.Get("Cache-Control") != tc.cache {
				t.Errorf("%d %q %q, want %d %q %q", res.StatusCode, res.Header.Get("Content-Type"), res.Header.Get("Cache-Control"), tc.status, tc.kind, tc.cache)
			}
			if tc.size >= 0 && len(body) != tc.size {
				t.Errorf("%d bytes, want %d", len(body), tc.size)
			}
			if res.Header.Get("Access-Control-Allow-Origin") != "*" {
				t.Error("not readable from other origins")
			}
			if tc.status == 404 {
				var p struct {
					Status        int
					Title, Detail string
				}
				if err := json.Unmarshal([]byte(body), &p, json.MatchCaseInsensitiveNames(true)); err != nil || p.Status != 404 || p.Detail == "" {
					t.Errorf("not a problem: %v %s", err, body)
				}
			}
			head := get(t, &fakeLog{}, "HEAD", tc.path)
			if head.StatusCode != tc.status || head.Header.Get("Content-Type") != tc.kind {
				t.Errorf("HEAD: %d %q", head.StatusCode, head.Header.Get("Content-Type"))
			}
		})
	}
}

func TestRevalidation(t *testing.T) {
	for _, path := range []string{"/checkpoint", "/tile/0/000", "/body/ab/" + hex.EncodeToString(bodyHash[:]), "/charter/1-00000000.json"} {
		tag := get(t, &fakeLog{}, "GET", path).Header.Get("ETag")
		if tag == "" {
			t.Errorf("%s has no ETag", path)
			continue
		}
		if res := get(t, &fakeLog{}, "GET", path, "If-None-Match", `"x", W/`+tag); res.StatusCode != 304 || read(t, res) != "" {
			t.Errorf("%s: %d for its own ETag", path, res.StatusCode)
		}
	}
}

func TestOnlyReads(t *testing.T) {
	if res := get(t, &fakeLog{}, "POST", "/checkpoint"); res.StatusCode != 405 || res.Header.Get("Allow") == "" {
		t.Errorf("POST: %d, Allow %q", res.StatusCode, res.Header.Get("Allow"))
	}
	if res := get(t, &fakeLog{}, "OPTIONS", "/tile/0/000"); res.StatusCode != 204 {
		t.Errorf("OPTIONS: %d", res.StatusCode)
	}
}

func TestOurOwnFaultTellsNothing(t *testing.T) {
	res := get(t, &fakeLog{broken: errors.New("disk at /secret/place")}, "GET", "/checkpoint")
	if body := read(t, res); res.StatusCode != 500 || strings.Contains(body, "secret") {
		t.Errorf("%d %s", res.StatusCode, body)
	}
}

// A reader puts a cut bundle together with from, and ends with every item exactly once.
func TestCutBundleGoesOn(t *testing.T) {
	l := &fakeLog{large: 1 << 20}
	items, replies := 0, 0
	for items < 256 {
		path := "/bodies/000"
		if items > 0 {
			path += fmt.Sprintf("?from=%d", items)
		}
		body := read(t, get(t, l, "GET", path))
		if len(body) > MaxBundle {
			t.Fatalf("a reply of %d bytes", len(body))
		}
		replies++
		for r := strings.NewReader(body); ; items++ {
			mark, salt, raw, err := ledger.ReadItem(r)
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if mark == ledger.BodyPresent && (salt[0] != byte(items) || len(raw) != 1<<20) {
				t.Fatalf("item %d has salt %x and %d bytes", items, salt, len(raw))
			}
		}
	}
	if items != 256 || replies < 11 {
		t.Errorf("%d items in %d replies", items, replies)
	}
}

// packedLog gives bodies as they are stored, too; from one item on they can only be unpacked by itself.
type packedLog struct {
	fakeLog
	own int
}

func (p *packedLog) Packed(ctx context.Context, n int64, from int, fn func(byte, *ledger.Body) error) error {
	i := from
	return p.Bodies(ctx, n, from, func(mark byte, salt [16]byte, raw []byte) error {
		defer func() { i++ }()
		switch {
		case mark != ledger.BodyPresent:
			return fn(mark, nil)
		case i >= p.own:
			return ErrUnportable
		}
		return fn(mark, &ledger.Body{Salt: salt, N: int64(len(raw)), Packed: raw})
	})
}

// A packed bundle says so whatever its first item is, and a reader who goes on where it was cut ends with every item exactly once.
func TestPackedBundle(t *testing.T) {
	l := &packedLog{own: 100}
	srv := httptest.NewServer(Handler(l, slog.New(slog.DiscardHandler)))
	defer srv.Close()
	for from := range 200 {
		for at := from; at < 256; {
			path := "/bodies/000?packed=1"
			if at > 0 {
				path += fmt.Sprintf("&from=%d", at)
			}
			res, err := http.Get(srv.URL + path)
			if err != nil {
				t.Fatal(err)
			}
			body := read(t, res)
			_ = res.Body.Close()
			packed, had := res.Header.Get("Tasuki-Packed") == "1", at
			for r := strings.NewReader(body); ; at++ {
				mark, salt, raw, err := byte(0), [16]byte{}, []byte(nil), error(nil)
				if packed {
					var b *ledger.Body
					if mark, b, err = ledger.ReadPacked(r); b != nil {
						salt, raw = b.Salt, b.Packed
					}
				} else {
					mark, salt, raw, err = ledger.ReadItem(r)
				}
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatalf("%s, item %d: %v", path, at, err)
				}
				if mark == ledger.BodyPresent && (salt[0] != byte(at) || string(raw) != fmt.Sprintf(`{"n":%d}`, at)) {
					t.Fatalf("%s, packed %v: item %d has salt %x and %q", path, packed, at, salt, raw)
				}
			}
			if at == had {
				t.Fatalf("%s ends at item %d", path, at)
			}
		}
	}
}

func TestHalfABundleBreaksTheConnection(t *testing.T) {
	srv := httptest.NewServer(Handler(&fakeLog{broken: errors.New("disk")}, slog.New(slog.DiscardHandler)))
	defer srv.Close()
	res, err := http.Get(srv.URL + "/bodies/000")
	if err != nil {
		return // broken before the header: also unmistakable
	}
	defer res.Body.Close()
	if _, err := io.ReadAll(res.Body); err == nil {
		t.Error("half a bundle arrived as if it were whole")
	}
}
