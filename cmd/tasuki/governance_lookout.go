package main

import (
	"context"
	"sync"

	"tasuki/internal/edge/feeds/cvelist"
	"tasuki/internal/governance"
	"tasuki/internal/program"
	"tasuki/internal/registry"
	"tasuki/internal/store"
	"tasuki/spec/cve"
)

// lookout watches an import for identifiers that are reserved here and nevertheless public. Which they are is read once, when the
// first document comes; whether one is reserved still, the command asks again that writes it down.
type lookout struct {
	reading  sync.Once
	reserved map[string]struct{}
	failed   error
}

// look finds the reserved identifiers in a document, each once; it is called from several goroutines. Where nothing is reserved it costs
// nothing.
func (l *lookout) look(n *node, raw []byte, id string, meta cvelist.Meta) (seen []program.Seen, err error) {
	l.reading.Do(func() {
		l.failed = n.db.View(context.Background(), func(tx *store.Tx) (err error) {
			l.reserved, err = registry.ReservedIDs(context.Background(), tx)
			return err
		})
	})
	if l.failed != nil || len(l.reserved) == 0 {
		return nil, l.failed
	}
	cve.Mentions(raw, func(found []byte) bool {
		if _, is := l.reserved[string(found)]; !is {
			return true
		}
		for _, s := range seen {
			if s.ID == string(found) {
				return true
			}
		}
		s := program.Seen{ID: string(found), How: governance.SeenCited, Source: cvelist.PublicName(meta.Source), Citing: id, Time: meta.Time}
		if s.ID == id {
			s.How, s.Citing = governance.SeenRecord, ""
		}
		seen = append(seen, s)
		return true
	})
	return seen, nil
}
