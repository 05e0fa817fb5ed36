package cvelist

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
)

// ErrDigest means that a download does not have the SHA-256 that its source states. It is thrown away.
var ErrDigest = errors.New("cvelist: the download has another SHA-256 than its source states")

// download is a large file on its way or here: FILE.part, and beside it FILE.part.json with what is known of it. Both
// outlive the process, so that the next run goes on where this one stopped.
type download struct {
	path string // of the part
	note partNote
}

// partNote says which bytes a part belongs to: a part of another version must not be continued.
type partNote struct {
	URL        string     `json:"url"`
	Validators Validators `json:"validators"`
	Size       int64      `json:"size"` // of the whole; −1 when the server did not say
	Done       bool       `json:"done"`
}

// openDownload finds or makes the part of url in dir.
func openDownload(dir, url string) (*download, error) {
	sum := sha256.Sum256([]byte(url))
	d := &download{path: filepath.Join(dir, "baseline-"+hex.EncodeToString(sum[:8])+".part")}
	d.note = partNote{URL: url, Size: -1}
	raw, err := os.ReadFile(d.path + ".json")
	if err == nil {
		var n partNote
		if json.Unmarshal(raw, &n) == nil && n.URL == url {
			d.note = n
		}
	} else if !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return d, os.MkdirAll(dir, 0o700)
}

func (d *download) save() error {
	raw, err := json.Marshal(d.note)
	if err != nil {
		return err
	}
	return os.WriteFile(d.path+".json", raw, 0o600)
}

// remove forgets the part.
func (d *download) remove() error {
	return errors.Join(ignoreAbsent(os.Remove(d.path)), ignoreAbsent(os.Remove(d.path+".json")))
}

func ignoreAbsent(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// fetch brings the file here, at most most bytes, going on with what is here already (RFC 9110 §14: Range, If-Range).
func (d *download) fetch(ctx context.Context, f *Fetcher, most int64) error {
	return f.attempts(ctx, d.note.URL, func(ctx context.Context) error { return d.try(ctx, f, most) })
}

func (d *download) try(ctx context.Context, f *Fetcher, most int64) error {
	file, err := os.OpenFile(d.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // closed with its error below when that matters
	have, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	header := http.Header{"Accept-Encoding": {"identity"}}
	switch tag := d.note.strong(); {
	case d.note.Done && have == d.note.Size && d.note.Validators != (Validators{}):
		if d.note.Validators.ETag != "" {
			header.Set("If-None-Match", d.note.Validators.ETag)
		} else {
			header.Set("If-Modified-Since", d.note.Validators.Modified)
		}
	case have > 0 && tag != "" && !d.note.Done:
		header.Set("Range", "bytes="+strconv.FormatInt(have, 10)+"-")
		header.Set("If-Range", tag)
	default:
		have = 0
	}
	return f.once(ctx, d.note.URL, header, func(resp *http.Response) error {
		switch resp.StatusCode {
		case http.StatusNotModified:
			if d.note.Done {
				return nil
			}
			return f.statusError(resp)
		case http.StatusPartialContent:
			from, total, ok := contentRange(resp.Header.Get("Content-Range"))
			if !ok || from != have || (d.note.Size >= 0 && total >= 0 && total != d.note.Size) {
				return d.restart(fmt.Errorf("the server continues at another place: %q", resp.Header.Get("Content-Range")))
			}
			if total >= 0 {
				d.note.Size = total
			}
		case http.StatusOK:
			have = 0
			d.note = partNote{URL: d.note.URL, Validators: validatorsOf(resp), Size: resp.ContentLength}
		case http.StatusRequestedRangeNotSatisfiable:
			return d.restart(errors.New("the server has fewer bytes than are here"))
		default:
			return f.statusError(resp)
		}
		if d.note.Size > most {
			return fmt.Errorf("%w: %d bytes, at most %d", ErrTooMuch, d.note.Size, most)
		}
		return d.receive(file, resp.Body, have, most)
	})
}

// strong is the validator that may stand in If-Range: a strong ETag, or the date (RFC 9110 §13.1.5).
func (n partNote) strong() string {
	if n.Validators.ETag != "" && !strings.HasPrefix(n.Validators.ETag, "W/") {
		return n.Validators.ETag
	}
	return n.Validators.Modified
}

func (d *download) restart(why error) error {
	if err := d.remove(); err != nil {
		return err
	}
	d.note = partNote{URL: d.note.URL, Size: -1}
	return again{err: why}
}

// receive writes from offset have on. What arrived is kept whatever happens next.
func (d *download) receive(file *os.File, body io.Reader, have, most int64) error {
	if err := file.Truncate(have); err != nil {
		return err
	}
	if _, err := file.Seek(have, io.SeekStart); err != nil {
		return err
	}
	if err := d.save(); err != nil {
		return err
	}
	in := &noting{r: io.LimitReader(body, most+1-have)}
	n, err := io.Copy(struct{ io.Writer }{file}, in)
	got := have + n
	switch {
	case err != nil && in.err == nil:
		return fmt.Errorf("write the download: %w", err) // a full disk is not the server's fault
	case got > most:
		return fmt.Errorf("%w: more than %d bytes", ErrTooMuch, most)
	case err != nil:
		return again{err: err, progress: n > 0}
	case d.note.Size >= 0 && got < d.note.Size:
		return again{err: fmt.Errorf("the connection ended after %d of %d bytes", got, d.note.Size), progress: n > 0}
	case d.note.Size >= 0 && got > d.note.Size:
		return d.restart(fmt.Errorf("%d bytes arrived, %d were announced", got, d.note.Size))
	}
	d.note.Size, d.note.Done = got, true
	return errors.Join(d.save(), file.Sync())
}

// noting remembers whether a copy failed in reading.
type noting struct {
	r   io.Reader
	err error
}

func (n *noting) Read(p []byte) (int, error) {
	got, err := n.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		n.err = err
	}
	return got, err
}

// contentRange reads "bytes 100-199/200" or "bytes 100-199/*" (RFC 9110 §14.4).
func contentRange(v string) (from, total int64, ok bool) {
	v, ok = strings.CutPrefix(v, "bytes ")
	span, size, ok2 := strings.Cut(v, "/")
	first, last, ok3 := strings.Cut(span, "-")
	from, err1 := strconv.ParseInt(first, 10, 64)
	to, err2 := strconv.ParseInt(last, 10, 64)
	total = -1
	var err3 error
	if size != "*" {
		total, err3 = strconv.ParseInt(size, 10, 64)
	}
	ok = ok && ok2 && ok3 && err1 == nil && err2 == nil && err3 == nil && from >= 0 && to >= from && (total == -1 || to < total)
	return from, total, ok
}

// check holds the whole file to a digest.
func (d *download) check(want Digest) error {
	file, err := os.Open(d.path)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // only read from
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return err
	}
	if got := h.Sum(nil); string(got) != string(want[:]) {
		return fmt.Errorf("%w: %x, stated %x", ErrDigest, got, want[:])
	}
	return nil
}
