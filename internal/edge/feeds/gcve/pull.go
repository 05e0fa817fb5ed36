package gcve

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tasuki/spec/cve"
	"tasuki/spec/gcve"
)

// Summary is what a pull did.
type Summary struct {
	GNA       gcve.GNA
	Source    string // the address that answered
	Unchanged bool   // the server says that nothing changed since the last pull
	Records   int64
	Verdicts  map[Verdict]int64
}

// batchBytes and batchRecords bound one command, so that others who write need not wait for it.
const (
	batchBytes   = 1 << 20
	batchRecords = 50
)

// position is where a pull of one authority left off.
type position struct {
	Dump  string     `json:"dump,omitzero"` // the address that the validators are of
	Known validators `json:"known,omitzero"`
	Since string     `json:"since,omitzero"` // newest dateUpdated that was read by pages
}

// overlap is how far before the newest known date pages are asked for again: BCP-03 does not say whether since includes its own moment, and
// records appear late.
// What is known already costs no leaf.
const overlap = 48 * time.Hour

// Pull reads what an authority published since the last pull: its static dump where it has one, else its publication page by page, else what older
// servers offer.
func (p *Puller) Pull(ctx context.Context, a gcve.Authority) (Summary, error) {
	s := Summary{GNA: a.ID, Verdicts: map[Verdict]int64{}}
	cursor := Feed + "/gna-" + a.ID.String()
	var at position
	raw, err := p.State.Load(ctx, cursor)
	if err != nil {
		return s, err
	}
	if raw != nil {
		if err := json.Unmarshal(raw, &at); err != nil {
			at = position{} // another version's: begin anew
		}
	}
	err = p.read(ctx, a, &s, &at)
	if err != nil {
		return s, fmt.Errorf("authority %s: %w", a.ID, err)
	}
	if raw, err = json.Marshal(at); err != nil {
		return s, err
	}
	return s, p.State.Save(ctx, cursor, raw)
}

// read tries the ways to an authority's records in the order of BCP-03.
func (p *Puller) read(ctx context.Context, a gcve.Authority, s *Summary, at *position) error {
	failed := ErrNowhere
	for _, address := range a.Dumps() {
		err := p.dump(ctx, address, s, at)
		if err == nil || !another(err, s) {
			return err
		}
		failed = err
	}
	base := a.Base()
	if base == "" {
		return failed
	}
	err := p.pages(ctx, base+gcve.PublicationPath, s, at)
	if err == nil || !another(err, s) {
		return err
	}
	for _, path := range []string{"/api/vulnerability/?source=" + a.ID.Source(), "/api/vulnerability/last/" + a.ID.Source()} {
		body, _, _, gerr := p.get(ctx, base+path, validators{})
		if gerr != nil {
			continue // the first way's error says more
		}
		s.Source = base + path
		t := p.taker(s)
		_, _, gerr = t.array(ctx, body)
		return errors.Join(gerr, t.flush(ctx))
	}
	return err
}

// another says whether another way may be tried: there is nothing at the address, or no answer that a program can use.
func another(err error, s *Summary) bool {
	return s.Records == 0 && (errors.Is(err, ErrAbsent) || errors.Is(err, ErrAnswer))
}

// dump reads a static dump, one record per line.
func (p *Puller) dump(ctx context.Context, address string, s *Summary, at *position) error {
	cond := validators{}
	if at.Dump == address {
		cond = at.Known
	}
	body, v, same, err := p.get(ctx, address, cond)
	if err != nil {
		return err
	}
	s.Source = address
	if same {
		s.Unchanged = true
		return nil
	}
	defer body.Close() //nolint:errcheck // read as far as wanted
	t := p.taker(s)
	lines := bufio.NewReaderSize(io.LimitReader(body, maxDump), 64<<10)
	for {
		line, err := readLine(lines)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, errLong) {
			return errors.Join(fmt.Errorf("after %d records: %w", s.Records, err), t.flush(ctx))
		}
		if err := t.line(ctx, line, errors.Is(err, errLong)); err != nil {
			return err
		}
		if errors.Is(err, io.EOF) {
			break
		}
	}
	if err := t.flush(ctx); err != nil {
		return err
	}
	if s.Records > 0 && s.Verdicts[Refused] == s.Records {
		s.Records, s.Verdicts = 0, map[Verdict]int64{}
		return fmt.Errorf("%w: no line of it is a record", ErrAnswer)
	}
	at.Dump, at.Known = address, v // only now: an interrupted dump is read again
	return nil
}

var errLong = errors.New("gcve: a line is too long")

// readLine reads one line without its end. A line that is too long is passed over with errLong.
func readLine(r *bufio.Reader) (line []byte, err error) {
	long := false
	for {
		piece, err := r.ReadSlice('\n')
		if len(line)+len(piece) > maxRecord {
			line, long = nil, true
		}
		if !long {
			line = append(line, piece...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err == nil && long:
			return nil, errLong
		}
		return bytes.TrimRight(line, "\r\n"), err
	}
}

// pages reads a publication page by page, oldest change first, so that an interrupted pull loses nothing.
func (p *Puller) pages(ctx context.Context, address string, s *Summary, at *position) error {
	q := gcve.Params{PerPage: gcve.MaxPerPage, Page: 1, DateSort: gcve.ByUpdated, Asc: true}
	if since, err := time.Parse(time.RFC3339, at.Since); err == nil {
		q.Since = since.Add(-overlap)
	}
	t := p.taker(s)
	t.newest = at.Since
	var before [sha256.Size]byte
	for ; q.Page <= maxPages; q.Page++ {
		body, _, _, err := p.get(ctx, address+"?"+q.Values().Encode(), validators{})
		if errors.Is(err, ErrAbsent) && q.Page > 1 { // how some servers say that there are no more
			break
		}
		if err != nil {
			return errors.Join(err, t.flush(ctx))
		}
		s.Source = address
		n, sum, err := t.array(ctx, body)
		if err != nil {
			return errors.Join(err, t.flush(ctx))
		}
		if n < q.PerPage || sum == before { // the end, or a server that knows no pages
			break
		}
		before = sum
	}
	if err := t.flush(ctx); err != nil {
		return err
	}
	at.Since = t.newest
	return nil
}

// taker collects records into commands.
type taker struct {
	*Puller
	s      *Summary
	batch  []Prepared
	nums   []int64 // of the records in batch
	bytes  int
	newest string // newest dateUpdated read, RFC 3339
}

func (p *Puller) taker(s *Summary) *taker { return &taker{Puller: p, s: s} }

// array reads a bare JSON array of records, and says how many there were and the digest of the whole.
func (t *taker) array(ctx context.Context, body io.ReadCloser) (n int, sum [sha256.Size]byte, err error) {
	defer body.Close() //nolint:errcheck // read as far as wanted
	hash := sha256.New()
	limited := &io.LimitedReader{R: io.TeeReader(body, hash), N: maxPage}
	d := jsontext.NewDecoder(limited)
	token, err := d.ReadToken()
	if err != nil || token.Kind() != jsontext.KindBeginArray {
		return 0, sum, fmt.Errorf("%w: it is no JSON array", ErrAnswer)
	}
	for d.PeekKind() != jsontext.KindEndArray {
		value, err := d.ReadValue()
		if err != nil {
			return n, sum, fmt.Errorf("after %d records: %w: the array is cut or malformed", t.s.Records, ErrBroken)
		}
		n++
		if err := t.line(ctx, value.Clone(), len(value) > maxRecord); err != nil {
			return n, sum, err
		}
	}
	return n, [sha256.Size]byte(hash.Sum(nil)), nil
}

// ErrBroken means an answer that ends or breaks in its middle; what came before it was taken in.
var ErrBroken = errors.New("gcve: the answer breaks off")

// line takes one record.
func (t *taker) line(ctx context.Context, raw []byte, long bool) error {
	if len(bytes.TrimSpace(raw)) == 0 && !long {
		return nil
	}
	t.s.Records++
	if t.Progress != nil {
		t.Progress(t.s.Records)
	}
	if long {
		t.refuse("it is larger than a record may be")
		return nil
	}
	prepared, err := t.Intake.Prepare(raw)
	if err != nil {
		t.refuse(err.Error())
		return nil
	}
	t.note(raw)
	t.batch, t.nums, t.bytes = append(t.batch, prepared), append(t.nums, t.s.Records), t.bytes+len(raw)
	if len(t.batch) >= batchRecords || t.bytes >= batchBytes {
		return t.flush(ctx)
	}
	return nil
}

func (t *taker) refuse(reason string) {
	t.s.Verdicts[Refused]++
	if t.Each != nil {
		t.Each(Refused, t.s.Records, reason)
	}
}

// note keeps the newest dateUpdated, never one of the future: a single record from there would hide all others.
func (t *taker) note(raw []byte) {
	var doc struct {
		Metadata struct {
			Updated string `json:"dateUpdated"`
		} `json:"cveMetadata"`
	}
	if json.Unmarshal(raw, &doc) != nil {
		return
	}
	at, _, err := cve.ParseTime(doc.Metadata.Updated)
	if err != nil || at.After(t.Now()) {
		return
	}
	if text := at.UTC().Format(time.RFC3339); strings.Compare(text, t.newest) > 0 {
		t.newest = text
	}
}

// flush hands over what was collected.
func (t *taker) flush(ctx context.Context) error {
	if len(t.batch) == 0 {
		return nil
	}
	got, err := t.Intake.Take(ctx, t.s.GNA, t.s.Source, t.batch)
	if err != nil {
		return err
	}
	for i, v := range got {
		t.s.Verdicts[v]++
		if v == "foreign" && t.Each != nil {
			t.Each(v, t.nums[i], "it is another authority's identifier")
		}
	}
	t.batch, t.nums, t.bytes = t.batch[:0], t.nums[:0], 0
	return nil
}
