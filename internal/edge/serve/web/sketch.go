package web

import (
	"tasuki/internal/catalogue"
	"tasuki/spec/cve"
	"tasuki/spec/cve/diff"
	"tasuki/web/history"
	"tasuki/web/i18n"
	"tasuki/web/record"
)

// Sketch is a record that is not in the list yet as its page will show it, for those who write it.
func Sketch(l i18n.Lang, rec *cve.Record) record.View {
	v := &catalogue.View{ID: rec.Metadata.ID, State: rec.Metadata.State, Record: rec}
	if at, _, err := cve.ParseTime(rec.Metadata.DateUpdated); err == nil {
		v.Changed = at
	}
	return describe(l, v, wanted{1, 1})
}

// Compared says in words how two versions of a record differ, by the questions that a record's page answers, and how many
// differences there are; more than maxChanges are not set out. The error is of a document that is no JSON.
func Compared(l i18n.Lang, older, newer []byte) (groups []history.Group, n int, err error) {
	changes, err := diff.Records(older, newer)
	if err != nil {
		return nil, 0, err
	}
	return group(l, changes[:min(len(changes), maxChanges)]), len(changes), nil
}
