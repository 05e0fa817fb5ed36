package cveservices

import (
	"bufio"
	"encoding/base64"
	"encoding/binary"
	"math"
	"net/http"

	"github.com/go-json-experiment/json"

	"tasuki/internal/authority"
	"tasuki/internal/catalogue"
	"tasuki/internal/edge/serve/pace"
)

// recordListRoutes are the lists of whole records (reference §7).
var recordListRoutes = []route{
	at(http.MethodGet, "cve", member, (*call).listRecords, (*authority.Standing).MustBeSecretariatOrBulk),
	at(http.MethodGet, "cve_cursor", member, (*call).walkRecords, (*authority.Standing).MustBeSecretariatOrBulk),
}

// listRecords is GET /api/cve: pages of 500 by identifier.
func (c *call) listRecords() {
	c.names("page", "time_modified.lt", "time_modified.gt", "state", "count_only", "assigner_short_name", "assigner", "cna_modified", "adp_short_name")
	page := c.page()
	narrow, count := c.narrowed()
	if c.badInput() || c.badUsage(narrow) {
		return
	}
	if count {
		c.countListed(narrow)
		return
	}
	out := c.pour()
	total, err := c.Catalogue.List(c.r.Context(), narrow, offset(page), pageSize, out.record)
	out.end(err, tail(page, int64(total)))
}

// walkRecords is GET /api/cve_cursor: newest created first, by places in the list that nothing created later moves.
func (c *call) walkRecords() {
	c.names("time_modified.lt", "time_modified.gt", "state", "count_only", "assigner_short_name", "assigner", "cna_modified", "adp_short_name",
		"limit", "next_page", "previous_page")
	narrow, count := c.narrowed()
	limit := min(c.queried("limit").opt().string().trim().nonempty().int(1, math.MaxInt64).number(pageSize), pageSize)
	next, forward := c.queried("next_page").opt().string().trim().nonempty().place()
	previous, back := c.queried("previous_page").opt().string().trim().nonempty().place()
	if c.badInput() || c.badUsage(narrow) {
		return
	}
	if count {
		c.countListed(narrow)
		return
	}
	leaf := int64(math.MaxInt64)
	switch {
	case forward:
		leaf = next
	case back:
		leaf = previous
	}
	out := c.pour()
	span, err := c.Catalogue.Walk(c.r.Context(), narrow, leaf, back && !forward, int(limit), out.record)
	rest, failed := json.Marshal(struct {
		HasNext     bool   `json:"hasNext"`
		HasPrevious bool   `json:"hasPrevious"`
		Next        string `json:"next"`
		Previous    string `json:"previous"`
	}{span.Older, span.Newer, placeToken(span.Last), placeToken(span.First)})
	if failed != nil {
		panic(failed) // flags and base64
	}
	rest[0] = ','
	out.end(err, rest)
}

// narrowed reads the parameters by which both lists are narrowed.
func (c *call) narrowed() (l catalogue.Listing, count bool) {
	const yesNo = "Use 1, true, yes, 0, false or no."
	l.Before = c.queried("time_modified.lt").opt().string().trim().time().moment()
	l.After = c.queried("time_modified.gt").opt().string().trim().time().moment()
	l.State = c.recordState()
	count, _ = truth(asText(c.queried("count_only").opt().msg(yesNo).bool().value))
	l.AssignerShort = c.queried("assigner_short_name").opt().string().trim().nonempty().len(2, 32).text()
	l.AssignerID = c.queried("assigner").opt().string().trim().nonempty().text()
	l.CNASaid, _ = truth(asText(c.queried("cna_modified").opt().msg(yesNo).bool().value))
	l.ADP = c.queried("adp_short_name").opt().string().trim().nonempty().len(2, 32).text()
	return l, count
}

// badUsage answers, and says so, when the flag that gives the times another meaning stands without one.
func (c *call) badUsage(l catalogue.Listing) bool {
	bad := l.CNASaid && l.Before.IsZero() && l.After.IsZero()
	if bad {
		c.refuse(http.StatusBadRequest, "BAD_USAGE_CNA_MODIFIED", "cna_modified needs time_modified.lt or .gt.")
	}
	return bad
}

// countListed answers how many records there are.
func (c *call) countListed(l catalogue.Listing) {
	total, err := c.Catalogue.List(c.r.Context(), l, 0, 0, nil)
	if err != nil {
		c.fail(err)
		return
	}
	c.ok(struct {
		TotalCount int `json:"totalCount"`
	}{total})
}

// placeToken is a place in the order of creation, usable in a URL as it is. What it says is nobody's business but ours.
func placeToken(leaf int64) string {
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint64(nil, uint64(leaf)))
}

// place reads a placeToken; ok is false where none was given.
func (f *field) place() (leaf int64, ok bool) {
	raw, err := base64.RawURLEncoding.DecodeString(f.text())
	good := err == nil && len(raw) == 8 && raw[0] < 0x80
	f.must(good)
	if !good || !f.given {
		return 0, false
	}
	return int64(binary.BigEndian.Uint64(raw)), true
}

// pouring sends a list of records as they are read: a page of large ones is not held as a whole.
type pouring struct {
	c     *call
	out   *pace.Writer
	buf   *bufio.Writer
	count int
	begun bool // something went out
}

func (c *call) pour() *pouring {
	p := &pouring{c: c, out: pace.New(c.w)}
	p.buf = bufio.NewWriterSize(p, 64<<10)
	return p
}

// Write passes on what the buffer no longer holds.
func (p *pouring) Write(b []byte) (int, error) {
	if !p.begun {
		p.begun = true
		p.c.w.Header().Set("Content-Type", "application/json; charset=utf-8")
		p.c.w.WriteHeader(http.StatusOK)
	}
	if p.c.r.Method == http.MethodHead {
		return len(b), nil
	}
	return p.out.Write(b)
}

func (p *pouring) record(v *catalogue.View) error {
	text, err := v.Compact()
	if err != nil {
		return err
	}
	before := ","
	if p.count == 0 {
		before = `{"cveRecords":[`
	}
	p.count++
	if _, err := p.buf.WriteString(before); err != nil {
		return err
	}
	_, err = p.buf.Write(text)
	return err
}

// end closes the list with what stands beside it. A list that broke off after its beginning was sent is cut, so that nobody takes it
// for whole.
func (p *pouring) end(err error, beside []byte) {
	if err == nil && p.count == 0 {
		_, err = p.buf.WriteString(`{"cveRecords":[`)
	}
	switch {
	case err == nil:
		_, _ = p.buf.WriteString("]") // a reader who went away
		_, _ = p.buf.Write(beside)
		_ = p.buf.Flush()
	case p.begun:
		panic(http.ErrAbortHandler)
	default:
		p.c.fail(err)
	}
}
