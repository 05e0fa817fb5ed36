// Package cveservices serves the CVE Services HTTP API below /api/, as its clients already speak it. This release reads:
// GET /api/cve/{id}, GET /api/cve_count and GET /api/health-check. Everything else below /api/ is NOT_FOUND in the same
// shape. See README.md for what is imitated and where we differ.
package cveservices

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"tasuki/internal/catalogue"
	"tasuki/spec/cve"
)

// Prefix is the URL space of the handler. Its letters match in any case.
const Prefix = "/api/"

// Records answers for this protocol; Of makes it from the catalogue.
type Records interface {
	// Compact is the current record of id as compact JSON, or catalogue.ErrNotFound.
	Compact(ctx context.Context, id string) ([]byte, error)
	// Count is the number of records in a state, or in any when state is "".
	Count(ctx context.Context, state cve.State) (int, error)
}

// Of asks a catalogue.
func Of(s *catalogue.Service) Records { return records{s} }

type records struct{ *catalogue.Service }

func (r records) Compact(ctx context.Context, id string) ([]byte, error) {
	v, err := r.Text(ctx, id)
	if err != nil {
		return nil, err
	}
	if v.State == cve.Reserved {
		return nil, catalogue.ErrNotFound
	}
	return v.Compact()
}

func (r records) Count(ctx context.Context, state cve.State) (int, error) {
	q := catalogue.Query{}
	if state != "" {
		q.Filters = []catalogue.Filter{{Dim: "state", Values: []string{string(state)}}}
	}
	page, err := r.Search(ctx, q)
	if err != nil {
		return 0, err
	}
	return page.Total, nil
}

type handler struct {
	records Records
	log     *slog.Logger
}

// Handler answers everything below Prefix.
func Handler(records Records, log *slog.Logger) http.Handler {
	return &handler{records, log}
}

// ServeHTTP sets what every reply has and finds the endpoint. Literal parts compare in any case and one trailing slash
// is accepted (reference §1); an unknown path and an unknown method are the same 404.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("Cache-Control", "no-store")
	head.Set("Access-Control-Allow-Origin", "*")
	if r.Method == http.MethodOptions {
		head.Set("Access-Control-Allow-Methods", "GET,HEAD,PUT,PATCH,POST,DELETE")
		if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
			head.Set("Access-Control-Allow-Headers", asked)
			head.Add("Vary", "Access-Control-Request-Headers")
		}
		w.WriteHeader(http.StatusNoContent)
		return
	}
	parts := strings.Split(strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/"), "/"), "/")
	read := r.Method == http.MethodGet || r.Method == http.MethodHead
	literal := func(i int, name string) bool { return strings.EqualFold(parts[i], name) }
	switch {
	case !read || len(parts) < 2 || !literal(0, "api"):
		notFound(w, r)
	case len(parts) == 3 && literal(1, "cve"):
		h.record(w, r, parts[2])
	case len(parts) == 2 && literal(1, "cve_count"):
		h.count(w, r)
	case len(parts) == 2 && literal(1, "health-check"):
		head.Set("Content-Length", "0")
		w.WriteHeader(http.StatusOK)
	default:
		notFound(w, r)
	}
}

// cveID is the reference's cveid check. The id, unlike the path, compares exactly.
var cveID = regexp.MustCompile(`^CVE-[0-9]{4}-[0-9]{4,19}$`)

// record is GET /api/cve/{id} (reference §7): anyone, query parameters ignored.
func (h *handler) record(w http.ResponseWriter, r *http.Request, id string) {
	if !cveID.MatchString(id) {
		badInput(w, r, detail{"Invalid value", "id", "params"})
		return
	}
	body, err := h.records.Compact(r.Context(), id)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	send(w, r, http.StatusOK, body)
}

// count is GET /api/cve_count (reference §7).
func (h *handler) count(w http.ResponseWriter, r *http.Request) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		badInput(w, r, detail{"Invalid value", "", "query"})
		return
	}
	if wrong := countParameters(r.URL.RawQuery, values); len(wrong) > 0 {
		badInput(w, r, wrong...)
		return
	}
	n, err := h.records.Count(r.Context(), cve.State(strings.ToUpper(strings.TrimSpace(values.Get("state")))))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	send(w, r, http.StatusOK, []byte(`{"totalCount":`+strconv.Itoa(n)+`}`))
}

var notNameRune = regexp.MustCompile(`[^A-Za-z0-9_ -]+`)

// countParameters runs the checks of cve_count in the reference's notation: names(state), then for state: clean, opt,
// string, trim, upper, oneof(REJECTED, PUBLISHED). All failures are reported together, values are never echoed.
func countParameters(raw string, values url.Values) (wrong []detail) {
	for part := range strings.SplitSeq(raw, "&") {
		name, _, _ := strings.Cut(part, "=")
		name, err := url.QueryUnescape(name)
		if err == nil && part != "" && name != "state" {
			shown := strings.TrimSpace(notNameRune.ReplaceAllString(name, " "))
			wrong = append(wrong, detail{"'" + shown + "' is not a known parameter.", "", "query"})
			break // the first only
		}
	}
	given, ok := values["state"]
	if !ok {
		return wrong
	}
	if len(given) > 1 {
		return append(wrong, detail{"Invalid value", "state", "query"})
	}
	for _, c := range "<>\"" {
		if strings.ContainsRune(given[0], c) {
			wrong = append(wrong, detail{"has the forbidden character " + string(c), "state", "query"})
			break
		}
	}
	switch strings.ToUpper(strings.TrimSpace(given[0])) {
	case "PUBLISHED", "REJECTED":
	default:
		wrong = append(wrong, detail{"Not a record state; use PUBLISHED or REJECTED.", "state", "query"})
	}
	return wrong
}

// fail maps our errors to the protocol's.
func (h *handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	for _, p := range problems {
		if errors.Is(err, p.err) {
			problem(w, r, p.status, p.code, p.message)
			return
		}
	}
	if r.Context().Err() == nil {
		h.log.ErrorContext(r.Context(), "cve services request not answered", "path", r.URL.Path, "err", err)
	}
	problem(w, r, http.StatusInternalServerError, "SERVICE_NOT_AVAILABLE", "The service is not available.")
}
