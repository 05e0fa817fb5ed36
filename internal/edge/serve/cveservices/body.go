package cveservices

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

const syntax = "INVALID_JSON_SYNTAX"

// readBody reads a request's body: JSON, and an object or a list. An absent one is {}; a form-encoded one is read by the rules of
// query strings. It answers nil and the problem if the body is none of these.
func readBody(r *http.Request) (jsontext.Value, *problem) {
	if coding := r.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return nil, &problem{status: http.StatusBadRequest, code: "BAD_REQUEST", message: "Compressed bodies are not accepted."}
	}
	if r.ContentLength > BodyLimit {
		return nil, &tooLarge
	}
	raw, err := io.ReadAll(io.LimitReader(r.Body, BodyLimit+1))
	switch large := (*http.MaxBytesError)(nil); {
	case errors.As(err, &large) || len(raw) > BodyLimit:
		return nil, &tooLarge
	case err != nil:
		return nil, &problem{status: http.StatusBadRequest, code: "BAD_REQUEST", message: "The body did not arrive as a whole."}
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind == "application/x-www-form-urlencoded" && len(raw) > 0 {
		return formBody(raw)
	}
	return jsonBody(raw)
}

func formBody(raw []byte) (jsontext.Value, *problem) {
	body, err := json.Marshal(parseQuery(string(raw)).values, json.Deterministic(true))
	if err != nil {
		return nil, &problem{status: http.StatusBadRequest, code: syntax, message: "The form cannot be read."}
	}
	return body, nil
}

// jsonBody checks that a body is one JSON text. Members that occur twice in an object are an error, as they are in records: which
// of the two was meant, no two readers agree.
func jsonBody(raw []byte) (jsontext.Value, *problem) {
	body := jsontext.Value(bytes.TrimSpace(raw))
	if len(body) == 0 {
		return jsontext.Value("{}"), nil
	}
	d := jsontext.NewDecoder(bytes.NewReader(body))
	_, err := d.ReadValue()
	if err == nil {
		if _, err = d.ReadToken(); errors.Is(err, io.EOF) {
			err = nil
		} else if err == nil {
			err = errors.New("more than one value")
		}
	}
	if err != nil {
		where := d.InputOffset()
		if bad := (*jsontext.SyntacticError)(nil); errors.As(err, &bad) {
			where = bad.ByteOffset
		}
		// The parser's own words may repeat what it read.
		return nil, &problem{status: http.StatusBadRequest, code: syntax,
			message: "The body is not well-formed JSON, from byte " + strconv.FormatInt(where, 10) + " on."}
	}
	if k := body.Kind(); k != '{' && k != '[' {
		return nil, &problem{status: http.StatusBadRequest, code: syntax, message: "The body is neither an object nor a list."}
	}
	return body, nil
}
