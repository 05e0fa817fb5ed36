package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"tasuki/client"
)

// StatsCmd is `tasuki stats`.
type StatsCmd struct {
	Query []string `arg:"" optional:"" help:"Count only what this query finds."`
	Known
	Asked
}

// Run asks GET /api/v1/stats and prints whatever it counts, in the order it gives: what is worth counting is the node's
// business.
func (c *StatsCmd) Run(ctx context.Context, p *Program, s *Settings) (err error) {
	x, err := c.ask(ctx, p, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, x.Close()) }()
	text := strings.Join(c.Query, " ")
	resp, err := x.get(ctx, client.Prefix+"stats", c.values(text))
	if err != nil {
		return explained(err, text)
	}
	defer resp.Body.Close()
	if c.JSON {
		return p.copyLine(resp.Body)
	}
	rows, err := flatten(jsontext.NewDecoder(resp.Body))
	if err != nil {
		return fmt.Errorf("the node's answer: %w", err)
	}
	p.terminal(p.Stdout).table(p.Stdout, []string{"WHAT", "VALUE"}, rows)
	return nil
}

// copyLine prints a JSON answer as one line.
func (p *Program) copyLine(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("the node's answer: %w", err)
	}
	v := jsontext.Value(raw)
	if err := v.Compact(); err != nil {
		return fmt.Errorf("the node's answer: %w", err)
	}
	_, err = p.Stdout.Write(append(v, '\n'))
	return err
}

// flatten turns a JSON value into rows of path and text: {"records":{"published":5}} is "records published", "5".
func flatten(d *jsontext.Decoder) (rows [][]string, err error) {
	var walk func(path string) error
	walk = func(path string) error {
		switch d.PeekKind() {
		case '{', '[':
			object := d.PeekKind() == '{'
			if _, err := d.ReadToken(); err != nil {
				return err
			}
			for n := 1; d.PeekKind() != '}' && d.PeekKind() != ']'; n++ {
				name := strconv.Itoa(n)
				if object {
					t, err := d.ReadToken()
					if err != nil {
						return err
					}
					name = t.String()
				}
				if path != "" {
					name = path + " " + name
				}
				if err := walk(name); err != nil {
					return err
				}
			}
			_, err := d.ReadToken()
			return err
		default:
			t, err := d.ReadToken()
			if err != nil {
				return err
			}
			text := t.String()
			if n, err := strconv.ParseInt(text, 10, 64); err == nil && t.Kind() == '0' {
				text = thousands(n)
			}
			rows = append(rows, []string{path, text})
			return nil
		}
	}
	if err := walk(""); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return rows, nil
}
