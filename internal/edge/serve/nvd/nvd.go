// Package nvd serves the CVE part of the NVD API 2.0, GET /rest/json/cves/2.0, so that a client of NVD works after changing
// its base URL. See README.md for what is imitated and where we differ.
package nvd

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tasuki/internal/catalogue"
	"tasuki/internal/edge/serve/pace"
	render "tasuki/internal/render/nvd"
	"tasuki/spec/cve"
	"tasuki/spec/nvd"
)

// Prefix is the URL space of the handler: everything in it has NVD's error shape.
const Prefix = "/rest/json/"

// cvesPath is the one endpoint so far. A trailing slash is accepted too.
const cvesPath = "/rest/json/cves/2.0"

// Source is what the surface asks of the catalogue; Of makes it.
type Source interface {
	// Search answers one page; its hits are in the order asked for. Only their IDs are used.
	Search(ctx context.Context, q catalogue.Query) (*catalogue.Page, error)
	// Bulk gives fn the current record of each id, in that order; unknown ids are passed over. It holds nothing while fn runs.
	Bulk(ctx context.Context, ids []string, fn func(Current) error) error
}

// Current is the current record of one CVE.
type Current struct {
	Record  *cve.Record
	Compact []byte    // its JSON
	Changed time.Time // lastModified for change-polling clients
	Logged  time.Time // when this list learnt it
}

func (c Current) published() time.Time {
	if t := nvd.Published(c.Record); !t.IsZero() {
		return t
	}
	return c.Logged // a record without any date: the protocol wants one
}

// Of asks a catalogue.
func Of(s *catalogue.Service) Source { return source{s} }

type source struct{ *catalogue.Service }

func (s source) Bulk(ctx context.Context, ids []string, fn func(Current) error) error {
	return s.Service.Bulk(ctx, ids, func(v *catalogue.View) error {
		compact, err := v.Compact()
		if err != nil {
			return err
		}
		return fn(Current{Record: v.Record, Compact: compact, Changed: v.Changed, Logged: v.Logged})
	})
}

// Options are the surface's parts and settings. Source, Now and Log are required.
type Options struct {
	Source Source
	Now    func() time.Time
	Log    *slog.Logger
	// SourceName gives an organisation's contact address, "" when it is not known; replies then show its UUID. Nil knows none.
	SourceName func(orgID string) string
	// SourceOrgs is its inverse: the organisations that a sourceIdentifier means, besides the one whose UUID it is. Nil knows none.
	SourceOrgs func(name string) []string
	// HideDerived leaves out configurations that nobody has stated as such.
	HideDerived bool
}

type handler struct{ Options }

// Handler answers everything below Prefix.
func Handler(o Options) http.Handler { return &handler{o} }

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("Access-Control-Allow-Origin", "*")
	head.Set("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS")
	head.Set("Access-Control-Allow-Headers", "accept, apiKey, content-type, origin, x-requested-with")
	head.Set("Access-Control-Allow-Credentials", "false")
	switch {
	case strings.TrimSuffix(r.URL.Path, "/") != cvesPath:
		refuse(w, r, "Invalid path.")
	case r.Method == http.MethodOptions:
		head.Set("Allow", "GET, HEAD, OPTIONS")
		w.WriteHeader(http.StatusNoContent)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		head.Set("Allow", "GET, HEAD, OPTIONS")
		refuse(w, r, "Invalid method.")
	case r.Header.Get("apiKey") != "":
		// No keys are given out yet, so none can be right.
		refuse(w, r, "Invalid apiKey.")
	default:
		head.Set("apiKey", "No")
		h.cves(w, r)
	}
}

// cves is GET /rest/json/cves/2.0.
func (h *handler) cves(w http.ResponseWriter, r *http.Request) {
	now := h.Now()
	params, err := nvd.ParseParams(r.URL.RawQuery)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	page, err := h.page(r.Context(), params, now)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	tag, err := h.tag(r.Context(), page, params, now)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	head := w.Header()
	head.Set("ETag", tag)
	head.Set("Cache-Control", "no-cache") // keep it, and ask whether it still holds
	if matches(r.Header.Get("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	head.Set("Content-Type", "application/json")
	if r.Method == http.MethodHead {
		return
	}
	if err := h.write(r.Context(), pace.New(w), params, page, now); err != nil {
		if r.Context().Err() == nil {
			h.Log.ErrorContext(r.Context(), "nvd reply broken off", "query", params.Encode(), "err", err)
		}
		// The status is out already: only a broken connection tells the client that this is not the whole reply.
		panic(http.ErrAbortHandler)
	}
}

// write streams the envelope item by item: a page holds up to 2,000 records of up to a megabyte. Should a record be erased
// between the search and here, the page holds one item less than it says.
func (h *handler) write(ctx context.Context, w io.Writer, params nvd.Params, page *result, now time.Time) error {
	out := bufio.NewWriterSize(w, 64<<10)
	fmt.Fprintf(out, `{"resultsPerPage":%d,"startIndex":%d,"totalResults":%d,"format":%q,"version":%q,"timestamp":%q,"vulnerabilities":[`,
		len(page.ids), params.StartIndex, page.total, nvd.Format, nvd.Version, nvd.FormatTime(now))
	first := true
	err := h.Source.Bulk(ctx, page.ids, func(c Current) error {
		item, err := h.item(c, now)
		if err != nil {
			return err
		}
		if !first {
			out.WriteByte(',') //nolint:errcheck // a bufio.Writer keeps its error for Flush
		}
		first = false
		return json.MarshalWrite(out, nvd.Item{CVE: *item}, jsontext.AllowInvalidUTF8(true))
	})
	if err != nil {
		return err
	}
	out.WriteString("]}") //nolint:errcheck // likewise
	return out.Flush()
}

func (h *handler) item(c Current, now time.Time) (*nvd.CVE, error) {
	return render.Item(c.Record, c.Compact, render.Options{
		Now: now, Published: c.published(), Changed: c.Changed, SourceName: h.SourceName, HideDerived: h.HideDerived,
	})
}

// fail is the one table from errors to this protocol's shape.
func (h *handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	var refused *nvd.ParamError
	switch {
	case errors.As(err, &refused):
		refuse(w, r, refused.Message)
	case r.Context().Err() != nil:
		// The client has gone; whoever logs requests sees that no byte was written.
	default:
		h.Log.ErrorContext(r.Context(), "nvd request failed", "query", r.URL.RawQuery, "err", err)
		Refuse(w, r, http.StatusInternalServerError, "Internal error.")
	}
}

// refuse answers a client's error: 404 whatever it is, as the protocol wants it.
func refuse(w http.ResponseWriter, r *http.Request, message string) {
	Refuse(w, r, http.StatusNotFound, message)
}

// Refuse writes a refusal in the protocol's shape: one line in the header "message". The same line as the body is for
// people; clients ignore it.
func Refuse(w http.ResponseWriter, r *http.Request, status int, message string) {
	head := w.Header()
	head.Set("message", message)
	head.Set("Content-Type", "text/plain; charset=utf-8")
	head.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		io.WriteString(w, message+"\n") //nolint:errcheck // the client has gone
	}
}

// rendering is part of every entity tag. Raise it when the same record renders differently.
const rendering = 1

// tag is the weak entity tag of a page: it moves with the log, the query, what the page holds, and, while a record on it is
// young enough to change its status by the clock alone, with every minute. The last record of a page is its youngest.
func (h *handler) tag(ctx context.Context, p *result, params nvd.Params, now time.Time) (string, error) {
	sum := sha256.New()
	fmt.Fprintf(sum, "%d\n%s\n%d\n%d\n", rendering, params.Encode(), p.size, p.total)
	for _, id := range p.ids {
		fmt.Fprintln(sum, id)
	}
	err := h.Source.Bulk(ctx, p.ids[max(0, len(p.ids)-1):], func(c Current) error {
		if now.Sub(c.published()) <= nvd.ReceivedFor+time.Minute {
			fmt.Fprintln(sum, now.Unix()/60)
		}
		return nil
	})
	return `W/"` + hex.EncodeToString(sum.Sum(nil)[:12]) + `"`, err
}

// matches is If-None-Match (RFC 9110 §13.1.2) with weak comparison.
func matches(header, tag string) bool {
	for part := range strings.SplitSeq(header, ",") {
		part = strings.TrimSpace(part)
		if part == "*" || part != "" && strings.TrimPrefix(part, "W/") == strings.TrimPrefix(tag, "W/") {
			return true
		}
	}
	return false
}
