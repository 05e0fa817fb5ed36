package diff

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// walk goes through two versions at once and writes down where they differ.
type walk struct{ changes []Change }

// side is one version's part; n is nil where that version has none.
type side struct {
	n       *node
	pointer string
}

func (s side) member(name string) side {
	return side{s.n.get(name), string(jsontext.Pointer(s.pointer).AppendToken(name))}
}

func (s side) element(i int) side {
	return side{s.n.list[i], s.pointer + "/" + strconv.Itoa(i)}
}

// place is what is known of where a part stands.
type place struct {
	party   string
	cna     bool
	subject string
}

// within adds what the part itself says of it, the newer version first.
func (p place) within(r *rule, a, b side) place {
	n := b.n
	if n == nil {
		n = a.n
	}
	if r == nil {
		return p
	}
	if r.party != "" {
		p.party, p.cna = partyName(n), r.party == "cna"
	}
	if r.subject != nil {
		p.subject = short(r.subject(n))
	}
	return p
}

func (w *walk) compare(a, b side, r *rule, in place) {
	if a.n == nil && b.n == nil || a.n != nil && b.n != nil && a.n.id == b.n.id {
		return
	}
	in = in.within(r, a, b)
	switch {
	case a.n == nil || b.n == nil:
		w.come(a, b, r, in)
	case a.n.kind != b.n.kind:
		w.tell(a, b, r, in)
	case a.n.kind == jsontext.KindBeginArray && r.isSet():
		w.sets(a, b, r, in)
	case a.n.kind == jsontext.KindBeginArray:
		w.lists(a, b, r, in)
	case a.n.kind == jsontext.KindBeginObject && !(r != nil && r.whole && r.differ(a.n, b.n)):
		w.objects(a, b, r, in)
	default:
		w.tell(a, b, r, in)
	}
}

// differ reports whether the short texts tell two versions apart.
func (r *rule) differ(a, b *node) bool { return !slices.Equal(r.text(a), r.text(b)) }

// come tells of a part that only one version has.
func (w *walk) come(a, b side, r *rule, in place) {
	n := a.n
	if n == nil {
		n = b.n
	}
	before := len(w.changes)
	switch {
	case n.kind == jsontext.KindBeginArray && r.isSet():
		w.sets(a, b, r, in)
	case n.kind == jsontext.KindBeginObject && r != nil && r.open:
		w.objects(a, b, r, in)
	case n.kind == jsontext.KindBeginObject && r != nil && r.told != nil:
		w.tell(a, b, r, in)
		for _, m := range n.members {
			if r.told(m.name) {
				w.compare(a.member(m.name), b.member(m.name), r.member(m.name), in)
			}
		}
	}
	if len(w.changes) == before {
		w.tell(a, b, r, in)
	}
}

// objects compares member by member, in the order of their names.
func (w *walk) objects(a, b side, r *rule, in place) {
	var names []string
	for _, s := range []side{a, b} {
		if s.n != nil {
			for _, m := range s.n.members {
				names = append(names, m.name)
			}
		}
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		w.compare(a.member(name), b.member(name), r.member(name), in)
	}
}

// sets compares two lists whose order says nothing: first what the newer one has, in its order, then what went.
func (w *walk) sets(a, b side, r *rule, in place) {
	var older, newer []*node
	if a.n != nil {
		older = a.n.list
	}
	if b.n != nil {
		newer = b.n.list
	}
	from, gone := match(older, newer, r.keys)
	for i, n := range newer {
		switch {
		case from[i] < 0:
			w.compare(side{}, b.element(i), r.element, in)
		case older[from[i]].id != n.id:
			w.compare(a.element(from[i]), b.element(i), r.element, in)
		}
	}
	for _, i := range gone {
		w.compare(a.element(i), side{}, r.element, in)
	}
}

// lists compares two lists in their order: what stands between the equal beginning and the equal end is compared in pairs.
func (w *walk) lists(a, b side, r *rule, in place) {
	older, newer := a.n.list, b.n.list
	start, end := 0, 0
	least := min(len(older), len(newer))
	for start < least && older[start].id == newer[start].id {
		start++
	}
	for end < least-start && older[len(older)-1-end].id == newer[len(newer)-1-end].id {
		end++
	}
	for i := start; i < max(len(older), len(newer))-end; i++ {
		var x, y side
		if i < len(older)-end {
			x = a.element(i)
		}
		if i < len(newer)-end {
			y = b.element(i)
		}
		w.compare(x, y, r.elements(), in)
	}
}

// tell writes a change down.
func (w *walk) tell(a, b side, r *rule, in place) {
	c := Change{Pointer: b.pointer, Party: in.party, CNA: in.cna, Subject: in.subject}
	switch {
	case a.n == nil:
		c.Op, c.Kind = Added, r.of(b.n)
	case b.n == nil:
		c.Op, c.Kind, c.Pointer = Removed, r.of(a.n), a.pointer
	default:
		c.Op, c.Kind = Changed, r.of(b.n)
		if a.pointer != b.pointer {
			c.From = a.pointer
		}
	}
	before, after := word(a.n, b.n, r)
	c.Before, c.After = short(before), short(after)
	if a.n != nil {
		c.Old = jsontext.Value(bytes.Clone(a.n.raw))
	}
	if b.n != nil {
		c.New = jsontext.Value(bytes.Clone(b.n.raw))
	}
	w.changes = append(w.changes, c)
}

// word says both versions with the first of their texts that tells them apart.
func word(a, b *node, r *rule) (before, after string) {
	all := func(n *node) []string {
		switch {
		case n == nil:
			return nil
		case r != nil && r.text != nil:
			return r.text(n)
		}
		return []string{plain(n)}
	}
	x, y := all(a), all(b)
	for i := range max(len(x), len(y)) {
		if before, after = at(x, i), at(y, i); before != after {
			break
		}
	}
	return before, after
}

func at(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return ""
}

// plain is the text of a part that has no words of its own.
func plain(n *node) string {
	if n.kind == jsontext.KindString {
		return n.text
	}
	return string(n.raw)
}

// short makes one line of a text and cuts it.
func short(s string) string {
	const most = 240
	if len(s) > 4*most {
		s = strings.ToValidUTF8(s[:4*most+4], "") // fields of a megabyte are not worth cutting up
	}
	s = strings.Join(strings.Fields(s), " ")
	n := 0
	for i := range s {
		if n++; n > most {
			return s[:i] + "…"
		}
	}
	return s
}
