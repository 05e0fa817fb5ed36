package client

import (
	"strconv"
	"time"
)

// Problem is an answer that could not be given as asked: problem details (RFC 9457) with members of our own. It is the error
// of every method here, behind errors.As.
type Problem struct {
	Type     string `json:"type" doc:"Where the problem is explained: a reference that is resolved against the request's URL." format:"uri-reference" example:"/api#problem-bad-query"`
	Title    string `json:"title" doc:"What kind of problem it is, in English."`
	Status   int    `json:"status" doc:"The HTTP status."`
	Detail   string `json:"detail,omitzero" doc:"What is wrong with this request."`
	Instance string `json:"instance,omitzero" doc:"The request, as it was made." format:"uri-reference"`
	Code     string `json:"code" doc:"The kind of problem, for programs: the fragment of type."`
	// Parameter and what follows are there where they mean something.
	Parameter   string     `json:"parameter,omitzero" doc:"The parameter that is wrong."`
	Reason      string     `json:"reason,omitzero" doc:"For a query that cannot be read: what is wrong with it, for programs." example:"unknown-field"`
	Span        *Span      `json:"span,omitzero" doc:"For a query that cannot be read: which part of it."`
	Column      int        `json:"column,omitzero" doc:"For a query that cannot be read: where, in characters from 1."`
	Suggestions []string   `json:"suggestions,omitzero" doc:"What may have been meant in the place of span, best first."`
	Since       *time.Time `json:"since,omitzero" doc:"For a record that was not known yet: when this list learnt of it." format:"date-time"`
	First       *time.Time `json:"first,omitzero" doc:"For a record that was not known yet: when this list learnt anything." format:"date-time"`
}

// Span is a part of a text, in bytes of its UTF-8 form.
type Span struct {
	Start int `json:"start" doc:"The first byte."`
	End   int `json:"end" doc:"The byte after the last."`
}

// Error is the problem in one line.
func (p *Problem) Error() string {
	text := p.Title
	if p.Detail != "" {
		text = p.Detail
	}
	return text + " (" + strconv.Itoa(p.Status) + ")"
}
