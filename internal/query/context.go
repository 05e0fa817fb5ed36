package query

import "unicode/utf8"

// Place says what is being typed at a cursor.
type Place struct {
	Typing Typing
	Span   Span   // what a completion replaces
	Text   string // the part of it before the cursor, without quotes
	Field  *Field // of a value; of an operator, the field that was named
	Quoted bool   // the value's quote is open
	Whole  Span   // the word or condition that is being typed; the rest of the query stands around it
}

// Typing is what is being typed.
type Typing int

// What can be typed. After a field's whole name an operator may follow, or a longer name.
const (
	Name     Typing = iota // a word or the name of a field
	Operator               // what follows the name of a field
	Operand                // a value of a field
	Phrase                 // words between quotes
)

// Context says what is being typed at cursor, a byte offset in text. Errors elsewhere in the text do not matter.
func Context(text string, cursor int) Place {
	cursor = max(0, min(cursor, len(text)))
	for cursor > 0 && cursor < len(text) && !utf8.RuneStart(text[cursor]) {
		cursor--
	}
	here := Place{Span: Span{cursor, cursor}, Whole: Span{cursor, cursor}}
	if len(text) > MaxText || !utf8.ValidString(text) {
		return here
	}
	_, marks, _ := read(text[:cursor], true) // it is most likely not finished
	if len(marks) == 0 || marks[len(marks)-1].at.End != cursor {
		return here
	}
	m := marks[len(marks)-1]
	p, left := &parser{text: text}, &parser{text: text[:cursor]}
	here.Span, here.Field = m.at, m.field
	switch {
	case m.quote && closed(text[m.at.Start:cursor]):
		return Place{Span: Span{cursor, cursor}, Whole: Span{cursor, cursor}}
	case m.quote:
		here.Quoted = true
		_, n := p.peekAt(m.at.Start)
		here.Text = text[m.at.Start+n : cursor]
		q := &parser{text: text, pos: m.at.Start}
		if _, at := q.quoted(); q.err == nil {
			here.Span.End = at.End
		}
	case m.field != nil:
		start := m.at.Start
		if dots := left.dots(Span{start, cursor}); m.field.Comparable() && dots.Start < cursor {
			start = dots.End
		}
		here.Span.Start = start
		here.Text, _ = left.run(start, endsValue)
		_, here.Span.End = p.run(cursor, endsValue)
	default:
		here.Text, _ = left.run(m.at.Start, endsRun)
		_, here.Span.End = p.run(cursor, endsRun)
	}
	here.Whole = here.Span
	switch {
	case m.field != nil:
		here.Typing, here.Whole.Start = Operand, m.cond
	case m.quote:
		here.Typing = Phrase
	default:
		if f, ok := Lookup(here.Text); ok {
			here.Typing, here.Field = Operator, f
		}
	}
	return here
}

// closed reports whether the quote that begins text is closed at its end.
func closed(text string) bool {
	p := &parser{text: text}
	p.quoted()
	return p.err == nil
}
