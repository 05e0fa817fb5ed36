package catalogue

import (
	"context"
	"errors"
	"time"

	"tasuki/internal/query"
	"tasuki/internal/store"
	"tasuki/internal/store/facet"
	"tasuki/spec/nvd"
)

// Hit is what a list shows of the version that v is.
func (v *View) Hit() Hit {
	e := makeEntry(v.Record)
	return e.hit(v.ID, v.Changed.UnixMilli())
}

// Scores is every CVSS score of the version that v is, with whose it is, in the record's order.
func (v *View) Scores() []Score {
	scorings := nvd.Classify(v.Record).Scorings
	out := make([]Score, len(scorings))
	for i, s := range scorings {
		out[i] = scoreOf(v.Record, s)
	}
	return out
}

// Leaf names one version of a record.
type Leaf struct {
	ID    string
	Index int64
}

// Holds says of each version whether a query holds for it, asked at now. It looks at the versions themselves, so that the answer
// is the same whatever the list has learnt since. It is false for what is no version of the record, and for what was erased.
func (s *Service) Holds(ctx context.Context, tree *query.Query, now time.Time, versions []Leaf) ([]bool, error) {
	fq, err := translate(Query{Tree: tree, Now: now, Limit: len(versions)})
	if err != nil {
		return nil, err
	}
	// An index holds one version of a record: versions of the same one go into several.
	var layers [][]facet.Doc
	depth := make(map[string]int, len(versions))
	layer := make([]int, len(versions))
	err = s.db.View(ctx, func(tx *store.Tx) error {
		for i, v := range versions {
			r, err := versionRow(ctx, tx, v)
			if err != nil {
				return err
			}
			e, err := readEntry(v.ID, r.entry)
			if errors.Is(err, ErrErased) {
				layer[i] = none
				continue
			}
			if err != nil {
				return err
			}
			layer[i] = depth[v.ID]
			depth[v.ID]++
			if layer[i] == len(layers) {
				layers = append(layers, nil)
			}
			layers[layer[i]] = append(layers[layer[i]], e.doc(r))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	holds := make([]map[string]bool, len(layers))
	for i, docs := range layers {
		index := facet.New(indexSchema)
		index.Apply(docs, 0)
		found, err := index.Search(ctx, fq)
		if err != nil {
			return nil, err
		}
		holds[i] = make(map[string]bool, len(found.Keys))
		for _, id := range found.Keys {
			holds[i][id] = true
		}
	}
	out := make([]bool, len(versions))
	for i, v := range versions {
		out[i] = layer[i] != none && holds[layer[i]][v.ID]
	}
	return out, nil
}

// versionRow reads what the index knows of a version; a row without an entry when there is no such version.
func versionRow(ctx context.Context, tx *store.Tx, which Leaf) (row, error) {
	r := row{id: which.ID, entry: gone}
	v, err := newest(ctx, tx, which.ID)
	if err == nil && v.leaf != which.Index {
		v, err = readPast(which.ID, tx.QueryRow(ctx, pastGet, which.Index, which.ID))
	}
	if errors.Is(err, ErrNotFound) {
		return r, nil
	}
	if err != nil {
		return r, err
	}
	r.leaf, r.version, r.source = v.leaf, v.leaf, v.source
	stored, key := recordEntry, any(which.ID)
	if v.superseded {
		stored, key = pastEntry, any(which.Index)
	}
	return r, tx.QueryRow(ctx, stored, key).Scan(&r.changed, &r.entry)
}
