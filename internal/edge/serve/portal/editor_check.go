package portal

import (
	"strings"
	"time"

	"tasuki/spec/cve"
	"tasuki/spec/cve/form"
	"tasuki/spec/cve/lint"
	"tasuki/spec/cve/schema"
)

// findings are what the schema, the lint rules and the CNA rules say of a container; pointers are into it.
func findings(v *schema.Validator, w *writing, clean []byte, now time.Time) []cve.Finding {
	found := v.Container(schema.CNAPublished, clean)
	c, err := cve.DecodeContainer(clean)
	if err != nil {
		return cve.Merge(found) // the schema has said what no reading could
	}
	rec := &cve.Record{Metadata: cve.Metadata{ID: w.ID, State: cve.Published}, Containers: cve.Containers{CNA: *c}}
	if w.rec != nil {
		rec.Metadata.DatePublished, rec.Metadata.DateReserved = w.rec.Metadata.DatePublished, w.rec.Metadata.DateReserved
	}
	return cve.Merge(found, inside(lint.Record(rec, lint.Options{Now: now})), form.CheckDuties(w.ID, c))
}

// inside are the findings about a record's CNA container, with pointers into that.
func inside(found []cve.Finding) (out []cve.Finding) {
	for _, f := range found {
		if rest, ok := strings.CutPrefix(f.Pointer, "/containers/cna"); ok {
			f.Pointer = rest
			out = append(out, f)
		}
	}
	return out
}
