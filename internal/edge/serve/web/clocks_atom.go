package web

import (
	"bytes"
	"encoding/xml"
	"net/http"
	"slices"
	"strings"
	"time"

	"tasuki/internal/program"
)

// The feed of clocks holds the running ones and those that ended within feedBack; soon is how long before its end a clock is news again.
const (
	onClockFeed = 200
	feedBack    = 30 * 24 * time.Hour
	soon        = 24 * time.Hour
)

// clockFeed is the feed of clocks: an entry each, which is new again when the deadline is near, when it has passed, and when the
// clock has ended.
func (s *server) clockFeed(w http.ResponseWriter, r *http.Request) {
	now := s.Now()
	list, err := s.Authority.Clocks(r.Context())
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	ended, err := s.Authority.Ended(r.Context(), now.Add(-feedBack), onClockFeed)
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	self := s.BaseURL + "/clocks.atom"
	f := atomFeed{Lang: "en", ID: self, Title: "Tasuki: clocks", Updated: stamp(time.Unix(0, 0)), Generator: "Tasuki", Links: []atomLink{
		{Rel: "self", Type: "application/atom+xml", Href: self}, {Rel: "alternate", Type: "text/html", Href: s.BaseURL + "/clocks"},
	}}
	list = append(list, ended...)
	slices.SortStableFunc(list, func(a, b program.ClockView) int { return clockNews(&b, now).Compare(clockNews(&a, now)) })
	for _, k := range list[:min(len(list), onClockFeed)] {
		f.Entries = append(f.Entries, s.clockEntry(&k, now))
	}
	if len(list) > 0 {
		f.Updated = stamp(clockNews(&list[0], now))
	}
	var b bytes.Buffer
	b.WriteString(xml.Header)
	if err := xml.NewEncoder(&b).Encode(f); err != nil {
		s.Fail(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "public, no-cache")
	s.Write(w, r, http.StatusOK, "application/atom+xml; charset=utf-8", b.Bytes())
}

// near is when a deadline begins to be near. A short clock is not near from its start.
func near(k *program.ClockView) time.Time { return k.Due.Add(-min(soon, k.Due.Sub(k.Started)/4)) }

// clockNews is when there was something to say of a clock last. It does not move by itself.
func clockNews(k *program.ClockView, now time.Time) time.Time {
	switch {
	case !k.Ended.IsZero():
		return k.Ended
	case now.After(k.Due):
		return k.Due
	case now.After(near(k)):
		return near(k)
	}
	return k.Started
}

func (s *server) clockEntry(k *program.ClockView, now time.Time) atomEntry {
	place := s.BaseURL + "/clocks#" + k.Key
	if k.Case != "" {
		place = s.BaseURL + "/disputes/" + k.Case + "#" + k.Key
	}
	state := "running"
	switch {
	case !k.Ended.IsZero() && k.Met():
		state = "met"
	case !k.Ended.IsZero():
		state = "missed"
	case now.After(k.Due):
		state = "overdue"
	case now.After(near(k)):
		state = "due soon"
	}
	title := []string{strings.ToUpper(state), k.What}
	for _, text := range []string{k.CVE, k.OrgName} {
		if text != "" {
			title = append(title, text)
		}
	}
	author := k.OrgName
	if author == "" {
		author = "not public"
	}
	text := "Due " + stamp(k.Due) + "."
	if !k.Ended.IsZero() {
		text += " Ended " + stamp(k.Ended) + "."
	}
	if k.About != "" {
		text += " " + k.About
	}
	if k.Rule != "" {
		text += " (" + k.Rule + ", rule pack " + k.Pack + ")"
	}
	return atomEntry{ID: s.BaseURL + "/clocks#" + k.Key, Title: strings.Join(title, " "), Updated: stamp(clockNews(k, now)), Published: stamp(k.Started),
		Author: &atomPerson{Name: author}, Categories: []atomCategory{{Term: "state:" + strings.ReplaceAll(state, " ", "-")}, {Term: "clock:" + k.What}},
		Link: atomLink{Rel: "alternate", Type: "text/html", Href: place}, Summary: &atomText{Lang: "en", Text: text}}
}
