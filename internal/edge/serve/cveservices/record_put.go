package cveservices

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tasuki/internal/authority"
	"tasuki/internal/event"
	"tasuki/internal/program"
	"tasuki/internal/registry"
	"tasuki/spec/cve/schema"
)

// recordPutRoutes are the endpoints by which CNAs and ADPs write (reference §7).
var recordPutRoutes = []route{
	ours(at(http.MethodPost, "cve/{id}/cna", member, func(c *call) { c.publish(program.WantNone) }, (*authority.Standing).MustBeCNA)),
	ours(at(http.MethodPut, "cve/{id}/cna", member, func(c *call) { c.publish(program.WantOne) }, (*authority.Standing).MustBeCNA)),
	ours(at(http.MethodPost, "cve/{id}/reject", member, func(c *call) { c.reject(program.WantNone) }, (*authority.Standing).MustBeCNA)),
	ours(at(http.MethodPut, "cve/{id}/reject", member, func(c *call) { c.reject(program.WantOne) }, (*authority.Standing).MustBeCNA)),
	at(http.MethodPut, "cve/{id}/adp", member, (*call).putADP, (*authority.Standing).MustBeADP),
}

const (
	invalidSchema    = "INVALID_JSON_SCHEMA"
	invalidRecord    = "The record does not comply with the schema."
	invalidContainer = "The cnaContainer does not comply with the schema."
)

// published is the answer to a record's being stored.
type published struct {
	Message string         `json:"message"`
	Created jsontext.Value `json:"created,omitzero"`
	Updated jsontext.Value `json:"updated,omitzero"`
}

// stored answers with the record; want says by which member.
func (c *call) stored(want program.Want, message string, record []byte) {
	p := published{Message: c.words["id"] + message, Updated: record}
	if want == program.WantNone {
		p.Created, p.Updated = p.Updated, nil
	}
	c.ok(p)
}

// failures are details.errors of a body that does not comply; entries are schema.Failure, or texts.
func failures[T any](list []T) any {
	return struct {
		Errors []T `json:"errors"`
	}{list}
}

// noncompliant answers that a body does not comply with the schema.
func (c *call) noncompliant(code, message string, found []schema.Failure) {
	problem{status: http.StatusBadRequest, code: code, message: message}.with(c.w, c.r, nil, failures(found))
}

// trim takes the white space off the body's texts.
func (c *call) trim() bool {
	trimmed, err := trimTexts(c.body)
	if err != nil { // cannot be: it was read before
		c.fail(err)
		return false
	}
	c.body = trimmed
	return true
}

// container is the body's member of that name, nil where it is absent or null.
func (c *call) container(name string) jsontext.Value {
	var body map[string]jsontext.Value
	if json.Unmarshal(c.body, &body) != nil || body[name].Kind() == jsontext.KindNull {
		return nil // a list has no members
	}
	return body[name]
}

// complies checks the body's form, the container in it included.
func (c *call) complies(kind schema.Kind, message string) bool {
	found := c.schema.BodyFailures(kind, c.body)
	if len(found) > 0 {
		c.noncompliant(invalidSchema, message, found)
	}
	return len(found) == 0
}

// publish is POST and PUT /api/cve/{id}/cna.
func (c *call) publish(want program.Want) {
	if !c.trim() || !c.complies(schema.CNAPublished, invalidContainer) {
		return
	}
	c.member("cnaContainer.descriptions").englishOnce()
	c.member("cnaContainer.datePublic").opt().notFuture()
	c.inPath("id").cveid()
	c.enriched()
	if c.badInput() {
		return
	}
	record, err := c.acts.Publish(c.r.Context(), c.caller, program.Submission{ID: c.words["id"], Container: c.container("cnaContainer"), Want: want})
	if err != nil {
		c.unstored(err, invalidContainer, http.StatusForbidden)
		return
	}
	if want == program.WantNone {
		c.stored(want, " record was successfully created.", record)
	} else {
		c.stored(want, " record was successfully updated.", record)
	}
}

// enriched checks, where the query's flag erlcheck asks for it, that the container scores and classifies: it has a CVSS and a CWE.
func (c *call) enriched() {
	if yes, _ := truth(asText(c.queried("erlcheck").opt().bool().value)); !yes {
		return
	}
	some := func(list *field, is func(entry map[string]any) bool) {
		entries, _ := list.value.([]any)
		list.must(slices.ContainsFunc(entries, func(e any) bool {
			entry, _ := e.(map[string]any) // the schema has seen to that
			return is(entry)
		}))
	}
	some(c.member("cnaContainer.metrics").msg("The record has no CVSS."), func(metric map[string]any) bool {
		return slices.ContainsFunc(slices.Collect(maps.Keys(metric)), func(name string) bool { return strings.HasPrefix(name, "cvssV") })
	})
	some(c.member("cnaContainer.problemTypes").msg("The record has no CWE."), func(kind map[string]any) bool {
		list, _ := kind["descriptions"].([]any)
		return slices.ContainsFunc(list, func(e any) bool {
			description, _ := e.(map[string]any)
			return description["cweId"] != nil
		})
	})
}

// reject is POST and PUT /api/cve/{id}/reject.
func (c *call) reject(want program.Want) {
	if !c.trim() || !c.complies(schema.CNARejected, invalidRecord) {
		return
	}
	c.member("cnaContainer.rejectedReasons").englishOnce()
	c.inPath("id").cveid()
	if c.badInput() {
		return
	}
	record, err := c.acts.Reject(c.r.Context(), c.caller, program.Submission{ID: c.words["id"], Container: c.container("cnaContainer"), Want: want})
	if err != nil {
		c.unstored(err, invalidRecord, http.StatusBadRequest)
		return
	}
	c.stored(want, " record was successfully submitted.", record)
}

// recordProblems are readings of errors that endpoints of records share; whether there is a record they answer with a status of
// their own.
func recordProblems(status int) []problem {
	return []problem{
		{program.ErrRecordExists, status, "CVE_RECORD_EXISTS", "The CVE ID has a record already."},
		{registry.ErrNoRecord, status, "CVE_RECORD_DNE", "There is no record for this CVE ID."},
		{event.ErrErased, http.StatusBadRequest, "UNABLE_TO_STORE_CVE_RECORD", "The record cannot be stored: a part of it was erased."},
	}
}

// unstored answers that a CNA's container was not stored.
func (c *call) unstored(err error, message string, status int) {
	if invalid := (*program.InvalidRecord)(nil); errors.As(err, &invalid) {
		c.noncompliant(invalidSchema, message, invalid.Failures)
		return
	}
	c.fail(err, recordProblems(status)...)
}

// putADP is PUT /api/cve/{id}/adp. Whose the identifier is does not matter.
func (c *call) putADP() {
	if !c.trim() {
		return
	}
	c.inPath("id").cveid()
	if c.badInput() {
		return
	}
	record, replaced, err := c.Acts.PutADP(c.r.Context(), c.caller, program.Submission{ID: c.words["id"], Container: c.container("adpContainer")})
	if invalid := (*program.InvalidRecord)(nil); errors.As(err, &invalid) {
		c.noncompliant("BAD_ADP_JSON", "The ADP container does not comply with the schema.", invalid.Failures)
		return
	}
	if err != nil {
		c.fail(err, append(recordProblems(http.StatusForbidden),
			problem{registry.ErrNotFound, http.StatusBadRequest, "CVEID_DNE", "There is no such CVE ID."},
			problem{registry.ErrRejected, http.StatusForbidden, "CVE_RECORD_REJECTED", "A rejected record takes no ADP container."},
			problem{program.ErrNoContainer, http.StatusBadRequest, "BAD_ADP_FORMAT", "The body lacks adpContainer."})...)
		return
	}
	how := "new"
	if replaced {
		how = "replacement"
	}
	c.stored(program.WantOne, ": "+how+" ADP container of "+c.me.Org.Short+" stored.", record)
}
