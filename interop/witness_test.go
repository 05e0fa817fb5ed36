package interop_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/transparency-dev/formats/log"
	fnote "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/witness/omniwitness"
	"github.com/transparency-dev/witness/persistence/inmemory"
	"golang.org/x/mod/sumdb/note"
)

// stockWitness is the reference witness, whole as its own program runs it, behind a door that writes down what is said.
type stockWitness struct {
	url      string
	vkey     string
	verifier note.Verifier
	memory   *inmemory.Persistence

	mu      sync.Mutex
	answers []string          // "status, old size asked", in their order
	rewrite func(old int) int // changes the old size of the next request alone
}

// newStockWitness runs a witness that knows one log by the verifier key that Tasuki printed.
func newStockWitness(t *testing.T, logKey string) *stockWitness {
	t.Helper()
	skey, vkey, err := note.GenerateKey(rand.Reader, "witness.example/stock")
	if err != nil {
		t.Fatal(err)
	}
	s := &stockWitness{memory: inmemory.New()}
	if s.vkey, err = fnote.VKeyToCosignatureV1(vkey); err != nil {
		t.Fatal(err)
	}
	if s.verifier, err = fnote.NewVerifierForCosignatureV1(vkey); err != nil {
		t.Fatal(err)
	}
	signer, err := fnote.NewSignerForCosignatureV1(skey)
	if err != nil {
		t.Fatal(err)
	}
	origin, _, _ := strings.Cut(logKey, "+")
	logs, err := omniwitness.NewStaticLogConfig(fmt.Appendf(nil, "Logs:\n  - Origin: %s\n    PublicKey: %s\n", origin, logKey))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		config := omniwitness.OperatorConfig{WitnessKeys: []note.Signer{signer}, WitnessVerifier: s.verifier, ServeMux: http.NewServeMux(), Logs: logs}
		_ = omniwitness.Main(ctx, config, s.memory, listener, http.DefaultClient) // ends with the context
	})
	inside, err := url.Parse("http://" + listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	pass := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(inside) }}
	door := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		old := -1
		if line, rest, ok := bytes.Cut(raw, []byte("\n")); ok {
			old, _ = strconv.Atoi(strings.TrimPrefix(string(line), "old "))
			s.mu.Lock()
			if s.rewrite != nil {
				old, s.rewrite = s.rewrite(old), nil
				raw = append(fmt.Appendf(nil, "old %d\n", old), rest...)
			}
			s.mu.Unlock()
		}
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(raw)), int64(len(raw))
		pass.ServeHTTP(&status{w, func(code int) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.answers = append(s.answers, fmt.Sprintf("%d after old %d", code, old))
		}}, r)
	}))
	s.url = door.URL
	t.Cleanup(func() { door.Close(); cancel(); running.Wait() })
	return s
}

// status tells what is answered before anybody else learns it.
type status struct {
	http.ResponseWriter
	tell func(code int)
}

func (s *status) WriteHeader(code int) {
	s.tell(code)
	s.ResponseWriter.WriteHeader(code)
}

// said returns what was answered since it was asked last.
func (s *stockWitness) said() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.answers
	s.answers = nil
	return out
}

// count is how many answers had a status.
func count(answers []string, code int) (n int) {
	for _, a := range answers {
		if strings.HasPrefix(a, strconv.Itoa(code)+" ") {
			n++
		}
	}
	return n
}

// witnessed is a list whose charter asks for the cosignature of a stock witness.
type witnessed struct {
	t       *testing.T
	dir     string // of the operator
	url     string
	witness *stockWitness
	origin  string
	key     note.Verifier // of the log
}

// newWitnessed founds a list and carries it over to an epoch in which nothing counts without the witness, by the commands that people use.
func newWitnessed(t *testing.T) *witnessed {
	t.Helper()
	at := t.TempDir()
	file := func(name string) string { return filepath.Join(at, name) }
	w := &witnessed{t: t, dir: file("operator")}
	first := serve(t, "--data", w.dir, "serve", "--listen", "127.0.0.1:0")
	w.url = first.url
	first.stop()
	vkey := run(t, "charter", "log-key", "--data", w.dir, file("log.key"))
	w.witness = newStockWitness(t, vkey)
	policy := fmt.Sprintf("witness stock %s %s\nquorum stock\n", w.witness.vkey, w.witness.url)
	if err := os.WriteFile(file("policy"), []byte(policy), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, "charter", "draft", "--data", w.dir, file("draft.json"), "--log-key", vkey, "--policy", file("policy"), "--reason", "a witness")
	run(t, "board", "sign", "--key", filepath.Join(w.dir, "board.key"), file("draft.json"), file("signed.json"), "--chain", w.dir, "--yes")
	run(t, "promote", "--data", w.dir, "--charter", file("signed.json"), "--key", file("log.key"))
	w.origin, _, _ = strings.Cut(vkey, "+")
	var err error
	if w.key, err = note.NewVerifier(vkey); err != nil {
		t.Fatal(err)
	}
	return w
}

// operate runs the operator's node, or a copy of it.
func (w *witnessed) operate(dir string) *server {
	return serve(w.t, "--data", dir, "--log-level", "info", "serve", "--listen", "127.0.0.1:0")
}

// grow brings a record into a list.
func (w *witnessed) grow(dir string, n int) {
	w.t.Helper()
	id := fmt.Sprintf("CVE-2024-%d", 1000+n)
	record := fmt.Sprintf(`{"dataType":"CVE_RECORD","dataVersion":"5.1","cveMetadata":{"cveId":%q,"assignerOrgId":"11111111-1111-4111-8111-111111111111",`+
		`"assignerShortName":"x","state":"PUBLISHED","datePublished":"2024-01-01T00:00:00.000Z","dateUpdated":"2024-01-01T00:00:00.000Z"},"containers":{"cna":{`+
		`"providerMetadata":{"orgId":"11111111-1111-4111-8111-111111111111","shortName":"x"},"descriptions":[{"lang":"en","value":"A flaw."}],`+
		`"affected":[{"vendor":"v","product":"p","versions":[{"version":"1","status":"affected"}]}],"references":[{"url":"https://example.com/a"}]}}}`, id)
	in := w.t.TempDir()
	if err := os.WriteFile(filepath.Join(in, id+".json"), []byte(record), 0o600); err != nil {
		w.t.Fatal(err)
	}
	run(w.t, "--data", dir, "import", "cvelist", in)
}

// held is the size of what the witness cosigned last.
func (w *witnessed) held() uint64 {
	w.t.Helper()
	raw, err := w.witness.memory.Latest(w.t.Context(), w.origin)
	if err != nil {
		w.t.Fatal(err)
	}
	cp, _, _, err := log.ParseCheckpoint(raw, w.origin, w.key)
	if err != nil {
		w.t.Fatalf("the witness holds %s (%v)", raw, err)
	}
	return cp.Size
}

// published waits for a checkpoint above a size, of all that the log holds, that code which is not ours finds signed by the log and by the witness.
func (w *witnessed) published(url string, above uint64) uint64 {
	w.t.Helper()
	var last string
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		raw := get(w.t, url+"/checkpoint")
		cp, _, n, err := log.ParseCheckpoint(raw, w.origin, w.key, w.witness.verifier)
		if err != nil {
			last = fmt.Sprintf("%v: %s", err, raw)
			continue
		}
		var health struct{ Size uint64 }
		if err := json.Unmarshal(get(w.t, url+"/health"), &health); err != nil {
			w.t.Fatal(err)
		}
		if last = string(raw); cp.Size <= above || cp.Size < health.Size {
			continue
		}
		if len(n.Sigs) != 2 || len(n.UnverifiedSigs) != 0 {
			w.t.Fatalf("%d signatures verify, %d do not:\n%s", len(n.Sigs), len(n.UnverifiedSigs), raw)
		}
		if held := w.held(); held < cp.Size {
			w.t.Fatalf("the witness holds %d leaves of %d", held, cp.Size)
		}
		return cp.Size
	}
	w.t.Fatalf("nothing above %d leaves is published; last:\n%s\nthe witness answered %q", above, last, w.witness.said())
	return 0
}

// The reference witness cosigns our checkpoints, and only with its line are they published: from the first one on, after growth, after a restart in which
// our side forgets how far the witness is, and after a request whose old size was rewritten on its way.
func TestStockWitnessCosigns(t *testing.T) {
	w := newWitnessed(t)
	operator := w.operate(w.dir)
	size := w.published(operator.url, 0)
	if said := w.witness.said(); count(said, http.StatusOK) == 0 || count(said, http.StatusOK) != len(said) {
		t.Errorf("at first: %q", said)
	}
	for i := range 3 {
		w.grow(w.dir, i)
		size = w.published(operator.url, size)
	}
	if said := w.witness.said(); count(said, http.StatusOK) < 3 || count(said, http.StatusOK) != len(said) {
		t.Errorf("while it grows: %q", said)
	}

	// Somebody on the way names another old size: it is refused, and asked again.
	w.witness.mu.Lock()
	w.witness.rewrite = func(old int) int { return old - 1 }
	w.witness.mu.Unlock()
	w.grow(w.dir, 3)
	size = w.published(operator.url, size)
	said := w.witness.said()
	refused := slices.IndexFunc(said, func(s string) bool { return strings.HasPrefix(s, "409 ") })
	if refused < 0 || count(said, http.StatusConflict) != 1 || count(said[refused:], http.StatusOK) == 0 {
		t.Errorf("after a rewritten old size: %q", said)
	}

	operator.stop()
	size = w.held() // an import ends with a leaf of its own
	w.witness.said()
	operator = w.operate(w.dir)
	w.grow(w.dir, 4)
	size = w.published(operator.url, size)
	said = w.witness.said()
	forgot := slices.IndexFunc(said, func(s string) bool { return s == "409 after old 0" })
	if forgot < 0 || count(said[forgot:], http.StatusOK) == 0 {
		t.Errorf("after a restart: %q", said)
	}
	t.Logf("%d leaves are published", size)
}

// An operator that comes back with an old copy of its log gets no line from the reference witness: not while it is shorter than what the witness has seen,
// and not when it has grown past that with other leaves. It says why, and publishes nothing.
func TestStockWitnessRefusesAnOldCopy(t *testing.T) {
	w := newWitnessed(t)
	operator := w.operate(w.dir)
	newest := w.published(operator.url, 0)
	operator.stop()
	old := filepath.Join(t.TempDir(), "old")
	if err := os.CopyFS(old, os.DirFS(w.dir)); err != nil {
		t.Fatal(err)
	}
	operator = w.operate(w.dir)
	for i := range 3 {
		w.grow(w.dir, i)
		newest = w.published(operator.url, newest)
	}
	operator.stop()
	newest = w.held() // an import ends with a leaf of its own
	w.witness.said()

	back := w.operate(old)
	before := w.published(back.url, 0)
	if before >= newest {
		t.Fatalf("the copy shows %d leaves, the witness knows %d", before, newest)
	}
	for i, reason := range []string{"the witness has seen a larger tree", "the witness has seen another tree"} {
		for n := range 1 + 8*i {
			w.grow(old, 100*(i+1)+n)
		}
		for end := time.Now().Add(20 * time.Second); !strings.Contains(back.said.String(), reason); time.Sleep(50 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("it does not say that %s; the witness answered %q", reason, w.witness.said())
			}
		}
		cp, _, _, err := log.ParseCheckpoint(get(t, back.url+"/checkpoint"), w.origin, w.key, w.witness.verifier)
		if err != nil || cp.Size != before {
			t.Errorf("the old copy shows %d leaves as published, want %d (%v)", cp.Size, before, err)
		}
	}
	if said := w.witness.said(); count(said, http.StatusOK) != 0 || count(said, http.StatusConflict) == 0 || count(said, http.StatusUnprocessableEntity) == 0 {
		t.Errorf("the witness answered %q", said)
	}
	if held := w.held(); held != newest {
		t.Errorf("the witness holds %d leaves, it knew %d", held, newest)
	}
}
