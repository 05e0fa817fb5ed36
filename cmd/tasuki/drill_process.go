package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// drillCrew is the processes that a drill has started and not ended yet.
type drillCrew struct {
	mu      sync.Mutex
	running map[*drillProcess]bool
	closed  bool
}

// drillProcess is one process of this very program.
type drillProcess struct {
	name string
	cmd  *exec.Cmd
	done chan struct{}
}

// patience of a drill with its processes: the machine may be busy with other things. What is timed is timed, not limited.
const (
	drillStart = 90 * time.Second
	drillStep  = 120 * time.Second
)

// environment of a process: none of our own settings.
func drillEnv() (env []string) {
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "TASUKI_") {
			env = append(env, v)
		}
	}
	return append(env, "NO_COLOR=1", "LANG=C.UTF-8")
}

// command is this program with other arguments. It is called by its name, whatever the file is called.
func (d *drill) command(args ...string) *exec.Cmd {
	return &exec.Cmd{Path: d.exe, Args: append([]string{"tasuki"}, args...), Env: drillEnv(), Dir: d.dir}
}

// start starts a server and waits until it says where it is.
func (d *drill) start(ctx context.Context, name string, args ...string) (*drillProcess, error) {
	out, err := os.Create(d.path(name + ".out"))
	if err != nil {
		return nil, err
	}
	defer out.Close() //nolint:errcheck // the process has its own
	log, err := os.OpenFile(d.path(name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close() //nolint:errcheck // as above
	cmd := d.command(args...)
	cmd.Stdout, cmd.Stderr = out, log
	p := &drillProcess{name: name, cmd: cmd, done: make(chan struct{})}
	d.drillCrew.mu.Lock()
	if d.closed {
		err = context.Canceled
	} else if err = cmd.Start(); err == nil {
		d.running[p] = true
	}
	d.drillCrew.mu.Unlock()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		_ = cmd.Wait() // how it ended is in its log
		d.drillCrew.mu.Lock()
		delete(d.running, p)
		d.drillCrew.mu.Unlock()
		close(p.done)
	}()
	return p, d.until(ctx, drillStart, name+" does not start", func() (bool, error) {
		select {
		case <-p.done:
			return false, fmt.Errorf("%s ended: %s", name, d.lastWords(name))
		default:
		}
		said, err := os.ReadFile(out.Name())
		return bytes.HasPrefix(said, []byte("http")) && bytes.Contains(said, []byte("\n")), err
	})
}

// lastWords are the last lines of a process's log.
func (d *drill) lastWords(name string) string {
	raw, _ := os.ReadFile(d.path(name + ".log")) // nothing to say is said as nothing
	return string(raw[max(0, len(raw)-600):])
}

// kill ends a process as a power cut would.
func (p *drillProcess) kill() {
	_ = p.cmd.Process.Kill() // it may have ended by itself
	<-p.done
}

// stop asks a process to end.
func (p *drillProcess) stop() {
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		p.kill() // it has ended, or there is no such signal here
		return
	}
	select {
	case <-p.done:
	case <-time.After(drillEnd):
		p.kill()
	}
}

// drillEnd is how long a server may take to end.
const drillEnd = 30 * time.Second

// endAll ends every process that still runs. Nothing starts afterwards.
func (d *drill) endAll() {
	d.drillCrew.mu.Lock()
	d.closed = true
	var left []*drillProcess
	for p := range d.running {
		left = append(left, p)
	}
	d.drillCrew.mu.Unlock()
	for _, p := range left {
		p.kill()
	}
}

// errDrillCommand is a command that failed, with what it said.
type errDrillCommand struct {
	args   []string
	stderr string
	err    error
}

func (e *errDrillCommand) Error() string {
	return fmt.Sprintf("tasuki %s: %v: %s", strings.Join(e.args, " "), e.err, strings.TrimSpace(e.stderr[max(0, len(e.stderr)-800):]))
}

func (e *errDrillCommand) Unwrap() error { return e.err }

// tasuki runs a command to its end as a process of its own and returns what it printed, also when it failed.
func (d *drill) tasuki(ctx context.Context, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, drillStep)
	defer cancel()
	cmd := d.command(args...)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Start(); err != nil {
		return "", err
	}
	end := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() }) // it may have ended
	defer end()
	if err := cmd.Wait(); err != nil {
		return out.String(), &errDrillCommand{args, said.String(), errors.Join(err, ctx.Err())}
	}
	return out.String(), nil
}

// here runs a command in this process: what members of the board do at home, which takes part in nothing.
func (d *drill) here(ctx context.Context, args ...string) (string, error) {
	var out, said bytes.Buffer
	p := &Program{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &said, Getenv: func(string) string { return "" }, Now: d.program.Now,
		Rand: d.program.Rand, Backend: d.program.Backend}
	if code := p.Run(ctx, args); code != 0 {
		return out.String(), &errDrillCommand{args, said.String(), exitError{code}}
	}
	return out.String(), nil
}

// path is a file of the drill's directory.
func (d *drill) path(name string) string { return filepath.Join(d.dir, name) }

// until asks again and again until something is so.
func (d *drill) until(ctx context.Context, limit time.Duration, what string, so func() (bool, error)) error {
	for end := wallClock().Add(limit); ; {
		ok, err := so()
		if err != nil || ok {
			return err
		}
		if wallClock().After(end) {
			return fmt.Errorf("%s within %v", what, limit)
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
}

// dice are what is left to chance, for one who throws them: the same in every drill of the seed.
func (d *drill) dice(who string) *rand.Rand {
	h := fnv.New64a()
	_, _ = io.WriteString(h, who) // never fails
	return rand.New(rand.NewPCG(d.seed, h.Sum64()))
}

// goesOn lets some time pass, and says whether the drill has neither asked for the end nor been interrupted meanwhile.
func goesOn(ctx context.Context, end <-chan struct{}, d time.Duration) bool {
	select {
	case <-end:
		return false
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// wallClock is the time by which processes are waited for and steps are measured.
func wallClock() time.Time { return time.Now() } //nolint:forbidigo // real processes know no other clock

// freeAddress is an address on loopback that nobody has at this moment.
func freeAddress() (string, error) {
	ln, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return ln.Addr().String(), ln.Close()
}

// copyDrillDir copies the plain files of a directory: sockets and locks of its process mean nothing elsewhere.
func copyDrillDir(from, to string) error {
	return filepath.WalkDir(from, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		switch at := filepath.Join(to, rel); {
		case e.IsDir():
			return os.MkdirAll(at, 0o700)
		case e.Type().IsRegular():
			return copyDrillFile(name, at)
		}
		return nil
	})
}

func copyDrillFile(from, to string) error {
	raw, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, raw, 0o600)
}
