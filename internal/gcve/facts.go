package gcve

import (
	"encoding/hex"
	"fmt"
	"strings"

	"tasuki/internal/event"
	"tasuki/spec/cve"
	"tasuki/spec/gcve"
)

// Kinds of terms.
const (
	termAlias    = "alias"
	termCWE      = "cwe"
	termVendor   = "vendor"
	termProduct  = "product"
	termAssigner = "assigner"
)

// Bounds of what is indexed of one record; what is beyond them is found by identifier only.
const (
	maxTerms = 4096
	maxValue = 512
	maxTitle = 300
	maxDate  = 64 // longer than any timestamp that the format allows
)

type term struct{ kind, value string }

// facts is what the tables need of a document.
type facts struct {
	id    gcve.ID
	state cve.State
	dates event.Dates
	sum   string
	title string
	terms []term // each once
}

type factsKey struct{}

func factsOf(doc *event.Doc) (facts, error) {
	return event.Memo(doc, factsKey{}, func(d *event.Doc) (facts, error) {
		raw, err := d.Bytes()
		if err != nil {
			return facts{}, err
		}
		rec, err := gcve.Read(raw)
		if err != nil {
			return facts{}, fmt.Errorf("%w: %w", ErrRule, err)
		}
		sum, err := d.SHA256()
		if err != nil {
			return facts{}, err
		}
		m := rec.Document.Metadata
		f := facts{id: rec.ID, state: m.State, sum: hex.EncodeToString(sum[:]), title: clip(rec.Document.Containers.CNA.Title, maxTitle),
			dates: event.Dates{Published: m.DatePublished, Rejected: m.DateRejected, Reserved: m.DateReserved, Updated: m.DateUpdated}}
		for _, date := range []string{f.dates.Published, f.dates.Rejected, f.dates.Reserved, f.dates.Updated} {
			if len(date) > maxDate { // dates stand in the leaf as they are written: one that is none must not decide how long that gets
				return facts{}, fmt.Errorf("%w: a date of %d bytes", ErrRule, len(date))
			}
		}
		f.index(rec)
		return f, nil
	})
}

// index collects what the record can be found by.
func (f *facts) index(rec *gcve.Record) {
	seen := map[term]bool{}
	add := func(kind, value string) {
		if value = strings.TrimSpace(value); value == "" || len(value) > maxValue || len(f.terms) >= maxTerms {
			return
		}
		if t := (term{kind, plain(value)}); !seen[t] {
			seen[t] = true
			f.terms = append(f.terms, t)
		}
	}
	for _, a := range rec.Aliases() {
		if key := Key(a); key != f.id.Key() {
			add(termAlias, key)
		}
	}
	add(termAssigner, strings.ToLower(rec.Document.Metadata.AssignerShortName))
	rec.Document.EachContainer(func(_ string, c *cve.Container, adp bool) {
		if !adp {
			add(termAssigner, strings.ToLower(c.Provider.ShortName))
		}
		for _, a := range c.Affected {
			add(termVendor, strings.ToLower(a.Vendor))
			add(termProduct, strings.ToLower(a.Product))
		}
		for _, p := range c.ProblemTypes {
			for _, d := range p.Descriptions {
				add(termCWE, strings.ToUpper(d.CWEID))
			}
		}
	})
}

// Key is one spelling of an identifier of any scheme: a GCVE one by its own rule, but the alias of a CVE identifier as that; all others in upper
// case.
func Key(text string) string {
	id, err := gcve.ParseID(text)
	if err != nil {
		return plain(strings.ToUpper(text))
	}
	if c, ok := id.CVE(); ok {
		return c.String()
	}
	return id.Key()
}

// plain is s as a text column of either engine can hold it: PostgreSQL knows no U+0000, which JSON does.
func plain(s string) string { return strings.ReplaceAll(s, "\x00", "\uFFFD") }

// clip is the beginning of s, at most n bytes, whole characters.
func clip(s string, n int) string {
	s = plain(s)
	if len(s) <= n {
		return s
	}
	end := 0
	for i := range s {
		if i > n {
			break
		}
		end = i
	}
	return s[:end]
}

// stamp is a date of a document in Unix milliseconds, 0 when it has none.
func stamp(date string) int64 {
	t, _, err := cve.ParseTime(date)
	if err != nil {
		return 0
	}
	return t.UnixMilli()
}
