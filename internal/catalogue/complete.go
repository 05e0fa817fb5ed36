package catalogue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tasuki/internal/query"
	"tasuki/internal/store/facet"
	"tasuki/spec/cwe"
)

// Completion is what may stand at a cursor.
type Completion struct {
	Span    query.Span // what an option's Insert replaces
	Options []Option   // best first
}

// Option is one way to go on.
type Option struct {
	Insert string // in the place of Completion.Span
	Label  string // what a list shows beside it: a weakness's name; "" where Insert says it all
	Count  int    // records that have the value, among those that the rest of the query finds; 0 where nothing was counted
	Field  *query.Field
}

// Complete offers at most n ways to go on at cursor, a byte offset in text. Counts are of the records that the rest of the text
// finds, where that can be read without what is being typed. It answers for the present list, and waits until the index is warm.
func (s *Service) Complete(ctx context.Context, text string, cursor, n int) (*Completion, error) {
	if err := s.current(ctx, 0); err != nil {
		return nil, err
	}
	n = max(1, min(n, 100))
	place := query.Context(text, cursor)
	c := completer{s: s, n: n, place: place, typed: strings.ToLower(place.Text), now: s.now()}
	c.before = text[place.Whole.Start:place.Span.Start]
	c.around(text)
	out := &Completion{Span: place.Span}
	var err error
	switch place.Typing {
	case query.Operand:
		err = c.operand(ctx, place.Field)
	case query.Name, query.Operator:
		err = c.word(ctx)
	case query.Phrase: // words are the reader's own
	}
	if errors.Is(err, facet.ErrName) {
		err = fmt.Errorf("%w: %w", ErrQuery, err)
	}
	if err != nil {
		return nil, err
	}
	out.Options = c.options[:min(n, len(c.options))]
	return out, nil
}

type completer struct {
	s       *Service
	n       int
	place   query.Place
	typed   string // in lower case
	now     time.Time
	before  string       // the condition up to what is being typed
	where   []facet.Node // the rest of the query
	options []Option
}

// around reads the query without what is being typed. Where that is no query, counts are of all records.
func (c *completer) around(text string) {
	whole := c.place.Whole
	rest, err := query.Parse(text[:whole.Start] + " " + text[whole.End:])
	if err != nil || rest.Root == nil {
		return
	}
	c.where = []facet.Node{compile(rest.Root, c.now)}
}

func (c *completer) add(o Option) {
	if !slices.ContainsFunc(c.options, func(old Option) bool { return old.Insert == o.Insert }) {
		c.options = append(c.options, o)
	}
}

// word offers names of fields, identifiers, and the vendors and products that begin like the word.
func (c *completer) word(ctx context.Context) error {
	for _, f := range query.Fields() {
		names := append([]string{f.Name}, f.Aliases...)
		if !slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(name, c.typed) }) {
			continue
		}
		c.add(Option{Insert: f.Name + ":", Field: f})
		if f == c.place.Field && f.Comparable() {
			for _, sign := range []string{">=", "<="} {
				c.add(Option{Insert: f.Name + sign, Field: f})
			}
		}
	}
	if c.place.Field != nil { // its own name first
		slices.SortStableFunc(c.options, func(a, b Option) int {
			return cmp.Compare(order(a.Field == c.place.Field), order(b.Field == c.place.Field))
		})
	}
	if len(c.typed) < 2 {
		return nil
	}
	if strings.HasPrefix(c.typed, "cve-") || strings.Trim(c.typed, "0123456789-") == "" {
		return c.identifiers(ctx)
	}
	for _, name := range []string{"vendor", "product"} {
		f, _ := query.Lookup(name)
		if err := c.values(ctx, f, name, 3, func(value string) bool { return strings.HasPrefix(value, c.typed) }); err != nil {
			return err
		}
	}
	return nil
}

func order(first bool) int {
	if first {
		return 0
	}
	return 1
}

// identifiers offers those that begin like the word.
func (c *completer) identifiers(ctx context.Context) error {
	prefix := strings.ToUpper(c.typed)
	if !strings.HasPrefix(prefix, "CVE-") {
		prefix = "CVE-" + prefix
	}
	match := facet.KeyMatch(func(key string) bool { return strings.HasPrefix(key, prefix) })
	res, err := c.s.index.Search(ctx, facet.Query{Where: append(facet.And{match}, c.where...), Limit: c.n})
	f, _ := query.Lookup("id")
	for _, id := range res.Keys {
		o := Option{Insert: id, Field: f}
		if c.place.Typing != query.Operand {
			o.Insert = "id:" + id
		}
		c.add(o)
	}
	return err
}

// operand offers values of a field.
func (c *completer) operand(ctx context.Context, f *query.Field) error {
	begins := func(value string) bool { return strings.HasPrefix(strings.ToLower(value), c.typed) }
	switch {
	case f.Name == "id":
		return c.identifiers(ctx)
	case f.Name == "vector":
		for _, part := range []string{"AV:N", "AV:N/PR:N", "AV:N/PR:N/UI:N", "AV:L", "UI:N", "S:C"} {
			if begins(part) {
				c.add(Option{Insert: part, Field: f})
			}
		}
		return nil
	case f.Name == "source":
		return c.values(ctx, f, "party", c.n, begins)
	case f.Name == "cwe":
		return c.values(ctx, f, "cwe", c.n, c.weakness)
	case f.Kind == query.Time, f.Kind == query.Flag && f.Dated:
		return c.dates(f)
	case f.Kind == query.Enum:
		return c.list(ctx, f)
	case f.Name == "cvss":
		return nil // a number between 0 and 10, which is best typed
	}
	dim := map[string]string{"ref": "reference", "cvss2": "score2", "cvss3": "score3", "cvss4": "score4"}[f.Name]
	if f.Kind == query.Zone {
		return nil
	}
	if f.Name == "vendor" || f.Name == "product" { // also in the middle of a name, behind those that begin so
		if err := c.values(ctx, f, f.Name, c.n, begins); err != nil || len(c.options) >= c.n || len(c.typed) < 2 {
			return err
		}
		return c.values(ctx, f, f.Name, c.n, func(value string) bool { return strings.Contains(value, " "+c.typed) })
	}
	return c.values(ctx, f, cmp.Or(dim, f.Name), c.n, begins)
}

// weakness matches a CWE by number or by a word of its name.
func (c *completer) weakness(value string) bool {
	low := strings.ToLower(value)
	if strings.HasPrefix(low, c.typed) || strings.HasPrefix(strings.TrimPrefix(low, "cwe-"), c.typed) {
		return true
	}
	e, ok := cwe.Lookup(value)
	return ok && len(c.typed) > 2 && strings.Contains(strings.ToLower(e.Name), c.typed)
}

// values offers the commonest values of a dimension for which match holds.
func (c *completer) values(ctx context.Context, f *query.Field, dim string, n int, match func(string) bool) error {
	res, err := c.s.index.Search(ctx, facet.Query{Where: facet.And(c.where), Facets: []facet.Facet{
		{Dim: dim, Top: n, Keep: match}}})
	if err != nil {
		return err
	}
	for _, v := range res.Facets[0] {
		o := Option{Insert: query.Quote(v.Value), Count: v.Count, Field: f}
		if e, ok := cwe.Lookup(v.Value); ok {
			o.Label = e.Name
		}
		if c.place.Typing != query.Operand {
			o.Insert = f.Name + ":" + o.Insert
		}
		c.add(o)
	}
	return nil
}

// list offers the values of a fixed list in their order, with counts.
func (c *completer) list(ctx context.Context, f *query.Field) error {
	counts := map[string]int{}
	res, err := c.s.index.Search(ctx, facet.Query{Where: facet.And(c.where), Facets: []facet.Facet{{Dim: answers[f.Name].dim}}})
	if err != nil {
		return err
	}
	for _, v := range res.Facets[0] {
		counts[strings.ToLower(v.Value)] = v.Count
	}
	for _, v := range f.Values() {
		if strings.HasPrefix(v, c.typed) {
			c.add(Option{Insert: v, Count: counts[v], Field: f})
		}
	}
	return nil
}

// dates offers common ages, the newest years and, once a year is typed, its months.
func (c *completer) dates(f *query.Field) error {
	offers := []string{}
	if f.Kind == query.Flag {
		offers = append(offers, f.Values()...)
	}
	offers = append(offers, ">7d", ">30d", ">1y", "today", "yesterday")
	year := c.now.UTC().Year()
	for y := year; y > year-5; y-- {
		offers = append(offers, fmt.Sprint(y))
	}
	if len(c.typed) >= 4 {
		for m := 1; m <= 12; m++ {
			offers = append(offers, fmt.Sprintf("%s-%02d", c.typed[:4], m))
		}
	}
	for _, o := range offers {
		if strings.HasPrefix(o, c.typed) {
			if _, err := query.Parse(c.before + o); err == nil { // ">7d" has no place behind ">="
				c.add(Option{Insert: o, Field: f})
			}
		}
	}
	return nil
}
