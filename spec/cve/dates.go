package cve

import "strconv"

// EachDate calls fn with every date that is written in the record, with its JSON pointer, in document order of the
// format: metadata, CNA container, ADP containers. Absent dates are left out; SSVC and KEV have their own.
func (r *Record) EachDate(fn func(pointer, value string)) {
	call := func(pointer, value string) {
		if value != "" {
			fn(pointer, value)
		}
	}
	call("/cveMetadata/dateReserved", r.Metadata.DateReserved)
	call("/cveMetadata/datePublished", r.Metadata.DatePublished)
	call("/cveMetadata/dateUpdated", r.Metadata.DateUpdated)
	call("/cveMetadata/dateRejected", r.Metadata.DateRejected)
	r.EachContainer(func(pointer string, c *Container, _ bool) {
		call(pointer+"/providerMetadata/dateUpdated", c.Provider.DateUpdated)
		call(pointer+"/datePublic", c.DatePublic)
		call(pointer+"/dateAssigned", c.DateAssigned)
		for i, item := range c.Timeline {
			call(pointer+"/timeline/"+strconv.Itoa(i)+"/time", item.Time)
		}
	})
}

// EachContainer calls fn with the CNA container and then each ADP container, with its JSON pointer.
func (r *Record) EachContainer(fn func(pointer string, c *Container, adp bool)) {
	fn("/containers/cna", &r.Containers.CNA, false)
	for i := range r.Containers.ADP {
		fn("/containers/adp/"+strconv.Itoa(i), &r.Containers.ADP[i], true)
	}
}
