// Package gcve serves a list as a GCVE numbering authority (BCP-03 1.5, BCP-06, BCP-08): the publication of its records, their dump, its entry for the
// directory and its statement of conformance; and beside them what GCVE has not: a manifest with a cursor, tombstones and the signed checkpoint, and
// everything known of an identifier with who said it. See README.md.
package gcve

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"tasuki/internal/catalogue"
	"tasuki/internal/edge/serve/problem"
	room "tasuki/internal/gcve"
	"tasuki/spec/gcve"
)

// Prefixes are the URL spaces that the handler owns.
var Prefixes = []string{"/api/gcve/", "/dumps/"}

// Identity is what the authority says of itself.
type Identity struct {
	Authority        gcve.Authority // its entry; addresses are put in where they are empty
	License          string         // of the records and of the statement
	Policy           string         // URL of the public policy
	Disclosure       string         // URL of the disclosure policy
	Contact          string
	OperationalModel string
	VisibilityModel  string
	Software         string
}

// Options are the surface's parts. All but Who are required.
type Options struct {
	Room       *room.Service
	Catalogue  *catalogue.Service
	Checkpoint func(ctx context.Context) ([]byte, error) // the newest one, with all its signatures
	Who        *Identity                                 // nil: the node numbers for nobody, and publishes nothing of its own
	List       string                                    // list id
	BaseURL    string                                    // "" while the node has none
	Now        func() time.Time
	Log        *slog.Logger
}

type handler struct{ Options }

// Handler answers for every one of Prefixes.
func Handler(o Options) http.Handler {
	h := &handler{o}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+gcve.PublicationPath, h.publication)
	mux.HandleFunc("GET /api/gcve/manifest", h.manifest)
	mux.HandleFunc("GET /api/gcve/lookup", h.lookup)
	mux.HandleFunc("GET /api/gcve/authority", h.authority)
	mux.HandleFunc("GET /api/gcve/conformance", h.conformance)
	mux.HandleFunc("GET /api/gcve/directory", h.directory)
	mux.HandleFunc("GET /dumps/{file}", h.dump)
	return problem.ReadOnly(mux, "records are only read here", "no such path")
}

// fail answers an error: what was asked wrongly, who went away, and what is our own fault.
func (h *handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, gcve.ErrParam), errors.Is(err, gcve.ErrID):
		problem.Refuse(w, r, http.StatusBadRequest, err.Error())
	case errors.Is(err, room.ErrNotFound), errors.Is(err, catalogue.ErrNotFound):
		problem.Refuse(w, r, http.StatusNotFound, "nothing is known of it here")
	case r.Context().Err() != nil:
		problem.Refuse(w, r, http.StatusServiceUnavailable, "the answer took too long")
	default:
		h.Log.ErrorContext(r.Context(), "gcve request failed", "path", r.URL.Path, "err", err)
		problem.Refuse(w, r, http.StatusInternalServerError, "internal error")
	}
}

// nobody answers where the node is no authority.
func (h *handler) nobody(w http.ResponseWriter, r *http.Request) bool {
	if h.Who == nil {
		problem.Refuse(w, r, http.StatusNotFound, "this node is no GCVE numbering authority")
	}
	return h.Who == nil
}

// unchanged tags an answer that moves with the log and the question alone, and says whether the reader has it already.
func (h *handler) unchanged(w http.ResponseWriter, r *http.Request) (bool, error) {
	size, err := h.Room.Size(r.Context())
	if err != nil {
		return false, err
	}
	sum := sha256.Sum256([]byte(strconv.FormatInt(size, 10) + " " + r.URL.Path + "?" + r.URL.RawQuery))
	tag := `W/"` + hex.EncodeToString(sum[:12]) + `"`
	w.Header().Set("ETag", tag)
	w.Header().Set("Cache-Control", "no-cache") // keep it, and ask whether it still holds
	for part := range strings.SplitSeq(r.Header.Get("If-None-Match"), ",") {
		if part = strings.TrimSpace(part); part == "*" || strings.TrimPrefix(part, "W/") == strings.TrimPrefix(tag, "W/") {
			w.WriteHeader(http.StatusNotModified)
			return true, nil
		}
	}
	return false, nil
}

// object answers with a small JSON object.
func (h *handler) object(w http.ResponseWriter, r *http.Request, v any) {
	raw, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(raw)+1))
	if r.Method != http.MethodHead {
		_, _ = w.Write(append(raw, '\n')) // a reader who went away
	}
}

// at is an address of this node, "" while it has none.
func (h *handler) at(path string) string {
	if h.BaseURL == "" {
		return ""
	}
	return strings.TrimSuffix(h.BaseURL, "/") + path
}
