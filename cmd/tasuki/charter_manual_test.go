package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestTheManualOfCharters holds Part 1 of docs/continuity.md to the script that carries it out.
func TestTheManualOfCharters(t *testing.T) {
	manual, err := os.ReadFile("../../docs/continuity.md")
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile("testdata/charter.txtar")
	if err != nil {
		t.Fatal(err)
	}
	_, part, _ := strings.Cut(string(manual), "\n## Part 1")
	part, _, _ = strings.Cut(part, "\n## ")
	// A line is a command, or one whose output is kept in a variable or a file.
	command := regexp.MustCompile(`^(?:\w+=\$\()?(tasuki .*?)(?:\)| > .*)?\n`)
	tried := 0
	for i, block := range strings.Split(part, "```") {
		for line := range strings.Lines(block) {
			m := command.FindStringSubmatch(line)
			if i%2 == 0 || m == nil {
				continue // prose
			}
			want := m[1]
			if strings.HasPrefix(want, "tasuki board sign") { // where nobody can be asked
				want = want[:strings.LastIndex(want, " ")] + " --yes" + want[strings.LastIndex(want, " "):]
			}
			if tried++; !strings.Contains(string(script), "exec "+want+"\n") {
				t.Errorf("the script does not try %q", want)
			}
		}
	}
	if tried < 20 {
		t.Errorf("only %d commands were found", tried)
	}
}
