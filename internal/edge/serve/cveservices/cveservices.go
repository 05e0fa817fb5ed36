// Package cveservices serves the CVE Services HTTP API below /api/, as its clients already speak it: identifiers, records,
// organisations and users. It only translates. What a request asks for is read and checked here (call.go, checks.go); what becomes
// of it is internal/program's to decide; and problems.go turns its errors into this protocol's codes. "Reference" in comments is
// the description of the protocol that this package was written from; README.md says what is imitated and where we differ.
package cveservices

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"tasuki/internal/authority"
	"tasuki/internal/catalogue"
	"tasuki/internal/program"
	"tasuki/spec/cve/schema"
)

// Prefix is the URL space of the handler. Its letters match in any case.
const Prefix = "/api/"

// BodyLimit is the size of the largest body, in bytes (reference §1: 3.8 × 1024 × 1024). Whoever stands before the handler must
// let a little more than that pass, or refuse in this protocol's shape (Refuse).
const BodyLimit = 38 * 1024 * 1024 / 10

// Options are what the handler is made of.
type Options struct {
	Acts      *program.Service   // nil: a node that takes no part in the Program answers reads that need no credentials
	Catalogue *catalogue.Service // the records
	Now       func() time.Time
	Log       *slog.Logger
	RateLimit RateLimit // zero: off
	Copy      bool      // a mirror, which knows nobody's secret: whoever wants to write is sent elsewhere, not told that the secret is wrong
}

// handler is the surface.
type handler struct {
	Options
	acts   Own                                                           // nil where Options.Acts is nil, and no server of its own stands here
	schema *schema.Validator                                             // of acts
	record func(ctx context.Context, id string) (json []byte, err error) // the present record
	own    bool                                                          // acts are not a list's
	limit  *window
}

// Handler answers everything below Prefix.
func Handler(o Options) http.Handler {
	h := &handler{Options: o, limit: newWindow(o.RateLimit, o.Now)}
	if h.record = h.text; o.Acts != nil {
		h.acts, h.schema = o.Acts, o.Acts.Schema
	}
	return h
}

// ServeHTTP sets what every reply has and finds the endpoint. An unknown path and an unknown method are the same 404
// (reference §1).
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
	parts, ok := pathParts(r.URL)
	if !ok {
		problem{status: http.StatusBadRequest, code: "INVALID_JSON_SYNTAX", message: "The path is not UTF-8 text."}.write(w, r, nil)
		return
	}
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	for i := range routes {
		rt := &routes[i]
		words, ok := rt.match(method, parts)
		if !ok {
			continue
		}
		if !h.serves(rt) {
			break
		}
		c := &call{handler: h, w: w, r: r, words: words, caller: authority.Caller{Role: authority.Anonymous}}
		c.me.Caller = c.caller
		c.answer(rt)
		return
	}
	notFound(w, r)
}

// LogPath is how a path is written into a log: without usernames, which are private.
func (h *handler) LogPath(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if strings.Contains(p, "@") || i == 5 && strings.EqualFold(parts[2], "org") {
			parts[i] = "{username}"
		}
	}
	return strings.Join(parts, "/")
}

// pathParts are the decoded parts of a path, without those of slashes at its ends. An escaped slash is part of its part.
func pathParts(u *url.URL) ([]string, bool) {
	parts := strings.Split(strings.TrimSuffix(strings.TrimPrefix(u.EscapedPath(), "/"), "/"), "/")
	for i, p := range parts {
		text, err := url.PathUnescape(p)
		if err != nil || !utf8.ValidString(text) {
			return nil, false
		}
		parts[i] = text
	}
	return parts, true
}

// access says what an endpoint makes of credentials.
type access int

const (
	anyone access = iota // ignores them
	either               // uses them if they are good; bad ones are no error
	member               // needs them
)

// route is an endpoint.
type route struct {
	method string
	path   []string // below /api/; "{name}" stands for any part
	who    access
	may    []func(*authority.Standing) error // what the caller must be, asked before anything is validated
	scarce bool                              // counts against the rate limit
	own    bool                              // a server of its own has it too
	do     func(*call)
}

// match compares literal parts in any letter case and gives the others their names.
func (rt *route) match(method string, parts []string) (words map[string]string, ok bool) {
	if rt.method != method || len(parts) != len(rt.path)+1 || !strings.EqualFold(parts[0], "api") {
		return nil, false
	}
	words = map[string]string{}
	for i, p := range rt.path {
		if name, isName := strings.CutPrefix(p, "{"); isName {
			words[strings.TrimSuffix(name, "}")] = parts[i+1]
		} else if !strings.EqualFold(p, parts[i+1]) {
			return nil, false
		}
	}
	return words, true
}

// at is a route with its path in one text.
func at(method, path string, who access, do func(*call), may ...func(*authority.Standing) error) route {
	return route{method: method, path: strings.Split(path, "/"), who: who, may: may, do: do}
}

// limited is a route that counts against the rate limit.
func limited(rt route) route {
	rt.scarce = true
	return rt
}

// Refuse gives a refusal of the front door (limits, host names, faults) this protocol's shape.
func Refuse(w http.ResponseWriter, r *http.Request, status int, message string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Access-Control-Allow-Origin", "*")
	p := problem{status: status, code: "BAD_REQUEST", message: message}
	switch {
	case status == http.StatusRequestEntityTooLarge:
		p = tooLarge
	case status == http.StatusServiceUnavailable:
		p = problem{status: status, code: unavailable.code, message: message}
	case status >= 500:
		p = unavailable
	case status == http.StatusNotFound:
		p = noResource
	}
	p.write(w, r, nil)
}

func notFound(w http.ResponseWriter, r *http.Request) { noResource.write(w, r, nil) }

// stamp is a time as this protocol writes it: UTC with milliseconds.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
