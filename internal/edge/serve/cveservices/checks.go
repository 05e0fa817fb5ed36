package cveservices

import (
	"math"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// This file is the reference's notation of parameter checks (§3), as Go: c.queried("state").opt().string().trim().upper().oneof(…).
// Checks run as they are written; each that fails adds one entry to the details of the refusal, in this order.

// detail is one failed check.
type detail struct {
	Msg      string `json:"msg"`
	Param    string `json:"param"`
	Location string `json:"location"`
}

const invalid = "Invalid value"

// badInput answers with what failed, if anything did, and says whether.
func (c *call) badInput() bool {
	if len(c.wrong) == 0 {
		return false
	}
	p := problem{status: http.StatusBadRequest, code: "BAD_INPUT", message: "Parameters were invalid"}
	p.with(c.w, c.r, nil, c.wrong)
	return true
}

var notNameRune = regexp.MustCompile(`[^A-Za-z0-9_ -]+`)

// names checks that every query name is one of those, and that none of their values has forbidden characters (the reference's
// "names" and "clean"). Of unknown names the first is told.
func (c *call) names(known ...string) {
	for _, n := range c.query.names {
		if !slices.Contains(known, n) {
			shown := strings.TrimSpace(notNameRune.ReplaceAllString(n, " "))
			c.wrong = append(c.wrong, detail{"'" + shown + "' is not a known parameter.", "", "query"})
			break
		}
	}
	c.clean(known...)
}

// clean checks each value that is given for forbidden characters. Of a list none of the elements may be one.
func (c *call) clean(names ...string) {
	for _, n := range names {
		for _, bad := range []string{"<", ">", `"`} {
			v := c.query.values[n]
			text, isText := v.(string)
			list, _ := v.([]any)
			if isText && strings.Contains(text, bad) || slices.ContainsFunc(list, func(e any) bool { return e == bad }) {
				c.wrong = append(c.wrong, detail{"has the forbidden character " + bad, n, "query"})
				break
			}
		}
	}
}

// field is one parameter under check.
type field struct {
	c              *call
	name, location string
	value          any // nil when it is not there, or null
	given          bool
	skip           bool
	message        string
}

// queried is a query parameter.
func (c *call) queried(name string) *field {
	v, given := c.query.values[name]
	return &field{c: c, name: name, location: "query", value: v, given: given}
}

// inPath is a part of the path.
func (c *call) inPath(name string) *field {
	return &field{c: c, name: name, location: "params", value: c.words[name], given: true}
}

// member is a member of the body; dots lead into objects.
func (c *call) member(path string) *field {
	v, given := c.inBody(), true
	for name := range strings.SplitSeq(path, ".") {
		object, _ := v.(map[string]any)
		v, given = object[name]
	}
	return &field{c: c, name: path, location: "body", value: v, given: given}
}

// msg is what the checks that follow say when they fail.
func (f *field) msg(text string) *field { f.message = text; return f }

// opt skips the checks that follow when the parameter is not there. An empty text is there.
func (f *field) opt() *field { f.skip = f.skip || !f.given; return f }

func (f *field) must(ok bool) *field {
	if !ok && !f.skip {
		msg := f.message
		if msg == "" {
			msg = invalid
		}
		f.c.wrong = append(f.c.wrong, detail{msg, f.name, f.location})
	}
	return f
}

// each checks the value, or each element of a list, as text.
func (f *field) each(ok func(string) bool) *field {
	if list, isList := f.value.([]any); isList {
		return f.must(!slices.ContainsFunc(list, func(e any) bool { return !ok(asText(e)) }))
	}
	return f.must(ok(asText(f.value)))
}

// asText is a value as the text that checks look at; what is no text, number or truth value passes none of them but by accident.
func asText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return "[object]"
}

// string: is a text. A query parameter given twice is a list and fails.
func (f *field) string() *field {
	_, ok := f.value.(string)
	return f.must(ok)
}

// notlist: is no list.
func (f *field) notlist() *field {
	_, list := f.value.([]any)
	return f.must(!list)
}

// trim takes white space off the ends, for the checks that follow and for use. It is no check, and upper is none.
func (f *field) trim() *field { return f.change(strings.TrimSpace) }

func (f *field) upper() *field { return f.change(strings.ToUpper) }

func (f *field) lower() *field { return f.change(strings.ToLower) }

func (f *field) change(how func(string) string) *field {
	switch v := f.value.(type) {
	case string:
		f.value = how(v)
	case []any:
		list := slices.Clone(v)
		for i, e := range list {
			if text, ok := e.(string); ok {
				list[i] = how(text)
			}
		}
		f.value = list
	}
	return f
}

func (f *field) nonempty() *field { return f.each(func(s string) bool { return s != "" }) }

// len: from a to b characters.
func (f *field) len(a, b int) *field {
	return f.each(func(s string) bool {
		n := utf8.RuneCountInString(s)
		return a <= n && n <= b
	})
}

var (
	integers = regexp.MustCompile(`^[+-]?[0-9]+$`)
	numbers  = regexp.MustCompile(`^[+-]?([0-9]*\.)?[0-9]+$`)
	years    = regexp.MustCompile(`^[0-9]{4}$`)
	cveIDs   = regexp.MustCompile(`^CVE-[0-9]{4}-[0-9]{4,19}$`)
)

// What int is bounded by where the reference gives no bound.
const (
	minInt = math.MinInt64
	maxInt = math.MaxInt64
)

// int: a decimal integer from lowest to highest.
func (f *field) int(lowest, highest int64) *field {
	return f.each(func(s string) bool {
		n, ok := integer(s)
		return ok && lowest <= n && n <= highest
	})
}

// integer reads a decimal integer. One that is too large is as large as can be.
func integer(s string) (int64, bool) {
	if !integers.MatchString(s) {
		return 0, false
	}
	n, _ := strconv.ParseInt(s, 10, 64) // out of range: the nearest that is in it
	return n, true
}

func (f *field) numeric() *field { return f.each(numbers.MatchString) }

func (f *field) year4() *field { return f.each(years.MatchString) }

func (f *field) cveid() *field { return f.each(cveIDs.MatchString) }

// matches: has the form of the pattern.
func (f *field) matches(p *regexp.Regexp) *field { return f.each(p.MatchString) }

// bool: 0, 1, true, false, yes or no.
func (f *field) bool() *field {
	return f.each(func(s string) bool {
		_, ok := truth(s)
		return ok
	})
}

func truth(s string) (yes, ok bool) {
	switch strings.ToLower(s) {
	case "1", "true", "yes":
		return true, true
	case "0", "false", "no":
		return false, true
	}
	return false, false
}

// oneof: is in the list. Of a list of values string has said all there is to say.
func (f *field) oneof(values ...string) *field {
	if _, list := f.value.([]any); list {
		return f
	}
	return f.must(slices.Contains(values, asText(f.value)))
}

// time: a timestamp (reference §3).
func (f *field) time() *field {
	return f.msg("Not a timestamp; use yyyy-MM-ddTHH:mm:ss, with Z or an offset if wanted (write + as %2B).").each(func(s string) bool {
		_, ok := parseTime(s)
		return ok
	})
}

var timestamps = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9}[0-9]*)?(Z|[+-][0-9]{2}:[0-9]{2})?)?$`)

// parseTime reads a timestamp of a query. A bare date is its midnight in UTC.
func parseTime(s string) (time.Time, bool) {
	s = strings.ToUpper(strings.TrimSpace(s))
	if !timestamps.MatchString(s) {
		return time.Time{}, false
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04:05Z07:00", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// oneDimensional is said of what should have been a list of scalars.
const oneDimensional = "Parameter must be a one-dimensional array of strings"

// flat: a list of scalars; in a query string one scalar too. When it fails, the checks that follow are skipped.
func (f *field) flat() *field {
	scalar := func(v any) bool {
		switch v.(type) {
		case []any, map[string]any:
			return false
		}
		return true
	}
	list, isList := f.value.([]any)
	ok := isList && !slices.ContainsFunc(list, func(e any) bool { return !scalar(e) })
	ok = ok || !isList && f.location == "query" && scalar(f.value)
	kept := f.message
	f.msg(oneDimensional).must(ok)
	f.message, f.skip = kept, f.skip || !ok
	return f
}

// all: every value is in the list.
func (f *field) all(values ...string) *field {
	return f.each(func(s string) bool { return slices.Contains(values, s) })
}

// What a parameter that passed its checks is. One that is not there is the zero value.

func (f *field) text() string {
	s, _ := f.value.(string)
	return s
}

// maybe is nil when the parameter is not there.
func (f *field) maybe() *string {
	if !f.given {
		return nil
	}
	return new(f.text())
}

// number is the integer, or what is to be taken where none was given.
func (f *field) number(otherwise int64) int64 {
	if !f.given {
		return otherwise
	}
	n, _ := integer(asText(f.value))
	return n
}

func (f *field) moment() time.Time {
	t, _ := parseTime(f.text())
	return t
}

func (f *field) texts() []string {
	if !f.given {
		return nil
	}
	var out []string
	for _, e := range elements(f.value) {
		out = append(out, asText(e))
	}
	return out
}

// page is the parameter that lists have, checked. Pages beyond all lists are as empty as the last of them.
func (c *call) page() int64 {
	return min(c.queried("page").opt().int(1, maxInt).number(1), 1<<40)
}
