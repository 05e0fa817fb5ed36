package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"
)

// log is a Reporter that remembers.
type newsLog struct{ lines []string }

func (l *newsLog) Progress(p Progress) { l.lines = append(l.lines, fmt.Sprint("progress ", p.Done)) }
func (l *newsLog) Step(text string)    { l.lines = append(l.lines, "step "+text) }
func (l *newsLog) Item(i Item)         { l.lines = append(l.lines, "item "+i.Name) }

// running is a process that holds a data directory with the fake node in it, as seen by another process.
func running(t *testing.T, n *fakeNode) (p *Program, s *Settings, other *session) {
	t.Helper()
	p = testProgram(n)
	s = &Settings{Config: defaultConfig(), From: map[string]string{}}
	s.Data = filepath.Join(t.TempDir(), "data")
	s.Log.Level = "error"
	holder, err := p.session(t.Context(), s, access{Create: true, Host: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := holder.Close(); err != nil {
			t.Error(err)
		}
	})
	// The lock is per open file, so the second opening in this process meets it as another process would.
	if other, err = p.session(t.Context(), s, access{}); err != nil {
		t.Fatal(err)
	}
	if other.node != nil {
		t.Fatal("the second session opened the directory instead of joining")
	}
	return p, s, other
}

func testProgram(n *fakeNode) *Program {
	return &Program{
		Stdin: strings.NewReader(""), Stdout: new(strings.Builder), Stderr: new(strings.Builder),
		Getenv: func(string) string { return "" }, Now: time.Now, Rand: strings.NewReader(strings.Repeat("dice", 10000)),
		Backend: Backend{Open: func(context.Context, Setup) (Node, error) { return n, nil }},
	}
}

func TestJobThroughTheSocket(t *testing.T) {
	_, _, x := running(t, new(fakeNode))
	news := new(newsLog)
	got, err := x.jobs.Import(t.Context(), ImportRequest{Paths: []string{"-"}}, strings.NewReader("one\ntwo\nthree\n"), news)
	if err != nil {
		t.Fatal(err)
	}
	if got.Files != 3 || got.Added != 2 || got.Refused != 1 {
		t.Errorf("summary %+v", got)
	}
	if want := []string{"progress 1", "item a/b.json", "step read standard input"}; !reflect.DeepEqual(news.lines, want) {
		t.Errorf("news %q, want %q", news.lines, want)
	}
	if _, err := x.jobs.Sync(t.Context(), SyncRequest{}, news); err == nil || err.Error() != "cvelist: the source is away" {
		t.Errorf("an error came through as %v", err)
	}
}

func TestInterruptedJobStillSaysWhatWasDone(t *testing.T) {
	n := &fakeNode{started: make(chan string, 1)}
	_, _, x := running(t, n)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-n.started; cancel() }()
	got, err := x.jobs.Import(ctx, ImportRequest{Paths: []string{"forever"}}, nil, new(newsLog))
	if !errors.Is(err, context.Canceled) || got.Added != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestSocketIsPrivate(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("permissions are the directory's on Windows")
	}
	_, s, _ := running(t, new(fakeNode))
	info, err := os.Stat(filepath.Join(s.Data, socketName))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

func TestSocketInADirectoryWithALongName(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("long/", 30))
	d, err := openDataDir(dir, true)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	ln, err := listenSocket(d)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		if c, err := ln.Accept(); err == nil {
			c.Close()
		}
	}()
	if _, err := dialSocket(d.Path).Get("http://tasuki/"); err == nil || strings.Contains(err.Error(), "dial") {
		t.Errorf("the socket cannot be reached: %v", err)
	}
}

func TestReadingCommandsHaveOnePath(t *testing.T) {
	n := new(fakeNode).space("/api/v1/stats", "application/json", `{"records":{"published":42107,"rejected":3},"list":"9c1f"}`)
	p, s, joined := running(t, n)
	_ = joined
	if err := new(StatsCmd).Run(t.Context(), p, s); err != nil {
		t.Fatal(err)
	}
	want := "WHAT               VALUE\nrecords published  42,107\nrecords rejected   3\nlist               9c1f\n"
	if got := p.Stdout.(*strings.Builder).String(); got != want {
		t.Errorf("through the socket:\n%s\nwant:\n%s", got, want)
	}

	p = testProgram(n)
	s.Data = filepath.Join(t.TempDir(), "alone")
	if err := new(StatsCmd).Run(t.Context(), p, s); !errors.Is(err, ErrNoData) {
		t.Errorf("reading nothing: %v", err)
	}
	d, err := openDataDir(s.Data, true)
	if err != nil {
		t.Fatal(err)
	}
	d.Close()
	if err := new(StatsCmd).Run(t.Context(), p, s); err != nil {
		t.Fatal(err)
	}
	if got := p.Stdout.(*strings.Builder).String(); got != want {
		t.Errorf("in process:\n%s\nwant:\n%s", got, want)
	}
	if err := (&ShowCmd{ID: "CVE-2024-1234"}).Run(t.Context(), p, s); !errors.Is(err, errNotFound) {
		t.Errorf("asking for what is not served: %v", err)
	}
}

// A reply that breaks off must not look complete, in process as over a network.
func TestBrokenReplyInProcess(t *testing.T) {
	n := new(fakeNode)
	n.space("/api/v1/export", "application/x-ndjson", "{\"id\":\"CVE-2024-0001\"}\n{\"id\":")
	p, s, _ := running(t, n)
	s.Data = filepath.Join(t.TempDir(), "x")
	d, err := openDataDir(s.Data, true)
	if err != nil {
		t.Fatal(err)
	}
	d.Close()
	out := filepath.Join(t.TempDir(), "out.jsonl")
	if err := (&ExportCmd{File: out}).Run(t.Context(), p, s); err == nil {
		t.Error("half a line was exported without a word")
	}
	if left, _ := filepath.Glob(out + "*"); len(left) > 0 {
		t.Errorf("a failed export left %v", left)
	}
}
