package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"tasuki/client"
)

// WatchCmd is `tasuki watch`.
type WatchCmd struct {
	Query []string `arg:"" optional:"" help:"Only changes of records that this query finds after the change."`
	Since *int64   `placeholder:"CURSOR" help:"Begin with what happened since this cursor, as an earlier watch printed it; 0 is everything. Default: what comes from now on."`
	Limit int      `placeholder:"N" help:"End after so many changes."`
	Asked
}

// Help is the long description.
func (c *WatchCmd) Help() string {
	return `Prints each change of the list as it happens, once and in the log's order, and waits for more. When the connection is cut it connects again and goes on behind the last change. Ctrl-C ends it; it then says the cursor to go on from.

  tasuki watch 'severity>=high vendor:microsoft'
  tasuki watch --json --since 73110 | while read -r change; do …; done`
}

// Run follows the list.
func (c *WatchCmd) Run(ctx context.Context, p *Program, s *Settings) (err error) {
	x, err := c.open(ctx, p, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, x.Close()) }()
	api, err := x.api()
	if err != nil {
		return err
	}
	query := strings.Join(c.Query, " ")
	ask := client.Watch{Since: client.FromNow, Q: query}
	if c.Since != nil {
		ask.Since = *c.Since
	}
	t := p.terminal(p.Stdout)
	next, n := ask.Since, 0
	defer func() {
		if next != client.FromNow {
			fmt.Fprintf(p.Stderr, "go on with --since %d\n", next)
		}
	}()
	for change, err := range api.Watch(ctx, ask) {
		if err != nil {
			if ctx.Err() != nil {
				return nil // being ended is how a watch ends
			}
			return explained(err, query)
		}
		if c.JSON {
			err = p.json(change)
		} else {
			_, err = fmt.Fprintln(p.Stdout, t.changeLine(change))
		}
		if err != nil {
			return err
		}
		next = change.Index + 1
		if n++; n == c.Limit {
			return nil
		}
	}
	return nil
}

// open lets other commands into a data directory that this one holds: a list that nobody can write to never changes.
func (c *WatchCmd) open(ctx context.Context, p *Program, s *Settings) (*session, error) {
	if c.Server != "" {
		return elsewhere(c.Server)
	}
	return p.session(ctx, s, access{Host: true})
}

// changeLine is a change on one line. Columns have fixed widths, since what comes is not known.
func (t terminal) changeLine(ch client.Change) string {
	row := changeRow(ch)
	widths := []int{20, 9, 14, 12}
	var b strings.Builder
	for i, w := range widths {
		cell := clean(row[i])
		b.WriteString(cell)
		b.WriteString(strings.Repeat(" ", max(0, w-displayWidth(cell))+2))
	}
	line := strings.TrimRight(b.String()+strings.TrimSpace(clean(row[4]+"  "+row[5])), " ")
	if t.columns > 0 {
		line = clip(line, t.columns)
	}
	return line
}
