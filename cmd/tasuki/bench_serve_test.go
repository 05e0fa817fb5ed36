package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
)

// benchServe is the program under load: "tasuki serve", and beside it on a port of its own a handler that does nothing, for the
// floor, and the profiler.
func benchServe() {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/empty", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/heap", pprof.Handler("heap").ServeHTTP)
	go http.Serve(ln, mux) //nolint:errcheck // ends with the process
	fmt.Printf("http://%s\n", ln.Addr())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	p := &Program{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv, Now: time.Now, Rand: rand.Reader, Backend: backend()}
	if code := p.Run(ctx, append([]string{"serve", "--listen", "127.0.0.1:0", "--log-level", "warn"}, os.Args[1:]...)); code != 0 {
		os.Exit(code)
	}
}

// served is a node under load.
type served struct {
	cmd    *exec.Cmd
	began  time.Time
	base   string // of the node
	beside string // of the empty handler
}

// serveUnderLoad starts a node on the store in dir and returns once it listens.
func serveUnderLoad(tb testing.TB, dir string) *served {
	tb.Helper()
	s := &served{cmd: self(tb, "tasuki-under-load", "--data", dir)}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	s.began = time.Now()
	if err := s.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { s.stop(tb) })
	lines := bufio.NewReader(out)
	for _, to := range []*string{&s.beside, &s.base} {
		line, err := lines.ReadString('\n')
		if err != nil {
			tb.Fatalf("the node under load did not start: %v", err)
		}
		*to = strings.TrimSpace(line)
	}
	go io.Copy(io.Discard, lines) //nolint:errcheck // whatever it still says
	return s
}

func (s *served) stop(tb testing.TB) {
	if s.cmd.ProcessState != nil {
		return
	}
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		tb.Error(err)
	}
	if err := s.cmd.Wait(); err != nil {
		tb.Error(err)
	}
}

// warm waits until searches are answered and returns how long after the start that was.
func (s *served) warm(tb testing.TB) time.Duration {
	tb.Helper()
	for time.Since(s.began) < 5*time.Minute {
		if s.health(tb).Index.Warm {
			return time.Since(s.began)
		}
		time.Sleep(10 * time.Millisecond)
	}
	tb.Fatal("the index does not get warm")
	return 0
}

func (s *served) health(tb testing.TB) condition {
	tb.Helper()
	resp, err := http.Get(s.base + "/health")
	if err != nil {
		tb.Fatal(err)
	}
	defer resp.Body.Close()
	var c condition
	if err := json.UnmarshalRead(resp.Body, &c); err != nil {
		tb.Fatal(err)
	}
	return c
}

// used is what /proc says of the node: processor time since its start, resident memory now and at its peak.
func (s *served) used() (busy time.Duration, rss, peak int64) {
	dir := filepath.Join("/proc", strconv.Itoa(s.cmd.Process.Pid))
	if raw, err := os.ReadFile(filepath.Join(dir, "stat")); err == nil {
		f := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+2:]))
		const ticks = 100 // per second, on every Linux that we know
		u, _ := strconv.Atoi(f[11])
		k, _ := strconv.Atoi(f[12])
		busy = time.Duration(u+k) * time.Second / ticks
	}
	if raw, err := os.ReadFile(filepath.Join(dir, "status")); err == nil {
		for line := range strings.Lines(string(raw)) {
			f := strings.Fields(line)
			if len(f) == 3 && f[2] == "kB" {
				kB, _ := strconv.ParseInt(f[1], 10, 64)
				switch f[0] {
				case "VmRSS:":
					rss = kB << 10
				case "VmHWM:":
					peak = kB << 10
				}
			}
		}
	}
	return busy, rss, peak
}

// memory says what the resident set is made of.
func (s *served) memory() string {
	raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(s.cmd.Process.Pid), "status"))
	if err != nil {
		return "unknown"
	}
	var out []string
	for line := range strings.Lines(string(raw)) {
		f := strings.Fields(line)
		if len(f) == 3 && (f[0] == "VmRSS:" || f[0] == "RssAnon:" || f[0] == "RssFile:") {
			kB, _ := strconv.ParseInt(f[1], 10, 64)
			out = append(out, fmt.Sprintf("%s %d MB", strings.TrimSuffix(f[0], ":"), kB<<10/1e6))
		}
	}
	return strings.Join(out, ", ")
}

// profile writes a processor profile of the next seconds to where -bench.keep says, in the background.
func (s *served) profile(tb testing.TB, name string, d time.Duration) {
	if *benchKeep == "" {
		return
	}
	go func() {
		resp, err := http.Get(fmt.Sprintf("%s/debug/pprof/profile?seconds=%d", s.beside, int(d.Seconds())))
		if err != nil {
			return
		}
		defer resp.Body.Close()
		if f, err := os.Create(filepath.Join(*benchKeep, name+".pprof")); err == nil {
			io.Copy(f, resp.Body) //nolint:errcheck // a profile more or less
			f.Close()
		}
	}()
}

// realStore is a data directory with the real archive and the Japanese records in it; the caller may not write to it.
func realStore(tb testing.TB) string {
	tb.Helper()
	list := theList(tb)
	japanese := japaneseRecords(tb)
	return kept(tb, "store-42k", func(dir string) error {
		if err := importInto(tb, dir, nil, list); err != nil {
			return err
		}
		return importInto(tb, dir, japanese, "-")
	})
}

// largeStore holds some 400,000 records: the real ones and nine times their likes.
func largeStore(tb testing.TB) string {
	tb.Helper()
	list, more := theList(tb), synthetic(tb, 1, 9)
	return kept(tb, "store-400k", func(dir string) error { return importInto(tb, dir, nil, list, more) })
}

func importInto(tb testing.TB, dir string, stdin []byte, paths ...string) error {
	cmd := self(tb, "tasuki", append([]string{"import", "cvelist", "--data", dir}, paths...)...)
	if stdin != nil {
		cmd.Stdin = strings.NewReader(string(stdin))
	}
	out, err := cmd.Output()
	fmt.Printf("%s", out)
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == exitSomeRefused {
		return nil
	}
	return err
}

// copyStore is a copy to write to.
func copyStore(tb testing.TB, dir string) string {
	tb.Helper()
	to := filepath.Join(tb.TempDir(), "data")
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		tb.Fatal(err)
	}
	if err := os.Chmod(to, 0o700); err != nil {
		tb.Fatal(err)
	}
	return to
}
