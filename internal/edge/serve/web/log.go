package web

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tasuki/internal/edge/serve/page"
	"tasuki/internal/event"
	"tasuki/web/i18n"
	logpage "tasuki/web/log"
)

// Ledger is the log as the pages show it. What is not there gives an error that wraps fs.ErrNotExist.
type Ledger interface {
	// Signed is the newest signed checkpoint.
	Signed(ctx context.Context) (Signed, error)
	// Leaves are the at most n encoded leaves that come last before an index (-1: at the log's end), in the log's order, the
	// index of the first of them, and how many leaves the log has.
	Leaves(ctx context.Context, before int64, n int) (leaves [][]byte, first, size int64, err error)
	// HasBody says whether the body beside a leaf is there: not when it was erased, or only committed to.
	HasBody(ctx context.Context, index int64) (bool, error)
	// Prove is a proof file for one leaf, under the newest checkpoint.
	Prove(ctx context.Context, index int64) ([]byte, error)
	// Operators are the organisations that have run the list, by their permanent identifiers, with their slugs.
	Operators() map[string]string
}

// Signed is a signed checkpoint.
type Signed struct {
	Note    []byte
	Origin  string
	Size    int64
	Root    [32]byte
	Time    time.Time
	Signers []Signer
}

// Signer is one signature of a checkpoint.
type Signer struct {
	Name string
	Role string // whose key of the charters it was checked with: log, mirror or witness; "" for none of them
}

// onLog is how many entries the page of the log lists.
const onLog = 50

// log is the page of the log: /log, /log?before=<index>, /log?entry=<index> to go to one.
func (s *server) log(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if typed := strings.TrimSpace(q.Get("entry")); typed != "" {
		index, err := parseIndex(strings.ReplaceAll(typed, ",", ""))
		if err != nil {
			s.Refuse(w, r, entryProblem)
			return
		}
		http.Redirect(w, r, logAddress(index), http.StatusSeeOther)
		return
	}
	before := int64(-1)
	if text := q.Get("before"); text != "" {
		var err error
		if before, err = parseIndex(text); err != nil {
			s.Refuse(w, r, page.NotFound)
			return
		}
	}
	p, _ := s.Page(w, r)
	p.Title = p.Lang.T("log.title")
	v := logpage.View{Page: p}
	signed, err := s.Ledger.Signed(r.Context())
	switch {
	case err == nil:
		v.Signed = signedView(signed)
	case !errors.Is(err, fs.ErrNotExist):
		s.Fail(w, r, err)
		return
	}
	leaves, first, size, err := s.Ledger.Leaves(r.Context(), before, onLog)
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	v.Size = size
	names := s.names(r.Context(), p.Lang)
	for i := len(leaves) - 1; i >= 0; i-- {
		e, _ := readLeaf(p.Lang, first+int64(i), leaves[i], names)
		v.Entries = append(v.Entries, e.Entry)
	}
	if first > 0 {
		v.Older = "/log?before=" + strconv.FormatInt(first, 10) + "#h-entries"
	}
	if end := first + int64(len(leaves)); end < size {
		v.Newer = "/log?before=" + strconv.FormatInt(min(end+onLog, size), 10) + "#h-entries"
	}
	s.Send(w, r, http.StatusOK, logpage.Body(v))
}

func signedView(c Signed) *logpage.Signed {
	v := &logpage.Signed{Text: string(c.Note), Origin: c.Origin, Size: c.Size, Root: hex.EncodeToString(c.Root[:]), Time: c.Time}
	for _, g := range c.Signers {
		v.Signers = append(v.Signers, logpage.Signer{Name: g.Name, Role: g.Role})
	}
	return v
}

func logAddress(index int64) string { return "/log/" + strconv.FormatInt(index, 10) }

// parseIndex reads a leaf's index as the log writes it: decimal, without sign or leading zeroes.
func parseIndex(text string) (int64, error) {
	index, err := strconv.ParseInt(text, 10, 64)
	if err != nil || index < 0 || strconv.FormatInt(index, 10) != text {
		return 0, fmt.Errorf("%q is no index", text)
	}
	return index, nil
}

// entry is the page of one entry, or with ".tlog-proof" at its end the proof file of it.
func (s *server) entry(w http.ResponseWriter, r *http.Request) {
	text, proof := strings.CutSuffix(r.PathValue("index"), ".tlog-proof")
	index, err := parseIndex(text)
	if err != nil {
		s.Refuse(w, r, entryProblem)
		return
	}
	if proof {
		file, err := s.Ledger.Prove(r.Context(), index)
		if err != nil {
			s.failEntry(w, r, err)
			return
		}
		w.Header().Set("Content-Disposition", `inline; filename="leaf-`+text+`.tlog-proof"`)
		w.Header().Set("Cache-Control", "no-cache")
		s.Write(w, r, http.StatusOK, "text/plain; charset=utf-8", file)
		return
	}
	leaves, first, size, err := s.Ledger.Leaves(r.Context(), index+1, 1)
	if err == nil && (len(leaves) == 0 || first != index) {
		err = fs.ErrNotExist
	}
	if err != nil {
		s.failEntry(w, r, err)
		return
	}
	p, _ := s.Page(w, r)
	v, e := readLeaf(p.Lang, index, leaves[0], s.names(r.Context(), p.Lang))
	v.Page = p
	v.Page.Title = p.Lang.T("entry.title", p.Lang.Count(index))
	if v.Beside != nil {
		present, err := s.Ledger.HasBody(r.Context(), index)
		if err != nil {
			s.Fail(w, r, err)
			return
		}
		v.Beside.State = bodyState(e, present)
	}
	signed, err := s.Ledger.Signed(r.Context())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.Fail(w, r, err)
		return
	}
	v.Covered = err == nil && index < signed.Size
	if index > 0 {
		v.Previous = logAddress(index - 1)
	}
	if index+1 < size {
		v.Next = logAddress(index + 1)
	}
	v.Commands = s.leafCommands(index, v.Beside)
	s.Send(w, r, http.StatusOK, logpage.EntryBody(v))
}

func (s *server) failEntry(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, fs.ErrNotExist) {
		s.Refuse(w, r, entryProblem)
		return
	}
	s.Fail(w, r, err)
}

// bodyState is what became of the body that an event names.
func bodyState(e *event.Event, present bool) string {
	switch {
	case present:
		return "present"
	case e != nil && e.Kind == event.PrivateFact:
		return "committed"
	}
	return "erased"
}

// names gives organisations the names that the charters or the list tell; one that neither knows is called by its identifier.
func (s *server) names(ctx context.Context, l i18n.Lang) func(org string) string {
	known := make(map[string]string)
	for org, slug := range s.Ledger.Operators() {
		known[org] = l.T("log.operator", slug)
	}
	return func(org string) string {
		name, ok := known[org]
		if !ok {
			if name = org; s.OrgName != nil && org != "" {
				name = cmp.Or(s.OrgName(ctx, org), org)
			}
			known[org] = name
		}
		return name
	}
}
