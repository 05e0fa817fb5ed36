package query

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// backward reports whether a range between two values surely holds nothing.
func (f *Field) backward(low, high Value) bool {
	switch {
	case low.Open || high.Open:
		return false
	case f.Kind == Number:
		return low.Num > high.Num
	case f.Kind == Enum:
		return slices.Index(f.Enum, low.Text) > slices.Index(f.Enum, high.Text)
	case low.Date.Relative() && high.Date.Relative():
		return low.Date.Ago < high.Date.Ago
	case !low.Date.Relative() && !high.Date.Relative():
		return !low.Date.From.Before(high.Date.To)
	}
	return false
}

// read reads one value of the field. What it cannot read it complains of.
func (f *Field) read(p *parser, text string, at Span, quoted bool) Value {
	v := Value{Text: text, At: at}
	bad := func(code, message string, suggest ...string) {
		p.fail(at, code, message, []string{f.Name, text}, suggest...)
	}
	switch f.Kind {
	case Keyword:
		v.Glob = !quoted && strings.Contains(text, "*")
		if f.spell == nil {
			return v
		}
		spelt, ok := f.spell(text)
		if !ok || f.code == "bad-vector" && v.Glob {
			bad(f.code, fmt.Sprintf("%s is written %s", f.Name, f.form))
			return v
		}
		v.Text = spelt
	case Enum:
		v.Text = f.word(p, text, at)
	case Number:
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || strings.Trim(text, "0123456789.") != "" || len(text) > 12 || f.Whole && strings.Contains(text, ".") {
			bad("bad-number", fmt.Sprintf("%s is a number, not %s", f.Name, text))
			return v
		}
		if n < f.Min || n > f.Max {
			bad("out-of-range", fmt.Sprintf("%s is between %g and %g", f.Name, f.Min, f.Max))
			return v
		}
		v.Num = n
	case Time:
		f.date(p, &v)
	case Flag:
		switch strings.ToLower(text) {
		case "yes", "y", "true", "1":
			v.Text = "yes"
		case "no", "n", "false", "0":
			v.Text = "no"
		default:
			if !f.Dated {
				bad("bad-value", f.Name+" is yes or no", "yes", "no")
				return v
			}
			f.date(p, &v)
		}
	case Zone:
		if !searchable(text) {
			bad("no-word", "there is no letter or digit here to search for")
			return v
		}
		if stars := strings.Count(text, "*"); stars > 0 && !quoted {
			if v.Glob = true; stars > 1 || !strings.HasSuffix(text, "*") {
				p.badStar(at, text)
			}
		}
	}
	return v
}

// date reads a date.
func (f *Field) date(p *parser, v *Value) {
	d, ok := parseDate(v.Text)
	if !ok {
		what := "a date is written 2024, 2024-01, 2024-01-15, 2024-01-15T10:00:00Z, today, yesterday, or as an age: 12h, 7d, 2w, 3m, 1y"
		if f.Kind == Flag {
			what = f.Name + " is yes, no or a date; " + what
		}
		p.fail(v.At, "bad-date", what, []string{f.Name, v.Text}, guessDate(v.Text)...)
		return
	}
	v.Date = d
}

// word finds a value of a list.
func (f *Field) word(p *parser, text string, at Span) string {
	values := f.Values()
	low := strings.ToLower(text)
	if slices.Contains(values, low) {
		return low
	}
	suggest := near(text, values)
	if len(suggest) == 0 && len(values) <= 8 {
		suggest = values
	}
	p.fail(at, "bad-value", fmt.Sprintf("%s is one of %s", f.Name, strings.Join(values, ", ")), []string{f.Name, text}, suggest...)
	return text
}

func (p *parser) outside(f *Field, v Value) {
	p.fail(v.At, "no-order", fmt.Sprintf("%s has no place in the order of %s", v.Text, f.Name), []string{f.Name, v.Text})
}

// missing complains of the character that stands where a value should, or of the condition that ends without one.
func (p *parser) missing(f *Field, start int) {
	at := Span{start, p.pos}
	var suggest []string
	if r, n := p.peek(); n > 0 && r != ' ' {
		at = Span{p.pos, p.pos + n}
	} else if n > 0 { // "vendor: microsoft"
		p.spaces()
		if r, n := p.peek(); n > 0 && r != ')' && r != '|' {
			suggest, at.End = append(suggest, p.text[start:at.End]), p.pos
		}
	}
	p.fail(at, "missing-value", fmt.Sprintf("%s: needs a value right behind the sign", f.Name), []string{f.Name}, suggest...)
}
