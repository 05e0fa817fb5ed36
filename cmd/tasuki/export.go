package main

import (
	"archive/zip"
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-json-experiment/json"

	"tasuki/client"
	"tasuki/spec/cve"
)

// ExportCmd is `tasuki export`.
type ExportCmd struct {
	File   string   `arg:"" help:"File to write; .zip gives a zip laid out like cvelistV5, anything else JSON lines; - is standard output (JSON lines)."`
	Query  []string `arg:"" optional:"" help:"Only records that this query finds."`
	Force  bool     `help:"Overwrite an existing file."`
	Server string   `placeholder:"URL" help:"Ask the node at this URL instead of the data directory."`
	Filters
	Known
}

// The export is a stream of JSON lines from GET /api/v1/export, in the order of publication and with the parameters of a
// search. With form=compact each line is a record; with form=original it is an ExportLine, which keeps the bytes as they
// were published.

// ExportLine is one record with its original bytes.
type ExportLine struct {
	ID  string `json:"id"`
	Raw string `json:"raw"`
}

// Run exports. A file appears under its name only when it is complete.
func (c *ExportCmd) Run(ctx context.Context, p *Program, s *Settings) (err error) {
	if _, serr := os.Stat(c.File); c.File != "-" && serr == nil && !c.Force {
		return fmt.Errorf("%s is there already; --force overwrites it", c.File)
	}
	x, err := Asked{Server: c.Server}.ask(ctx, p, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, x.Close()) }()
	text := c.query(c.Query)
	q := c.values(text)
	asZip := strings.EqualFold(filepath.Ext(c.File), ".zip")
	q.Set("form", map[bool]string{true: "original", false: "compact"}[asZip])
	resp, err := x.get(ctx, client.Prefix+"export", q)
	if err != nil {
		return explained(err, text)
	}
	defer resp.Body.Close()
	write := copyLines
	if asZip {
		write = zipLines
	}
	report := p.reporter()
	defer report.Close()
	count := func(n int64) { report.Progress(Progress{Step: "export", Done: n, Unit: "records"}) }
	if c.File == "-" {
		_, err = write(p.Stdout, resp.Body, count)
		return err
	}

	tmp, err := os.CreateTemp(filepath.Dir(c.File), filepath.Base(c.File)+".*.part")
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	defer os.Remove(tmp.Name())
	out := bufio.NewWriterSize(tmp, 1<<20)
	n, err := write(out, resp.Body, count)
	if err = errors.Join(err, out.Flush(), tmp.Sync(), tmp.Close()); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	// CreateTemp makes private files; records are public.
	if err := errors.Join(os.Chmod(tmp.Name(), 0o644), os.Rename(tmp.Name(), c.File)); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	report.Step(fmt.Sprintf("exported %s records to %s", thousands(n), c.File))
	return nil
}

// eachLine calls f for every line of a stream. A stream that stops in the middle of a line was cut.
func eachLine(r io.Reader, f func(line []byte) error) error {
	in := bufio.NewReaderSize(r, 1<<20)
	for {
		line, err := in.ReadBytes('\n')
		switch {
		case err == nil:
			if err := f(line); err != nil {
				return err
			}
		case errors.Is(err, io.EOF) && len(line) == 0:
			return nil
		case errors.Is(err, io.EOF):
			return io.ErrUnexpectedEOF
		default:
			return err
		}
	}
}

func copyLines(w io.Writer, r io.Reader, count func(int64)) (n int64, err error) {
	err = eachLine(r, func(line []byte) error {
		n++
		count(n)
		_, err := w.Write(line)
		return err
	})
	return n, err
}

// zipLines writes cves/<year>/<bucket>/<id>.json as the published repository does.
func zipLines(w io.Writer, r io.Reader, count func(int64)) (n int64, err error) {
	z := zip.NewWriter(w)
	err = eachLine(r, func(line []byte) error {
		var l ExportLine
		if err := json.Unmarshal(line, &l); err != nil {
			return fmt.Errorf("the node's answer: %w", err)
		}
		id, err := cve.ParseID(l.ID)
		if err != nil {
			return fmt.Errorf("the node's answer: %w", err)
		}
		f, err := z.Create(id.Path())
		if err != nil {
			return err
		}
		n++
		count(n)
		_, err = io.WriteString(f, l.Raw)
		return err
	})
	return n, errors.Join(err, z.Close())
}
