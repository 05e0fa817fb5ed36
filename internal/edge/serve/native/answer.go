package native

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// strict refuses parameters that an operation does not know or that are given twice: what is ignored in silence answers
// another question than the one that was asked.
func strict(ctx huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(ctx)
	given, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		write(w, r, refuse(codeParameter, "The query string is not well-formed: "+err.Error()))
		return
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		var p *refusal
		switch known := slices.ContainsFunc(ctx.Operation().Parameters, func(p *huma.Param) bool { return p.In == "query" && p.Name == name }); {
		case !known:
			p = wrong(name, "There is no parameter "+strconv.Quote(name)+" here.")
		case len(given[name]) > 1:
			p = wrong(name, name+" is given twice.")
		default:
			continue
		}
		write(w, r, p)
		return
	}
	next(ctx)
}

// answer holds an answer back until it is whole, so that it can be given a tag, or replaced by "not modified".
type answer struct {
	request
	status int
	body   bytes.Buffer
}

// request is a huma.Context under a name that does not hide its method Context.
type request huma.Context

// Unwrap lets streams reach the connection.
func (a *answer) Unwrap() huma.Context { return a.request }

// SetStatus notes the status. What huma calls unprocessable is a bad request like every other here.
func (a *answer) SetStatus(status int) {
	if status == http.StatusUnprocessableEntity {
		status = http.StatusBadRequest
	}
	a.status = status
}

// Status is what SetStatus noted.
func (a *answer) Status() int { return a.status }

// BodyWriter collects.
func (a *answer) BodyWriter() io.Writer { return &a.body }

// whole sends answers that are made in one piece. Streams write to the connection themselves and leave nothing here.
func (a *api) whole(ctx huma.Context, next func(huma.Context)) {
	held := &answer{request: ctx}
	next(held)
	if held.status == 0 {
		return
	}
	r, w := humago.Unwrap(ctx)
	send(w, r, held.status, held.body.Bytes())
}

// send sends a whole answer, whose Content-Type is set. A success gets a tag over its bytes: statistics change without the
// log, and an answer that did not change need not be sent again.
func send(w http.ResponseWriter, r *http.Request, status int, body []byte) {
	h := w.Header()
	if status != http.StatusOK {
		h.Set("Cache-Control", "no-store")
	} else {
		sum := sha256.Sum256(body)
		if settled(w, r, hex.EncodeToString(sum[:12])) {
			return
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may be gone
}

// settled sets the headers of an answer that may be kept and has to be asked for again each time: a body can be erased, and
// the list grows. It reports true after answering that nothing was modified.
func settled(w http.ResponseWriter, r *http.Request, content string) bool {
	tag := `W/"` + content + `"`
	h := w.Header()
	h.Set("ETag", tag)
	h.Set("Cache-Control", "no-cache")
	if !matches(r.Header.Get("If-None-Match"), tag) {
		return false
	}
	h.Del("Content-Type")
	w.WriteHeader(http.StatusNotModified)
	return true
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
