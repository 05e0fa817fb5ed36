package main

import (
	"context"
	"errors"
	"fmt"
)

// FsckCmd is `tasuki fsck`.
type FsckCmd struct {
	Quick bool `help:"Leave out bodies and derived tables."`
	JSON  bool `name:"json" help:"Print the result as JSON, and every problem as a line of JSON before it."`
}

// Run checks the store and fails when anything is wrong with it.
func (c *FsckCmd) Run(ctx context.Context, p *Program, s *Settings) (err error) {
	x, err := p.session(ctx, s, access{Host: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, x.Close()) }()
	console := p.reporter()
	var report Reporter = console
	list := &listing{Reporter: console}
	if c.JSON {
		report = list
	}
	got, err := x.jobs.Fsck(ctx, FsckRequest{Quick: c.Quick}, report)
	console.Close()
	if err != nil {
		return err
	}
	if c.JSON {
		for _, i := range list.items {
			if err := p.json(i); err != nil {
				return err
			}
		}
		err = p.json(got)
	} else {
		fmt.Fprintf(p.Stdout, "checked %s leaves and what stands beside them in %s; root %s\n", thousands(got.Leaves), round(got.Took), got.Root)
	}
	if err == nil && got.Problems > 0 {
		err = fmt.Errorf("%s problems found", thousands(got.Problems))
	}
	return err
}
