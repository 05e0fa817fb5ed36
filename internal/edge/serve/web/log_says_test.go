package web

import (
	"strings"
	"testing"
	"time"

	"tasuki/internal/event"
	"tasuki/web/i18n"
)

// Every kind of event has words of its own in both languages, on the list of entries and as a sentence, and says all organisations
// and identifiers that it is about.
func TestEveryKindHasWords(t *testing.T) {
	leaf := int64(41)
	names := func(org string) string { return "<" + org + ">" }
	seen := map[string]event.Kind{}
	for _, l := range []i18n.Lang{i18n.English, i18n.Japanese} {
		for _, k := range event.Kinds() {
			e := &event.Event{Kind: k, By: "by", ID: "CVE-2026-1234", IDs: []string{"CVE-2026-1", "CVE-2026-2"}, Org: "org", From: "from", To: "to", Role: "CNA", Level: "root",
				Outcome: "valid", Reason: "because", Due: time.Date(2026, 11, 24, 21, 0, 7, 0, time.UTC), Pack: "4.2.0", State: "PUBLISHED", Cont: "cna", Year: 2026, First: 20001,
				Last: 30000, Source: "list.zip", Leaf: &leaf, Epoch: 1}
			short, says := kindWords(l, k), sentence(l, e, names)
			if short == string(k) || says == l.T("says.kind", short) || strings.Contains(says, "%!") {
				t.Errorf("%s in %s: %q, %q", k, l.Name(), short, says)
			}
			if other, ok := seen[says]; ok {
				t.Errorf("%s and %s say the same: %q", k, other, says)
			}
			seen[says] = k
			if due := "2026-11-24 21:00:07 UTC"; strings.HasPrefix(string(k), "dispute.") && !strings.Contains(says, due) {
				t.Errorf("%s does not say when it is due: %q", k, says)
			}
			for _, hidden := range []func(*event.Event){func(e *event.Event) { e.ID, e.IDs, e.Org, e.Due = "", nil, "", time.Time{} }, func(e *event.Event) { e.Level, e.Outcome = "", "" }} {
				bare := *e
				hidden(&bare)
				if says := sentence(l, &bare, names); says == "" || strings.Contains(says, "<>") && bare.Org != "" {
					t.Errorf("%s with less: %q", k, says)
				}
				_ = detail(l, &bare, names)
			}
		}
		adp := sentence(l, &event.Event{Kind: event.RecordPut, Cont: "adp", ID: "CVE-2026-1234", By: "by"}, names)
		if !strings.Contains(adp, "<by>") || !strings.Contains(adp, "CVE-2026-1234") {
			t.Errorf("an ADP's container: %q", adp)
		}
	}
	many := &event.Event{Kind: event.MergeNoted, ID: "CVE-2026-9", IDs: strings.Split(strings.Repeat("CVE-2026-1 ", 30), " ")[:30]}
	if says := sentence(i18n.English, many, names); len(says) > 150 || !strings.Contains(says, "(30)") {
		t.Errorf("thirty identifiers: %q", says)
	}
}
