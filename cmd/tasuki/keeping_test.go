package main

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"tasuki/client"
	"tasuki/internal/continuity"
	"tasuki/internal/program"
)

// says is the page without its markup.
func (k *kitNode) says(t *testing.T, path string) string {
	t.Helper()
	text := regexp.MustCompile(`(?s)<(script|style).*?</(script|style)>|<[^>]*>`).ReplaceAllString(k.opened(t, path), " ")
	return strings.Join(strings.Fields(text), " ")
}

// opened is what the front door answers with.
func (k *kitNode) opened(t *testing.T, path string) string {
	t.Helper()
	w := k.ask(path)
	if w.Code != http.StatusOK {
		t.Fatalf("%s: %d %s", path, w.Code, w.Body)
	}
	return w.Body.String()
}

// kept is what the native API says of how the list is kept.
func (k *kitNode) kept(t *testing.T) (out client.Continuity) {
	t.Helper()
	if err := json.Unmarshal([]byte(k.opened(t, "/api/v1/continuity")), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// A list of one's own says calmly that nobody else keeps it, and waits for nobody.
func TestAListThatNobodyElseKeeps(t *testing.T) {
	k := openPublisher(t, kitOptions{})
	id := k.reserve(t)
	k.publish(t, "acme", id, "once", program.WantNone)
	if _, err := k.signed(t.Context()); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"/mirrors":  "Nobody else keeps this list yet",
		"/epochs":   "The list was founded with it.",
		"/evidence": "This copy has found nothing wrong with anybody.",
		"/charter":  "One key alone decides who runs this list. That is enough for a private list.",
	} {
		if got := k.says(t, path); !strings.Contains(got, want) || strings.Contains(got, "▲") || !strings.Contains(got, "signed by the log alone") {
			t.Errorf("%s: %s", path, got)
		}
	}
	got := k.kept(t)
	if got.Role != "operator" || len(got.Mirrors) != 0 || got.Pending != nil || got.Published == nil || got.Published.Size != got.Size || len(got.Epochs) != 1 || *got.Epochs[0].First != 0 ||
		got.Epochs[0].How != string(continuity.WayFounded) {
		t.Errorf("%+v", got)
	}
	if c := k.Status(t.Context()).(condition); c.Mirrors != nil || c.Witnesses != nil || c.Waiting != 0 {
		t.Errorf("%+v", c)
	}
}

// The operator tells a mirror that comes late from one that is gone; a mirror says whom it follows and what of itself is counted.
func TestTheOperatorKnowsItsMirrors(t *testing.T) {
	w := newMirrored(t, 3, 2, kitOptions{}, nil, nil)
	w.work()
	w.published()
	caughtUp := func(n int) {
		t.Helper()
		soon(t, time.Minute, func() string {
			here := 0
			got := w.operator.kept(t)
			for _, m := range got.Mirrors {
				if m.Size > 0 && m.Behind == 0 {
					here++
				}
			}
			if here != n || got.Pending != nil {
				return fmt.Sprintf("%d of %d: %+v", here, n, got.Mirrors)
			}
			return ""
		})
	}
	caughtUp(3) // though two were enough
	if got := w.operator.kept(t); got.Quorum != (client.Quorum{Mirrors: 2, Reports: 2}) || len(got.Epochs) != 2 || got.Epochs[1].How != string(continuity.WayBoard) {
		t.Errorf("%+v", got)
	}
	if got := w.operator.says(t, "/mirrors"); !strings.Contains(got, "A checkpoint counts once 2 of 3 mirrors have stored everything up to it.") || !strings.Contains(got, "Nothing waits.") {
		t.Errorf("the operator's page: %s", got)
	}
	c := w.operator.Status(t.Context()).(condition)
	if c.Mirrors == nil || c.Mirrors.Listed != 3 || c.Mirrors.Needed != 2 || c.Mirrors.Signed < 2 || c.Witnesses != nil {
		t.Errorf("%+v", c.Mirrors)
	}

	// One is gone: what is written meanwhile is published all the same, and it shows.
	w.stops[2]()
	w.places[2].let(nil)
	before := w.operator.kept(t).Published.Size
	if err := w.operator.beatOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.published()
	caughtUp(2)
	got := w.operator.kept(t)
	if lost := got.Mirrors[2]; lost.Counted || lost.Size != before || lost.Behind != got.Published.Size-before {
		t.Errorf("%+v", lost)
	}
	if page := w.operator.says(t, "/mirrors"); !strings.Contains(page, "▲ behind 1 entry") {
		t.Errorf("the operator's page: %s", page)
	}
	if page := w.operator.says(t, "/mirrors"); !strings.Contains(page, "signed by the log and 2 of 3 mirrors") {
		t.Errorf("the frame: %s", page)
	}

	// A mirror.
	w.caughtUp(0)
	m := w.mirrors[0]
	own := m.kept(t)
	if own.Role != "mirror" || own.Copy == nil || own.Copy.Source != w.at.url || !own.Copy.Listed || own.Copy.Cosigned != got.Published.Size || own.Stopped != nil || own.Hold != nil {
		t.Errorf("%+v", own.Copy)
	}
	page := m.says(t, "/mirrors")
	for _, want := range []string{"A read-only mirror of " + w.at.url + ".", "Read from " + w.at.url, "which the charter names", "m1.example/tasuki this copy"} {
		if !strings.Contains(page, want) {
			t.Errorf("the mirror's page does not say %q: %s", want, page)
		}
	}
	if page := m.says(t, "/log"); !strings.Contains(page, "a mirror that the charter names; this node checked it") || strings.Contains(page, "not a key of the charters") {
		t.Errorf("the page of the log: %s", page)
	}
}
