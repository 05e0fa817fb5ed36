package cveservices

import (
	"net/http"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tasuki/internal/authority"
	"tasuki/internal/program"
	"tasuki/internal/registry"
)

// recordWholeRoutes are the endpoints by which the Secretariat stores whole records as it likes (reference §7).
var recordWholeRoutes = []route{
	at(http.MethodPost, "cve/{id}", member, func(c *call) { c.replace(program.WantNone) }, (*authority.Standing).MustBeSecretariat),
	at(http.MethodPut, "cve/{id}", member, func(c *call) { c.replace(program.WantOne) }, (*authority.Standing).MustBeSecretariat),
}

// dataVersion is the version of the record format, as records name it, that a record without one is of.
const dataVersion = "5.2"

// replace is POST and PUT /api/cve/{id}. The record is stored as it is given: nothing is stamped.
func (c *call) replace(want program.Want) {
	if !c.trim() {
		return
	}
	if c.versioned(); !c.isRecord() {
		return
	}
	c.member("containers.cna.descriptions").englishOnce()
	c.member("containers.cna.rejectedReasons").englishOnce()
	c.member("containers.cna.datePublic").opt().notFuture()
	c.inPath("id").cveid()
	if c.badInput() {
		return
	}
	id := c.words["id"]
	if c.member("cveMetadata.cveId").text() != id {
		c.refuse(http.StatusBadRequest, "CVEID_MISMATCH", "The ID in the path and the one in the body differ.")
		return
	}
	status, message := http.StatusBadRequest, " record was successfully created."
	if want == program.WantOne {
		status, message = http.StatusForbidden, " record was successfully updated."
	}
	if err := c.Acts.Replace(c.r.Context(), c.caller, id, c.body, want); err != nil {
		c.fail(err, append(recordProblems(status), problem{registry.ErrNotFound, http.StatusForbidden, "CVEID_DNE", "There is no such CVE ID."})...)
		return
	}
	c.stored(want, message, c.body)
}

// versioned gives a record without a dataVersion ours.
func (c *call) versioned() {
	body, ok := c.inBody().(map[string]any)
	if _, given := body["dataVersion"]; !ok || given {
		return
	}
	// The member goes to the end: nobody's order of the others changes, and numbers keep their digits.
	head := c.body[:len(c.body)-1]
	if len(body) > 0 {
		head = append(head, ',')
	}
	c.body = append(head, `"dataVersion":"`+dataVersion+`"}`...)
	c.tree = nil // it is read again
}

// isRecord checks the form of the whole. The schema knows no form of a record that is RESERVED.
func (c *call) isRecord() bool {
	say := func(text string) bool {
		problem{status: http.StatusBadRequest, code: invalidSchema, message: invalidRecord}.with(c.w, c.r, nil, failures([]string{text}))
		return false
	}
	var record struct {
		Metadata jsontext.Value `json:"cveMetadata"`
	}
	if json.Unmarshal(c.body, &record) != nil || record.Metadata == nil || record.Metadata.Kind() == jsontext.KindNull {
		return say("cveMetadata is missing")
	}
	switch c.member("cveMetadata.state").text() {
	case "PUBLISHED", "REJECTED", "RESERVED":
	default:
		return say("cveMetadata.state is not a known state")
	}
	found := c.schema.RecordFailures(c.body)
	if len(found) > 0 {
		c.noncompliant(invalidSchema, invalidRecord, found)
	}
	return len(found) == 0
}
