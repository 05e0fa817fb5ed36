package cveservices

import (
	"net/http"

	"tasuki/internal/catalogue"
	"tasuki/spec/cve"
)

// recordRoutes are the endpoints of records (reference §7).
var recordRoutes = []route{
	ours(limited(at(http.MethodGet, "cve/{id}", anyone, (*call).showRecord))),
	at(http.MethodGet, "cve_count", anyone, (*call).countRecords),
}

// showRecord is GET /api/cve/{id}: anyone, query parameters ignored.
func (c *call) showRecord() {
	id := c.inPath("id").cveid().text()
	if c.badInput() {
		return
	}
	body, err := c.record(c.r.Context(), id)
	if err != nil {
		c.fail(err)
		return
	}
	sendRaw(c.w, c.r, http.StatusOK, body)
}

// recordState is the query parameter state of records, upper-cased.
func (c *call) recordState() cve.State {
	return cve.State(c.queried("state").opt().string().trim().upper().
		msg("Not a record state; use PUBLISHED or REJECTED.").oneof(string(cve.Published), string(cve.Rejected)).text())
}

// countRecords is GET /api/cve_count.
func (c *call) countRecords() {
	c.names("state")
	state := c.recordState()
	if c.badInput() {
		return
	}
	q := catalogue.Query{}
	if state != "" {
		q.Filters = []catalogue.Filter{{Dim: "state", Values: []string{string(state)}}}
	}
	page, err := c.Catalogue.Search(c.r.Context(), q)
	if err != nil {
		c.fail(err)
		return
	}
	c.ok(struct {
		TotalCount int `json:"totalCount"`
	}{page.Total})
}
