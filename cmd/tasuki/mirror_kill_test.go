package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"io"
	"math/big"
	mrand "math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tasuki/internal/authority"
	"tasuki/internal/charter"
	"tasuki/internal/event"
	"tasuki/internal/gate"
	"tasuki/internal/ledger"
	"tasuki/internal/store"
)

var mirrorKills = flag.Int("mirror.kills", 0, "how often TestMirrorIsKilled kills a mirror (0: a few)")

// A mirror that is killed at any moment, while its source sends it something wrong now and then, holds a prefix of the log, whole and proven, goes on there,
// and at no time serves a byte that is not the operator's.
func TestMirrorIsKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes and kills them")
	}
	times := *mirrorKills
	if times == 0 {
		times = 4
	}
	origin := openKit(t, kitOptions{level: "error"})
	origin.bringSample(t)
	grow := func(n int) {
		if err := origin.gate.Do(t.Context(), operator("test"), gate.Command{Action: authority.Act, Decide: func(ctx context.Context, turn *gate.Turn) error {
			for range n {
				if _, err := turn.Emit(ctx, &event.Event{Kind: event.Heartbeat}, nil); err != nil {
					return err
				}
			}
			return nil
		}}); err != nil {
			t.Fatal(err)
		}
		if _, err := origin.signed(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	grow(2500)
	at, damaged := newPlace(t), new(atomic.Int64)
	at.let(origin)
	at.pass(faulty(damaged))

	private, err := charter.NewKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(t.TempDir(), "mirror.key")
	if err := (&charter.RoleKey{Role: charter.RoleMirror, Name: "m.example/k", Private: private}).WriteFile(key); err != nil {
		t.Fatal(err)
	}
	var asked, whole int
	dir := filepath.Join(t.TempDir(), "mirror")
	for n := range times {
		if whole > 0 && n%10 == 0 { // it had caught up: something new, or everything anew
			grow(300)
			whole = 0
			if n%20 == 0 {
				dir = filepath.Join(t.TempDir(), fmt.Sprint("mirror", n))
				if err := os.Remove(key + ".store"); err != nil { // the key of another store, which forgot nothing
					t.Fatal(err)
				}
			}
		}
		cmd := self(t, "tasuki", "mirror", "follow", at.url, "--list", origin.chain.ListID(), "--key", key, "--data", dir, "--listen", "127.0.0.1:0", "--log-level", "error")
		cmd.Stderr = io.Discard
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		url := make(chan string, 1)
		go func() {
			line, _ := bufio.NewReader(out).ReadString('\n')
			url <- strings.TrimSpace(line)
		}()
		left, err := rand.Int(rand.Reader, big.NewInt(1200))
		if err != nil {
			t.Fatal(err)
		}
		end := time.After(time.Duration(left.Int64()+int64(n%3)*300) * time.Millisecond)
		base := ""
	watching:
		for {
			select {
			case base = <-url:
			case <-end:
				break watching
			case <-time.After(30 * time.Millisecond):
				if base != "" && truthful(t, base, origin) {
					asked++
				}
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it was killed
		if prefixOfList(t, dir, origin) {
			whole++
		}
	}
	// Left alone, it comes to the end.
	at.pass(nil)
	list, err := os.ReadFile(filepath.Join(dir, mirrorFile))
	if err != nil || !bytes.Contains(list, []byte(origin.chain.ListID())) {
		t.Fatalf("its mark: %s (%v)", list, err)
	}
	k := openKit(t, kitOptions{dir: dir, level: "error"}) // as tasuki serve does: follow and serve
	k.run(t)
	want, err := origin.continuity.Stored(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	soon(t, time.Minute, func() string {
		if got, err := k.continuity.Stored(t.Context()); err != nil || got != want {
			return fmt.Sprintf("it does not come to the end: %+v", k.follower.State())
		}
		return ""
	})
	k.sound(t)
	t.Logf("killed %d times, %d answers compared meanwhile, %d answers of its source were damaged", times, asked, damaged.Load())
	if damaged.Load() == 0 {
		t.Error("nothing was damaged on its way")
	}
}

// faulty slows answers down, and damages every seventh that carries the log: a byte is changed, or the end is missing.
func faulty(count *atomic.Int64) func(http.ResponseWriter, *http.Request, http.Handler) {
	var n atomic.Int64
	return func(w http.ResponseWriter, r *http.Request, door http.Handler) {
		if !strings.HasPrefix(r.URL.Path, "/bodies/") && !strings.HasPrefix(r.URL.Path, "/tile/") {
			door.ServeHTTP(w, r)
			return
		}
		time.Sleep(time.Duration(mrand.IntN(40)) * time.Millisecond)
		r.Header.Del("Accept-Encoding")
		rec := httptest.NewRecorder()
		door.ServeHTTP(rec, r)
		body := rec.Body.Bytes()
		if n.Add(1)%7 == 0 && len(body) > 0 && rec.Code == http.StatusOK {
			count.Add(1)
			if mrand.IntN(2) == 0 {
				body = body[:mrand.IntN(len(body))]
			} else {
				body[mrand.IntN(len(body))] ^= 1 << mrand.IntN(8)
			}
		}
		for name, v := range rec.Header() {
			if name != "Content-Length" {
				w.Header()[name] = v
			}
		}
		w.WriteHeader(rec.Code)
		_, _ = w.Write(body) // a mirror that was killed
	}
}

// truthful compares what a running mirror answers with the operator; false where it has nothing yet.
func truthful(t *testing.T, base string, origin *kitNode) bool {
	t.Helper()
	any := false
	for _, path := range []string{"/checkpoint", "/tile/entries/001", "/bodies/001", "/tile/0/002", "/api/cve/CVE-2024-27198", "/api/cve/CVE-2017-5638"} {
		resp, err := http.Get(base + path)
		if err != nil {
			continue // it is being killed
		}
		got, err := io.ReadAll(resp.Body)
		resp.Body.Close() //nolint:errcheck // read to its end
		if err != nil || resp.StatusCode != http.StatusOK {
			continue
		}
		if want := origin.ask(path); !bytes.Equal(got, want.Body.Bytes()) && path != "/checkpoint" {
			t.Errorf("%s: %.200q, the operator says %.200q", path, got, want.Body)
		}
		any = true
	}
	return any
}

// prefixOfList checks what a killed mirror left: its tree is one that the operator's grew from, with all that stands in it. It says whether that is
// everything.
func prefixOfList(t *testing.T, dir string, origin *kitNode) bool {
	t.Helper()
	file := filepath.Join(dir, "tasuki.db")
	if _, err := os.Stat(file); err != nil {
		return false // killed before there was a store
	}
	db, err := store.Open(t.Context(), file, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // the mirror that opens it next would say
	if err := migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	var head ledger.Head
	l := ledger.New(db)
	err = db.View(t.Context(), func(tx *store.Tx) (err error) {
		if head, err = l.Head(t.Context(), tx); err != nil {
			return err
		}
		return l.Fsck(t.Context(), tx, ledger.FsckOptions{Read: meaning}, func(p ledger.Problem) { t.Errorf("after a kill: %s", p) })
	})
	if err != nil {
		t.Fatal(err)
	}
	want, err := origin.continuity.RootAt(t.Context(), head.Size)
	if err != nil || want != head.Root() {
		t.Fatalf("its %d leaves are not the operator's first (%v)", head.Size, err)
	}
	size, err := origin.size(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return head.Size == size
}
