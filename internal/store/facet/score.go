package facet

import (
	"encoding/binary"
	"math"

	"tasuki/internal/store/token"
)

// The usual constants of Okapi BM25: how soon repetition stops to count, and how much length does.
const (
	bm25K = 1.2
	bm25B = 0.75
)

// scale makes a relevance an integer, so that scores compare, travel in cursors and agree between
// machines.
const scale = 1 << 20

// want is one term to score documents by.
type want struct {
	pattern pattern
	zones   []bool
	idf     float64
}

// wants lists the terms of the text nodes of n that are not negated. A phrase counts like all its
// words; of a prefix only the exact word counts, so that it comes before its extensions.
func (s *search) wants(n Node, ws []want) ([]want, error) {
	var err error
	switch n := n.(type) {
	case And:
		for _, c := range n {
			if ws, err = s.wants(c, ws); err != nil {
				return nil, err
			}
		}
	case Or:
		for _, c := range n {
			if ws, err = s.wants(c, ws); err != nil {
				return nil, err
			}
		}
	case Text:
		zones, err := s.x.zoneMask(n.Zones)
		if err != nil {
			return nil, err
		}
		for _, t := range n.Terms {
			w := want{zones: zones}
			known := true
			for _, p := range t.Parts {
				id, ok := s.x.words.findString(p)
				known = known && ok
				if known {
					w.pattern.head = binary.AppendUvarint(w.pattern.head, uint64(id))
					w.idf += s.idf(p, zones)
				}
			}
			if known && w.idf > 0 {
				ws = append(ws, w)
			}
		}
	}
	return ws, nil
}

// commonDocs: a word that more than half of all documents have, and more than so many, tells nothing
// about any of them and does not count; else "the" would have half a million texts read.
const commonDocs = 10_000

// idf is the weight of a word's rarity among the live documents, 0 for common words.
func (s *search) idf(word string, zones []bool) float64 {
	with := s.copyOf(s.g.live)
	defer s.giveBack(with)
	s.narrowWord(token.Term{Parts: []string{word}}, zones, with)
	n := with.count()
	if n > commonDocs && n > s.g.docs/2 {
		return 0
	}
	df := float64(n)
	return math.Log(1 + (float64(s.g.docs)-df+0.5)/(df+0.5))
}

// scorer returns the relevance of a document: BM25F, that is BM25 over the sum of its zones, each with its
// own boost and mean length. Products are rounded before they are added (the conversions), or machines
// with fused multiply-add would sort otherwise than those without.
func (s *search) scorer(ws []want) func(ord uint32) int64 {
	boost := make([]float64, s.g.zones)
	mean := make([]float64, s.g.zones)
	for z := range boost {
		if boost[z] = s.x.schema.Zones[z].Boost; boost[z] == 0 {
			boost[z] = 1
		}
		mean[z] = max(1, float64(s.g.zoneWords[z])/max(1, float64(s.g.zoneDocs[z])))
	}
	found := make([]float64, len(ws))
	var buf []zoneText
	scored := 0
	return func(ord uint32) int64 {
		// Scoring hundreds of thousands of hits takes long enough to hold up a writer, and behind it every
		// other reader. What it reads of older documents stays as it is while newer ones are added, and a
		// compaction leaves this segment to us.
		if scored++; scored%512 == 0 {
			s.x.mu.RUnlock()
			s.x.mu.RLock()
		}
		clear(found)
		buf = s.g.texts.zones(ord, buf)
		for _, z := range buf {
			length := 1 - bm25B + float64(bm25B*float64(z.words)/mean[z.zone])
			for i := range ws {
				if w := &ws[i]; w.zones[z.zone] {
					if n := w.pattern.count(z.text); n > 0 {
						found[i] += float64(boost[z.zone] * float64(n) / length)
					}
				}
			}
		}
		score := 0.0
		for i, f := range found {
			if f > 0 {
				score += float64(ws[i].idf * f * (bm25K + 1) / (f + bm25K))
			}
		}
		return int64(math.Round(score * scale))
	}
}
