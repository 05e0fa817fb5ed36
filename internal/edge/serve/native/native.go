package native

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tasuki/internal/catalogue"
	"tasuki/internal/edge/serve/pace"
	"tasuki/spec/cve"
)

// Prefix is the URL space that the handler owns.
const Prefix = "/api/v1/"

// Catalogue is what the API reads.
type Catalogue interface {
	Search(ctx context.Context, q catalogue.Query) (*catalogue.Page, error)
	Texts(ctx context.Context, ids []string, fn func(*catalogue.View) error) error
}

// Options are what the API needs of its surroundings.
type Options struct {
	Catalogue Catalogue
	Stats     func(ctx context.Context) (any, error) // the object of /stats
	Log       *slog.Logger
}

// Bounds of one request.
const (
	defaultLimit = 20
	maxLimit     = 1000
	maxWords     = 1000 // bytes of q
	exportPage   = 500
)

// dimensions that a parameter may name, and the letter case their values mostly have in the index. A value is also looked for
// as given: some tags and organisations are spelt otherwise.
var dimensions = map[string]func(string) string{
	"state": strings.ToUpper, "severity": strings.ToLower, "vendor": strings.ToLower, "product": strings.ToLower, "cwe": strings.ToUpper,
	"assigner": keep, "year": keep, "kev": strings.ToLower, "ssvc": strings.ToLower, "tag": strings.ToLower, "status": strings.ToLower,
	"reference": strings.ToLower, "lang": strings.ToLower, "source": strings.ToLower,
}

func keep(s string) string { return s }

type api struct{ Options }

// Handler answers for Prefix.
func Handler(o Options) http.Handler {
	a := api{o}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+Prefix+"search", a.search)
	mux.HandleFunc("GET "+Prefix+"stats", a.stats)
	mux.HandleFunc("GET "+Prefix+"export", a.export)
	mux.HandleFunc(Prefix, func(w http.ResponseWriter, r *http.Request) {
		Refuse(w, r, http.StatusNotFound, "There is nothing at this path.")
	})
	return mux
}

// problem is a request that cannot be answered as asked.
type problem struct{ detail string }

func (p problem) Error() string { return p.detail }

// Refuse answers with a problem (RFC 9457).
func Refuse(w http.ResponseWriter, _ *http.Request, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.MarshalWrite(w, struct {
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail,omitzero"`
	}{http.StatusText(status), status, detail}) // the client may be gone
}

func (a api) fail(w http.ResponseWriter, r *http.Request, err error) {
	var p problem
	switch {
	case errors.As(err, &p):
		Refuse(w, r, http.StatusBadRequest, p.detail)
	case errors.Is(err, catalogue.ErrQuery):
		Refuse(w, r, http.StatusBadRequest, err.Error())
	case r.Context().Err() != nil:
	default:
		a.Log.ErrorContext(r.Context(), "native api", "path", r.URL.Path, "err", err)
		Refuse(w, r, http.StatusInternalServerError, "")
	}
}

// reply is the answer of /search.
type reply struct {
	Total  int                `json:"total"`
	Size   int64              `json:"size"` // of the log that the answer covers
	Hits   []hit              `json:"hits"`
	Next   string             `json:"next,omitzero"`
	Facets map[string][]count `json:"facets,omitzero"`
}

type hit struct {
	ID        string           `json:"id"`
	State     string           `json:"state"`
	Title     string           `json:"title,omitzero"`
	Summary   string           `json:"summary,omitzero"`
	Lang      string           `json:"lang,omitzero"`
	Products  []string         `json:"products,omitzero"`
	Score     float64          `json:"score,omitzero"`
	Severity  string           `json:"severity,omitzero"`
	CVSS      *catalogue.Score `json:"cvss,omitzero"`
	CWE       []string         `json:"cwe,omitzero"`
	KEV       string           `json:"kev,omitzero"`
	SSVC      string           `json:"ssvc,omitzero"`
	Published string           `json:"published,omitzero"`
	Changed   string           `json:"changed"`
	Assigner  string           `json:"assigner,omitzero"`
}

type count struct {
	Value string `json:"value"`
	Count int    `json:"count"`
}

func (a api) search(w http.ResponseWriter, r *http.Request) {
	q, err := readQuery(r.URL.Query())
	if err != nil {
		a.fail(w, r, err)
		return
	}
	page, err := a.Catalogue.Search(r.Context(), q)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	out := reply{Total: page.Total, Size: page.Size, Next: page.Next, Hits: make([]hit, 0, len(page.Hits))}
	for _, h := range page.Hits {
		x := hit{ID: h.ID, State: string(h.State), Title: h.Title, Summary: h.Summary, Lang: h.Lang, Products: h.Products, CVSS: h.Score,
			Severity: "unscored", CWE: h.CWE, KEV: h.KEV, SSVC: h.SSVC, Changed: cve.FormatTime(h.Changed), Assigner: h.Assigner}
		if h.Score != nil {
			x.Score, x.Severity = h.Score.Value, h.Score.Severity
		}
		if !h.Published.IsZero() {
			x.Published = cve.FormatTime(h.Published)
		}
		out.Hits = append(out.Hits, x)
	}
	for dim, values := range page.Facets {
		if out.Facets == nil {
			out.Facets = map[string][]count{}
		}
		list := make([]count, len(values))
		for i, v := range values {
			list[i] = count(v)
		}
		out.Facets[dim] = list
	}
	a.send(w, r, out)
}

func (a api) stats(w http.ResponseWriter, r *http.Request) {
	v, err := a.Stats(r.Context())
	if err != nil {
		a.fail(w, r, err)
		return
	}
	a.send(w, r, v)
}

func (a api) send(w http.ResponseWriter, r *http.Request, v any) {
	raw, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		a.fail(w, r, err)
		return
	}
	// Over the answer itself: statistics change without the log, and an answer that did not change need not be sent again.
	sum := sha256.Sum256(raw)
	tag := `W/"` + hex.EncodeToString(sum[:12]) + `"`
	w.Header().Set("ETag", tag)
	w.Header().Set("Cache-Control", "no-cache") // keep it, and ask whether it still holds
	if matches(r.Header.Get("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(raw, '\n')) // the client may be gone
}

// matches is If-None-Match (RFC 9110 §13.1.2) with weak comparison.
func matches(header, tag string) bool {
	for part := range strings.SplitSeq(header, ",") {
		part = strings.TrimSpace(part)
		if part == "*" || strings.TrimPrefix(part, "W/") == strings.TrimPrefix(tag, "W/") {
			return true
		}
	}
	return false
}

// export streams whole records, in the order of publication, page by page. form=compact gives a record a line,
// form=original an object with the record's bytes as they were published.
func (a api) export(w http.ResponseWriter, r *http.Request) {
	v := r.URL.Query()
	form := v.Get("form")
	if form != "" && form != "compact" && form != "original" {
		a.fail(w, r, problem{"form is compact or original"})
		return
	}
	v.Del("form")
	q, err := readQuery(v)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	q.Sort, q.Limit, q.Facets, q.IDsOnly = catalogue.Oldest, exportPage, nil, true
	w.Header().Set("Content-Type", "application/x-ndjson")
	out := pace.New(w)
	started := false
	for {
		page, err := a.Catalogue.Search(r.Context(), q)
		if err == nil {
			started = true
			ids := make([]string, len(page.Hits))
			for i, h := range page.Hits {
				ids[i] = h.ID
			}
			err = a.Catalogue.Texts(r.Context(), ids, func(view *catalogue.View) error { return line(out, view, form == "original") })
		}
		if err != nil {
			if !started {
				a.fail(w, r, err)
				return
			}
			a.Log.WarnContext(r.Context(), "export broken off", "err", err)
			panic(http.ErrAbortHandler) // the reader must not take a part for the whole
		}
		if page.Next == "" {
			return
		}
		q.Cursor = page.Next
	}
}

func line(w io.Writer, view *catalogue.View, original bool) error {
	raw, err := view.Compact()
	if err == nil && original {
		if raw, err = view.Raw(); err == nil {
			raw, err = json.Marshal(struct {
				ID  string `json:"id"`
				Raw string `json:"raw"`
			}{view.ID, string(raw)})
		}
	} else if err == nil {
		// A body that was not stored compact may hold line feeds, which would end the line.
		v := jsontext.Value(raw)
		err = v.Compact()
		raw = v
	}
	if err != nil {
		return err
	}
	_, err = w.Write(append(raw, '\n'))
	return err
}

// readQuery reads the parameters of a search; a name or value that means nothing is an error, never ignored.
func readQuery(v url.Values) (catalogue.Query, error) {
	q := catalogue.Query{Limit: defaultLimit}
	for name, values := range v {
		given := values[0]
		var err error
		dim, isDim := dimensions[name]
		switch {
		case isDim:
			f := catalogue.Filter{Dim: name}
			for _, value := range values {
				value = strings.TrimSpace(value)
				f.Values = append(f.Values, value)
				if v := dim(value); v != value {
					f.Values = append(f.Values, v)
				}
			}
			q.Filters = append(q.Filters, f)
		case len(values) > 1:
			err = problem{name + " is given twice"}
		case name == "q":
			if len(given) > maxWords {
				err = problem{"q is longer than " + strconv.Itoa(maxWords) + " bytes"}
			}
			q.Text = given
		case name == "sort":
			orders := map[string]catalogue.Order{"newest": catalogue.Newest, "oldest": catalogue.Oldest, "relevance": catalogue.Relevance}
			var ok bool
			if q.Sort, ok = orders[given]; !ok {
				err = problem{"sort is newest, oldest or relevance"}
			}
		case name == "limit":
			if q.Limit, err = strconv.Atoi(given); err != nil || q.Limit < 0 || q.Limit > maxLimit {
				err = problem{"limit is a number from 0 to " + strconv.Itoa(maxLimit)}
			}
		case name == "cursor":
			q.Cursor = given
		case name == "facets":
			for f := range strings.SplitSeq(given, ",") {
				if f = strings.TrimSpace(f); dimensions[f] == nil {
					err = problem{"facets: there is no dimension " + strconv.Quote(f)}
				} else if !slices.Contains(q.Facets, f) {
					q.Facets = append(q.Facets, f)
				}
			}
		case name == "published" || name == "changed":
			var f catalogue.Filter
			if f, err = span(name, given); err == nil {
				q.Filters = append(q.Filters, f)
			}
		default:
			err = problem{"there is no parameter " + strconv.Quote(name)}
		}
		if err != nil {
			return q, err
		}
	}
	if q.Sort == catalogue.Relevance && q.Text == "" {
		return q, problem{"sort=relevance needs q"}
	}
	return q, nil
}

// span reads FROM..TO, both days inclusive, either of them absent.
func span(name, given string) (catalogue.Filter, error) {
	f := catalogue.Filter{Num: name, Min: math.MinInt64 + 1, Max: math.MaxInt64}
	from, to, ok := strings.Cut(given, "..")
	if !ok {
		to = from // one day
	}
	wrong := problem{name + " is FROM..TO in days like 2024-01-31, either end may be missing"}
	if from != "" {
		t, err := time.Parse(time.DateOnly, from)
		if err != nil {
			return f, wrong
		}
		f.Min = t.UnixMilli()
	}
	if to != "" {
		t, err := time.Parse(time.DateOnly, to)
		if err != nil {
			return f, wrong
		}
		f.Max = t.AddDate(0, 0, 1).UnixMilli() - 1
	}
	return f, nil
}
