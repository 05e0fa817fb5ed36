package cvelist

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tasuki/internal/catalogue"
	"tasuki/spec/cve"
)

// A state is a map from paths to bytes: one file for each record that stood at a size of the log and whose body is still there. It is
// never held whole; what is held is a set, the difference of two states. From size 0 that is a state itself.

// entry is one record of a set.
type entry struct {
	id   cve.ID
	leaf int64 // of the version that stood at the set's end
	gone bool  // there is no file any more
	lost bool  // gone, and only since the set's end
	had  bool  // at the set's beginning there was one
}

// set is what differs between the list at two sizes, in the order of identifiers.
type set struct {
	from, to int64
	entries  []entry
}

// between makes the set from one size to another.
func between(ctx context.Context, src Source, from, to int64) (set, error) {
	steps, err := src.Steps(ctx, from, to)
	if err != nil {
		return set{}, err
	}
	s := set{from: from, to: to, entries: make([]entry, 0, len(steps))}
	for _, step := range steps {
		id, err := cve.ParseID(step.ID)
		if err != nil {
			return set{}, fmt.Errorf("leaf %d: %w", step.Leaf, err)
		}
		s.entries = append(s.entries, entry{id: id, leaf: step.Leaf, gone: step.Gone, had: step.Had})
	}
	slices.SortFunc(s.entries, func(a, b entry) int { return a.id.Compare(b.id) })
	return s, nil
}

// each gives fn every entry of the set with its file, in order; raw is nil where there is none. A body that was erased after the set's
// end is gone as well: what is written now must not hold it.
func (s *set) each(ctx context.Context, src Source, fn func(e *entry, raw []byte) error) error {
	refs := make([]catalogue.Ref, 0, len(s.entries))
	at := make([]int, 0, len(s.entries))
	for i, e := range s.entries {
		if !e.gone {
			refs = append(refs, catalogue.Ref{ID: e.id.String(), Leaf: e.leaf})
			at = append(at, i)
		}
	}
	next := 0
	// Entries without a file have no place among refs; they are given where they stand.
	gone := func(until int) error {
		for ; next < until; next++ {
			if err := fn(&s.entries[next], nil); err != nil {
				return err
			}
		}
		return nil
	}
	err := src.Originals(ctx, refs, func(i int, raw []byte, made bool) (err error) {
		if err := gone(at[i]); err != nil {
			return err
		}
		e := &s.entries[at[i]]
		if raw == nil {
			e.gone, e.lost = true, true
		} else if made {
			if raw, err = indented(raw); err != nil {
				return fmt.Errorf("%s: %w", e.id, err)
			}
		}
		next++
		return fn(e, raw)
	})
	if err != nil {
		return err
	}
	return gone(len(s.entries))
}

// indented makes a record that is assembled from parts readable, and its versions comparable line by line. Taking the white space out
// again gives the bytes that the record's proof is of.
func indented(compact []byte) ([]byte, error) {
	v := jsontext.Value(bytes.Clone(compact))
	if err := v.Indent(jsontext.WithIndent("    ")); err != nil {
		return nil, err
	}
	return append(v, '\n'), nil
}

// updated is the record's own dateUpdated, as delta files state it; "" where it has none.
func updated(raw []byte) string {
	var r struct {
		Metadata struct {
			Updated jsontext.Value `json:"dateUpdated"`
		} `json:"cveMetadata"`
	}
	// Loosely: what an import let in may have any shape.
	if err := json.Unmarshal(raw, &r, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)); err != nil {
		return ""
	}
	var text string
	if err := json.Unmarshal(r.Metadata.Updated, &text); err != nil {
		return ""
	}
	return text
}

// erased lists the records whose bodies the leaves below a size erased and which have no file at that size, each once: what an archive
// has to name, since the official form knows no deletion.
func erased(ctx context.Context, src Source, from, to int64, stands func(id string) bool) ([]Deletion, error) {
	list, err := src.Erasures(ctx, from, to)
	if err != nil {
		return nil, err
	}
	last := map[string]int64{}
	for _, e := range list {
		if !stands(e.ID) {
			last[e.ID] = max(last[e.ID], e.Erased)
		}
	}
	out := make([]Deletion, 0, len(last))
	for id, leaf := range last {
		out = append(out, Deletion{ID: id, Leaf: leaf})
	}
	slices.SortFunc(out, func(a, b Deletion) int { return cmp.Compare(a.ID, b.ID) })
	return out, nil
}
