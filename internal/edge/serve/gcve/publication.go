package gcve

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"tasuki/internal/catalogue"
	"tasuki/internal/edge/serve/pace"
	"tasuki/internal/edge/serve/problem"
	room "tasuki/internal/gcve"
	"tasuki/internal/query"
	"tasuki/spec/cve"
	"tasuki/spec/gcve"
)

// publication is GET /api/gcve/publication: a bare array of records, the local authority's unless source names another one.
func (h *handler) publication(w http.ResponseWriter, r *http.Request) {
	p, err := gcve.ParseParams(r.URL.Query())
	if err != nil {
		h.fail(w, r, err)
		return
	}
	origin, known := p.GNA()
	if p.Source == "" && h.Who != nil {
		origin, known = h.Who.Authority.ID, true
	}
	same, err := h.unchanged(w, r)
	if err != nil || same {
		if err != nil {
			h.fail(w, r, err)
		}
		return
	}
	out := &stream{to: w, kind: "application/json", before: "[", between: ",", after: "]\n"}
	if !known {
		err = out.end() // nobody of that name says anything here
	} else {
		err = h.page(r.Context(), origin, p, out)
	}
	h.finish(w, r, out, err)
}

// page writes one page of what an authority said. What authority 0 said are the list's CVE records.
func (h *handler) page(ctx context.Context, origin gcve.GNA, p gcve.Params, out *stream) error {
	var err error
	if origin == gcve.GNACVE {
		err = h.aliased(ctx, p, out)
	} else {
		_, err = h.Room.Page(ctx, origin, p, func(_ room.Record, body []byte) error { return out.add(body) })
	}
	return errors.Join(err, out.endUnless(err))
}

// aliased writes a page of the list's CVE records under their aliases of authority 0, which are computed and stored nowhere.
func (h *handler) aliased(ctx context.Context, p gcve.Params, out *stream) error {
	q, err := catalogued(p)
	if err != nil {
		return err
	}
	found, err := h.Catalogue.Search(ctx, q)
	if err != nil {
		return err
	}
	var ids []string
	for _, hit := range found.Hits {
		ids = append(ids, hit.ID)
	}
	return h.Catalogue.Texts(ctx, ids, func(v *catalogue.View) error { return add(out, v) })
}

func add(out *stream, v *catalogue.View) error {
	id, err := cve.ParseID(v.ID)
	if err != nil {
		return err
	}
	raw, err := v.Compact()
	if err != nil {
		return err
	}
	if raw, err = gcve.Stamp(raw, gcve.FromCVE(id)); err != nil {
		return nil // a container that is no object: such a record cannot be shown in this form
	}
	return out.add(raw)
}

// catalogued is a publication's question in the words of the catalogue.
func catalogued(p gcve.Params) (q catalogue.Query, err error) {
	dates := map[string]string{"": "updated", gcve.ByUpdated: "updated", gcve.ByPublished: "published", gcve.ByReserved: "reserved"}
	q = catalogue.Query{By: dates[p.DateSort], Asc: p.Asc, Offset: int(p.Page-1) * p.PerPage, Limit: p.PerPage, IDsOnly: true}
	if !p.Since.IsZero() {
		q.Filters = []catalogue.Filter{{Num: q.By, Min: p.Since.UnixMilli() + 1, Max: math.MaxInt64}}
	}
	var words []string
	for _, c := range []struct{ field, value string }{{"cwe", p.CWE}, {"product", p.Product}, {"vendor", p.Vendor}, {"assigner", p.Assigner}} {
		if c.value != "" {
			words = append(words, c.field+`:"`+strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(c.value)+`"`)
		}
	}
	if q.Tree, err = query.Parse(strings.Join(words, " ")); err != nil {
		return q, errors.Join(gcve.ErrParam, errors.New("cwe, product, vendor, assigner: not a value that can be looked for"))
	}
	return q, nil
}

// dump is GET /dumps/gna-<id>.ndjson: everything the local authority said, one record per line.
func (h *handler) dump(w http.ResponseWriter, r *http.Request) {
	if h.nobody(w, r) {
		return
	}
	origin := h.Who.Authority.ID
	if r.PathValue("file") != origin.Source()+".ndjson" {
		problem.Refuse(w, r, http.StatusNotFound, "the dump of this authority is "+origin.Source()+".ndjson; of others it gives no dumps")
		return
	}
	if same, err := h.unchanged(w, r); err != nil || same {
		if err != nil {
			h.fail(w, r, err)
		}
		return
	}
	out := &stream{to: w, kind: "application/x-ndjson", between: "\n", after: "\n"}
	var err error
	switch {
	case r.Method == http.MethodHead:
	case origin == gcve.GNACVE:
		err = h.Catalogue.Each(r.Context(), func(v *catalogue.View) error { return add(out, v) })
	default:
		err = h.Room.Each(r.Context(), origin, func(_ room.Record, body []byte) error { return out.add(body) })
	}
	h.finish(w, r, out, errors.Join(err, out.endUnless(err)))
}

// finish answers an error while that is still possible; later only a broken connection tells the reader that this is not the whole.
func (h *handler) finish(w http.ResponseWriter, r *http.Request, out *stream, err error) {
	switch {
	case err == nil:
	case out.out == nil:
		w.Header().Del("ETag")
		h.fail(w, r, err)
	default:
		if r.Context().Err() == nil {
			h.Log.ErrorContext(r.Context(), "gcve reply broken off", "path", r.URL.Path, "err", err)
		}
		panic(http.ErrAbortHandler)
	}
}

// stream writes records as they come: a page holds up to a hundred of up to four megabytes.
type stream struct {
	to                     http.ResponseWriter
	kind                   string
	before, between, after string
	out                    *bufio.Writer // nil until the first byte
	n                      int
}

func (s *stream) begin() {
	if s.out == nil {
		s.to.Header().Set("Content-Type", s.kind)
		s.out = bufio.NewWriterSize(pace.New(s.to), 64<<10)
		_, _ = s.out.WriteString(s.before) // a bufio.Writer keeps its error for Flush
	}
}

// add writes a record in compact form, so that a line is a line.
func (s *stream) add(raw []byte) error {
	line := jsontext.Value(raw)
	if bytes.ContainsAny(raw, "\n\r") {
		line = line.Clone()
		if err := line.Compact(); err != nil {
			return err
		}
	}
	s.begin()
	if s.n++; s.n > 1 {
		_, _ = s.out.WriteString(s.between)
	}
	_, err := s.out.Write(line)
	return err
}

func (s *stream) end() error {
	s.begin()
	if s.n > 0 || s.before != "" {
		_, _ = s.out.WriteString(s.after)
	}
	return s.out.Flush()
}

func (s *stream) endUnless(err error) error {
	if err != nil {
		return nil
	}
	return s.end()
}

// number reads a whole number from 0 on out of a query.
func number(r *http.Request, name string, otherwise, most int64) (int64, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > most {
		return 0, errors.Join(gcve.ErrParam, errors.New(name+": a whole number from 0 on"))
	}
	return n, nil
}
