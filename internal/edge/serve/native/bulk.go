package native

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tasuki/client"
	"tasuki/internal/catalogue"
	"tasuki/internal/edge/serve/pace"
	"tasuki/internal/query"
)

func (a *api) bulkOperations() {
	get(a, operation{id: "export", path: "export", tag: "bulk", summary: "Download whole records",
		text: "Lines of JSON, one per record, in the order of publication. form=compact gives each record as it is, form=original an object with the record's bytes " +
			"as they were published (id, raw), form=envelope the record with its leaf. In the latter two a line now and then has a cursor: an export that was cut goes " +
			"on behind that line. An answer that ends without its last chunk was cut.", kinds: []string{"application/x-ndjson"}}, a.export)
	get(a, operation{id: "search-feed", path: "search.atom", tag: "bulk", summary: "Follow a search as an Atom feed",
		text:  "The records that a query finds, last changed first (RFC 4287). A record that changes appears again under the same id.",
		kinds: []string{"application/atom+xml"}}, a.atom)
}

// exportPage is how many records are found at a time.
const exportPage = 500

type exportInput struct {
	Q      string `query:"q" doc:"The query. Without it: every record."`
	Form   string `query:"form" doc:"What a line holds." enum:"compact,original,envelope" default:"compact"`
	Cursor string `query:"cursor" doc:"Where to go on: the cursor of a line of an earlier export of the same query."`
	Moment
}

// original is a line of form=original.
type original struct {
	ID     string `json:"id"`
	Raw    string `json:"raw"`
	Cursor string `json:"cursor,omitzero"`
}

func (a *api) export(ctx context.Context, in *exportInput) (*huma.StreamResponse, error) {
	tree, err := query.Parse(in.Q)
	if err != nil {
		return nil, err
	}
	at, err := in.Moment.read()
	if err != nil {
		return nil, err
	}
	q := catalogue.Query{Tree: tree, At: at, Sort: catalogue.Oldest, Limit: exportPage, Cursor: in.Cursor, IDsOnly: true}
	// The first page is found before the answer begins, so that what is wrong with the question can still be said.
	page, err := a.find(ctx, q)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hctx huma.Context) {
		r, w := humago.Unwrap(hctx)
		w.Header().Set("Content-Type", "application/x-ndjson")
		w.Header().Set("Tasuki-Size", strconv.FormatInt(page.Size, 10))
		w.Header().Set("Tasuki-Total", strconv.Itoa(page.Total))
		// What is not counted back from now depends on the question and the log alone.
		if at.IsZero() && relative(tree.Root) {
			w.Header().Set("Cache-Control", "no-store")
		} else if settled(w, r, exportTag(in, tree, page.Size)) {
			return
		}
		if r.Method == http.MethodHead {
			return
		}
		if err := a.exportPages(r.Context(), pace.New(w), q, page, in.Form); err != nil {
			a.Log.WarnContext(r.Context(), "export broken off", "err", err)
			panic(http.ErrAbortHandler) // the reader must not take a part for the whole
		}
	}}, nil
}

func exportTag(in *exportInput, tree *query.Query, size int64) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %q %q %q %q %d %q", size, tree.String(), in.Form, in.Cursor, in.At, in.Size, in.Clock))
	return hex.EncodeToString(sum[:12])
}

// relative reports whether what a query finds depends on when it is asked.
func relative(n query.Node) bool {
	any := func(nodes []query.Node) bool {
		for _, n := range nodes {
			if relative(n) {
				return true
			}
		}
		return false
	}
	switch n := n.(type) {
	case *query.And:
		return any(n.Nodes)
	case *query.Or:
		return any(n.Nodes)
	case *query.Not:
		return relative(n.Node)
	case *query.Cond:
		for _, v := range n.Values {
			if !v.Date.IsZero() && v.Date.Relative() {
				return true
			}
		}
	}
	return false
}

func (a *api) exportPages(ctx context.Context, out io.Writer, q catalogue.Query, page *catalogue.Page, form string) error {
	for {
		// The cursor stands in the page's last line, which is known only when the next one comes: a record may be erased since.
		var last *catalogue.View
		err := a.texts(ctx, q.At, page.Hits, func(v *catalogue.View) (err error) {
			if last != nil {
				err = line(out, last, form, "")
			}
			last = v
			return err
		})
		if err == nil && last != nil {
			err = line(out, last, form, page.Next)
		}
		if err != nil || page.Next == "" {
			return err
		}
		q.Cursor = page.Next
		if page, err = a.find(ctx, q); err != nil {
			return err
		}
	}
}

// texts reads the records of a page as of a moment.
func (a *api) texts(ctx context.Context, at catalogue.At, hits []catalogue.Hit, fn func(*catalogue.View) error) error {
	if at.IsZero() {
		ids := make([]string, len(hits))
		for i, h := range hits {
			ids[i] = h.ID
		}
		return a.Catalogue.Texts(ctx, ids, fn)
	}
	for _, h := range hits {
		v, err := a.Catalogue.GetAt(ctx, h.ID, at)
		if errors.Is(err, catalogue.ErrErased) {
			continue // since the search answered
		}
		if err == nil {
			err = fn(v)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func line(w io.Writer, view *catalogue.View, form, cursor string) error {
	var raw []byte
	var err error
	if form == "original" {
		if raw, err = view.Raw(); err == nil {
			raw, err = json.Marshal(original{view.ID, string(raw), cursor}, jsontext.AllowInvalidUTF8(true))
		}
	} else if raw, err = compact(view); err == nil && form == "envelope" {
		raw, err = json.Marshal(client.Exported{ID: view.ID, Index: view.Index, Record: raw, Cursor: cursor},
			jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true), jsontext.PreserveRawStrings(true))
	}
	if err != nil {
		return err
	}
	_, err = w.Write(append(raw, '\n'))
	return err
}

// compact is a record in one line. A body that was not stored compact may hold line feeds, which would end the line.
func compact(view *catalogue.View) ([]byte, error) {
	text, err := view.Compact()
	if err != nil {
		return nil, err
	}
	v := jsontext.Value(text).Clone()
	err = v.Compact(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	return v, err
}
