package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/alecthomas/kong"
)

// ManCmd is `tasuki man`.
type ManCmd struct {
	Command []string `arg:"" optional:"" help:"The command, for instance: config explain. Default: the program as a whole."`
	Dir     string   `type:"path" placeholder:"DIR" help:"Write the pages of all commands into this directory instead."`
}

// Help is the long description.
func (c *ManCmd) Help() string {
	return `Writes roff, made from the same grammar as --help: tasuki man search | man -l -`
}

// Run prints one manual page or writes all.
func (c *ManCmd) Run(p *Program, kctx *kong.Context) error {
	root := kctx.Model.Node
	if c.Dir != "" {
		return writeManuals(c.Dir, root)
	}
	node := root
	for _, word := range c.Command {
		child := childOf(node, word)
		if child == nil || child.Type != kong.CommandNode {
			return fmt.Errorf("there is no command %q", strings.Join(c.Command, " "))
		}
		node = child
	}
	return manual(p.Stdout, node)
}

// writeManuals writes tasuki.1, tasuki-search.1 and so on.
func writeManuals(dir string, root *kong.Node) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("man: %w", err)
	}
	for _, node := range append([]*kong.Node{root}, commands(root)...) {
		var b strings.Builder
		if err := manual(&b, node); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, manName(node)+".1"), []byte(b.String()), 0o644); err != nil {
			return fmt.Errorf("man: %w", err)
		}
	}
	return nil
}

// commands are all commands below a node that have a page. What stands behind an argument (as-of MOMENT show) is the command
// of that name again.
func commands(node *kong.Node) []*kong.Node {
	var out []*kong.Node
	for _, child := range node.Children {
		if child.Type == kong.CommandNode && !child.Hidden {
			out = append(out, child)
			out = append(out, commands(child)...)
		}
	}
	return out
}

// manName is the page's name: tasuki-config-explain.
func manName(node *kong.Node) string {
	if node.Parent == nil {
		return node.Name
	}
	return manName(node.Parent) + "-" + node.Name
}

// typed is the command as it is typed: tasuki config explain.
func typed(node *kong.Node) string {
	if node.Parent == nil {
		return node.Name
	}
	return typed(node.Parent) + " " + node.Name
}

// roff is text that troff prints as it is: no line begins a request, no backslash or dash means something else.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "…", `\[u2026]`, "→", `\[->]`, "≥", `\[>=]`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}

// leaflet writes a manual page and remembers the first error.
type leaflet struct {
	w   io.Writer
	err error
}

func (p *leaflet) put(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}

// manual writes the page of one command, in the macros of man(7).
func manual(w io.Writer, node *kong.Node) error {
	p := &leaflet{w: w}
	name := manName(node)
	// No date: the page of a release is the same whenever it is made.
	p.put(".TH %s 1 \"\" \"tasuki\" \"Tasuki manual\"\n", strings.ToUpper(roff(name)))
	p.put(".SH NAME\n%s \\- %s\n", roff(name), roff(strings.TrimSuffix(node.Help, ".")))
	p.put(".SH SYNOPSIS\n.B %s\n", roff(typed(node)))
	p.synopsis(node)
	if node.Detail != "" {
		p.put(".SH DESCRIPTION\n")
		p.prose(node.Detail)
	}
	p.arguments(node)
	p.subcommands(node)
	p.flags("OPTIONS", node.Flags)
	if node.Parent != nil {
		root := node
		for root.Parent != nil {
			root = root.Parent
		}
		p.flags("GLOBAL OPTIONS", root.Flags)
	}
	p.surroundings(node)
	return p.err
}

func (p *leaflet) synopsis(node *kong.Node) {
	var parts []string
	for _, a := range node.Positional {
		parts = append(parts, roff(a.Summary()))
	}
	for _, child := range node.Children {
		if child.Type == kong.ArgumentNode {
			parts = append(parts, roff("<"+child.Name+">"))
		}
	}
	if len(node.Children) > 0 {
		parts = append(parts, roff("<command>"))
	}
	p.put("%s\n", strings.Join(append(parts, roff("[flags]")), " "))
}

// prose writes paragraphs. Indented ones are examples and stay as they are.
func (p *leaflet) prose(text string) {
	for i, paragraph := range strings.Split(text, "\n\n") {
		if i > 0 {
			p.put(".PP\n")
		}
		if strings.HasPrefix(paragraph, "  ") {
			p.put(".nf\n%s\n.fi\n", roff(paragraph))
			continue
		}
		p.put("%s\n", roff(paragraph))
	}
}

func (p *leaflet) arguments(node *kong.Node) {
	list := node.Positional
	for _, child := range node.Children {
		if child.Type == kong.ArgumentNode {
			list = append(list, child.Argument)
		}
	}
	if len(list) == 0 {
		return
	}
	p.put(".SH ARGUMENTS\n")
	for _, a := range list {
		p.put(".TP\n.I %s\n%s\n", roff(a.Name), roff(a.Help))
	}
}

func (p *leaflet) subcommands(node *kong.Node) {
	list := node.Children
	for _, child := range node.Children {
		if child.Type == kong.ArgumentNode {
			list = child.Children
		}
	}
	if len(list) == 0 {
		return
	}
	p.put(".SH COMMANDS\n")
	for _, child := range list {
		if !child.Hidden {
			p.put(".TP\n.B %s\n%s\n", roff(child.Name), roff(child.Help))
		}
	}
}

func (p *leaflet) flags(title string, flags []*kong.Flag) {
	begun := false
	for _, f := range flags {
		if f.Hidden {
			continue
		}
		if !begun {
			p.put(".SH %s\n", title)
			begun = true
		}
		name := `\fB` + roff("--"+f.Name) + `\fR`
		if f.Short != 0 {
			name = `\fB` + roff("-"+string(f.Short)) + `\fR, ` + name
		}
		if !f.IsBool() && !f.IsCounter() {
			name += `=\fI` + roff(strings.ReplaceAll(f.FormatPlaceHolder(), `"`, "")) + `\fR`
		}
		help := f.Help
		if f.Enum != "" && !strings.Contains(help, f.EnumSlice()[0]) {
			help += " One of " + strings.Join(f.EnumSlice(), ", ") + "."
		}
		if f.HasDefault && f.Default != "" && !f.IsBool() {
			help += " Default: " + f.Default + "."
		}
		p.put(".TP\n%s\n%s\n", name, roff(help))
	}
}

// surroundings is what every command has in common.
func (p *leaflet) surroundings(node *kong.Node) {
	p.put(".SH ENVIRONMENT\n.TP\n.B NO_COLOR\nWhen set, nothing is coloured.\n.TP\n.B TASUKI_STORE\nThe database, for passwords that must not stand on a command line.\n")
	if strings.HasPrefix(manName(node)+"-", "tasuki-cna-") {
		for _, v := range cnaEnvironment {
			p.put(".TP\n.B %s\n%s\n", roff(v.name), roff(v.help))
		}
		p.put(".SH EXIT STATUS\n%s\n", roff(cnaExits))
	} else {
		p.put(".SH EXIT STATUS\n0 for success, 1 for a failure, 2 for a wrong command line, 3 when an import went through but refused some files, 4 when a proof failed, 130 when interrupted.\n")
	}
	var also []string
	if node.Parent != nil {
		also = append(also, `\fB`+roff(manName(node.Parent))+`\fR(1)`)
	}
	for _, child := range node.Children {
		if child.Type == kong.CommandNode && !child.Hidden {
			also = append(also, `\fB`+roff(manName(child))+`\fR(1)`)
		}
	}
	if len(also) > 0 {
		p.put(".SH SEE ALSO\n%s\n", strings.Join(also, ", "))
	}
}
