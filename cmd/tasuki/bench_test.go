package main

import (
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tasuki/internal/loadtest"
)

// The benchmarks of this package are the budgets of docs/performance.md. They run the program on the real archives, which lie
// beside the checkout and not in it, and skip without them. Each prints its figure next to a floor that was measured in the
// same run, for figures without one say more about the machine than about the program.

var benchKeep = flag.String("bench.keep", "", "directory for stores and archives that benchmarks make and that later runs may use again")

// processor is the processor time that this process has used.
func processor() (user, system time.Duration) { return loadtest.Processor() }

// sharedData finds a real archive, or skips.
func sharedData(tb testing.TB, name string) string {
	tb.Helper()
	dir, err := os.Getwd()
	if err != nil {
		tb.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
	}
	path := filepath.Join(dir, "..", "shared", "data", filepath.FromSlash(name))
	if _, err := os.Stat(path); err != nil {
		tb.Skipf("the archive %s is not beside this checkout", name)
	}
	return path
}

// theList is the archive of 42,107 real records.
func theList(tb testing.TB) string { return sharedData(tb, "cvelist/vulnrichment-cve5.zip") }

// benchNode opens a node in this process, as serve does, on the store in dir.
func benchNode(tb testing.TB, dir string) *node {
	tb.Helper()
	held, err := openDataDir(dir, true)
	if err != nil {
		tb.Fatal(err)
	}
	c := defaultConfig()
	c.Data = dir
	n, err := openNode(context.Background(), Setup{Config: c, Dir: held, Create: true, Log: slog.New(slog.DiscardHandler), Now: time.Now, Rand: rand.Reader})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := n.Close(); err != nil {
			tb.Error(err)
		}
		if err := held.Close(); err != nil {
			tb.Error(err)
		}
	})
	return n
}

// running lets the node do its own work (sign, follow) until the end of the test.
func (n *node) running(tb testing.TB) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	tb.Cleanup(func() {
		cancel()
		if err := <-done; err != nil && ctx.Err() == nil {
			tb.Error(err)
		}
	})
}

// self is a command line of the real program, as a process of its own. See TestMain.
func self(tb testing.TB, name string, args ...string) *exec.Cmd {
	tb.Helper()
	exe, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	link := filepath.Join(tb.TempDir(), name)
	if err := os.Symlink(exe, link); err != nil {
		tb.Skipf("no symbolic links here: %v", err)
	}
	cmd := exec.Command(link, args...)
	cmd.Stderr = os.Stderr
	return cmd
}

// seconds formats a duration for a report.
func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

// table prints rows of cells in columns. It goes past testing's own log, which cuts what a benchmark says after ten lines.
func table(tb testing.TB, rows ...[]string) {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s", tb.Name())
	width := map[int]int{}
	for _, r := range rows {
		for i, c := range r {
			width[i] = max(width[i], len([]rune(c)))
		}
	}
	for _, r := range rows {
		b.WriteByte('\n')
		for i, c := range r {
			fmt.Fprintf(&b, "%s%s  ", c, strings.Repeat(" ", width[i]-len([]rune(c))))
		}
	}
	fmt.Println(b.String())
}
