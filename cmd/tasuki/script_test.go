package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "rewrite the expected output in testdata/*.txtar")

// The scripts run this test binary as the program: a command in a script is a process of its own.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"tasuki": main, crashWorkerName: crashWorker, "tasuki-under-load": benchServe})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("NO_COLOR", "1")
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("TMPDIR", env.WorkDir)
			env.Setenv("YEAR", time.Now().UTC().Format("2006"))
			// A port that was free a moment ago; nothing else on this machine asks for it by number.
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			env.Setenv("ADDR", ln.Addr().String())
			side, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return errors.Join(err, ln.Close())
			}
			env.Setenv("SIDE", side.Addr().String()) // for a second server
			return errors.Join(ln.Close(), side.Close())
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"get": scriptGet, "fetch": scriptFetch, "ready": scriptReady, "await": scriptAwait, "keep": scriptKeep},
	})
}

// scriptGet is "get PATH [Name:value…]": it asks the node at $ADDR, writes the status line, headers and body to standard output
// for the stdout command to look at, and fails on any status but 2xx, or with "!" on those.
func scriptGet(ts *testscript.TestScript, neg bool, args []string) {
	req, err := http.NewRequest(http.MethodGet, "http://"+ts.Getenv("ADDR")+args[0], nil)
	ts.Check(err)
	for _, h := range args[1:] {
		name, value, _ := strings.Cut(h, ":")
		req.Header.Set(name, value)
		if name == "Host" {
			req.Host = value
		}
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	ts.Check(err)
	defer resp.Body.Close()
	fmt.Fprintln(ts.Stdout(), resp.Status)
	ts.Check(resp.Header.Write(ts.Stdout()))
	fmt.Fprintln(ts.Stdout())
	_, err = io.Copy(ts.Stdout(), resp.Body)
	ts.Check(err)
	if ok := resp.StatusCode/100 == 2; ok == neg {
		ts.Fatalf("GET %s: %s", args[0], resp.Status)
	}
}

// scriptKeep is "keep NAME": the last command's standard output becomes a variable of the environment.
func scriptKeep(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
}

// scriptFetch is "fetch PATH FILE": it writes the body of an answer, which has to be 200, to a file.
func scriptFetch(ts *testscript.TestScript, _ bool, args []string) {
	resp, err := http.Get("http://" + ts.Getenv("ADDR") + args[0])
	ts.Check(err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	ts.Check(err)
	if resp.StatusCode != http.StatusOK {
		ts.Fatalf("GET %s: %s", args[0], resp.Status)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), body, 0o600))
}

// TestTheManualOfAuthorities holds docs/authority.md to the script that carries it out.
func TestTheManualOfAuthorities(t *testing.T) {
	manual, err := os.ReadFile("../../docs/authority.md")
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile("testdata/authority.txtar")
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for i, block := range strings.Split(string(manual), "```") {
		for line := range strings.Lines(block) {
			if i%2 == 0 || !strings.HasPrefix(line, "tasuki ") || strings.Contains(block, "import cvelist") || strings.Contains(block, "authority who") {
				continue // prose, and what needs files that are not here
			}
			command, _, _ := strings.Cut(strings.TrimSpace(line), " > ")
			if command == "tasuki serve" {
				command = "tasuki serve --listen $ADDR"
			}
			if tried++; !strings.Contains(string(script), "exec "+command) {
				t.Errorf("the script does not try %q", command)
			}
		}
	}
	if tried < 10 {
		t.Errorf("only %d commands were found", tried)
	}
}

// scriptReady waits until the node at $ADDR says that it is ready.
func scriptReady(ts *testscript.TestScript, _ bool, args []string) {
	within := 30 * time.Second
	if len(args) > 0 {
		var err error
		within, err = time.ParseDuration(args[0])
		ts.Check(err)
	}
	for until := time.Now().Add(within); ; time.Sleep(10 * time.Millisecond) {
		if resp, err := http.Get("http://" + ts.Getenv("ADDR") + "/healthz"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		if time.Now().After(until) {
			ts.Fatalf("not ready within %v", within)
		}
	}
}

// scriptAwait is "await PATH": it waits until the node at $ADDR, or the server of a whole URL, has something there; of another path without a slash before it, until there is such a
// file.
func scriptAwait(ts *testscript.TestScript, _ bool, args []string) {
	for until := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		url := args[0]
		if strings.HasPrefix(url, "/") {
			url = "http://" + ts.Getenv("ADDR") + url
		}
		if !strings.HasPrefix(url, "http://") {
			if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
				return
			}
		} else if resp, err := http.Get(url); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		if time.Now().After(until) {
			ts.Fatalf("nothing at %s within a minute", args[0])
		}
	}
}
