// Package relay is what the copies of a list say to each other: the pending checkpoint that mirrors follow, their
// cosignatures, charters, seals and evidence, authors' signed events, and what a writer is told about how safe a write is.
// The continuity protocol's parts C.3, D and F; docs/protocols/relay.md has the forms. Whoever writes here is known by the
// signature in the body; there is no other way in.
package relay

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"tasuki/internal/edge/serve/problem"
	"time"
)

// Prefixes are the URL spaces that the handler owns.
var Prefixes = []string{"/pending", "/cosign", "/holding/", "/seal/", "/evidence/", "/escrow"}

// CharterPrefix is the space that the handler shares with the log's own surface: here charters are offered, there read.
const CharterPrefix = "/charter"

// Limits of what is posted, in bytes.
const (
	maxNote    = 4 << 10
	maxCharter = 64 << 10
)

// MaxWait bounds how long a reader of the pending checkpoint may be kept waiting.
const MaxWait = 30 * time.Second

type handler struct {
	copy Copy
	log  *slog.Logger
}

// Handler answers for every one of Prefixes.
func Handler(c Copy, log *slog.Logger) http.Handler {
	h := &handler{c, log}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /pending", h.pending)
	mux.HandleFunc("POST /cosign", h.cosign)
	mux.HandleFunc("GET /holding/{origin...}", h.holding)
	mux.HandleFunc("GET /seal/{$}", h.seals)
	mux.HandleFunc("GET /seal/{origin...}", h.seal)
	mux.HandleFunc("GET /evidence/{$}", h.evidence)
	mux.HandleFunc("GET /evidence/{name}", h.evidenceFile)
	mux.HandleFunc("POST /escrow", h.escrow)
	return h.guard(mux)
}

// Charters lets the log's surface answer reads of charters and takes those that are offered.
func Charters(c Copy, read http.Handler, log *slog.Logger) http.Handler {
	h := &handler{c, log}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && strings.TrimSuffix(r.URL.Path, "/") == CharterPrefix {
			h.offer(w, r)
			return
		}
		read.ServeHTTP(w, r)
	})
}

func (h *handler) guard(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern == "" {
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				try := r.Clone(r.Context())
				try.Method = method
				if _, pattern := mux.Handler(try); pattern != "" {
					w.Header().Set("Allow", method)
					problem.Refuse(w, r, http.StatusMethodNotAllowed, "this is asked with "+method)
					return
				}
			}
			problem.Refuse(w, r, http.StatusNotFound, "no such path")
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func (h *handler) pending(w http.ResponseWriter, r *http.Request) {
	after, err1 := number(r, "after", 1<<53)
	wait, err2 := number(r, "wait", int64(MaxWait/time.Second))
	if err := errors.Join(err1, err2); err != nil {
		problem.Refuse(w, r, http.StatusBadRequest, err.Error())
		return
	}
	if r.URL.Query().Get("after") == "" {
		after = -1
	}
	note, err := h.copy.Pending(r.Context(), after, time.Duration(wait)*time.Second)
	if err != nil {
		h.fail(w, r, err, "nothing is signed here")
		return
	}
	state, err := h.copy.State(r.Context())
	if err != nil {
		h.fail(w, r, err, "nothing is signed here")
		return
	}
	w.Header().Set("Tasuki-Published", strconv.FormatInt(state.Published, 10))
	w.Header().Set("Tasuki-Charter", state.Charter)
	if note == nil {
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusNoContent)
		return
	}
	text(w, note)
}

// number reads a parameter: digits without leading zeros, at most most; 0 when it is left out.
func number(r *http.Request, name string, most int64) (int64, error) {
	s := r.URL.Query().Get(name)
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > most || strconv.FormatInt(n, 10) != s {
		return 0, errors.New(name + " is a number from 0 to " + strconv.FormatInt(most, 10))
	}
	return n, nil
}

func (h *handler) cosign(w http.ResponseWriter, r *http.Request) {
	note, ok := posted(w, r, maxNote)
	if !ok {
		return
	}
	size, err := h.copy.Cosign(r.Context(), note)
	if err != nil {
		h.fail(w, r, err, "another origin than that of the present epoch")
		return
	}
	text(w, []byte(strconv.FormatInt(size, 10)+"\n"))
}

func (h *handler) holding(w http.ResponseWriter, r *http.Request) {
	nonce := r.URL.Query().Get("nonce")
	if raw, err := hex.DecodeString(nonce); err != nil || len(raw) != 32 || strings.ToLower(nonce) != nonce {
		problem.Refuse(w, r, http.StatusBadRequest, "nonce is 64 lower-case hex digits")
		return
	}
	statement, seen, err := h.copy.Holding(r.Context(), r.PathValue("origin"), nonce)
	if err != nil {
		h.fail(w, r, err, "this copy is no mirror that could say what it has seen of that origin")
		return
	}
	state, err := h.copy.State(r.Context())
	if err != nil {
		h.fail(w, r, err, "this copy is no mirror that could say what it has seen of that origin")
		return
	}
	w.Header().Set("Tasuki-Charter", state.Charter)
	object(w, map[string]string{"statement": string(statement), "checkpoint": string(seen)})
}

func (h *handler) offer(w http.ResponseWriter, r *http.Request) {
	doc, ok := posted(w, r, maxCharter)
	if !ok {
		return
	}
	outcome, err := h.copy.Offer(r.Context(), doc)
	if err != nil {
		h.fail(w, r, err, "of another list")
		return
	}
	status := map[Outcome]int{Known: http.StatusOK, Extended: http.StatusCreated, Sibling: http.StatusAccepted}[outcome]
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
}

func (h *handler) seals(w http.ResponseWriter, r *http.Request) {
	list, err := h.copy.Seals(r.Context())
	if err != nil {
		h.fail(w, r, err, "no seals")
		return
	}
	for i, origin := range list {
		list[i] = "/seal/" + origin
	}
	if list == nil {
		list = []string{}
	}
	object(w, map[string]any{"seals": list})
}

func (h *handler) seal(w http.ResponseWriter, r *http.Request) {
	statement, err := h.copy.Seal(r.Context(), r.PathValue("origin"))
	if err != nil {
		h.fail(w, r, err, "this copy has not sealed that origin")
		return
	}
	text(w, statement)
}

func (h *handler) evidence(w http.ResponseWriter, r *http.Request) {
	list, err := h.copy.Evidence(r.Context())
	if err != nil {
		h.fail(w, r, err, "no evidence")
		return
	}
	for i := range list {
		list[i].URL = "/evidence/" + list[i].Name
	}
	if list == nil {
		list = []Item{}
	}
	object(w, map[string]any{"evidence": list})
}

func (h *handler) evidenceFile(w http.ResponseWriter, r *http.Request) {
	file, err := h.copy.EvidenceFile(r.Context(), r.PathValue("name"))
	if err != nil {
		h.fail(w, r, err, "no such evidence; /evidence/ lists it")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(file) // an asker who went away
}

func (h *handler) escrow(w http.ResponseWriter, r *http.Request) {
	request, ok := posted(w, r, maxNote)
	if !ok {
		return
	}
	out := &lazy{w: w}
	if err := h.copy.Escrow(r.Context(), request, out); err != nil {
		if !out.begun {
			h.fail(w, r, err, "the charter has no escrow")
			return
		}
		// The end mark is missing, so the asker knows.
		h.log.WarnContext(r.Context(), "escrow broke off", "err", err)
		panic(http.ErrAbortHandler)
	}
}

// lazy sends the header with the first byte, so that a refusal before it has a status of its own.
type lazy struct {
	w     http.ResponseWriter
	begun bool
}

func (l *lazy) Write(p []byte) (int, error) {
	if !l.begun {
		l.begun = true
		l.w.Header().Set("Content-Type", "application/octet-stream")
		l.w.Header().Set("Cache-Control", "no-store")
	}
	return l.w.Write(p)
}

// posted reads a body, or answers itself.
func posted(w http.ResponseWriter, r *http.Request, most int64) ([]byte, bool) {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	var large *http.MaxBytesError
	switch {
	case err == nil:
		return raw, true
	case errors.As(err, &large):
		problem.Refuse(w, r, http.StatusRequestEntityTooLarge, "longer than "+strconv.FormatInt(most, 10)+" bytes")
	default:
		problem.Refuse(w, r, http.StatusBadRequest, "the request broke off")
	}
	return nil, false
}

func (h *handler) fail(w http.ResponseWriter, r *http.Request, err error, absent string) {
	var no *Refusal
	switch {
	case errors.As(err, &no) && no.Status == http.StatusConflict && no.Size >= 0:
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(no.Status)
		_, _ = io.WriteString(w, strconv.FormatInt(no.Size, 10)+"\n") // an asker who went away
	case errors.As(err, &no):
		if no.Status == http.StatusServiceUnavailable || no.Status == http.StatusTooManyRequests {
			w.Header().Set("Retry-After", "5")
		}
		problem.Refuse(w, r, no.Status, no.Why)
	case errors.Is(err, fs.ErrNotExist):
		problem.Refuse(w, r, http.StatusNotFound, absent)
	case r.Context().Err() != nil:
		problem.Refuse(w, r, http.StatusServiceUnavailable, "the answer took too long")
	default:
		h.log.ErrorContext(r.Context(), "request of another copy not answered", "path", r.URL.Path, "err", err)
		problem.Refuse(w, r, http.StatusInternalServerError, "internal error")
	}
}

func text(w http.ResponseWriter, b []byte) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	_, _ = w.Write(b) // an asker who went away
}

func object(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	encode(w, v)
}

func encode(w http.ResponseWriter, v any) {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // an asker who went away
}
