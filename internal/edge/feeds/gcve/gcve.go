// Package gcve reads what GCVE authorities publish: the signed directory of authorities (BCP-01, BCP-08) and their records (BCP-03 1.5).
// It fetches and checks; what is new, older or somebody else's the list decides behind Intake.
//
// Nothing of a record or a dump is signed there, so that the way it came by belongs to each fact: the authority that was asked, and the address that
// answered.
package gcve

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"time"

	"tasuki/spec/gcve"
)

// Feed names this feed: caller, jobs and cursors bear the name.
const Feed = "gcve"

// Errors of fetching.
var (
	// ErrKey means that the second channel names another key than the pinned one, or none: the directory is not read.
	ErrKey = errors.New("gcve: the second channel does not confirm the pinned key")
	// ErrAbsent means that there is nothing at an address.
	ErrAbsent = errors.New("gcve: nothing is there")
	// ErrAnswer means an answer that is not what was asked for.
	ErrAnswer = errors.New("gcve: not a usable answer")
	// ErrNowhere means an authority that gives no address which a program can ask.
	ErrNowhere = errors.New("gcve: the authority has no address for programs")
)

// Bounds of what is fetched.
const (
	maxRecord = 4 << 20   // one record, as in the log
	maxPage   = 128 << 20 // one page of a publication: at most 100 records
	maxDump   = 16 << 30  // a whole dump
	maxPages  = 100_000   // of one pull
	maxSmall  = 1 << 20   // signature, key
)

// Prepared is a record on its way in, as Intake made it.
type Prepared any

// Verdict is what became of a record: "added", "updated", "unchanged", "stale", "foreign".
type Verdict string

// Refused is the verdict of a record that cannot be read.
const Refused Verdict = "refused"

// Intake is the list.
type Intake interface {
	// Directory takes in a directory that was fetched from source, or refuses it.
	Directory(ctx context.Context, source string, directory, signature []byte) error
	// Prepare reads a record. It is called from one goroutine; an error refuses this record and nothing else.
	Prepare(raw []byte) (Prepared, error)
	// Take takes in records that an authority published at source, in their order, as one command.
	Take(ctx context.Context, from gcve.GNA, source string, batch []Prepared) ([]Verdict, error)
}

// State keeps where each pull left off.
type State interface {
	Load(ctx context.Context, name string) ([]byte, error)
	Save(ctx context.Context, name string, value []byte) error
}

// Puller reads from authorities. Client, Intake, State, Now and Log are required.
type Puller struct {
	Client *http.Client
	Intake Intake
	State  State
	Now    func() time.Time
	Log    *slog.Logger
	// LookupTXT asks the second channel, as net.Resolver does; nil means that there is none.
	LookupTXT func(ctx context.Context, name string) ([]string, error)
	// Progress is told how many records were read so far; may be nil.
	Progress func(done int64)
	// Each is told what became of records that are refused or foreign; may be nil. reason never holds a text from the record.
	Each func(v Verdict, number int64, reason string)
}

// validators are what a server gave to ask again by (RFC 9110 §8.8).
type validators struct {
	ETag     string `json:"etag,omitzero"`
	Modified string `json:"modified,omitzero"`
}

// get asks an address. The caller closes the body. notModified stands for 304; ErrAbsent for 404 and 410; an answer that is a page for people is
// ErrAnswer, as BCP-03 wants it.
func (p *Puller) get(ctx context.Context, address string, cond validators) (body io.ReadCloser, v validators, notModified bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, v, false, err
	}
	req.Header.Set("User-Agent", "tasuki")
	req.Header.Set("Accept", "application/json, application/x-ndjson, */*;q=0.5")
	if cond.ETag != "" {
		req.Header.Set("If-None-Match", cond.ETag)
	}
	if cond.Modified != "" {
		req.Header.Set("If-Modified-Since", cond.Modified)
	}
	resp, err := p.Client.Do(req)
	if err != nil {
		return nil, v, false, err
	}
	v = validators{ETag: resp.Header.Get("ETag"), Modified: resp.Header.Get("Last-Modified")}
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	switch {
	case resp.StatusCode == http.StatusNotModified && cond != (validators{}):
		return nil, cond, true, resp.Body.Close()
	case resp.StatusCode == http.StatusNotFound, resp.StatusCode == http.StatusGone:
		err = ErrAbsent
	case resp.StatusCode != http.StatusOK:
		err = errors.Join(ErrAnswer, errors.New("the server answers "+resp.Status))
	case kind == "text/html", kind == "application/xhtml+xml":
		err = errors.Join(ErrAnswer, errors.New("it is a page for people"))
	default:
		return resp.Body, v, false, nil
	}
	return nil, v, false, errors.Join(err, resp.Body.Close())
}

// small fetches a whole file of at most most bytes.
func (p *Puller) small(ctx context.Context, address string, most int64) ([]byte, error) {
	body, _, _, err := p.get(ctx, address, validators{})
	if err != nil {
		return nil, err
	}
	defer body.Close() //nolint:errcheck // read as far as wanted
	raw, err := io.ReadAll(io.LimitReader(body, most+1))
	if err == nil && int64(len(raw)) > most {
		err = errors.Join(ErrAnswer, errors.New("it is too large"))
	}
	return raw, err
}
