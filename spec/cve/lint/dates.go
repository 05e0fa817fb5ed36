package lint

import (
	"strings"
	"time"

	"tasuki/spec/cve"
)

// slack is how far a date may be off before a rule speaks: dates without a zone may have been meant in any.
const slack = 24 * time.Hour

func (l *linter) dates() {
	l.found = append(l.found, cve.ZonelessDates(l.rec)...)
	m := l.rec.Metadata
	l.order("/cveMetadata/datePublished", m.DatePublished, "dateReserved", m.DateReserved)
	l.order("/cveMetadata/dateUpdated", m.DateUpdated, "datePublished", m.DatePublished)
	if m.DatePublished == "" {
		l.order("/cveMetadata/dateUpdated", m.DateUpdated, "dateReserved", m.DateReserved)
	}
	l.order("/cveMetadata/dateRejected", m.DateRejected, "dateReserved", m.DateReserved)
	l.order("/cveMetadata/dateUpdated", m.DateUpdated, "dateRejected", m.DateRejected)

	public, _, err1 := cve.ParseTime(l.rec.Containers.CNA.DatePublic)
	published, _, err2 := cve.ParseTime(m.DatePublished)
	if err1 == nil && err2 == nil && public.After(published.Add(slack)) {
		l.say("date-public", "/containers/cna/datePublic", "is %s, but the record was published at %s", l.rec.Containers.CNA.DatePublic, m.DatePublished)
	}

	if l.options.Now.IsZero() {
		return
	}
	l.rec.EachDate(func(pointer, value string) {
		// A timeline may tell of what is planned.
		if strings.Contains(pointer, "/timeline/") {
			return
		}
		if t, _, err := cve.ParseTime(value); err == nil && t.After(l.options.Now.Add(slack)) {
			l.say("date-future", pointer, "is in the future")
		}
	})
}

// order wants the date at pointer not to be before the one named earlier. Where one of them has no zone, a day counts
// as equal. Dates that do not parse are for the schema.
func (l *linter) order(pointer, value, earlierName, earlier string) {
	t, zoned1, err1 := cve.ParseTime(value)
	e, zoned2, err2 := cve.ParseTime(earlier)
	if err1 != nil || err2 != nil {
		return
	}
	allowed := time.Duration(0)
	if !zoned1 || !zoned2 {
		allowed = slack
	}
	if t.Add(allowed).Before(e) {
		l.say("date-order", pointer, "is before %s, %s", earlierName, earlier)
	}
}
