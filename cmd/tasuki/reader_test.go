package main

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"tasuki/internal/charter"
	"tasuki/internal/continuity"
	"tasuki/spec/c2sp"
)

// client opens a verifying client that begins with some servers.
func (w *mirrored) client(sources ...string) *kitNode {
	w.t.Helper()
	return follows(w.t, w.list(), kitOptions{level: "error", mirror: &mirrorRole{Test: true, Reader: true}}, sources...)
}

// reading is what "tasuki client status" would say.
func (k *kitNode) reading(t testing.TB) readerAnswer {
	t.Helper()
	got, err := k.readerStatus(t.Context(), struct{}{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// accepts waits until a client's view has a size.
func (k *kitNode) accepts(t testing.TB, size int64) {
	t.Helper()
	soon(t, time.Minute, func() string {
		if got := k.reading(t); got.Size < size {
			return "not accepted: " + strconv.FormatInt(size, 10) + ", " + got.Problem
		}
		return ""
	})
}

// holds waits until a client holds.
func (k *kitNode) holds(t testing.TB, why continuity.HoldReason) *heldAnswer {
	t.Helper()
	var got readerAnswer
	soon(t, time.Minute, func() string {
		if got = k.reading(t); got.Hold == nil || got.Hold.Why != string(why) {
			return "no hold: " + got.Problem
		}
		return ""
	})
	return got.Hold
}

// copyOf copies the directory of a closed node.
func copyOf(t testing.TB, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(to, 0o700); err != nil {
		t.Fatal(err)
	}
	return to
}

// An operator and its mirror that bring back an old backup and go on differently have a quorum for what they show. Whoever accepted what they published
// before holds on to it, keeps serving it, says so in every answer, and has evidence that anybody can check by the charters alone, which names the mirror too.
func TestClientHoldsWhereAQuorumGoesBack(t *testing.T) {
	t.Parallel() // it waits more than it works
	w := newMirrored(t, 1, 1, kitOptions{}, func(k *kitNode) { k.bringSample(t) }, nil)
	w.work()
	w.published()
	w.caughtUp(0)
	// The backup.
	mirrorDir := w.mirrors[0].dir.Path
	rest := func() {
		w.stop()
		w.stops[0]()
		w.operator.close(t)
		w.mirrors[0].close(t)
		w.at.let(nil)
		w.places[0].let(nil)
	}
	rest()
	oldOperator, oldMirror := copyOf(t, w.options.dir), copyOf(t, mirrorDir)
	// What happened after it.
	w.operate()
	w.mirror(0, kitOptions{dir: mirrorDir})
	client := w.client(w.places[0].url)
	w.heartbeat()
	w.published()
	view := w.operator.checkpoint.Load().Size
	client.accepts(t, view)
	before := client.get(t, "/api/cve/CVE-2024-9143")
	rest()
	// The backup comes back, and goes on.
	w.options.dir = oldOperator
	w.operate()
	w.mirror(0, kitOptions{dir: oldMirror})
	time.Sleep(5 * time.Millisecond) // so that the leaf cannot be the same
	w.heartbeat()
	w.heartbeat()
	w.published()
	hold := client.holds(t, continuity.HoldFork)

	if got := client.reading(t); got.Size != view || got.Evidence == 0 {
		t.Errorf("after %d: %+v", view, got)
	}
	r := client.ask("/api/cve/CVE-2024-9143")
	if r.Code != http.StatusOK || !bytes.Equal(r.Body.Bytes(), before) || r.Header().Get("Tasuki-Hold") != "fork" {
		t.Errorf("%d %v", r.Code, r.Header())
	}
	if page := client.ask("/"); !strings.Contains(page.Body.String(), "HOLD") || page.Header().Get("Tasuki-Hold") != "fork" {
		t.Errorf("no banner: %v", page.Header())
	}
	// The file is enough.
	file := client.get(t, "/evidence/"+hold.A)
	e, err := continuity.ParseEvidence(file)
	if err != nil {
		t.Fatal(err)
	}
	proven, err := continuity.Prove(client.chain, nil, e)
	if err != nil || !proven.Holds || !contains(proven.Facts, "m1.example/tasuki cosigned both") || !contains(proven.Facts, "no log that only grows has both") {
		t.Errorf("%+v, %v", proven, err)
	}
	for i := range e.Notes {
		bent := e
		bent.Notes = append([][]byte(nil), e.Notes...)
		bent.Notes[i] = bytes.Replace(e.Notes[i], []byte("\n"), []byte("\n1"), 1)
		if p, err := continuity.Prove(client.chain, nil, bent); err == nil && p.Holds {
			t.Errorf("with note %d bent it proves: %+v", i, p)
		}
	}
	// It stays so until somebody decides, and a decision that changes nothing ends where it began.
	if _, err := client.releaseHold(t.Context(), struct{}{}, nil); err != nil {
		t.Fatal(err)
	}
	client.holds(t, continuity.HoldFork)
	client.sound(t)
}

// What bears no quorum, or is smaller than the view, changes nothing: an operator alone can neither show something else nor go back.
func TestClientIgnoresWhatDoesNotCount(t *testing.T) {
	t.Parallel() // it waits more than it works
	w := newMirrored(t, 1, 1, kitOptions{}, nil, nil)
	w.work()
	w.published()
	w.caughtUp(0)
	// Between the client and everybody stands somebody.
	middle := newPlace(t)
	middle.let(w.operator)
	old := w.operator.checkpoint.Load().Note
	client := w.client(middle.url)
	w.heartbeat()
	w.published()
	view := w.operator.checkpoint.Load().Size
	client.accepts(t, view)
	// Everybody shows an older checkpoint.
	shows := func(note []byte) {
		for _, p := range []*place{middle, w.at, w.places[0]} {
			p.pass(func(rw http.ResponseWriter, r *http.Request, door http.Handler) {
				if r.URL.Path == "/checkpoint" {
					_, _ = rw.Write(note)
					return
				}
				door.ServeHTTP(rw, r)
			})
		}
	}
	shows(old)
	time.Sleep(time.Second)
	if got := client.reading(t); got.Size != view || got.Hold != nil || got.Lag != 0 || got.Evidence != 0 {
		t.Errorf("after an older one: %+v", got)
	}
	// The log goes on without its mirror.
	w.stops[0]()
	w.heartbeat()
	var pending []byte
	soon(t, time.Minute, func() string {
		r := w.operator.ask("/pending")
		pending = r.Body.Bytes()
		if n, err := c2sp.ParseNote(pending); err != nil || !strings.Contains(n.Text, "\n"+strconv.FormatInt(view+1, 10)+"\n") {
			return "nothing pending"
		}
		return ""
	})
	shows(pending)
	soon(t, time.Minute, func() string {
		if got := client.reading(t); !strings.Contains(got.Problem, "quorum") {
			return "not refused: " + got.Problem
		}
		return ""
	})
	if got := client.reading(t); got.Size != view || got.Hold != nil || got.Stored != view {
		t.Errorf("after one without a quorum: %+v", got)
	}
	// Somebody alters what is fetched.
	w.stops[0] = w.mirrors[0].run(t)
	w.published()
	for _, p := range []*place{middle, w.at, w.places[0]} {
		p.pass(func(rw http.ResponseWriter, r *http.Request, door http.Handler) {
			rec := httptest.NewRecorder()
			door.ServeHTTP(rec, r)
			body := rec.Body.Bytes()
			if strings.HasPrefix(r.URL.Path, "/tile/entries/") {
				body = bytes.Replace(body, []byte(`"kind"`), []byte(`"king"`), 1)
			}
			rw.WriteHeader(rec.Code)
			_, _ = rw.Write(body)
		})
	}
	soon(t, time.Minute, func() string {
		if got := client.reading(t); !strings.Contains(got.Problem, "cannot be used") {
			return "not refused: " + got.Problem
		}
		return ""
	})
	if got := client.reading(t); got.Size != view || got.Stored != view || got.Lag != 1 {
		t.Errorf("after altered leaves: %+v", got)
	}
	for _, p := range []*place{middle, w.at, w.places[0]} {
		p.pass(nil)
	}
	client.accepts(t, view+1)
}

// Two valid charters of one version: the client holds, shows both, serves on; its owner's policy or choice decides, and it goes on.
func TestClientHoldsAtSiblings(t *testing.T) {
	w := newMirrored(t, 1, 1, kitOptions{}, nil, nil)
	w.work()
	w.published()
	// Only the client hears of the conflict: the others would hold too.
	for _, p := range []*place{w.at, w.places[0]} {
		p.pass(func(rw http.ResponseWriter, r *http.Request, door http.Handler) {
			if r.Method == http.MethodPost && strings.HasPrefix(r.URL.Path, "/charter") {
				rw.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			door.ServeHTTP(rw, r)
		})
	}
	client := w.client(w.at.url)
	client.accepts(t, w.operator.checkpoint.Load().Size)
	board, err := charter.ReadBoardKey(filepath.Join(w.options.dir, boardKeyFile))
	if err != nil {
		t.Fatal(err)
	}
	var docs []*charter.Document
	for _, reason := range []string{"one", "the other"} {
		d, err := w.operator.chain.Amend(time.Now, func(c *charter.Charter) { c.Reason = reason })
		if err != nil {
			t.Fatal(err)
		}
		d.Sign(board.ID, board.Private)
		raw, err := d.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.follower.Offer(t.Context(), raw); err != nil {
			t.Fatal(err)
		}
		docs = append(docs, d)
	}
	hold := client.holds(t, continuity.HoldSiblings)
	if hold.A != docs[0].Hash() || hold.B != docs[1].Hash() {
		t.Errorf("%+v", hold)
	}
	for _, path := range []string{"/api/cve/CVE-2024-9143", "/health", "/checkpoint", "/", "/nowhere"} {
		if got := client.ask(path).Header().Get("Tasuki-Hold"); got != "siblings" {
			t.Errorf("%s: %q", path, got)
		}
	}
	if page := client.ask("/").Body.String(); !strings.Contains(page, "two successors") {
		t.Error("no banner")
	}
	if got, err := client.doctor(t.Context(), struct{}{}, nil); err != nil || !finds(got, levelFail, "hold") || !finds(got, levelWarn, "siblings") {
		t.Errorf("%+v, %v", got, err)
	}
	list, err := client.evidence(t.Context(), 10)
	if err != nil || len(list) != 1 {
		t.Fatalf("%+v, %v", list, err)
	}
	proven, err := continuity.Prove(client.chain, nil, list[0])
	if err != nil || !proven.Holds || !contains(proven.Facts, "seat "+board.ID+" of the board signed both") {
		t.Errorf("%+v, %v", proven, err)
	}
	// The list goes on without it.
	view := client.reading(t).Size
	w.heartbeat()
	w.published()
	time.Sleep(500 * time.Millisecond)
	if got := client.reading(t); got.Size != view {
		t.Errorf("it moved while it held: %+v", got)
	}
	if _, err := client.readerPolicy(t.Context(), policyRequest{Follow: []string{strings.Repeat("0", 64)}}, nil); !errors.Is(err, errElsewhere) {
		t.Errorf("a policy for another list: %v", err)
	}
	got, err := client.readerPolicy(t.Context(), policyRequest{OnConflict: "prefer " + docs[1].Hash()}, nil)
	if err != nil || got.Hold != "" || got.Hash != docs[1].Hash() {
		t.Fatalf("%+v, %v", got, err)
	}
	client.accepts(t, w.operator.checkpoint.Load().Size)
	if r := client.ask("/health"); r.Header().Get("Tasuki-Hold") != "" {
		t.Error("the header stays")
	}
	// Written down: the next start knows it.
	raw, err := os.ReadFile(filepath.Join(client.dir.Path, mirrorFile))
	if err != nil || !strings.Contains(string(raw), docs[1].Hash()) {
		t.Errorf("%s, %v", raw, err)
	}
}

func finds(a doctorAnswer, level, name string) bool {
	for _, f := range a.Findings {
		if f.Level == level && f.Name == name {
			return true
		}
	}
	return false
}

// A single proof counts only with the quorum of its charter, and says an index, not that nothing newer is known.
func TestClientChecksSingleProofs(t *testing.T) {
	w := newMirrored(t, 1, 1, kitOptions{}, func(k *kitNode) { k.bringSample(t) }, nil)
	w.work()
	w.published()
	w.caughtUp(0)
	var out, said bytes.Buffer
	p := &Program{Stdout: &out, Stderr: &said, Getenv: func(string) string { return "" }, Now: time.Now}
	check := ClientCheckCmd{ID: []string{"CVE-2024-9143"}, List: w.list(), From: w.places[0].url, AllowTest: AllowTest{true}}
	if err := check.Run(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if s := out.String(); !strings.Contains(s, ": logged at index ") || !strings.Contains(s, "with 1 of 1 mirrors") || !strings.Contains(s,
		"the record given is the same") ||
		strings.Contains(s+said.String(), "latest") {
		t.Errorf("%s\n%s", s, said.String())
	}
	// Without the mirror's line it proves nothing, to verify record neither.
	file := w.mirrors[0].get(t, "/proof/"+check.ID[0])
	var bare []byte
	for line := range strings.Lines(string(file)) {
		if !strings.HasPrefix(line, "— m1.example/tasuki ") {
			bare = append(bare, line...)
		}
	}
	if bytes.Equal(bare, file) {
		t.Fatal("the proof has no line of the mirror")
	}
	name := filepath.Join(t.TempDir(), "bare.tlog-proof")
	if err := os.WriteFile(name, bare, 0o600); err != nil {
		t.Fatal(err)
	}
	bareCheck := ClientCheckCmd{List: w.list(), Proof: []string{name}, AllowTest: AllowTest{true}}
	if err := bareCheck.Run(t.Context(), p); !errors.Is(err, continuity.ErrQuorum) {
		t.Errorf("without the quorum: %v", err)
	}
	if err := (&VerifyRecordCmd{File: name, ListID: w.list(), AllowTest: AllowTest{true}}).Run(p); !errors.Is(err, continuity.ErrQuorum) {
		t.Errorf("verify record without the quorum: %v", err)
	}
	check.List = strings.Repeat("0", 64)
	if err := check.Run(t.Context(), p); err == nil {
		t.Error("another list's proof counts")
	}
}

// The doctor finds nothing to fail where all is well, and says who is missing and which key lies open.
func TestDoctor(t *testing.T) {
	w := newMirrored(t, 2, 2, kitOptions{}, nil, nil)
	w.work()
	w.published()
	w.caughtUp(0)
	w.caughtUp(1)
	for _, k := range []*kitNode{w.operator, w.mirrors[0]} {
		got, err := k.doctor(t.Context(), struct{}{}, nil)
		if err != nil || got.count(levelFail) > 0 || !finds(got, levelOK, "mirror") || !finds(got, levelOK, "keys") {
			t.Errorf("%+v, %v", got, err)
		}
	}
	w.stops[1]()
	w.places[1].let(nil)
	w.heartbeat()
	if err := os.Chmod(w.keyFiles[0], 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := w.operator.doctor(t.Context(), struct{}{}, nil)
	if err != nil || !finds(got, levelFail, "mirror") || !finds(got, levelOK, "mirror") {
		t.Errorf("a mirror is away: %+v, %v", got, err)
	}
	if got, err = w.mirrors[0].doctor(t.Context(), struct{}{}, nil); err != nil || !windowsModes && !finds(got, levelFail, "keys") {
		t.Errorf("a key that all may read: %+v, %v", got, err)
	}
}
