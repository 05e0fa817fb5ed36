package cveservices

import (
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json"
)

// sendRaw writes a reply that is JSON already.
func sendRaw(w http.ResponseWriter, r *http.Request, status int, body []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // a reader who went away
	}
}

// empty is 200 without a body.
func (c *call) empty() {
	c.w.Header().Set("Content-Length", "0")
	c.w.WriteHeader(http.StatusOK)
}

// ok answers 200.
func (c *call) ok(v any) { send(c.w, c.r, http.StatusOK, v) }

// changed is the answer to an act that changed something.
type changed struct {
	Message string `json:"message"`
	Created any    `json:"created,omitzero"`
	Updated any    `json:"updated,omitzero"`
}

// pageSize is fixed (reference §4).
const pageSize = 500

// paging are the members of a list that stand beside it when there is more than would fit, or just as much.
type paging struct {
	TotalCount   int64  `json:"totalCount"`
	ItemsPerPage int64  `json:"itemsPerPage"`
	PageCount    int64  `json:"pageCount"`
	CurrentPage  int64  `json:"currentPage"`
	PrevPage     *int64 `json:"prevPage"`
	NextPage     *int64 `json:"nextPage"`
}

// offset is where a page begins. page is 1 or more.
func offset(page int64) int { return int((page - 1) * pageSize) }

// list answers with one page of items, a slice, in a member of the given name.
func (c *call) list(name string, items any, page, total int64) {
	body, err := json.Marshal(items)
	if err != nil {
		c.fail(err)
		return
	}
	body = append([]byte(`{"`+name+`":`), body...)
	sendRaw(c.w, c.r, http.StatusOK, append(body, tail(page, total)...))
}

// tail ends the object that a list is a member of.
func tail(page, total int64) []byte {
	if total < pageSize {
		return []byte("}")
	}
	p := paging{TotalCount: total, ItemsPerPage: pageSize, PageCount: (total + pageSize - 1) / pageSize, CurrentPage: page}
	if page > 1 {
		p.PrevPage = new(page - 1)
	}
	if page < p.PageCount {
		p.NextPage = new(page + 1)
	}
	more, err := json.Marshal(p)
	if err != nil {
		panic(err) // numbers
	}
	more[0] = ','
	return more
}
