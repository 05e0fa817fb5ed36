package event

import (
	"slices"

	"tasuki/spec/cve"
)

// Container is the one that the event puts: cve.CNA or cve.ADP; "" for other events.
func (e *Event) Container() string {
	if e.Kind == RecordRejected {
		return cve.CNA
	}
	return e.Cont
}

// Replaces says whether e takes an earlier part of the same record out of it: a whole document takes all of them, a rejection every
// container, a container the one in whose place it is put.
func (e *Event) Replaces(part *Event) bool {
	switch {
	case e.Kind.Whole():
		return true
	case part.Kind.Whole():
		return false
	case e.Kind == RecordRejected:
		return true
	}
	return e.Container() == part.Container() && (e.Container() == cve.CNA || e.By == part.By)
}

// Shown says which of the containers put since a base, oldest first, are still in the record. The bodies of the others are not
// needed to assemble it.
func Shown(puts []*Entry) []bool {
	out := make([]bool, len(puts))
	cna, adp := false, map[string]bool{}
	for n, e := range slices.Backward(puts) {
		switch {
		case e.Kind == RecordRejected:
			out[n] = !cna
			return out // of what is older, nothing is left
		case e.Container() == cve.CNA:
			out[n], cna = !cna, true
		default:
			out[n], adp[e.By] = !adp[e.By], true
		}
	}
	return out
}

// Needed are those of the containers put since a base, oldest first, without which the record would be another: Assemble gives the
// same bytes for them as for all, and so it does with any containers after them. However often a record is updated, there are but
// some for the record and two for each organisation:
//
//   - those that are shown;
//   - the first one, which says what the record begins with, and the first that published it;
//   - the last rejection, which dropped what was there before, the first of those that directly went before it, which says when
//     the record was rejected, and the container that brought the record back;
//   - the first of each organisation's ADP containers since, which says where it stands;
//   - the first that was checked against each version of the format;
//   - and what made the record published before any of these that was put to a published one.
func Needed(puts []*Entry) []*Entry {
	keep := Shown(puts)
	published, format, last := false, map[string]bool{}, -1
	for n, e := range puts {
		keep[n] = keep[n] || n == 0 || !format[e.DV]
		format[e.DV] = true
		if e.Kind == RecordRejected {
			last = n
		}
		if !published && e.publishes() {
			keep[n], published = true, true
		}
	}
	if last >= 0 {
		keep[last], keep[runOf(puts, last)] = true, true
	}
	back, adp := false, map[string]bool{}
	for n, e := range puts[last+1:] {
		n += last + 1
		switch {
		case e.Container() == cve.ADP:
			keep[n], adp[e.By] = keep[n] || !adp[e.By], true
		case !back:
			keep[n], back = true, true
		}
	}
	return kept(puts, keep)
}

func (e *Event) publishes() bool { return e.Kind == RecordPut && e.Cont == cve.CNA }

// runOf is the first of the rejections in a row that end at n.
func runOf(puts []*Entry, n int) int {
	for n > 0 && puts[n-1].Kind == RecordRejected {
		n--
	}
	return n
}

// kept are the entries to keep, and with each that was put to a published record the container that had made it so.
func kept(puts []*Entry, keep []bool) (out []*Entry) {
	all, some := -1, -1 // the last that changed the state, of all and of those that are kept
	for n, e := range puts {
		if keep[n] && !e.publishes() && all != some && puts[all].publishes() && puts[some].Kind == RecordRejected {
			out, some = append(out, puts[all]), all
		}
		if keep[n] {
			out = append(out, e)
		}
		if e.Container() != cve.CNA {
			continue
		}
		if all = n; keep[n] {
			some = n
		}
	}
	return out
}
