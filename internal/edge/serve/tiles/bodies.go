package tiles

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strconv"

	"tasuki/internal/edge/serve/pace"
	"tasuki/spec/c2sp"
)

// What a bundle says of an item, as Log.Bodies gives it.
const (
	Present   byte = iota // salt and bytes follow
	None                  // the event has no body
	Committed             // only a commitment is public
	Erased                // the body was erased (body.erased)
)

// MaxBody is the longest body: 4 MiB. MaxBundle is where a reply is cut: the item that passes it is not begun.
const (
	MaxBody   = 4 << 20
	MaxBundle = 16 << 20
)

// The lengths that are marks. No body is that long.
const (
	markNone      = 0xffffffff
	markCommitted = 0xfffffffe
	markErased    = 0xfffffffd
)

// ErrBundle means that bytes are not a body bundle.
var ErrBundle = errors.New("tiles: malformed body bundle")

// AppendItem appends one item of a body bundle: the length as a big-endian uint32, 16 bytes of salt, the bytes; or only
// a mark in the length's place.
func AppendItem(b []byte, mark byte, salt [16]byte, raw []byte) ([]byte, error) {
	switch mark {
	case None:
		return binary.BigEndian.AppendUint32(b, markNone), nil
	case Committed:
		return binary.BigEndian.AppendUint32(b, markCommitted), nil
	case Erased:
		return binary.BigEndian.AppendUint32(b, markErased), nil
	case Present:
		if len(raw) > MaxBody {
			return b, fmt.Errorf("%w: a body of %d bytes", ErrBundle, len(raw))
		}
		b = binary.BigEndian.AppendUint32(b, uint32(len(raw)))
		return append(append(b, salt[:]...), raw...), nil
	}
	return b, fmt.Errorf("%w: mark %d", ErrBundle, mark)
}

// ReadItem reads one item. It returns io.EOF at the end of the bundle and ErrBundle for anything cut or overlong.
func ReadItem(r io.Reader) (mark byte, salt [16]byte, raw []byte, err error) {
	var word [4]byte
	if _, err := io.ReadFull(r, word[:]); err != nil {
		if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return 0, salt, nil, io.EOF
		}
		return 0, salt, nil, fmt.Errorf("%w: length: %w", ErrBundle, err)
	}
	switch n := binary.BigEndian.Uint32(word[:]); n {
	case markNone:
		return None, salt, nil, nil
	case markCommitted:
		return Committed, salt, nil, nil
	case markErased:
		return Erased, salt, nil, nil
	default:
		if n > MaxBody {
			return 0, salt, nil, fmt.Errorf("%w: a body of %d bytes", ErrBundle, n)
		}
		if _, err := io.ReadFull(r, salt[:]); err != nil {
			return 0, salt, nil, fmt.Errorf("%w: salt: %w", ErrBundle, err)
		}
		raw = make([]byte, n)
		if _, err := io.ReadFull(r, raw); err != nil {
			return 0, salt, nil, fmt.Errorf("%w: body: %w", ErrBundle, err)
		}
		return Present, salt, raw, nil
	}
}

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
		item, err := AppendItem(buf[:0], mark, salt, raw)
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
