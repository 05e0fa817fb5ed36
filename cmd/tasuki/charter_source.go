package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/go-json-experiment/json"

	"tasuki/internal/charter"
)

// Where charters come from: a file with one document on each line (so that a chain fits on a stick), a node by its URL, a data
// directory, or, where nothing is said, the node of this data directory.

// maxChainFile bounds a chain file, and the list of charters that a node gives.
const maxChainFile = 64 << 20

// charterSource is charters as somebody gave them: nothing is checked but their form.
type charterSource struct {
	docs []*charter.Document
	// checkpoint asks for the newest checkpoint; nil where the source is a file.
	checkpoint func(ctx context.Context) ([]byte, error)
	close      func() error
}

func (c *charterSource) Close() error {
	if c.close == nil {
		return nil
	}
	return c.close()
}

// openCharters reads the charters of a source; the caller closes it.
func (p *Program) openCharters(ctx context.Context, s *Settings, source string) (*charterSource, error) {
	if strings.HasPrefix(source, "http://") || strings.HasPrefix(source, "https://") {
		x, err := elsewhere(source)
		if err != nil {
			return nil, err
		}
		return x.charters(ctx)
	}
	if source != "" {
		info, err := os.Stat(source)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			docs, err := readCharters(source)
			return &charterSource{docs: docs}, err
		}
		there := *s
		there.Data = source
		s = &there
	}
	x, err := p.session(ctx, s, access{})
	if err != nil {
		return nil, err
	}
	return x.charters(ctx)
}

// charters asks the session's node for its charters. The source closes the session, as does an error.
func (x *session) charters(ctx context.Context) (_ *charterSource, err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, x.Close())
		}
	}()
	fetch := func(ctx context.Context, path string, most int64) ([]byte, error) {
		resp, err := x.get(ctx, path, nil)
		if err != nil {
			return nil, err
		}
		defer resp.Body.Close()
		raw, err := io.ReadAll(io.LimitReader(resp.Body, most+1))
		if err == nil && int64(len(raw)) > most {
			err = fmt.Errorf("%s: the answer is longer than %s", path, bytesText(most))
		}
		return raw, err
	}
	raw, err := fetch(ctx, "/charter/", maxChainFile)
	if err != nil {
		return nil, err
	}
	var list struct {
		Charters []string `json:"charters"`
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("/charter/: not a list of charters: %w", err)
	}
	src := &charterSource{close: x.Close, checkpoint: func(ctx context.Context) ([]byte, error) { return fetch(ctx, "/checkpoint", 1<<20) }}
	for _, path := range list.Charters {
		if !strings.HasPrefix(path, "/charter/") {
			return nil, errors.New("/charter/: it lists something else than charters")
		}
		raw, err := fetch(ctx, path, charter.MaxSize)
		if err != nil {
			return nil, err
		}
		d, err := charter.Parse(raw)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		src.docs = append(src.docs, d)
	}
	return src, nil
}

// readCharters reads a file with one document on each line.
func readCharters(name string) (docs []*charter.Document, err error) {
	raw, err := readBounded(name, maxChainFile)
	if err != nil {
		return nil, err
	}
	for i, line := range bytes.Split(bytes.TrimRight(raw, "\r\n"), []byte("\n")) {
		d, err := charter.Parse(bytes.TrimRight(line, "\r"))
		if err != nil {
			return nil, fmt.Errorf("%s: line %d: %w", name, i+1, err)
		}
		docs = append(docs, d)
	}
	return docs, nil
}

// readCharter reads a file with one document.
func readCharter(name string) (*charter.Document, error) {
	docs, err := readCharters(name)
	if err != nil {
		return nil, err
	}
	if len(docs) != 1 {
		return nil, fmt.Errorf("%s: a chain of %d charters, where one document is wanted", name, len(docs))
	}
	return docs[0], nil
}

// chainOf checks documents as one chain, in the order of their versions, with its siblings.
func chainOf(docs []*charter.Document) (chain *charter.Chain, siblings []*charter.Document, err error) {
	if len(docs) == 0 {
		return nil, nil, charter.ErrNone
	}
	if chain, err = charter.NewChain(docs[0]); err != nil {
		return nil, nil, err
	}
	for _, d := range docs[1:] {
		switch err := chain.Extend(d); {
		case errors.Is(err, charter.ErrSibling):
			siblings = append(siblings, d)
		case err != nil && !errors.Is(err, charter.ErrKnown):
			return nil, nil, err
		}
	}
	return chain, siblings, nil
}

// readChain is the checked chain of a source, with its siblings.
func (p *Program) readChain(ctx context.Context, s *Settings, source string) (*charter.Chain, []*charter.Document, error) {
	chain, siblings, src, err := p.openChain(ctx, s, source)
	if err != nil {
		return nil, nil, err
	}
	return chain, siblings, src.Close()
}

// openChain is the checked chain of a source; the caller closes the source.
func (p *Program) openChain(ctx context.Context, s *Settings, source string) (*charter.Chain, []*charter.Document, *charterSource, error) {
	src, err := p.openCharters(ctx, s, source)
	if err != nil {
		return nil, nil, nil, err
	}
	chain, siblings, err := chainOf(src.docs)
	if err != nil {
		return nil, nil, nil, errors.Join(err, src.Close())
	}
	return chain, siblings, src, nil
}

// language is the language of people's words by the locale, ja or en.
func (p *Program) language() string {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := p.Getenv(name); v != "" {
			if v == "ja" || strings.HasPrefix(v, "ja_") || strings.HasPrefix(v, "ja.") {
				return "ja"
			}
			break
		}
	}
	return "en"
}

// writeNew writes a file that must not exist, for everybody to read.
func writeNew(name string, raw []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(raw)
	return errors.Join(err, f.Sync(), f.Close())
}

// writeCharter writes a document as it is served, without a line feed after it.
func writeCharter(name string, d *charter.Document) error {
	raw, err := d.Bytes()
	if err != nil {
		return err
	}
	return writeNew(name, raw)
}
