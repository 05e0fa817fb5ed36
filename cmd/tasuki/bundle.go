package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tasuki/internal/edge/publish/bundle"
	"tasuki/internal/lane"
)

// BundleCmd is `tasuki bundle`.
type BundleCmd struct {
	Export BundleExportCmd `cmd:"" help:"Write a part of the list as one signed file, for copies that no network reaches."`
	Import BundleImportCmd `cmd:"" help:"Take bundles into a copy of the list; at the operator, take in signed events that were brought back."`
	Verify BundleVerifyCmd `cmd:"" help:"Prove bundles with nothing but the files and the list id."`
	Return BundleReturnCmd `cmd:"" help:"Pack the outbox of an authority's own node into a file for the operator."`
}

// BundleExportCmd is `tasuki bundle export`.
type BundleExportCmd struct {
	File string `arg:"" type:"path" help:"The file to write; it must not exist."`
	From int64  `placeholder:"N" help:"First leaf (default 0: from the beginning)."`
	To   int64  `placeholder:"N" help:"Leaf to end before (default: as far as is published)."`
	JSON bool   `name:"json" help:"Print the result as JSON."`
}

// Run writes a bundle.
func (c *BundleExportCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	path, err := filepath.Abs(c.File)
	if err != nil {
		return err
	}
	got, err := operated[bundleExportAnswer](ctx, p, s, access{}, "bundle export", bundleExportRequest{From: c.From, To: c.To, Path: path})
	if err != nil {
		return err
	}
	if c.JSON {
		return p.json(got)
	}
	_, err = fmt.Fprintf(p.Stdout, "leaves %d to %d, %d bodies, %s; the next bundle begins with --from %d\n", got.From, got.To-1, got.Bodies,
		bytesText(got.Bytes), got.To)
	return err
}

// BundleImportCmd is `tasuki bundle import`.
type BundleImportCmd struct {
	File []string `arg:"" type:"existingfile" help:"Bundles, in any order; or return files, at the operator."`
	List string   `placeholder:"ID" help:"Id of the list, 64 hex digits: the one thing that is believed. Needed for the first bundle of a new copy."`
	JSON bool     `name:"json" help:"Print the result as JSON."`
	AllowTest
}

// Run imports the files, bundles in the order of their leaves.
func (c *BundleImportCmd) Run(ctx context.Context, p *Program, s *Settings) (err error) {
	list := strings.ToLower(c.List)
	if list != "" && (len(list) != 64 || strings.Trim(list, "0123456789abcdef") != "") {
		return errors.New("--list: the id of a list has 64 hex digits")
	}
	type carried struct {
		path string
		kind bundle.Kind
		head bundle.Head
	}
	var files []carried
	for _, name := range c.File {
		f := carried{}
		if f.path, err = filepath.Abs(name); err != nil {
			return err
		}
		open := func() (io.ReadCloser, error) { return os.Open(f.path) }
		if f.kind, err = bundle.KindOf(open); err != nil {
			return err
		}
		switch f.kind {
		case bundle.Other:
			return fmt.Errorf("%s: %w", name, bundle.ErrFormat)
		case bundle.Leaves:
			if f.head, err = bundle.Peek(open, list); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		files = append(files, f)
	}
	slices.SortStableFunc(files, func(a, b carried) int {
		return cmp.Or(cmp.Compare(a.head.From, b.head.From), cmp.Compare(a.head.To, b.head.To))
	})
	want := access{}
	if list != "" && files[0].kind == bundle.Leaves {
		want.Create, want.Mirror = true, &mirrorRole{List: list, Offline: true, Test: c.AllowTest.AllowTest, charters: files[0].head.Charters}
	}
	x, err := p.session(ctx, s, want)
	if err != nil {
		return err
	}
	report := p.reporter()
	defer func() {
		report.Close()
		err = errors.Join(err, x.Close())
	}()
	var all []bundleImportAnswer
	for _, f := range files {
		got, err := operate[bundleImportAnswer](ctx, x, "bundle import", bundleImportRequest{Path: f.path, List: list}, report)
		if err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(f.path), err)
		}
		all = append(all, got)
		if c.JSON {
			continue
		}
		fmt.Fprintln(p.Stdout, got.text())
		for _, e := range got.Events {
			if e.Outcome == "refused" {
				fmt.Fprintf(p.Stderr, "%.12s refused: %s\n", e.Event, clean(e.Reason))
			}
		}
	}
	if c.JSON {
		return p.json(all)
	}
	return nil
}

// BundleVerifyCmd is `tasuki bundle verify`.
type BundleVerifyCmd struct {
	File []string `arg:"" type:"existingfile" help:"Bundles."`
	List string   `placeholder:"ID" help:"Id of the list that they have to be of. Without it, the file's own is told, and is yours to compare."`
	JSON bool     `name:"json" help:"Print the result as JSON."`
}

// bundleVerified is what a bundle was proven to be.
type bundleVerified struct {
	Name   string `json:"name"`
	List   string `json:"list"`
	From   int64  `json:"from"`
	To     int64  `json:"to"`
	Size   int64  `json:"checkpoint"`
	Root   string `json:"root"`
	Bodies int64  `json:"bodies"`
	Erased int64  `json:"erased"`
}

// Run proves bundles; no node is asked.
func (c *BundleVerifyCmd) Run(ctx context.Context, p *Program) error {
	var all []bundleVerified
	for _, name := range c.File {
		v, err := bundle.Verify(ctx, func() (io.ReadCloser, error) { return os.Open(name) }, strings.ToLower(c.List), nil)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		one := bundleVerified{filepath.Base(name), v.List, v.From, v.To, v.Tree.Size, v.Tree.Root.String(), v.Bodies, v.Erased}
		all = append(all, one)
		if !c.JSON {
			fmt.Fprintf(p.Stdout, "%s: verified, leaves %d to %d of list %s under its checkpoint of %d leaves, %d bodies, %d erased\n",
				one.Name, one.From, one.To-1, one.List, one.Size, one.Bodies, one.Erased)
		}
	}
	if c.JSON {
		return p.json(all)
	}
	if c.List == "" {
		_, err := fmt.Fprintln(p.Stderr, "the list id was taken from the file itself; compare it, or give --list")
		return err
	}
	return nil
}

// BundleReturnCmd is `tasuki bundle return`.
type BundleReturnCmd struct {
	Dir  string `arg:"" type:"existingdir" help:"Folder of the authority's own node."`
	File string `arg:"" type:"path" help:"The file to write; it must not exist."`
}

// Run packs what waits in the outbox. It stays there until a proof of its arrival is held.
func (c *BundleReturnCmd) Run(p *Program) (err error) {
	folder, err := lane.OpenFolder(c.Dir, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	waiting, err := (&lane.Outbox{Disk: folder}).Waiting()
	if err != nil {
		return err
	}
	if len(waiting) == 0 {
		return errors.New("nothing waits in the outbox")
	}
	var events [][]byte
	for _, i := range waiting {
		events = append(events, i.Submission)
	}
	f, err := os.OpenFile(c.File, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err = bundle.WriteReturn(f, events); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(c.File))
	}
	_, err = fmt.Fprintf(p.Stdout, "%d events; they stay in the outbox until it holds a proof of each\n", len(events))
	return err
}
