package cvelist

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"tasuki/spec/cve"
)

// ErrDelta means that a delta file is not what the list publishes.
var ErrDelta = errors.New("cvelist: not a delta file")

// Delta is one change set of the published list (cves/delta.json, an element of cves/deltaLog.json).
type Delta struct {
	FetchTime time.Time
	Count     int64 // numberOfChanges as stated
	Changes   []Change
}

// Change names a record that was published or changed.
type Change struct {
	ID      cve.ID
	Updated time.Time // dateUpdated as stated; zero when it is not stated or no time
}

// Complete reports whether the change set names as many records as it says it has.
func (d Delta) Complete() bool { return d.Count == int64(len(d.Changes)) }

// deltaFile is the published form. Links are not read: they could lead anywhere, and the path follows from the identifier.
type deltaFile struct {
	FetchTime string       `json:"fetchTime"`
	Count     int64        `json:"numberOfChanges"`
	New       []changeItem `json:"new"`
	Updated   []changeItem `json:"updated"`
	Error     []changeItem `json:"error"`   // records that the publisher could not fetch at that time
	Unknown   []changeItem `json:"unknown"` // the older name of error
}

type changeItem struct {
	ID      string `json:"cveId"`
	Updated string `json:"dateUpdated"`
}

// ParseDelta reads cves/delta.json. Unknown members are passed over; an identifier that is none, or no fetchTime, is
// an error that wraps ErrDelta, for a file that lies there may lie elsewhere.
func ParseDelta(raw []byte) (Delta, error) {
	var f deltaFile
	if err := json.Unmarshal(raw, &f); err != nil {
		return Delta{}, fmt.Errorf("%w: %w", ErrDelta, err)
	}
	return f.delta()
}

// ParseDeltaLog reads cves/deltaLog.json and returns its change sets newest first, in which order it is published.
func ParseDeltaLog(raw []byte) ([]Delta, error) {
	var files []deltaFile
	if err := json.Unmarshal(raw, &files); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDelta, err)
	}
	all := make([]Delta, len(files))
	for i, f := range files {
		d, err := f.delta()
		if err != nil {
			return nil, fmt.Errorf("change set %d: %w", i, err)
		}
		all[i] = d
	}
	slices.SortStableFunc(all, func(a, b Delta) int { return b.FetchTime.Compare(a.FetchTime) })
	return all, nil
}

func (f deltaFile) delta() (Delta, error) {
	at, _, err := cve.ParseTime(f.FetchTime)
	if err != nil {
		return Delta{}, fmt.Errorf("%w: fetchTime: %w", ErrDelta, err)
	}
	d := Delta{FetchTime: at, Count: f.Count}
	for _, items := range [][]changeItem{f.New, f.Updated, f.Error, f.Unknown} {
		for _, item := range items {
			id, err := cve.ParseID(item.ID)
			if err != nil {
				return Delta{}, fmt.Errorf("%w: %w", ErrDelta, err)
			}
			c := Change{ID: id}
			c.Updated, _, _ = cve.ParseTime(item.Updated) // zero when it is none
			d.Changes = append(d.Changes, c)
		}
	}
	return d, nil
}
