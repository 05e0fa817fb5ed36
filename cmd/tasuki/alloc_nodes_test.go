package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// An allocNode is a node in a process of its own, which is killed and started again on the same directory and address.
type allocNode struct {
	dir, store, addr string

	mu    sync.Mutex
	cmd   *exec.Cmd
	log   *os.File
	tries int
}

// newAllocNode takes an address; nothing runs yet.
func newAllocNode(t *testing.T, dir, store string) *allocNode {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &allocNode{dir: dir, store: store, addr: ln.Addr().String()}
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	if n.log, err = os.Create(filepath.Join(t.TempDir(), "log")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		n.kill()
		if raw, err := os.ReadFile(n.log.Name()); t.Failed() && err == nil {
			t.Logf("the end of what the node at %s said after %d starts:\n%s", n.addr, n.tries, raw[max(0, len(raw)-4000):])
		}
		_ = n.log.Close() // what it held was read
	})
	return n
}

// begin runs "tasuki serve".
func (n *allocNode) begin() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self)
	cmd.Args = []string{"tasuki", "serve", "--data", n.dir, "--listen", n.addr}
	cmd.Env = append(os.Environ(), "TASUKI_STORE="+n.store)
	cmd.Stdout, cmd.Stderr = n.log, n.log
	if err := cmd.Start(); err != nil {
		return err
	}
	n.mu.Lock()
	n.cmd = cmd
	n.tries++
	n.mu.Unlock()
	return nil
}

// ready returns when the node answers.
func (n *allocNode) ready() error {
	for until := time.Now().Add(90 * time.Second); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
		if resp, err := http.Get("http://" + n.addr + "/healthz"); err == nil {
			_ = resp.Body.Close() // nothing was read
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
	}
	return fmt.Errorf("the node at %s is not ready after a minute and a half", n.addr)
}

// kill ends the process as a power switch would.
func (n *allocNode) kill() {
	n.mu.Lock()
	cmd := n.cmd
	n.cmd = nil
	n.mu.Unlock()
	if cmd != nil {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()         // "killed"
	}
}

// stop lets the node end in peace.
func (n *allocNode) stop() error {
	n.mu.Lock()
	cmd := n.cmd
	n.cmd = nil
	n.mu.Unlock()
	if cmd == nil {
		return errors.New("the node does not run")
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })()
	return errors.Join(cmd.Process.Signal(syscall.SIGTERM), cmd.Wait())
}
