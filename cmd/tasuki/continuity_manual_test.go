package main

import (
	"errors"
	"io"
	"net"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// manualScript carries out Parts 2 to 6 of docs/continuity.md.
const manualScript = "testdata/manual/continuity.txtar"

// TestTheManualOfContinuity walks through the life of a list with processes of their own: mirrors, a witness, a reader; the operator is killed and loses its
// disk, the board names a mirror, which goes on.
func TestTheManualOfContinuity(t *testing.T) {
	if testing.Short() {
		t.Skip("six processes and a minute")
	}
	testscript.Run(t, testscript.Params{
		Files:               []string{manualScript},
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("NO_COLOR", "1")
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("TMPDIR", env.WorkDir)
			env.Setenv("YEAR", time.Now().UTC().Format("2006"))
			var held []io.Closer
			for _, name := range []string{"LISTED", "M1ADDR", "M2ADDR", "M3ADDR", "W1ADDR"} {
				ln, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					return err
				}
				env.Setenv(name, ln.Addr().String())
				held = append(held, ln)
			}
			var err error
			for _, ln := range held {
				err = errors.Join(err, ln.Close())
			}
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"await": scriptAwait, "keep": scriptKeep},
	})
}

// TestTheManualOfContinuityIsTried holds the guide's commands to that script: none is shown that was not run.
func TestTheManualOfContinuityIsTried(t *testing.T) {
	manual, err := os.ReadFile("../../docs/continuity.md")
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile(manualScript)
	if err != nil {
		t.Fatal(err)
	}
	_, parts, _ := strings.Cut(string(manual), "\n## Part 2")
	parts, _, _ = strings.Cut(parts, "\n## Part 7")
	here := strings.NewReplacer("LIST-ID", "$LIST", "https://list.example", "http://$LISTED", "https://m1.example", "http://$M1ADDR", "https://m2.example", "http://$M2ADDR",
		"https://w1.example", "http://$W1ADDR", "--listen 127.0.0.1:8443", "--listen $M1ADDR", "choose HASH", "choose 0000", "seal now charter4.json", "seal now charter5.json")
	command := regexp.MustCompile(`^(tasuki .*?)(?: > .*)?\n`)
	tried := 0
	for i, block := range strings.Split(parts, "```") {
		for line := range strings.Lines(block) {
			m := command.FindStringSubmatch(line)
			if i%2 == 0 || m == nil {
				continue // prose
			}
			want := here.Replace(m[1])
			if strings.HasPrefix(want, "tasuki board sign") { // where nobody can be asked
				want = want[:strings.LastIndex(want, " ")] + " --yes" + want[strings.LastIndex(want, " "):]
			}
			// The script says besides in which directory.
			if tried++; !strings.Contains(string(script), "exec "+want) {
				t.Errorf("the script does not try %q", want)
			}
		}
	}
	if tried < 18 {
		t.Errorf("only %d commands were found", tried)
	}
}
