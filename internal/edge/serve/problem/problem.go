// Package problem says what went wrong in the way of RFC 9457, and frames surfaces that are only read.
package problem

import (
	"net/http"

	"github.com/go-json-experiment/json"
)

// Refuse answers with a problem: its status, the status's title, and a detail in plain words.
func Refuse(w http.ResponseWriter, _ *http.Request, status int, detail string) {
	Write(w, status, map[string]any{"detail": detail})
}

// Write answers with a problem of these members, and the status and its title beside them.
func Write(w http.ResponseWriter, status int, members map[string]any) {
	members["status"], members["title"] = status, http.StatusText(status)
	body, err := json.Marshal(members, json.Deterministic(true))
	if err != nil {
		body = []byte("{}") // strings and numbers always encode
	}
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // a reader who went away
}

// ReadOnly lets readers of any origin have what mux answers to GET and HEAD. change and absent are the details told to whoever wants
// to change something, and of a path that there is not.
func ReadOnly(mux *http.ServeMux, change, absent string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		switch r.Method {
		case http.MethodGet, http.MethodHead:
		case http.MethodOptions:
			w.Header().Set("Access-Control-Allow-Methods", "GET,HEAD")
			w.Header().Set("Access-Control-Max-Age", "86400") // a day, in seconds
			w.WriteHeader(http.StatusNoContent)
			return
		default:
			w.Header().Set("Allow", "GET, HEAD, OPTIONS")
			Refuse(w, r, http.StatusMethodNotAllowed, change)
			return
		}
		if _, pattern := mux.Handler(r); pattern == "" {
			Refuse(w, r, http.StatusNotFound, absent)
			return
		}
		mux.ServeHTTP(w, r)
	})
}
