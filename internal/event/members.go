package event

import (
	"encoding/hex"
	"time"

	"tasuki/internal/ledger"
	"tasuki/spec/jcs"
)

// A member is one key of an event: whether an event has it, how it is written, how it is read.
type member struct {
	key    string
	common bool // of every kind
	has    func(e *Event) bool
	write  func(w *jcs.Writer, e *Event)
	read   func(p *parser, e *Event)
}

// members in the order of their keys, which is the order of the canonical encoding.
var members = []member{
	text("alias", false, func(e *Event) *string { return &e.Alias }),
	moment("at", true, func(e *Event) *time.Time { return &e.At }),
	flag("base", func(e *Event) *bool { return &e.Base }),
	{"body", false, func(e *Event) bool { return e.Body != nil }, writeBody, readBody},
	text("by", true, func(e *Event) *string { return &e.By }),
	text("case", false, func(e *Event) *string { return &e.Case }),
	text("charter", false, func(e *Event) *string { return &e.Charter }),
	text("cont", false, func(e *Event) *string { return &e.Cont }),
	{"counts", false, func(e *Event) bool { return len(e.Counts) > 0 }, writeCounts, readCounts},
	{"dates", false, func(e *Event) bool { return e.Dates != Dates{} }, writeDates, readDates},
	text("digest", false, func(e *Event) *string { return &e.Digest }),
	moment("due", false, func(e *Event) *time.Time { return &e.Due }),
	{"dues", false, func(e *Event) bool { return len(e.Dues) > 0 }, writeDues, readDues},
	text("dv", false, func(e *Event) *string { return &e.DV }),
	number("epoch", func(e *Event) *int64 { return &e.Epoch }),
	number("first", func(e *Event) *int64 { return &e.First }),
	text("from", false, func(e *Event) *string { return &e.From }),
	text("grant", false, func(e *Event) *string { return &e.Grant }),
	text("id", false, func(e *Event) *string { return &e.ID }),
	{"ids", false, func(e *Event) bool { return len(e.IDs) > 0 }, writeIDs, readIDs},
	text("key", false, func(e *Event) *string { return &e.Key }),
	{"kind", true, func(*Event) bool { return true }, func(w *jcs.Writer, e *Event) { w.String(string(e.Kind)) },
		func(p *parser, e *Event) { e.Kind = Kind(p.r.String()) }},
	text("label", false, func(e *Event) *string { return &e.Label }),
	number("last", func(e *Event) *int64 { return &e.Last }),
	{"leaf", false, func(e *Event) bool { return e.Leaf != nil }, func(w *jcs.Writer, e *Event) { w.Int(*e.Leaf) },
		func(p *parser, e *Event) { n := p.r.Int(); e.Leaf = &n }},
	text("level", false, func(e *Event) *string { return &e.Level }),
	text("list", true, func(e *Event) *string { return &e.List }),
	text("mode", false, func(e *Event) *string { return &e.Mode }),
	text("org", false, func(e *Event) *string { return &e.Org }),
	text("outcome", false, func(e *Event) *string { return &e.Outcome }),
	text("owner", false, func(e *Event) *string { return &e.Owner }),
	text("pack", false, func(e *Event) *string { return &e.Pack }),
	text("parent", false, func(e *Event) *string { return &e.Parent }),
	text("prev", false, func(e *Event) *string { return &e.Prev }),
	text("reason", false, func(e *Event) *string { return &e.Reason }),
	moment("reserved", false, func(e *Event) *time.Time { return &e.Reserved }),
	text("role", false, func(e *Event) *string { return &e.Role }),
	text("root", false, func(e *Event) *string { return &e.Root }),
	flag("sample", func(e *Event) *bool { return &e.Sample }),
	text("short", false, func(e *Event) *string { return &e.Short }),
	// An epoch says its size also when it is 0: the tree it continues is part of what it opens.
	{"size", false, func(e *Event) bool { return e.Size != 0 || e.Kind == EpochOpened }, func(w *jcs.Writer, e *Event) { w.Int(e.Size) },
		func(p *parser, e *Event) { e.Size = p.r.Int() }},
	{"skips", false, func(e *Event) bool { return len(e.Skips) > 0 }, writeSkips, readSkips},
	text("source", false, func(e *Event) *string { return &e.Source }),
	moment("source_time", false, func(e *Event) *time.Time { return &e.SourceTime }),
	text("state", false, func(e *Event) *string { return &e.State }),
	text("to", false, func(e *Event) *string { return &e.To }),
	text("use", false, func(e *Event) *string { return &e.Use }),
	moment("valid_from", false, func(e *Event) *time.Time { return &e.ValidFrom }),
	moment("valid_to", false, func(e *Event) *time.Time { return &e.ValidTo }),
	number("year", func(e *Event) *int64 { return &e.Year }),
}

var byKey = func() map[string]*member {
	m := make(map[string]*member, len(members))
	for i := range members {
		m[members[i].key] = &members[i]
	}
	return m
}()

func text(key string, common bool, at func(*Event) *string) member {
	return member{key, common, func(e *Event) bool { return *at(e) != "" },
		func(w *jcs.Writer, e *Event) { w.String(*at(e)) },
		func(p *parser, e *Event) { *at(e) = p.r.String() }}
}

func number(key string, at func(*Event) *int64) member {
	return member{key, false, func(e *Event) bool { return *at(e) != 0 },
		func(w *jcs.Writer, e *Event) { w.Int(*at(e)) },
		func(p *parser, e *Event) { *at(e) = p.r.Int() }}
}

func flag(key string, at func(*Event) *bool) member {
	return member{key, false, func(e *Event) bool { return *at(e) },
		func(w *jcs.Writer, _ *Event) { w.Bool(true) },
		func(p *parser, e *Event) { *at(e) = p.yes() }}
}

func moment(key string, common bool, at func(*Event) *time.Time) member {
	return member{key, common, func(e *Event) bool { return !at(e).IsZero() },
		func(w *jcs.Writer, e *Event) { w.String(at(e).UTC().Format(ledger.TimeFormat)) },
		func(p *parser, e *Event) { *at(e) = p.time() }}
}

func writeBody(w *jcs.Writer, e *Event) {
	w.Object()
	w.Key("h")
	w.Hex(e.Body.H[:])
	if e.Body.N >= 0 {
		w.Key("n")
		w.Int(e.Body.N)
	}
	w.EndObject()
}

func readBody(p *parser, e *Event) {
	r := p.r
	e.Body = &BodyRef{N: -1}
	for r.Enter('{'); r.Next(); {
		switch r.Key() {
		case "h":
			text := r.String()
			h, err := hex.DecodeString(text)
			if err != nil || !isHash(text) { // upper case would be a second encoding
				r.Refuse("64 hex digits, lower case")
			}
			copy(e.Body.H[:], h)
		case "n":
			e.Body.N = r.Int()
		default:
			r.Unknown()
		}
	}
}

func writeCounts(w *jcs.Writer, e *Event) {
	w.Object()
	for _, k := range sorted(e.Counts) {
		w.Key(k)
		w.Int(e.Counts[k])
	}
	w.EndObject()
}

func readCounts(p *parser, e *Event) {
	e.Counts = map[string]int64{}
	for p.r.Enter('{'); p.r.Next(); {
		k := p.r.Key()
		e.Counts[k] = p.r.Int()
	}
}

// date is the text of one of a record's dates, by its key.
func (d *Dates) date(key string) *string {
	switch key {
	case "published":
		return &d.Published
	case "rejected":
		return &d.Rejected
	case "reserved":
		return &d.Reserved
	case "updated":
		return &d.Updated
	}
	return nil
}

func writeDates(w *jcs.Writer, e *Event) {
	w.Object()
	for _, key := range []string{"published", "rejected", "reserved", "updated"} {
		if v := *e.Dates.date(key); v != "" {
			w.Key(key)
			w.String(v)
		}
	}
	w.EndObject()
}

func readDates(p *parser, e *Event) {
	r := p.r
	for r.Enter('{'); r.Next(); {
		if v := e.Dates.date(r.Key()); v != nil {
			*v = r.String()
		} else {
			r.Unknown()
		}
	}
}

func writeDues(w *jcs.Writer, e *Event) {
	w.Array()
	for _, d := range e.Dues {
		w.Object()
		w.Key("at")
		w.String(d.At.UTC().Format(ledger.TimeFormat))
		w.Key("for")
		w.String(d.For)
		w.EndObject()
	}
	w.EndArray()
}

func readDues(p *parser, e *Event) {
	r := p.r
	e.Dues = []Due{}
	for r.Enter('['); r.Next(); {
		var d Due
		for r.Enter('{'); r.Next(); {
			switch r.Key() {
			case "at":
				d.At = p.time()
			case "for":
				d.For = r.String()
			default:
				r.Unknown()
			}
		}
		e.Dues = append(e.Dues, d)
	}
}

func writeIDs(w *jcs.Writer, e *Event) {
	w.Array()
	for _, id := range e.IDs {
		w.String(id)
	}
	w.EndArray()
}

func readIDs(p *parser, e *Event) {
	e.IDs = []string{}
	for p.r.Enter('['); p.r.Next(); {
		e.IDs = append(e.IDs, p.r.String())
	}
}

func writeSkips(w *jcs.Writer, e *Event) {
	w.Object()
	for _, year := range sorted(e.Skips) {
		w.Key(year)
		w.Object()
		w.Key("general")
		w.Int(e.Skips[year].General)
		w.Key("priority")
		w.Int(e.Skips[year].Priority)
		w.EndObject()
	}
	w.EndObject()
}

func readSkips(p *parser, e *Event) {
	r := p.r
	e.Skips = map[string]Skip{}
	for r.Enter('{'); r.Next(); {
		year := r.Key()
		var s Skip
		for r.Enter('{'); r.Next(); {
			switch r.Key() {
			case "general":
				s.General = r.Int()
			case "priority":
				s.Priority = r.Int()
			default:
				r.Unknown()
			}
		}
		e.Skips[year] = s
	}
}
