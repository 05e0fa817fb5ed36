// Package interop holds Tasuki against stock tools of the transparency world. It is a module of its own, so that their
// dependencies are not the product's; it knows Tasuki only as a program and by what that serves.
package interop_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// binary builds the program once.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "tasuki-interop-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "tasuki")
	build := exec.Command("go", "build", "-o", path, "./cmd/tasuki")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := binary(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// tasuki is the program with arguments, in a folder of its own.
func tasuki(ctx context.Context, t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = t.TempDir()
	return cmd
}

// start runs a serving program until the test ends and returns the address that it prints.
func start(t *testing.T, args ...string) string {
	t.Helper()
	return serve(t, args...).url
}

// server is a serving program.
type server struct {
	url  string
	said *said
	stop func() // ends the program, once
}

// said is what a program writes while it is being read.
type said struct {
	mu   sync.Mutex
	text []byte
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text = append(s.text, p...)
	return len(p), nil
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.text)
}

// serve runs a serving program until it is stopped or the test ends.
func serve(t *testing.T, args ...string) *server {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := tasuki(ctx, t, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 20 * time.Second
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	s := &server{said: &said{}}
	cmd.Stderr = s.said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.stop = sync.OnceFunc(func() {
		cancel()
		_ = cmd.Wait() // ended by us
	})
	t.Cleanup(func() {
		s.stop()
		if t.Failed() {
			t.Logf("the program said:\n%s", s.said)
		}
	})
	first := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if strings.HasPrefix(lines.Text(), "http://") {
				first <- lines.Text()
				break
			}
		}
		close(first)
		_, _ = io.Copy(io.Discard, out)
	}()
	select {
	case url, ok := <-first:
		if !ok {
			t.Fatal("the program ended before it said where it listens")
		}
		s.url = url
	case <-time.After(2 * time.Minute):
		t.Fatal("the program does not say where it listens")
	}
	return s
}

// run runs a program that ends by itself and returns the first line that it prints.
func run(t *testing.T, args ...string) string {
	t.Helper()
	cmd := tasuki(t.Context(), t, args...)
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tasuki %s: %v\n%s%s", strings.Join(args, " "), err, out, complaints.String())
	}
	first, _, _ := strings.Cut(string(out), "\n")
	return first
}

func get(t *testing.T, url string) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v %.300s", url, res.Status, err, raw)
	}
	return raw
}

// logOf derives the newest charter's origin and verifier key as the protocol's text says, from the served documents alone.
func logOf(t *testing.T, url string) (origin string, v note.Verifier) {
	t.Helper()
	var list struct{ Charters []string }
	if err := json.Unmarshal(get(t, url+"/charter/"), &list); err != nil || len(list.Charters) == 0 {
		t.Fatalf("%v: no charters", err)
	}
	var id string
	for i, path := range list.Charters {
		var doc struct{ Signed json.RawMessage }
		var signed struct {
			Operator struct {
				Slug, Ed25519 string
				Epoch         int64
			}
		}
		if err := json.Unmarshal(get(t, url+path), &doc); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(doc.Signed, &signed); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			sum := sha256.Sum256(doc.Signed)
			id = hex.EncodeToString(sum[:])
		}
		key, err := base64.StdEncoding.DecodeString(signed.Operator.Ed25519)
		if err != nil {
			t.Fatal(err)
		}
		origin = fmt.Sprintf("tasuki/%s/%d-%s", id[:16], signed.Operator.Epoch, signed.Operator.Slug)
		vkey, err := note.NewEd25519VerifierKey(origin, key)
		if err != nil {
			t.Fatal(err)
		}
		if v, err = note.NewVerifier(vkey); err != nil {
			t.Fatal(err)
		}
	}
	return origin, v
}
