package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// A kitNode is a whole node in this process: the wiring of node.go behind the front door, without a network.
type kitNode struct {
	*node
	door http.Handler
	held *DataDir
	done bool
}

// kitOptions say how a kitNode differs from what "tasuki serve" opens in a new directory.
type kitOptions struct {
	dir    string           // "" for a new one
	store  string           // DSN; "" for the embedded store
	now    func() time.Time // nil for the real clock
	rand   io.Reader        // nil for crypto/rand
	seed   *Seed            // nil for an empty list
	mirror *mirrorRole      // nil for a list's own node
	level  string           // of what is logged; "" for warnings
	log    *kitLog          // where to; nil for nobody to see unless the test fails
}

// openKit opens a node and closes it when the test ends. What it logged is shown when the test failed.
func openKit(t testing.TB, o kitOptions) *kitNode {
	t.Helper()
	k, err := tryKit(t, o)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func tryKit(t testing.TB, o kitOptions) (*kitNode, error) {
	t.Helper()
	if o.dir == "" {
		o.dir = filepath.Join(t.TempDir(), "node")
	}
	if o.now == nil {
		o.now = time.Now
	}
	if o.rand == nil {
		o.rand = rand.Reader
	}
	log := o.log
	if log == nil {
		log = new(kitLog)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log of the node in %s:\n%s", o.dir, log)
		}
	})
	p := &Program{Stdin: strings.NewReader(""), Stdout: log, Stderr: log, Getenv: func(string) string { return "" }, Now: o.now, Rand: o.rand,
		Backend: backend()}
	s := &Settings{Config: defaultConfig()}
	s.Data, s.Store, s.BaseURL, s.Log.Level = o.dir, o.store, "http://tasuki", cmp.Or(o.level, "warn")
	held, err := openDataDir(o.dir, true)
	if err != nil {
		return nil, err
	}
	k := &kitNode{held: held}
	t.Cleanup(func() { k.close(t) })
	setup := p.setup(s, held, true)
	setup.Seed, setup.Mirror = o.seed, o.mirror
	if k.node, err = openNode(t.Context(), setup); err != nil {
		k.close(t) // somebody else may hold the directory now
		return nil, err
	}
	door, err := p.door(s, k.node)
	if err != nil {
		return nil, err
	}
	k.door = door.Local()
	return k, nil
}

// close closes the node now; the test's end then does nothing more.
func (k *kitNode) close(t testing.TB) {
	if k.done {
		return
	}
	k.done = true
	if k.node != nil {
		if err := k.node.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := k.held.Close(); err != nil {
		t.Error(err)
	}
}

// crash takes the store away from under the node: nothing more is written, released or signed by it.
func (k *kitNode) crash(t testing.TB) {
	k.done = true
	if err := k.db.Close(); err != nil {
		t.Error(err)
	}
	k.stop()
	k.gate.Close()
	k.background.Wait()
	if err := k.held.Close(); err != nil {
		t.Error(err)
	}
}

// run lets the node do its own work. stop ends that and waits for it; the test's end calls it too, before the node closes.
func (k *kitNode) run(t testing.TB) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- k.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil && !k.done {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// ask sends a GET through the front door. header are lines "Name: value".
func (k *kitNode) ask(path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "http://tasuki"+path, nil)
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	k.door.ServeHTTP(w, r)
	return w
}

// get is the body of an answer that has to be 200.
func (k *kitNode) get(t testing.TB, path string) []byte {
	t.Helper()
	w := k.ask(path)
	if w.Code != http.StatusOK {
		t.Fatalf("%s: %d %s %s", path, w.Code, w.Header().Get("message"), w.Body)
	}
	return w.Body.Bytes()
}

// bring imports files and returns the summary with the outcome of each by its CVE id.
func (k *kitNode) bring(t testing.TB, paths ...string) (ImportSummary, map[string]string) {
	t.Helper()
	news := &outcomes{of: map[string]string{}}
	sum, err := k.Import(t.Context(), ImportRequest{Paths: paths, Every: true}, nil, news)
	if err != nil {
		t.Fatal(err)
	}
	return sum, news.of
}

// bringBytes imports one document, or JSON lines.
func (k *kitNode) bringBytes(ctx context.Context, raw []byte) (ImportSummary, error) {
	return k.Import(ctx, ImportRequest{Paths: []string{"-"}}, bytes.NewReader(raw), quiet{})
}

// bringSample imports the records that the program carries.
func (k *kitNode) bringSample(t testing.TB) ImportSummary {
	t.Helper()
	sum, err := k.Import(t.Context(), ImportRequest{Sample: true}, nil, quiet{})
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// sound runs fsck, which also folds the log again and compares, and fails on every problem it names.
func (k *kitNode) sound(t testing.TB) {
	t.Helper()
	news := new(newsLog)
	sum, err := k.Fsck(t.Context(), FsckRequest{}, news)
	if err != nil || sum.Problems != 0 {
		t.Errorf("fsck: %d problems, %v\n%s", sum.Problems, err, strings.Join(news.lines, "\n"))
	}
}

// check is sound, and a replay that writes the derived tables anew. It returns the digest of each.
func (k *kitNode) check(t testing.TB) map[string]string {
	t.Helper()
	k.sound(t)
	got, err := k.Replay(t.Context(), ReplayRequest{}, quiet{})
	if err != nil {
		t.Errorf("replay: %v", err)
	}
	digests := map[string]string{}
	for _, table := range got.Tables {
		if table.Before != table.After || table.After == "" {
			t.Errorf("replay of %s: %q became %q", table.Name, table.Before, table.After)
		}
		digests[table.Name] = table.After
	}
	return digests
}

// kitRecord is one line with a record of a vendor that is its own CNA and has one product.
func kitRecord(id, state, published, updated, vendor, lang, text string) []byte {
	cna := fmt.Sprintf(`"affected":[{"vendor":%q,"product":%q,"versions":[{"version":"1","status":"affected"}]}],"descriptions":[{"lang":%q,"value":%q}],"references":[{"url":"https://example.jp/%s"}]`,
		vendor, vendor+" Kit", lang, text, id)
	if state == "REJECTED" {
		cna = fmt.Sprintf(`"rejectedReasons":[{"lang":%q,"value":%q}]`, lang, text)
	}
	return fmt.Appendf(nil, `{"dataType":"CVE_RECORD","dataVersion":"5.1","cveMetadata":{"cveId":%q,"assignerOrgId":"11111111-1111-4111-8111-111111111111","assignerShortName":%q,"state":%q,"datePublished":%q,"dateUpdated":%q},"containers":{"cna":{"providerMetadata":{"orgId":"11111111-1111-4111-8111-111111111111","shortName":%q},%s}}}`+"\n",
		id, vendor, state, published, updated, vendor, cna)
}

// outcomes remembers what an import says of each record.
type outcomes struct {
	quiet
	of map[string]string
}

func (o *outcomes) Item(i Item) { o.of[i.ID] = i.Outcome }

// kitLog keeps what a node says.
type kitLog struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *kitLog) Write(p []byte) (int, error) { l.mu.Lock(); defer l.mu.Unlock(); return l.b.Write(p) }
func (l *kitLog) String() string              { l.mu.Lock(); defer l.mu.Unlock(); return l.b.String() }
