package cvelist

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tasuki/spec/cve"
)

// ErrDelta means that a delta file is none of ours.
var ErrDelta = errors.New("cvelist: not a delta file")

// Delta is one change set as cves/delta.json and the elements of cves/deltaLog.json have it. Deleted is our own member, there only
// where a body was erased: the official form knows no deletion, and its readers pass over what they do not know.
type Delta struct {
	FetchTime string `json:"fetchTime"`       // of the last leaf in it, UTC
	Count     int    `json:"numberOfChanges"` // new and updated, also where they are too many to be named
	New       []Item `json:"new"`
	Updated   []Item `json:"updated"`
	Error     []Item `json:"error"`
	Deleted   []Item `json:"deleted,omitzero"`
}

// Item is one record of a change set. DateUpdated is the record's own.
type Item struct {
	ID      string `json:"cveId"`
	Org     string `json:"cveOrgLink"`
	File    string `json:"githubLink"`
	Updated string `json:"dateUpdated,omitzero"`
}

// LogWindow is how long a change set stays in deltaLog.json, by the log's time.
const LogWindow = 30 * 24 * time.Hour

// maxLog bounds deltaLog.json in bytes; the oldest change sets go first. Large hosts of git repositories refuse a file of 100 MB.
const maxLog = 32 << 20

// maxSet bounds how many records a change set names. A greater one, as a bulk import makes it, says how many they are and names none:
// readers see by the count that it is not complete, and take the next baseline. Every later commit carries the log of change sets, so one
// of megabytes would be paid for again and again.
const maxSet = 16_000

// cut leaves out what is too much.
func (d *Delta) cut() {
	if d.Count > maxSet {
		d.New, d.Updated = []Item{}, []Item{}
	}
}

func newDelta(at time.Time) Delta {
	return Delta{FetchTime: cve.FormatTime(at), New: []Item{}, Updated: []Item{}, Error: []Item{}}
}

// add books one entry of a set.
func (d *Delta) add(e *entry, raw []byte, links Links) {
	id := e.id.String()
	item := Item{ID: id, Org: links.Record + id, File: links.File + e.id.Path()}
	switch {
	case raw == nil:
		if e.had { // what never had a file needs no deletion
			d.Deleted = append(d.Deleted, item)
		}
		return
	case e.had:
		item.Updated = updated(raw)
		d.Updated = append(d.Updated, item)
	default:
		item.Updated = updated(raw)
		d.New = append(d.New, item)
	}
	d.Count++
}

// bytes is the file: one value, indented, with a line feed at the end.
func (d *Delta) bytes() ([]byte, error) {
	b, err := json.Marshal(d, jsontext.WithIndent("  "))
	if err != nil {
		return nil, err
	}
	return append(b, '\n'), nil
}

// A log of change sets is kept as the text of its elements, each on a line of its own: prepending one rewrites nothing of the others,
// which a day's publication of megabytes would pay for at every change.
const (
	logBegin, logBetween, logEnd = "[\n", ",\n", "\n]\n"
)

// prepend adds d in front of a deltaLog.json, nil for none, and drops what is older than the window before d or beyond the bound.
func prepend(log []byte, d *Delta) ([]byte, error) {
	line, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	now, _, err := cve.ParseTime(d.FetchTime)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDelta, err)
	}
	out := make([]byte, 0, len(log)+len(line)+8)
	out = append(append(out, logBegin...), line...)
	for old, err := range logLines(log) {
		if err != nil {
			return nil, err
		}
		at, err := fetchTime(old)
		if err != nil {
			return nil, err
		}
		if now.Sub(at) > LogWindow || len(out)+len(old) > maxLog {
			break // they stand newest first
		}
		out = append(append(out, logBetween...), old...)
	}
	return append(out, logEnd...), nil
}

// logLines gives the elements of a deltaLog.json that this package wrote.
func logLines(log []byte) func(yield func([]byte, error) bool) {
	return func(yield func([]byte, error) bool) {
		if len(log) == 0 {
			return
		}
		rest, ok := bytes.CutPrefix(log, []byte(logBegin))
		if ok {
			rest, ok = bytes.CutSuffix(rest, []byte(logEnd))
		}
		if !ok {
			yield(nil, fmt.Errorf("%w: deltaLog.json", ErrDelta))
			return
		}
		for len(rest) > 0 {
			var line []byte
			line, rest, _ = bytes.Cut(rest, []byte(logBetween))
			if !yield(line, nil) {
				return
			}
		}
	}
}

// fetchTime reads the member that every element begins with.
func fetchTime(line []byte) (time.Time, error) {
	rest, ok := bytes.CutPrefix(line, []byte(`{"fetchTime":"`))
	text, _, found := bytes.Cut(rest, []byte(`"`))
	if !ok || !found {
		return time.Time{}, fmt.Errorf("%w: an element of deltaLog.json without fetchTime", ErrDelta)
	}
	at, _, err := cve.ParseTime(string(text))
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: %w", ErrDelta, err)
	}
	return at, nil
}
