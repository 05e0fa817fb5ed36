// Package tiles serves the log itself: checkpoint, tiles and entry bundles after C2SP tlog-tiles, bodies beside them,
// charters, and a proof per record. A stock tile client can follow the list with nothing but this.
//
// Whatever the tree fixes for ever is served as immutable. Bodies are not: they can be erased, so every copy has to be
// asked for anew. See README.md for the paths and formats.
package tiles

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"tasuki/internal/edge/serve/problem"
	"tasuki/spec/c2sp"
)

// Log is the log as this package asks for it. Whatever is not there gives an error that wraps fs.ErrNotExist.
// Implementations are safe for concurrent use; the slices they return belong to the caller.
type Log interface {
	// Checkpoint is the newest signed checkpoint, a note.
	Checkpoint(ctx context.Context) ([]byte, error)
	// Tile is the hashes of a tile, 32 × width bytes. It does not exist while the signed tree is too small for it.
	Tile(ctx context.Context, level int, n int64, width int) ([]byte, error)
	// Entries is an entry bundle with the given number of entries.
	Entries(ctx context.Context, n int64, width int) ([]byte, error)
	// Bodies calls fn for the items of bundle n in their order, beginning with item from (0–255), and stops at fn's error.
	Bodies(ctx context.Context, n int64, from int, fn func(mark byte, salt [16]byte, raw []byte) error) error
	// Body is the body whose salted hash is given.
	Body(ctx context.Context, hash [32]byte) (salt [16]byte, raw []byte, err error)
	// Charters calls fn with each charter document, oldest first; name is "<version>-<hash8>".
	Charters(ctx context.Context, fn func(name string, document []byte) error) error
	// Proof is the proof file of the newest version of a record that the published checkpoint covers. Where there is a newer one, older is
	// the size of the log that the proof is about; otherwise 0.
	Proof(ctx context.Context, id string) (file []byte, older int64, err error)
}

// Prefixes are the URL spaces that the handler owns.
var Prefixes = []string{"/checkpoint", "/tile/", "/bodies/", "/body/", "/charter/", "/proof/"}

// immutable is for what the tree fixes for ever; brief for what is replaced by something fuller soon.
const (
	immutable = "public, max-age=31536000, immutable"
	brief     = "public, max-age=60"
)

// Older is the header of a proof file that is not of the record's newest version, because no published checkpoint covers that one yet. Its value is a
// size of the log: /cve/{id}.json?size= with it is the version that the proof is of.
const Older = "Tasuki-Proof-Size"

type handler struct {
	log  Log
	slog *slog.Logger
}

// Handler answers for every one of Prefixes.
func Handler(l Log, logger *slog.Logger) http.Handler {
	h := &handler{l, logger}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /checkpoint", h.checkpoint)
	mux.HandleFunc("GET /tile/{path...}", h.tile)
	mux.HandleFunc("GET /bodies/{n...}", h.bodies)
	mux.HandleFunc("GET /body/{dir}/{hash}", h.body)
	mux.HandleFunc("GET /charter/{$}", h.charters)
	mux.HandleFunc("GET /charter/{name}", h.charter)
	mux.HandleFunc("GET /proof/{id}", h.proof)
	return problem.ReadOnly(mux, "the log is only read here", "no such path in the log")
}

func (h *handler) checkpoint(w http.ResponseWriter, r *http.Request) {
	note, err := h.log.Checkpoint(r.Context())
	if err != nil {
		h.fail(w, r, err, "nothing has been signed yet")
		return
	}
	send(w, r, note, "text/plain; charset=utf-8", "public, max-age=2")
}

func (h *handler) tile(w http.ResponseWriter, r *http.Request) {
	level, n, width, err := c2sp.ParseTilePath(strings.TrimPrefix(r.URL.Path, "/"))
	if err != nil {
		problem.Refuse(w, r, http.StatusNotFound, "not a tile's path: tile/<level>/<N>[.p/<W>] or tile/entries/<N>[.p/<W>]")
		return
	}
	var tile []byte
	if level == c2sp.Entries {
		tile, err = h.log.Entries(r.Context(), n, width)
	} else {
		tile, err = h.log.Tile(r.Context(), level, n, width)
	}
	if err != nil {
		h.fail(w, r, err, "the signed tree has no such tile")
		return
	}
	cache := immutable
	if width != c2sp.Width {
		cache = brief
	}
	send(w, r, tile, "application/octet-stream", cache)
}

func (h *handler) body(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("hash")
	var hash [32]byte
	n, err := hex.Decode(hash[:], []byte(name))
	if len(name) != 64 || err != nil || n != 32 || name != strings.ToLower(name) || r.PathValue("dir") != name[:2] {
		problem.Refuse(w, r, http.StatusNotFound, "not a body's path: body/<first two digits>/<64 lower-case hex digits>")
		return
	}
	salt, raw, err := h.log.Body(r.Context(), hash)
	if err != nil {
		h.fail(w, r, err, "no body with this hash: never logged, only committed to, or erased")
		return
	}
	w.Header().Set("Tasuki-Salt", hex.EncodeToString(salt[:]))
	w.Header().Set("Access-Control-Expose-Headers", "Tasuki-Salt")
	// The bytes are anybody's: a browser must not take them for a page.
	sendTagged(w, r, raw, "application/octet-stream", "no-cache", `"`+name+`"`)
}

func (h *handler) charters(w http.ResponseWriter, r *http.Request) {
	list := []byte(`{"charters":[`)
	first := true
	err := h.log.Charters(r.Context(), func(name string, _ []byte) error {
		if !first {
			list = append(list, ',')
		}
		first = false
		list = strconv.AppendQuote(list, "/charter/"+name+".json")
		return nil
	})
	if err != nil {
		h.fail(w, r, err, "this list has no charter")
		return
	}
	send(w, r, append(list, "]}\n"...), "application/json", brief)
}

var errFound = errors.New("tiles: found")

func (h *handler) charter(w http.ResponseWriter, r *http.Request) {
	want, ok := strings.CutSuffix(r.PathValue("name"), ".json")
	var found []byte
	err := h.log.Charters(r.Context(), func(name string, document []byte) error {
		if ok && name == want {
			found = document
			return errFound
		}
		return nil
	})
	switch {
	case errors.Is(err, errFound):
		send(w, r, found, "application/json", immutable)
	case err != nil:
		h.fail(w, r, err, "no such charter")
	default:
		problem.Refuse(w, r, http.StatusNotFound, "no such charter; /charter/ lists them")
	}
}

func (h *handler) proof(w http.ResponseWriter, r *http.Request) {
	proof, older, err := h.log.Proof(r.Context(), r.PathValue("id"))
	if err != nil {
		h.fail(w, r, err, "no proof: the list has no record with this id, or no checkpoint covers it yet")
		return
	}
	if older != 0 {
		w.Header().Set(Older, strconv.FormatInt(older, 10))
		w.Header().Set("Access-Control-Expose-Headers", Older)
	}
	w.Header().Set("Content-Disposition", `inline; filename="`+fileName(r.PathValue("id"))+`.tlog-proof"`)
	send(w, r, proof, "text/plain; charset=utf-8", "no-cache")
}

// fileName keeps what a CVE id is made of; a proof exists only for such, but the header must hold for anything.
func fileName(id string) string {
	return strings.Map(func(c rune) rune {
		if c == '-' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' {
			return c
		}
		return -1
	}, id)
}

// fail answers an error of the log: what is not there, who went away, and what is our own fault.
func (h *handler) fail(w http.ResponseWriter, r *http.Request, err error, absent string) {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		problem.Refuse(w, r, http.StatusNotFound, absent)
	case r.Context().Err() != nil:
		problem.Refuse(w, r, http.StatusServiceUnavailable, "the answer took too long")
	default:
		h.slog.ErrorContext(r.Context(), "log not readable", "path", r.URL.Path, "err", err)
		problem.Refuse(w, r, http.StatusInternalServerError, "internal error")
	}
}

func send(w http.ResponseWriter, r *http.Request, body []byte, kind, cache string) {
	sum := sha256.Sum256(body)
	sendTagged(w, r, body, kind, cache, `"`+hex.EncodeToString(sum[:16])+`"`)
}

func sendTagged(w http.ResponseWriter, r *http.Request, body []byte, kind, cache, tag string) {
	h := w.Header()
	h.Set("Cache-Control", cache)
	h.Set("ETag", tag)
	if matches(r.Header.Get("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // a reader who went away
	}
}

// matches compares weakly, as RFC 9110 §13.1.2 asks for If-None-Match.
func matches(field, tag string) bool {
	for part := range strings.SplitSeq(field, ",") {
		part = strings.TrimSpace(part)
		if part == "*" || strings.TrimPrefix(part, "W/") == tag {
			return true
		}
	}
	return false
}
