package client

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Record is one version of a record with what can be said of it.
type Record struct {
	ID       string         `json:"id" example:"CVE-2024-23917"`
	Index    int64          `json:"index" doc:"The leaf of the log that this version is."`
	Logged   time.Time      `json:"logged" doc:"When this list learnt it." format:"date-time"`
	Versions int            `json:"versions,omitzero" doc:"How many versions of the record this list has held."`
	Moment   *Moment        `json:"moment,omitzero" doc:"The moment that was asked for."`
	Summary  Hit            `json:"summary" doc:"The judgement: what a list shows of it."`
	Scores   []Score        `json:"scores,omitzero" doc:"Every CVSS score that any party gave, in the record's order."`
	Record   jsontext.Value `json:"record" doc:"The record itself (CVE JSON 5), compact and otherwise unchanged."`
}

// Version is one version of a record, as the log has it.
type Version struct {
	Index   int64      `json:"index" doc:"The leaf of the log that this version is."`
	Kind    string     `json:"kind" doc:"The kind of event." example:"record.imported/1"`
	Cont    string     `json:"cont,omitzero" doc:"Which container it put: cna or adp. Absent where a whole document came." example:"cna"`
	State   string     `json:"state,omitzero"`
	Logged  time.Time  `json:"logged" doc:"When this list learnt it." format:"date-time"`
	Source  *time.Time `json:"source,omitzero" doc:"When the source says that it held this version." format:"date-time"`
	Updated string     `json:"updated,omitzero" doc:"dateUpdated, as the document says it."`
	By      string     `json:"by" doc:"The organisation that logged it." format:"uuid"`
	Base    bool       `json:"base,omitzero" doc:"Whether it belongs to the list's own beginning."`
	Erased  bool       `json:"erased,omitzero" doc:"Whether its text was erased since."`
}

// Versions is the history of one record.
type Versions struct {
	ID       string    `json:"id"`
	Versions []Version `json:"versions" doc:"Newest first."`
}

// Difference says how two versions of a record differ.
type Difference struct {
	ID      string       `json:"id"`
	From    *Version     `json:"from,omitzero" doc:"The older version; absent where the list did not know the record."`
	To      *Version     `json:"to,omitzero" doc:"The newer version; absent where the list did not know the record."`
	Changes []PartChange `json:"changes" doc:"The most meaningful first; empty when nothing differs."`
}

// PartChange is one difference between two versions of a record.
type PartChange struct {
	Op      string         `json:"op" enum:"added,removed,changed"`
	Kind    string         `json:"kind" doc:"What the part says: state, metric, range, product, reference, …, or other."`
	Pointer string         `json:"pointer" doc:"JSON pointer (RFC 6901) into the newer version; for what was removed into the older one." format:"json-pointer"`
	From    string         `json:"from,omitzero" doc:"For what changed inside a set: the pointer into the older version where it differs." format:"json-pointer"`
	Party   string         `json:"party,omitzero" doc:"Whose container it is in."`
	CNA     bool           `json:"cna,omitzero" doc:"Whether that is the CNA's."`
	Subject string         `json:"subject,omitzero" doc:"What it is about: a product, a URL, a language."`
	Before  string         `json:"before,omitzero" doc:"In short plain text, as it was."`
	After   string         `json:"after,omitzero" doc:"In short plain text, as it is."`
	Old     jsontext.Value `json:"old,omitzero" doc:"The part as it was."`
	New     jsontext.Value `json:"new,omitzero" doc:"The part as it is."`
}

// Record asks for the current version of a record.
func (c *Client) Record(ctx context.Context, id string) (*Record, error) {
	return c.RecordAt(ctx, id, At{})
}

// RecordAt asks for a record as it was known at a moment. A *Problem with the code "not-known-yet" says since when the list
// knows it.
func (c *Client) RecordAt(ctx context.Context, id string, at At) (*Record, error) {
	return ask[Record](ctx, c, path("records", id), at.values(url.Values{}))
}

// Raw asks for the bytes of a record as they were published.
func (c *Client) Raw(ctx context.Context, id string, at At) ([]byte, error) {
	return c.text(ctx, path("records", id, "raw"), at.values(url.Values{}))
}

// Proof asks for the proof that a record is in the log, in the newest version that the published checkpoint covers: text that tasuki
// verify reads.
func (c *Client) Proof(ctx context.Context, id string) ([]byte, error) {
	return c.text(ctx, path("records", id, "proof"), nil)
}

// Versions asks for the history of a record.
func (c *Client) Versions(ctx context.Context, id string) (*Versions, error) {
	return ask[Versions](ctx, c, path("records", id, "versions"), nil)
}

// Version asks for one version of a record.
func (c *Client) Version(ctx context.Context, id string, index int64) (*Record, error) {
	return ask[Record](ctx, c, path("records", id, "versions", strconv.FormatInt(index, 10)), nil)
}

// Diff asks how two versions of a record differ. from and to are leaf indexes ("7311") or moments ("2024-03-05"); where both
// are "" the newest two versions are meant.
func (c *Client) Diff(ctx context.Context, id, from, to string) (*Difference, error) {
	v := url.Values{}
	set(v, "from", from)
	set(v, "to", to)
	return ask[Difference](ctx, c, path("records", id, "diff"), v)
}
