// Package nvd holds the protocol of the NVD API 2.0 as values: the parameters of /cves/2.0, the shape
// of its replies, and the pure rules by which a CVE record is read the way NVD shows it (which
// vectors, weaknesses, references and configurations it states, and which status that earns).
//
// The rules live here, below search and below rendering, so that a filter and the field it filters
// agree by construction. Everything that depends on the clock takes it as an argument.
package nvd

import (
	"time"

	"tasuki/spec/cve"
)

// TimeLayout is how replies write a time: UTC, exactly milliseconds, no zone letter.
const TimeLayout = "2006-01-02T15:04:05.000"

// FormatTime writes a time in TimeLayout.
func FormatTime(t time.Time) string { return t.UTC().Format(TimeLayout) }

// The classes of a record, as StatusClass gives them. A class does not depend on the clock; the
// status that a reply shows does (Status).
const (
	ClassRejected = "rejected" // the CVE was rejected
	ClassAnalyzed = "analyzed" // some container gives both configurations and a CVSS vector
	ClassModified = "modified" // the same, but the record changed after the configurations were given
	ClassWaiting  = "waiting"  // anything else
)

// The values of vulnStatus.
const (
	Received           = "Received"
	AwaitingAnalysis   = "Awaiting Analysis"
	UndergoingAnalysis = "Undergoing Analysis"
	Analyzed           = "Analyzed"
	Modified           = "Modified"
	Deferred           = "Deferred"
	Rejected           = "Rejected"
)

// ReceivedFor is how long after publication a waiting record counts as Received.
const ReceivedFor = 24 * time.Hour

// Status is the vulnStatus of a class at an instant. Undergoing Analysis and Deferred are set by people
// and never come from here. A record published in the future counts as just received.
func Status(class string, published, now time.Time) string {
	switch class {
	case ClassRejected:
		return Rejected
	case ClassAnalyzed:
		return Analyzed
	case ClassModified:
		return Modified
	}
	if !published.IsZero() && now.Sub(published) < ReceivedFor {
		return Received
	}
	return AwaitingAnalysis
}

// Published is the date a reply shows: datePublished; for a rejected record without one, dateReserved.
// Old records may have neither: then the earliest date that anybody put on the record.
// The zero time means that there is no readable date at all.
func Published(rec *cve.Record) time.Time {
	if t := parseTime(rec.Metadata.DatePublished); !t.IsZero() {
		return t
	}
	if rec.Metadata.State == cve.Rejected {
		if t := parseTime(rec.Metadata.DateReserved); !t.IsZero() {
			return t
		}
	}
	var first time.Time
	for t := range updates(rec) {
		if first.IsZero() || t.Before(first) {
			first = t
		}
	}
	return first
}

// LastModified is the latest date on the record: its own dateUpdated and those of its containers. The
// caller adds what only it knows, such as the time a record was logged here.
func LastModified(rec *cve.Record) time.Time {
	var last time.Time
	for t := range updates(rec) {
		if t.After(last) {
			last = t
		}
	}
	if last.IsZero() {
		last = Published(rec)
	}
	return last
}

// updates yields every readable dateUpdated of a record.
func updates(rec *cve.Record) func(func(time.Time) bool) {
	return func(yield func(time.Time) bool) {
		if t := parseTime(rec.Metadata.DateUpdated); !t.IsZero() && !yield(t) {
			return
		}
		for _, c := range Containers(rec) {
			if t := parseTime(c.Provider.DateUpdated); !t.IsZero() && !yield(t) {
				return
			}
		}
	}
}

// parseTime reads a date leniently: what cannot be read is as good as absent.
func parseTime(s string) time.Time {
	if s == "" {
		return time.Time{}
	}
	t, _, err := cve.ParseTime(s)
	if err != nil {
		return time.Time{}
	}
	return t
}

// Containers yields a record's containers in the order in which replies show them: the CNA's at -1,
// then the ADPs' at their index.
func Containers(rec *cve.Record) func(func(int, *cve.Container) bool) {
	return func(yield func(int, *cve.Container) bool) {
		if !yield(-1, &rec.Containers.CNA) {
			return
		}
		for i := range rec.Containers.ADP {
			if !yield(i, &rec.Containers.ADP[i]) {
				return
			}
		}
	}
}

// Source is the organisation that speaks in a container. A CNA container without providerMetadata is the assigner's.
func Source(rec *cve.Record, c *cve.Container) string {
	if c.Provider.OrgID == "" && c == &rec.Containers.CNA {
		return rec.Metadata.AssignerOrgID
	}
	return c.Provider.OrgID
}
