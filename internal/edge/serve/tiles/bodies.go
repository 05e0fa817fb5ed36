package tiles

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"strconv"

	"tasuki/internal/edge/serve/pace"
	"tasuki/internal/edge/serve/problem"
	"tasuki/internal/ledger"
	"tasuki/spec/c2sp"
)

// MaxBundle is where a reply is cut: the item that passes it is not begun.
const MaxBundle = 16 << 20

var errFull = errors.New("tiles: bundle is full")

// Packer is a Log that can also give bodies as they are stored, which spares both sides most of the work and the line most of the bytes.
type Packer interface {
	// Packed is Log.Bodies with bodies that anybody who runs this release can unpack; body is nil for the other marks. It stops with ErrUnportable before an
	// item that is none of these: the reader goes on there, and gets the plain form.
	Packed(ctx context.Context, n int64, from int, fn func(mark byte, body *ledger.Body) error) error
}

// ErrUnportable means a bundle with a body that was packed in a way which other copies need not know.
var ErrUnportable = errors.New("tiles: a body of the bundle can only be unpacked here")

// bodies answers for a bundle.
func (h *handler) bodies(w http.ResponseWriter, r *http.Request) {
	n, err := c2sp.ParseIndexPath(r.PathValue("n"))
	from, packed := 0, false
	if q := r.URL.Query(); err == nil && r.URL.RawQuery != "" {
		packed = q.Get("packed") == "1"
		if _, piece := q["from"]; piece || !packed {
			from, err = strconv.Atoi(q.Get("from"))
		}
	}
	if err != nil || from < 0 || from >= c2sp.Width {
		problem.Refuse(w, r, http.StatusNotFound, "not a body bundle's path: bodies/<N>, with from=<0…255> to go on after a cut, packed=1 for bodies as they are stored")
		return
	}
	if p, ok := h.log.(Packer); ok && packed {
		err := h.stream(w, r, n, func(send func(size int, item func([]byte) ([]byte, error)) error) error {
			return p.Packed(r.Context(), n, from, func(mark byte, body *ledger.Body) error {
				w.Header().Set("Tasuki-Packed", "1") // also when the first item has no body: others follow, and then it is too late
				size := 0
				if body != nil {
					size = len(body.Packed)
				}
				return send(size, func(b []byte) ([]byte, error) { return ledger.AppendPacked(b, mark, body) })
			})
		})
		if !errors.Is(err, ErrUnportable) {
			return
		}
	}
	_ = h.stream(w, r, n, func(send func(size int, item func([]byte) ([]byte, error)) error) error { // it has answered
		return h.log.Bodies(r.Context(), n, from, func(mark byte, salt [16]byte, raw []byte) error {
			return send(len(raw), func(b []byte) ([]byte, error) { return ledger.AppendItem(b, mark, salt, raw) })
		})
	})
}

// stream sends items as they come. Nothing is sent before the first item is there, so that what is absent still gets its 404; ErrUnportable is left to the
// caller, who has another form.
func (h *handler) stream(w http.ResponseWriter, r *http.Request, n int64, each func(send func(size int, item func([]byte) ([]byte, error)) error) error) error {
	sent := 0
	var buf []byte
	out := pace.New(w)
	err := each(func(size int, item func([]byte) ([]byte, error)) error {
		if sent > 0 && sent+size+33 > MaxBundle {
			return errFull
		}
		b, err := item(buf[:0])
		if err != nil {
			return err
		}
		buf = b
		if sent == 0 {
			w.Header().Set("Content-Type", "application/octet-stream")
			w.Header().Set("Cache-Control", "no-cache")
			if r.Method == http.MethodHead {
				return errFull
			}
		}
		sent += len(b)
		_, err = out.Write(b)
		return err
	})
	switch {
	case sent == 0 && errors.Is(err, ErrUnportable):
		return err
	case err == nil && sent == 0:
		problem.Refuse(w, r, http.StatusNotFound, "the log has no such item")
	case err == nil || errors.Is(err, errFull) || errors.Is(err, ErrUnportable):
	case sent == 0:
		h.fail(w, r, err, "the log has no such bundle")
	default:
		// The reader has half a bundle; only a broken connection tells it so.
		if !errors.Is(err, fs.ErrNotExist) && r.Context().Err() == nil {
			h.slog.ErrorContext(r.Context(), "body bundle cut", "bundle", n, "err", err)
		}
		panic(http.ErrAbortHandler)
	}
	return nil
}
