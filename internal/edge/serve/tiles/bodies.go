package tiles

import (
	"errors"
	"io/fs"
	"net/http"
	"strconv"

	"tasuki/internal/edge/serve/pace"
	"tasuki/internal/ledger"
	"tasuki/spec/c2sp"
)

// MaxBundle is where a reply is cut: the item that passes it is not begun.
const MaxBundle = 16 << 20

var errFull = errors.New("tiles: bundle is full")

// bodies streams a bundle. Nothing is sent before the first item is there, so that what is absent still gets its 404.
func (h *handler) bodies(w http.ResponseWriter, r *http.Request) {
	n, err := c2sp.ParseIndexPath(r.PathValue("n"))
	from := 0
	if q := r.URL.RawQuery; err == nil && q != "" {
		from, err = strconv.Atoi(r.URL.Query().Get("from"))
	}
	if err != nil || from < 0 || from >= c2sp.Width {
		Refuse(w, r, http.StatusNotFound, "not a body bundle's path: bodies/<N>, with from=<0…255> to go on after a cut")
		return
	}
	sent := 0
	var buf []byte
	out := pace.New(w)
	err = h.log.Bodies(r.Context(), n, from, func(mark byte, salt [16]byte, raw []byte) error {
		if sent > 0 && sent+len(raw)+20 > MaxBundle {
			return errFull
		}
		item, err := ledger.AppendItem(buf[:0], mark, salt, raw)
		if err != nil {
			return err
		}
		buf = item
		if sent == 0 {
			w.Header().Set("Content-Type", "application/octet-stream")
			w.Header().Set("Cache-Control", "no-cache")
			if r.Method == http.MethodHead {
				return errFull
			}
		}
		sent += len(item)
		_, err = out.Write(item)
		return err
	})
	switch {
	case err == nil && sent == 0:
		Refuse(w, r, http.StatusNotFound, "the log has no such item")
	case err == nil || errors.Is(err, errFull):
	case sent == 0:
		h.fail(w, r, err, "the log has no such bundle")
	default:
		// The reader has half a bundle; only a broken connection tells it so.
		if !errors.Is(err, fs.ErrNotExist) && r.Context().Err() == nil {
			h.slog.ErrorContext(r.Context(), "body bundle cut", "bundle", n, "err", err)
		}
		panic(http.ErrAbortHandler)
	}
}
