package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"tasuki/spec/cve/schema"
)

func grammar(t *testing.T) *kong.Node {
	t.Helper()
	parser, err := kong.New(&CLI{}, kong.Name("tasuki"), kong.Description("d"), kong.Vars{"schema": schema.Current})
	if err != nil {
		t.Fatal(err)
	}
	return parser.Model.Node
}

// macros are the requests of man(7) that the pages use. Anything else at the beginning of a line would be lost text.
var macros = []string{".TH", ".SH", ".TP", ".PP", ".B", ".I", ".nf", ".fi"}

func TestManualPages(t *testing.T) {
	root := grammar(t)
	dir := filepath.Join(t.TempDir(), "man1")
	if err := writeManuals(dir, root); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.1"))
	if err != nil || len(files) != 1+len(commands(root)) {
		t.Fatalf("%d pages, %v", len(files), err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		in := bufio.NewScanner(strings.NewReader(string(raw)))
		for in.Scan() {
			line := in.Text()
			if request, _, _ := strings.Cut(line, " "); strings.HasPrefix(line, ".") && !slices.Contains(macros, request) || strings.HasPrefix(line, "'") {
				t.Errorf("%s: %q is no text", file, line)
			}
		}
		for _, want := range []string{".SH NAME\n", ".SH SYNOPSIS\n", ".SH EXIT STATUS\n"} {
			if !strings.Contains(string(raw), want) {
				t.Errorf("%s has no %q", file, want)
			}
		}
		if groff, err := exec.LookPath("groff"); err == nil {
			out, err := exec.Command(groff, "-man", "-Tutf8", "-ww", "-z", file).CombinedOutput()
			if err != nil || len(out) > 0 {
				t.Errorf("%s: %v %s", file, err, out)
			}
		}
	}
}

// Every command and every flag of the grammar is offered where it may stand, and the answer has one line each.
func TestCompletionKnowsTheWholeGrammar(t *testing.T) {
	root := grammar(t)
	for _, node := range commands(root) {
		words := strings.Fields(typed(node))[1:]
		found := false
		for _, o := range completions(root, words) {
			found = found || o.word == words[len(words)-1]
			if strings.ContainsAny(o.word+o.help, "\t\n") {
				t.Errorf("%v: %q cannot be told in a line", words, o)
			}
		}
		if !found {
			t.Errorf("%v is not offered", words)
		}
		for _, group := range node.AllFlags(true) {
			for _, f := range group {
				given := completions(root, append(append([]string{}, words...), "--"+f.Name))
				if len(given) == 0 || given[0].word != "--"+f.Name {
					t.Errorf("%v: --%s is not offered", words, f.Name)
				}
			}
		}
	}
	if got := completions(root, []string{"search", "--sort", "news"}); len(got) != 0 {
		t.Errorf("%v", got)
	}
	if got := completions(root, []string{"search", "--limit", "5", "--sort", "new"}); len(got) != 1 || got[0].word != "newest" {
		t.Errorf("%v", got)
	}
	if got := completions(root, []string{"search", "--kev", "seve"}); len(got) != 1 || got[0].word != "severity:" {
		t.Errorf("a flag without a value swallowed a word: %v", got)
	}
}
