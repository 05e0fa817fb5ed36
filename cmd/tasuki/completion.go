package main

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"tasuki/internal/query"
)

// CompletionCmd is `tasuki completion`.
type CompletionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"${enum}."`
}

// Help is the long description.
func (c *CompletionCmd) Help() string {
	return `Put it where the shell looks for it:

  bash   tasuki completion bash > ~/.local/share/bash-completion/completions/tasuki
  zsh    tasuki completion zsh > "${fpath[1]}/_tasuki"
  fish   tasuki completion fish > ~/.config/fish/completions/tasuki.fish

The scripts ask the program itself, so they need not be renewed with it.`
}

var (
	//go:embed completion/tasuki.bash
	bashScript string
	//go:embed completion/tasuki.zsh
	zshScript string
	//go:embed completion/tasuki.fish
	fishScript string
)

// Run prints a script.
func (c *CompletionCmd) Run(p *Program) error {
	_, err := fmt.Fprint(p.Stdout, map[string]string{"bash": bashScript, "zsh": zshScript, "fish": fishScript}[c.Shell])
	return err
}

// CompleteCmd is what the scripts ask: a command line without the program's name, up to the cursor. The last word is the one that
// is being typed; it may be empty. An answer is a word, a tab, and what it means.
type CompleteCmd struct {
	Words []string `arg:"" optional:"" passthrough:""`
}

// Run prints how the last word may go on; nothing means that a file may stand there.
func (c *CompleteCmd) Run(p *Program, kctx *kong.Context) error {
	for _, o := range completions(kctx.Model.Node, slices.DeleteFunc(c.Words, func(w string) bool { return w == "--" })) {
		fmt.Fprintf(p.Stdout, "%s\t%s\n", o.word, o.help)
	}
	return nil
}

// option is one way for a word to go on.
type option struct{ word, help string }

// completions walks the grammar along the words and says how the last one may go on.
func completions(node *kong.Node, words []string) []option {
	if len(words) == 0 {
		words = []string{""}
	}
	typed := words[len(words)-1]
	positional := 0
	var pending *kong.Flag // its value comes next
	for _, w := range words[:len(words)-1] {
		switch {
		case pending != nil:
			pending = nil
		case strings.HasPrefix(w, "-"):
			name, _, whole := strings.Cut(w, "=")
			if f := flagOf(node, name); f != nil && !f.IsBool() && !whole {
				pending = f
			}
		default:
			if child := childOf(node, w); child != nil {
				node, positional = child, 0
			} else {
				positional++
			}
		}
	}
	switch {
	case pending != nil:
		return matching(values(pending.Value, ""), typed)
	case strings.HasPrefix(typed, "--") && strings.Contains(typed, "="):
		name, _, _ := strings.Cut(typed, "=")
		if f := flagOf(node, name); f != nil {
			return matching(values(f.Value, name+"="), typed)
		}
		return nil
	case strings.HasPrefix(typed, "-"):
		return matching(flagNames(node), typed)
	}
	var out []option
	for _, child := range node.Children {
		if child.Type == kong.CommandNode && !child.Hidden {
			out = append(out, option{child.Name, child.Help})
		}
	}
	if len(node.Positional) > 0 {
		out = append(out, values(node.Positional[min(positional, len(node.Positional)-1)], "")...)
		if node.Positional[0].Name == "query" {
			out = append(out, queryOptions(typed)...)
		}
	}
	return matching(out, typed)
}

func matching(all []option, typed string) []option {
	return slices.DeleteFunc(all, func(o option) bool { return !strings.HasPrefix(o.word, typed) })
}

// childOf is the command that a word names, or the branch that any word opens (the moment of as-of).
func childOf(node *kong.Node, word string) *kong.Node {
	for _, child := range node.Children {
		if child.Type == kong.ArgumentNode || child.Name == word || slices.Contains(child.Aliases, word) {
			return child
		}
	}
	return nil
}

func flagOf(node *kong.Node, name string) *kong.Flag {
	for _, group := range node.AllFlags(true) {
		for _, f := range group {
			if "--"+f.Name == name || f.Short != 0 && "-"+string(f.Short) == name {
				return f
			}
		}
	}
	return nil
}

func flagNames(node *kong.Node) []option {
	var out []option
	for _, group := range node.AllFlags(true) {
		for _, f := range group {
			out = append(out, option{"--" + f.Name, f.Help})
		}
	}
	slices.SortFunc(out, func(a, b option) int { return strings.Compare(a.word, b.word) })
	return out
}

// values are the words that a flag or an argument takes, where they are known.
func values(v *kong.Value, prefix string) []option {
	var out []option
	if v.Enum == "" {
		return nil
	}
	for _, word := range v.EnumSlice() {
		out = append(out, option{prefix + word, ""})
	}
	return out
}

// queryOptions are the fields of the query language, and the values of a field that has a fixed set of them.
func queryOptions(typed string) []option {
	var out []option
	name, _, value := strings.Cut(typed, ":")
	for _, f := range query.Fields() {
		if !value {
			out = append(out, option{f.Name + ":", f.Help["en"]})
			continue
		}
		if f.Name == name || slices.Contains(f.Aliases, name) {
			for _, word := range f.Enum {
				out = append(out, option{name + ":" + word, ""})
			}
		}
	}
	return out
}
