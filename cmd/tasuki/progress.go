package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// console is a Reporter on standard error: one moving line on a terminal, a plain line now and then elsewhere, and one line
// per finished step in both.
type console struct {
	w    io.Writer
	term terminal
	now  func() time.Time

	mu    sync.Mutex
	step  string    // whose progress is shown
	begun time.Time // when the step began
	base  int64     // what was done when it was first seen; a resumed step must not count it into its rate
	drawn time.Time
	line  bool // a moving line stands on the terminal
}

// plainEvery is the distance of progress lines where nothing can move.
const plainEvery = 10 * time.Second

// reporter shows a job's news on standard error. Close it before printing the result.
func (p *Program) reporter() *console {
	return &console{w: p.Stderr, term: p.terminal(p.Stderr), now: p.Now}
}

// Progress shows how far a step is, its rate and the time left.
func (c *console) Progress(g Progress) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.now()
	if g.Step != c.step {
		c.step, c.begun, c.base, c.drawn = g.Step, t, g.Done, t
	}
	every := plainEvery
	if c.term.columns > 0 {
		every = 100 * time.Millisecond
	}
	if t.Sub(c.drawn) < every {
		return
	}
	c.drawn = t
	text := describe(g, g.Done-c.base, t.Sub(c.begun))
	if c.term.columns == 0 {
		fmt.Fprintln(c.w, text)
		return
	}
	c.line = true
	fmt.Fprint(c.w, "\r\x1b[K"+clip(text, c.term.columns-1))
}

// describe writes "import: 12,300 of 42,107 records, 29%, 5,210/s, 6s left". since is what was done in took.
func describe(g Progress, since int64, took time.Duration) string {
	amount := func(n int64) string {
		if g.Unit == "bytes" {
			return bytesText(n)
		}
		return thousands(n)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", g.Step, amount(g.Done))
	if g.Total > 0 {
		fmt.Fprintf(&b, " of %s", amount(g.Total))
	}
	if g.Unit != "bytes" {
		fmt.Fprintf(&b, " %s", g.Unit)
	}
	if g.Total > 0 {
		fmt.Fprintf(&b, ", %d%%", min(100, g.Done*100/g.Total))
	}
	if took < time.Second || since <= 0 {
		return b.String()
	}
	rate := float64(since) / took.Seconds()
	fmt.Fprintf(&b, ", %s/s", amount(int64(rate)))
	if left := g.Total - g.Done; left > 0 {
		fmt.Fprintf(&b, ", %s left", round(Duration(time.Duration(float64(left)/rate*float64(time.Second)).Round(time.Second))))
	}
	return b.String()
}

// Step prints the line of a finished step.
func (c *console) Step(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wipe()
	c.step = ""
	fmt.Fprintln(c.w, text)
}

// Item prints the line of one outcome.
func (c *console) Item(i Item) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wipe()
	text := i.Outcome + " " + i.Name
	if i.ID != "" && !strings.Contains(i.Name, i.ID) {
		text += " (" + i.ID + ")"
	}
	if i.Reason != "" {
		text += ": " + i.Reason
	}
	fmt.Fprintln(c.w, clean(text))
}

// Close takes the moving line away.
func (c *console) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wipe()
}

func (c *console) wipe() {
	if c.line {
		fmt.Fprint(c.w, "\r\x1b[K")
		c.line = false
	}
}
