// Package kev reads the mark that CISA's ADP container puts on a CVE record that is in the catalogue of Known Exploited
// Vulnerabilities: the content of an "other" metric of type "kev" (CISA's KEV metrics schema 1.0). Reading the
// catalogue itself is not part of it yet.
package kev

import (
	"time"

	"github.com/go-json-experiment/json"
)

// Type is the type of the CVE record's "other" metric that Decode reads.
const Type = "kev"

// KEV is the mark: since when, and where to look it up. Due dates and required actions are only in the catalogue.
type KEV struct {
	DateAdded string // a calendar day, "2024-03-06"
	Reference string // a URL, as written
}

// Decode reads the content of a metric. ok is false when content is not of this shape or DateAdded is no calendar day.
func Decode(content []byte) (k KEV, ok bool) {
	var doc struct {
		DateAdded string `json:"dateAdded"`
		Reference string `json:"reference"`
	}
	if err := json.Unmarshal(content, &doc); err != nil {
		return KEV{}, false
	}
	if _, err := time.Parse(time.DateOnly, doc.DateAdded); err != nil {
		return KEV{}, false
	}
	return KEV{DateAdded: doc.DateAdded, Reference: doc.Reference}, true
}
