package relay_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tasuki/internal/edge/serve/relay"
)

// script is a copy of a list that says what it is told to.
type script struct {
	pending       []byte
	after         int64
	wait          time.Duration
	err           error
	outcome       relay.Outcome
	half          bool // of an escrow's answer before the error
	got           string
	published     int64
	seals         []string
	evidenceItems []relay.Item
}

func (s *script) State(context.Context) (relay.State, error) {
	return relay.State{Published: s.published, Charter: "3-9c1f00aa"}, nil
}

func (s *script) Pending(_ context.Context, after int64, wait time.Duration) ([]byte, error) {
	s.after, s.wait = after, wait
	return s.pending, s.err
}

func (s *script) Cosign(_ context.Context, note []byte) (int64, error) {
	s.got = string(note)
	return s.published, s.err
}

func (s *script) Holding(_ context.Context, origin, nonce string) (statement, seen []byte, err error) {
	s.got = origin + " " + nonce
	return []byte("statement\n"), s.pending, s.err
}

func (s *script) Offer(_ context.Context, doc []byte) (relay.Outcome, error) {
	s.got = string(doc)
	return s.outcome, s.err
}
func (s *script) Seals(context.Context) ([]string, error) { return s.seals, s.err }
func (s *script) Seal(_ context.Context, origin string) ([]byte, error) {
	s.got = origin
	return []byte("sealed"), s.err
}
func (s *script) Evidence(context.Context) ([]relay.Item, error) { return s.evidenceItems, s.err }
func (s *script) EvidenceFile(_ context.Context, name string) ([]byte, error) {
	s.got = name
	return []byte("both notes"), s.err
}

func (s *script) Escrow(_ context.Context, _ []byte, w io.Writer) error {
	if s.half || s.err == nil {
		_, _ = io.WriteString(w, "ciphertexts")
	}
	return s.err
}

func ask(t *testing.T, c relay.Copy, method, target, body string) *httptest.ResponseRecorder {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	h := relay.Handler(c, log)
	if strings.HasPrefix(target, relay.CharterPrefix) {
		h = relay.Charters(c, http.NotFoundHandler(), log)
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body)))
	return rec
}

// Every answer of docs/protocols/relay.md.
func TestAnswers(t *testing.T) {
	no := func(status int, size int64) error { return &relay.Refusal{Status: status, Why: "no", Size: size} }
	for _, c := range []struct {
		method, target string
		body           string
		copy           script
		status         int
		want           string // of the body, when not ""
	}{
		{"GET", "/pending", "", script{pending: []byte("note\n"), published: 9}, 200, "note\n"},
		{"GET", "/pending?after=5&wait=30", "", script{published: 9}, 204, ""},
		{"GET", "/pending?after=05", "", script{}, 400, ""},
		{"GET", "/pending?after=-1", "", script{}, 400, ""},
		{"GET", "/pending?wait=31", "", script{}, 400, ""},
		{"GET", "/pending", "", script{err: fs.ErrNotExist}, 404, ""},
		{"POST", "/pending", "", script{}, 405, ""},
		{"POST", "/cosign", "line", script{published: 7}, 200, "7\n"},
		{"POST", "/cosign", "line", script{err: no(400, -1)}, 400, ""},
		{"POST", "/cosign", "line", script{err: no(403, -1)}, 403, ""},
		{"POST", "/cosign", "line", script{err: no(404, -1)}, 404, ""},
		{"POST", "/cosign", "line", script{err: no(409, 12)}, 409, "12\n"},
		{"POST", "/cosign", strings.Repeat("x", 4097), script{}, 413, ""},
		{"GET", "/cosign", "", script{}, 405, ""},
		{"POST", "/charter", "{}", script{outcome: relay.Known}, 200, ""},
		{"POST", "/charter/", "{}", script{outcome: relay.Extended}, 201, ""},
		{"POST", "/charter", "{}", script{outcome: relay.Sibling}, 202, ""},
		{"POST", "/charter", "{}", script{err: no(422, -1)}, 422, ""},
		{"POST", "/charter", "{}", script{err: no(409, -1)}, 409, ""},
		{"POST", "/charter", "{}", script{err: no(507, -1)}, 507, ""},
		{"POST", "/charter", strings.Repeat("x", 64<<10+1), script{}, 413, ""},
		{"GET", "/seal/", "", script{seals: []string{"tasuki/9c1f/1-a"}}, 200, `{"seals":["/seal/tasuki/9c1f/1-a"]}` + "\n"},
		{"GET", "/seal/", "", script{}, 200, `{"seals":[]}` + "\n"},
		{"GET", "/seal/tasuki/9c1f/1-a", "", script{}, 200, "sealed"},
		{"GET", "/seal/tasuki/9c1f/1-a", "", script{err: fs.ErrNotExist}, 404, ""},
		{"GET", "/holding/tasuki/9c1f/1-a?nonce=" + strings.Repeat("0a", 32), "", script{pending: []byte("note\n")}, 200,
			`{"checkpoint":"note\n","statement":"statement\n"}` + "\n"},
		{"GET", "/holding/tasuki/9c1f/1-a?nonce=" + strings.Repeat("0A", 32), "", script{}, 400, ""},
		{"GET", "/holding/tasuki/9c1f/1-a?nonce=0a", "", script{}, 400, ""},
		{"GET", "/holding/tasuki/9c1f/1-a", "", script{}, 400, ""},
		{"GET", "/holding/tasuki/9c1f/1-a?nonce=" + strings.Repeat("0a", 32), "", script{err: fs.ErrNotExist}, 404, ""},
		{"POST", "/holding/tasuki/9c1f/1-a", "", script{}, 405, ""},
		{"GET", "/evidence/", "", script{}, 200, `{"evidence":[]}` + "\n"},
		{"GET", "/evidence/fork-1", "", script{}, 200, "both notes"},
		{"GET", "/evidence/fork-2", "", script{err: fs.ErrNotExist}, 404, ""},
		{"POST", "/escrow", "request", script{}, 200, "ciphertexts"},
		{"POST", "/escrow", "request", script{err: no(401, -1)}, 401, ""},
		{"POST", "/escrow", "request", script{err: no(503, -1)}, 503, ""},
		{"POST", "/escrow", "request", script{err: fs.ErrNotExist}, 404, ""},
		{"GET", "/seal/", "", script{err: errors.New("disk")}, 500, ""},
		{"GET", "/other", "", script{}, 404, ""},
	} {
		rec := ask(t, &c.copy, c.method, c.target, c.body)
		if rec.Code != c.status || c.want != "" && rec.Body.String() != c.want {
			t.Errorf("%s %s: %d %q, want %d %q", c.method, c.target, rec.Code, rec.Body, c.status, c.want)
		}
		if rec.Code >= 400 && rec.Code != 409 {
			var p struct{ Status int }
			if err := json.Unmarshal(rec.Body.Bytes(), &p); err != nil || p.Status != c.status {
				t.Errorf("%s %s: not a problem: %q", c.method, c.target, rec.Body)
			}
		}
		if rec.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s %s may be kept: %v", c.method, c.target, rec.Header())
		}
		if rec.Code == 503 && rec.Header().Get("Retry-After") == "" {
			t.Errorf("%s %s does not say when to come again", c.method, c.target)
		}
		if strings.HasPrefix(c.target, "/pending") && rec.Code < 300 && (rec.Header().Get("Tasuki-Published") != "9" || rec.Header().Get("Tasuki-Charter") != "3-9c1f00aa") {
			t.Errorf("%s: %v", c.target, rec.Header())
		}
	}
}

// Without after the newest is given, however small.
func TestPendingParameters(t *testing.T) {
	c := &script{pending: []byte("note\n")}
	ask(t, c, "GET", "/pending", "")
	if c.after != -1 || c.wait != 0 {
		t.Errorf("after %d, wait %v", c.after, c.wait)
	}
	ask(t, c, "GET", "/pending?after=0&wait=7", "")
	if c.after != 0 || c.wait != 7*time.Second {
		t.Errorf("after %d, wait %v", c.after, c.wait)
	}
}

// An answer that breaks off after it has begun must not look whole.
func TestEscrowBreaksOff(t *testing.T) {
	server := httptest.NewServer(relay.Handler(&script{err: errors.New("disk"), half: true}, slog.New(slog.DiscardHandler)))
	defer server.Close()
	res, err := http.Post(server.URL+"/escrow", "text/plain", strings.NewReader("request"))
	if err != nil {
		return // broken off before the header went out
	}
	defer res.Body.Close()
	if _, err := io.ReadAll(res.Body); err == nil && res.StatusCode == http.StatusOK {
		t.Error("half an answer looks whole")
	}
}
