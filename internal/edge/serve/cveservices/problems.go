package cveservices

import (
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json"

	"tasuki/internal/catalogue"
)

// problems is the one table from our errors to this protocol's. What is absent is SERVICE_NOT_AVAILABLE.
var problems = []struct {
	err           error
	status        int
	code, message string
}{
	{catalogue.ErrNotFound, http.StatusNotFound, "CVE_RECORD_DNE", "There is no record for this CVE ID."},
	{catalogue.ErrErased, http.StatusNotFound, "CVE_RECORD_DNE", "There is no record for this CVE ID."},
}

// refusal is every error's body (reference §1 and §3).
type refusal struct {
	Error   string   `json:"error"`
	Message string   `json:"message"`
	Details []detail `json:"details,omitzero"`
}

// detail is one failed check.
type detail struct {
	Msg      string `json:"msg"`
	Param    string `json:"param"`
	Location string `json:"location"`
}

func badInput(w http.ResponseWriter, r *http.Request, details ...detail) {
	refuse(w, r, http.StatusBadRequest, refusal{"BAD_INPUT", "Parameters were invalid", details})
}

func notFound(w http.ResponseWriter, r *http.Request) {
	problem(w, r, http.StatusNotFound, "NOT_FOUND", "No such resource.")
}

func problem(w http.ResponseWriter, r *http.Request, status int, code, message string) {
	refuse(w, r, status, refusal{Error: code, Message: message})
}

// Refuse gives a refusal of the front door (limits, host names, faults) this protocol's shape.
func Refuse(w http.ResponseWriter, r *http.Request, status int, message string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Access-Control-Allow-Origin", "*")
	switch {
	case status == http.StatusRequestEntityTooLarge:
		problem(w, r, status, "RECORD_TOO_LARGE", "The body exceeds 3.8 MB.")
	case status >= 500:
		problem(w, r, http.StatusInternalServerError, "SERVICE_NOT_AVAILABLE", "The service is not available.")
	case status == http.StatusNotFound:
		notFound(w, r)
	default:
		problem(w, r, status, "BAD_REQUEST", message)
	}
}

func refuse(w http.ResponseWriter, r *http.Request, status int, body refusal) {
	raw, err := json.Marshal(body)
	if err != nil {
		panic(err) // strings and a list of strings
	}
	send(w, r, status, raw)
}

func send(w http.ResponseWriter, r *http.Request, status int, body []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // a reader who went away
	}
}
