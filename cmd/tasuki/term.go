package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/term"
	"golang.org/x/text/width"
)

// terminal is what is known of the thing a command writes to.
type terminal struct {
	columns int  // 0: not a terminal, nothing is cut
	colour  bool // NO_COLOR is honoured (no-color.org)
}

func (p *Program) terminal(w io.Writer) terminal {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return terminal{}
	}
	t := terminal{columns: 80, colour: p.Getenv("NO_COLOR") == "" && p.Getenv("TERM") != "dumb"}
	if c, _, err := term.GetSize(int(f.Fd())); err == nil && c > 0 {
		t.columns = c
	}
	return t
}

// bold, dim and red mark text where the terminal shows colours.
func (t terminal) bold(s string) string   { return t.mark("1", s) }
func (t terminal) dim(s string) string    { return t.mark("2", s) }
func (t terminal) red(s string) string    { return t.mark("31", s) }
func (t terminal) yellow(s string) string { return t.mark("33", s) }
func (t terminal) green(s string) string  { return t.mark("32", s) }

// severity is the shape of a severity, which says the same as its colour, and what paints it.
func (t terminal) severity(name string) (shape string, paint func(string) string) {
	switch strings.ToLower(name) {
	case "critical":
		return "●", t.red
	case "high":
		return "◕", t.red
	case "medium":
		return "◑", t.yellow
	case "low":
		return "◔", t.green
	}
	return "○", t.dim
}

func (t terminal) mark(code, s string) string {
	if !t.colour || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// displayWidth is the number of columns that s takes: wide and full-width characters take two (UAX #11), combining ones none.
func displayWidth(s string) int {
	n := 0
	for _, r := range s {
		n += runeWidth(r)
	}
	return n
}

func runeWidth(r rune) int {
	if r < 0x300 {
		return 1
	}
	if unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// clip cuts s to at most columns, with … where something was cut.
func clip(s string, columns int) string {
	if displayWidth(s) <= columns {
		return s
	}
	n := 0
	for i, r := range s {
		if n+runeWidth(r) > columns-1 {
			return s[:i] + "…"
		}
		n += runeWidth(r)
	}
	return s
}

// clean makes text from a record safe to print on one line: a record must not speak to the terminal.
func clean(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || r == 0x2028 || r == 0x2029 || unicode.Is(unicode.Bidi_Control, r)
	}), " ")
}

// table prints rows under a head. On a terminal the last column gives way so that every row stays one line.
func (t terminal) table(w io.Writer, head []string, rows [][]string) {
	widths := make([]int, len(head))
	all := append([][]string{head}, rows...)
	for _, row := range all {
		for i := range row {
			row[i] = clean(row[i])
			widths[i] = max(widths[i], displayWidth(row[i]))
		}
	}
	last := len(head) - 1
	if t.columns > 0 {
		rest := t.columns
		for _, n := range widths[:last] {
			rest -= n + 2
		}
		widths[last] = min(widths[last], max(rest, 10))
	}
	for n, row := range all {
		var b strings.Builder
		for i, cell := range row {
			if i == last {
				if t.columns > 0 {
					cell = clip(cell, widths[i])
				}
				b.WriteString(cell)
				break
			}
			b.WriteString(cell)
			b.WriteString(strings.Repeat(" ", widths[i]-displayWidth(cell)+2))
		}
		line := strings.TrimRight(b.String(), " ")
		if n == 0 {
			line = t.bold(line)
		}
		fmt.Fprintln(w, line)
	}
}

// thousands writes 42107 as 42,107.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// round writes a duration as a person would say it.
func round(d Duration) string {
	switch v := time.Duration(d); {
	case v >= time.Minute:
		return Duration(v.Round(time.Second)).String()
	case v >= 10*time.Second:
		return v.Round(time.Second).String()
	case v >= time.Second:
		return v.Round(100 * time.Millisecond).String()
	default:
		return v.Round(time.Millisecond).String()
	}
}

// bytesText writes a number of bytes in the unit a person would choose.
func bytesText(n int64) string {
	switch {
	case n >= 10<<30:
		return fmt.Sprintf("%d GiB", n>>30)
	case n >= 10<<20:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 10<<10:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d bytes", n)
}

// wrap breaks text at spaces to fit the terminal, with later lines indented. Text without spaces (Japanese) breaks anywhere.
func wrap(text string, indent, columns int) string {
	if columns == 0 {
		return text
	}
	room := max(columns-indent, 20)
	var b strings.Builder
	n, space := 0, -1 // columns on this line; the last place where it may break
	line := []rune{}
	flush := func(upto int) {
		b.WriteString(strings.TrimRight(string(line[:upto]), " "))
		b.WriteString("\n" + strings.Repeat(" ", indent))
		line = append([]rune{}, line[upto:]...)
		n = displayWidth(string(line))
		space = -1
	}
	for _, r := range text {
		if n+runeWidth(r) > room {
			if space > 0 {
				flush(space + 1)
			} else {
				flush(len(line))
			}
		}
		if r == ' ' {
			space = len(line)
		}
		line = append(line, r)
		n += runeWidth(r)
	}
	b.WriteString(string(line))
	return b.String()
}
