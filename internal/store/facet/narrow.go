package facet

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"tasuki/internal/store/token"
)

// search is one run of a query, under the reader's lock.
type search struct {
	ctx context.Context
	x   *Index
	g   *segment
}

// borrow returns an empty set over all ordinals; give it back.
func (s *search) borrow() set {
	n := len(s.g.live)
	if b, ok := s.x.sets.Get().(*set); ok && cap(*b) >= n {
		b := (*b)[:n]
		clear(b)
		return b
	}
	return make(set, n, n+n/8)
}

func (s *search) copyOf(o set) set {
	c := s.borrow()
	copy(c, o)
	return c
}

func (s *search) giveBack(b set) { s.x.sets.Put(&b) }

// narrow removes from acc what n does not hold for. Conditions see only what earlier ones left, which
// is why the cheap and sharp ones go first.
func (s *search) narrow(n Node, acc set) error {
	if err := s.ctx.Err(); err != nil {
		return err
	}
	switch n := n.(type) {
	case nil, All:
		return nil
	case And:
		nodes := slices.Clone(n)
		slices.SortStableFunc(nodes, func(a, b Node) int { return cmp.Compare(cost(a), cost(b)) })
		for _, c := range nodes {
			if err := s.narrow(c, acc); err != nil {
				return err
			}
		}
		return nil
	case Or:
		sum := s.borrow()
		defer s.giveBack(sum)
		for _, c := range n {
			part := s.copyOf(acc)
			err := s.narrow(c, part)
			sum.or(part)
			s.giveBack(part)
			if err != nil {
				return err
			}
		}
		copy(acc, sum)
		return nil
	case Not:
		part := s.copyOf(acc)
		defer s.giveBack(part)
		err := s.narrow(n.Node, part)
		acc.andNot(part)
		return err
	case Text:
		return s.narrowText(n, acc)
	case Any:
		return s.narrowAny(n, acc)
	case Match:
		return s.narrowMatch(n, acc)
	case Range:
		return s.narrowRange(n, acc)
	case Keys:
		s.narrowKeys(n, acc)
		return nil
	case KeyMatch:
		acc.keep(func(ord uint32) bool { return n(string(s.key(ord))) })
		return nil
	}
	return fmt.Errorf("facet: unknown node %T", n)
}

// cost is the rank of a node inside an And: lists, scans, mixtures, phrases.
func cost(n Node) int {
	switch n := n.(type) {
	case Range:
		return 1
	case And, Or, Not, KeyMatch:
		return 2
	case Text:
		for _, t := range n.Terms {
			if len(t.Parts) > 1 {
				return 3
			}
		}
	}
	return 0
}

func (s *search) narrowText(n Text, acc set) error {
	zones, err := s.x.zoneMask(n.Zones)
	if err != nil {
		return err
	}
	late := make([]token.Term, 0, len(n.Terms))
	for _, t := range n.Terms {
		if done, err := s.done(acc); done {
			return err
		}
		if t.Strict || len(t.Parts) == 1 {
			s.narrowWord(t, zones, acc)
		} else {
			late = append(late, t)
		}
	}
	// All phrases' words first, then the texts themselves.
	for _, t := range late {
		if err := s.narrowParts(t, zones, acc); err != nil {
			return err
		}
	}
	for _, t := range late {
		if done, err := s.done(acc); done {
			return err
		}
		s.narrowPhrase(t, zones, acc)
	}
	return nil
}

// done says that nothing is left to narrow, or that nobody waits for the answer any more.
func (s *search) done(acc set) (bool, error) {
	if err := s.ctx.Err(); err != nil {
		return true, err
	}
	return acc.empty(), nil
}

// narrowWord handles one word, one prefix, or one whole that must be itself.
func (s *search) narrowWord(t token.Term, zones []bool, acc set) {
	hits := s.borrow()
	defer s.giveBack(hits)
	switch {
	case t.Strict:
		if w, ok := s.x.wholes.findString(t.Whole); ok {
			s.pour(&s.g.wholes, w, zones, hits)
		}
	case t.Prefix:
		s.x.words.prefixed(t.Parts[0], func(w uint32) { s.pour(&s.g.parts, w, zones, hits) })
	default:
		if w, ok := s.x.words.findString(t.Parts[0]); ok {
			s.pour(&s.g.parts, w, zones, hits)
		}
	}
	acc.and(hits)
}

// pour adds the documents that have the word in one of the zones.
func (s *search) pour(p *postings, w uint32, zones []bool, hits set) {
	first := w * uint32(len(zones))
	for z, ok := range zones {
		if ok {
			p.pour(first+uint32(z), hits)
		}
	}
}

// narrowParts keeps what has all words of a phrase, in whatever order.
func (s *search) narrowParts(t token.Term, zones []bool, acc set) error {
	n := len(t.Parts)
	if t.Prefix {
		n-- // narrowPhrase looks at what follows the others
	}
	for i, p := range t.Parts[:n] {
		if done, err := s.done(acc); done {
			return err
		}
		if !slices.Contains(t.Parts[:i], p) {
			s.narrowWord(token.Term{Parts: []string{p}}, zones, acc)
		}
	}
	return nil
}

// narrowPhrase keeps what has the words of a phrase in a row. Whoever has the whole has the phrase;
// the texts of the others are searched.
func (s *search) narrowPhrase(t token.Term, zones []bool, acc set) {
	sure := s.borrow()
	defer s.giveBack(sure)
	if t.Whole != "" {
		if w, ok := s.x.wholes.findString(t.Whole); ok {
			s.pour(&s.g.wholes, w, zones, sure)
		}
	}
	p, ok := s.pattern(t)
	if !ok {
		clear(acc)
		return
	}
	everywhere := !slices.Contains(zones, false)
	var buf []zoneText
	acc.keep(func(ord uint32) bool {
		if sure.has(ord) {
			return true
		}
		if everywhere {
			return p.next(s.g.texts.all(ord), 0) >= 0 // no phrase reaches across the gap between zones
		}
		buf = s.g.texts.zones(ord, buf)
		for _, z := range buf {
			if zones[z.zone] && p.next(z.text, 0) >= 0 {
				return true
			}
		}
		return false
	})
}

// pattern returns the bytes to search for; false if a word of the phrase is nowhere in the index.
func (s *search) pattern(t token.Term) (pattern, bool) {
	var p pattern
	n := len(t.Parts)
	if t.Prefix {
		n--
		p.last = make(set, s.x.words.len()/64+1)
		s.x.words.prefixed(t.Parts[n], p.last.add)
	}
	for _, part := range t.Parts[:n] {
		w, ok := s.x.words.findString(part)
		if !ok {
			return p, false
		}
		p.head = binary.AppendUvarint(p.head, uint64(w))
	}
	return p, true
}

func (s *search) narrowAny(n Any, acc set) error {
	dim, err := s.x.keyword(n.Dim)
	if err != nil {
		return err
	}
	hits := s.borrow()
	defer s.giveBack(hits)
	for _, v := range n.Values {
		if i, ok := s.x.values[dim].findString(v); ok {
			s.g.words[dim].lists.pour(i, hits)
		}
	}
	acc.and(hits)
	return nil
}

func (s *search) narrowMatch(n Match, acc set) error {
	dim, err := s.x.keyword(n.Dim)
	if err != nil {
		return err
	}
	hits := s.borrow()
	defer s.giveBack(hits)
	values := &s.x.values[dim]
	for i := range uint32(values.len()) {
		if n.Func(string(values.at(i))) {
			s.g.words[dim].lists.pour(i, hits)
		}
	}
	acc.and(hits)
	return nil
}

func (s *search) narrowRange(n Range, acc set) error {
	i, ok := s.x.numbers[n.Num]
	if !ok {
		return fmt.Errorf("number %q: %w", n.Num, ErrName)
	}
	col := &s.g.nums[i]
	lo, hi := max(n.Min, Absent+1), n.Max
	if lo > hi {
		clear(acc)
		return nil
	}
	acc.keep(func(ord uint32) bool {
		v := col.at(ord)
		return lo <= v && v <= hi
	})
	return nil
}

func (s *search) narrowKeys(keys Keys, acc set) {
	hits := s.borrow()
	defer s.giveBack(hits)
	for _, k := range keys {
		if i, ok := s.x.keys.findString(k); ok && int(i) < s.g.byKey.n {
			if ord := s.g.byKey.at(i); ord != 0 {
				hits.add(ord - 1)
			}
		}
	}
	acc.and(hits)
}

// zoneMask tells for every zone whether it is meant.
func (x *Index) zoneMask(names []string) ([]bool, error) {
	mask := make([]bool, len(x.schema.Zones))
	for i := range mask {
		mask[i] = names == nil
	}
	for _, name := range names {
		i, ok := x.zones[name]
		if !ok {
			return nil, fmt.Errorf("zone %q: %w", name, ErrName)
		}
		mask[i] = true
	}
	return mask, nil
}

func (x *Index) keyword(name string) (int, error) {
	i, ok := x.keywords[name]
	if !ok {
		return 0, fmt.Errorf("keyword %q: %w", name, ErrName)
	}
	return i, nil
}
