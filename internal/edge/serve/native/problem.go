package native

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"

	"tasuki/client"
	"tasuki/internal/catalogue"
	"tasuki/internal/query"
)

// code is a kind of problem. Its explanation is the anchor problem-<code> on the page of the API.
type code string

// The kinds of problems.
const (
	codeQuery      code = "bad-query"
	codeParameter  code = "bad-parameter"
	codeMoment     code = "bad-moment"
	codeCursor     code = "bad-cursor"
	codePath       code = "no-such-path"
	codeMethod     code = "method-not-allowed"
	codeIdentifier code = "bad-identifier"
	codeUnknown    code = "unknown-record"
	codeNotYet     code = "not-known-yet"
	codeVersion    code = "unknown-version"
	codeErased     code = "erased"
	codeNoName     code = "unknown-name"
	codeNoOrg      code = "unknown-organization"
	codeNoCase     code = "unknown-case"
	codeNoProof    code = "no-proof"
	codeBusy       code = "too-many-streams"
	codeInternal   code = "internal-error"
	codeDoor       code = "refused"
)

// Kind describes a kind of problem for whoever reads the description of the API.
type Kind struct {
	Code   string `json:"code"`
	Status int    `json:"status"`
	Title  string `json:"title"`
	Text   string `json:"text"`
}

// kinds is this surface's one table of what can be wrong.
var kinds = map[code]Kind{
	codeQuery: {Status: http.StatusBadRequest, Title: "The query cannot be read",
		Text: "q is not in the query language. span and column say where, reason why, suggestions what may have been meant."},
	codeParameter: {Status: http.StatusBadRequest, Title: "A parameter is wrong",
		Text: "A parameter is unknown here, is given twice, or its value is none that it takes; parameter names it."},
	codeMoment: {Status: http.StatusBadRequest, Title: "There is no such moment",
		Text: "at, size, clock, from or to do not name a moment in the life of the list: a day, an instant, or a size that the log has reached."},
	codeCursor: {Status: http.StatusBadRequest, Title: "The cursor belongs to another question",
		Text: "cursor has to come from an answer to the same question: same query, same order, same moment."},
	codePath: {Status: http.StatusNotFound, Title: "There is nothing at this path",
		Text: "No operation has this path."},
	codeMethod: {Status: http.StatusMethodNotAllowed, Title: "The list is only read here",
		Text: "This interface answers GET and HEAD."},
	codeIdentifier: {Status: http.StatusNotFound, Title: "That is no CVE identifier",
		Text: "A CVE identifier is CVE-, four digits of a year, -, and four or more digits."},
	codeUnknown: {Status: http.StatusNotFound, Title: "The list has no such record",
		Text: "The identifier is well-formed, and this list has never held a record for it."},
	codeNotYet: {Status: http.StatusNotFound, Title: "The record was not known yet",
		Text: "The list did not hold this record at the moment asked for. since says when it learnt of it, first when it learnt anything at all."},
	codeVersion: {Status: http.StatusNotFound, Title: "The record has no such version",
		Text: "No version of this record is at the leaf asked for; the list of versions names the leaves."},
	codeErased: {Status: http.StatusGone, Title: "The record's text was erased",
		Text: "The log still proves that there was a record; its text was erased by decision, at every copy."},
	codeNoName: {Status: http.StatusNotFound, Title: "No record names this",
		Text: "No record of the list names this vendor, product, weakness or assigner, in this spelling."},
	codeNoOrg: {Status: http.StatusNotFound, Title: "There is no such organisation",
		Text: "No organisation of this list has this short name or UUID. What is known only as the assigner of imported records is among the assigners."},
	codeNoCase: {Status: http.StatusNotFound, Title: "There is no such case",
		Text: "No dispute or other case of this list has this number."},
	codeNoProof: {Status: http.StatusNotFound, Title: "There is no proof yet",
		Text: "The record is logged, and no signed checkpoint covers it yet. Ask again in a moment."},
	codeBusy: {Status: http.StatusServiceUnavailable, Title: "Too many streams are open",
		Text: "The node bounds the streams that are open at a time. Try again later, or poll the changes."},
	codeInternal: {Status: http.StatusInternalServerError, Title: "Something went wrong in the node",
		Text: "It is not the request's fault. The operator finds it in the node's log under the request's id (X-Request-Id)."},
	codeDoor: {Title: "The node refused the request",
		Text: "The request did not reach the API: its host name, size or pace was refused at the door. detail says why."},
}

// problemKinds are the kinds for the description, by code.
func problemKinds() []Kind {
	order := []code{codeQuery, codeParameter, codeMoment, codeCursor, codePath, codeMethod, codeIdentifier, codeUnknown, codeNotYet, codeVersion,
		codeErased, codeNoName, codeNoOrg, codeNoCase, codeNoProof, codeBusy, codeInternal, codeDoor}
	out := make([]Kind, len(order))
	for i, c := range order {
		out[i] = kinds[c]
		out[i].Code = string(c)
	}
	return out
}

// refusal is a problem on its way to the client.
type refusal struct{ client.Problem }

// GetStatus is for huma.
func (p *refusal) GetStatus() int { return p.Status }

// ContentType is for huma.
func (p *refusal) ContentType(string) string { return "application/problem+json" }

func (p *refusal) Error() string { return p.Problem.Error() }

// refuse makes a problem of a kind.
func refuse(c code, detail string) *refusal {
	k := kinds[c]
	return &refusal{client.Problem{Type: "/api#problem-" + string(c), Title: k.Title, Status: k.Status, Code: string(c), Detail: detail}}
}

// wrong is a parameter that is wrong.
func wrong(parameter, detail string) *refusal {
	p := refuse(codeParameter, detail)
	p.Parameter = parameter
	return p
}

// problem puts an error of the floors below into this protocol's words.
func (a *api) problem(ctx context.Context, err error) error {
	var done *refusal
	var qe *query.Error
	switch {
	case errors.As(err, &done):
		return err // with the headers that it may carry
	case errors.As(err, &qe):
		return unreadable(qe)
	case errors.Is(err, catalogue.ErrAt):
		return refuse(codeMoment, ours(err))
	case errors.Is(err, catalogue.ErrQuery):
		return refuse(codeCursor, ours(err))
	case errors.Is(err, catalogue.ErrErased):
		return refuse(codeErased, "")
	case errors.Is(err, catalogue.ErrNotFound):
		return refuse(codeUnknown, "")
	case errors.Is(err, fs.ErrNotExist):
		return refuse(codeNoProof, "")
	case ctx.Err() != nil:
		return refuse(codeInternal, "The answer took too long, or nobody waits for it any more.")
	}
	a.Log.ErrorContext(ctx, "native api", "err", err)
	return refuse(codeInternal, "")
}

// ours is an error's text without the package's name in it.
func ours(err error) string { return strings.TrimPrefix(err.Error(), "catalogue: ") }

// unreadable points at the character of the query that is wrong.
func unreadable(e *query.Error) *refusal {
	p := refuse(codeQuery, e.Message)
	p.Parameter, p.Reason = "q", e.Code
	p.Span = &client.Span{Start: e.Start, End: e.End}
	p.Column = e.Column
	for _, s := range e.Suggest {
		p.Suggestions = append(p.Suggestions, s.Text)
	}
	return p
}

// ownProblems gives what huma found wrong with a request the shape of every other problem.
func ownProblems(ctx huma.Context, _ string, v any) (any, error) {
	uri := ctx.URL()
	switch p := v.(type) {
	case *refusal:
		p.Instance = uri.RequestURI()
		return &p.Problem, nil
	case *huma.ErrorModel:
		out := refuse(codeParameter, p.Detail)
		if p.Status >= http.StatusInternalServerError {
			out = refuse(codeInternal, "")
		}
		if len(p.Errors) > 0 {
			first := p.Errors[0]
			_, out.Parameter, _ = strings.Cut(first.Location, ".")
			out.Detail = fmt.Sprintf("%s: %s", out.Parameter, first.Message)
		}
		out.Instance = uri.RequestURI()
		return &out.Problem, nil
	}
	return v, nil
}

// Refuse answers for the door, with a problem in this surface's shape.
func Refuse(w http.ResponseWriter, r *http.Request, status int, detail string) {
	p := refuse(codeDoor, detail)
	p.Status, p.Title = status, http.StatusText(status)
	write(w, r, p)
}

// write answers with a problem outside of huma.
func write(w http.ResponseWriter, r *http.Request, p *refusal) {
	p.Instance = r.URL.RequestURI()
	raw, err := json.Marshal(&p.Problem, json.Deterministic(true))
	if err != nil {
		raw = []byte("{}") // strings and numbers always encode
	}
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(raw)+1))
	w.WriteHeader(p.Status)
	_, _ = w.Write(append(raw, '\n')) // the client may be gone
}
