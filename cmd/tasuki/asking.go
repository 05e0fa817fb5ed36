package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/go-json-experiment/json"

	"tasuki/client"
	"tasuki/spec/cve"
)

// Asked are the flags of commands that ask a node: the one of the data directory, or one elsewhere.
type Asked struct {
	Server string `placeholder:"URL" help:"Ask the node at this URL instead of the data directory."`
	JSON   bool   `name:"json" help:"Print JSON."`
}

// ask opens the session of a reading command.
func (a Asked) ask(ctx context.Context, p *Program, s *Settings) (*session, error) {
	if a.Server != "" {
		return elsewhere(a.Server)
	}
	return p.session(ctx, s, access{})
}

// api is the native API of the session's node.
func (x *session) api() (*client.Client, error) {
	return client.New(x.base, client.Options{HTTP: x.client, UserAgent: "tasuki"})
}

// asking runs f with the API of the node that the flags mean.
func (a Asked) asking(ctx context.Context, p *Program, s *Settings, f func(*client.Client) error) (err error) {
	x, err := a.ask(ctx, p, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, x.Close()) }()
	c, err := x.api()
	if err != nil {
		return err
	}
	return f(c)
}

// Known are the flags that ask for the list as it was known at a moment. Without them it is now.
type Known struct {
	At    string `placeholder:"MOMENT" xor:"moment" help:"As known then: a day (2024-03-05, all of it, UTC) or an instant (2024-03-05T10:00:00Z)."`
	Size  int64  `placeholder:"N" xor:"moment" help:"As known when the log had N leaves."`
	Clock string `enum:"log,source" default:"log" placeholder:"CLOCK" help:"By whose time: when this list learnt something (log), or when its source said so (source)."`
}

func (k Known) moment() client.At {
	at := client.At{Moment: k.At, Size: k.Size}
	if k.At != "" {
		at.Clock = k.Clock
	}
	return at
}

// values are the parameters of a question for what a query finds then.
func (k Known) values(query string) url.Values {
	v := url.Values{}
	set := func(name, value string) {
		if value != "" {
			v.Set(name, value)
		}
	}
	at := k.moment()
	set("q", query)
	set("at", at.Moment)
	set("clock", at.Clock)
	if at.Size != 0 {
		set("size", strconv.FormatInt(at.Size, 10))
	}
	return v
}

// known says in words for which moment an answer holds; "" for now.
func known(m *client.Moment) string {
	if m == nil {
		return ""
	}
	text := fmt.Sprintf("as known with the first %s of %s leaves", thousands(m.Size), thousands(m.Head))
	if m.Clock == "source" {
		text = "as known by the source's time"
	}
	if m.Time != nil && m.Clock != "source" {
		text += ", the last of " + stamp(*m.Time)
	}
	if m.First != nil && m.Time != nil && m.Time.Before(*m.First) || m.First != nil && m.Size == 0 {
		text += "; this list learnt its first record " + stamp(*m.First)
	}
	return text
}

// stamp is a moment to the second, UTC.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }

// identifier reads a CVE identifier in any letter case.
func identifier(given string) (string, error) {
	id, err := cve.ParseID(strings.ToUpper(given))
	return id.String(), err
}

// explained puts a node's refusal into words. A query that cannot be read is shown with a mark under the character.
func explained(err error, query string) error {
	var p *client.Problem
	if !errors.As(err, &p) {
		return err
	}
	text := clean(p.Title)
	if p.Detail != "" {
		text = clean(p.Detail)
	}
	switch {
	case p.Span != nil:
		return fmt.Errorf("%w: %s\n%s", errQuery, text, pointed(query, *p.Span, p.Suggestions))
	case p.Since != nil:
		text = "not known yet; this list knows it since " + stamp(*p.Since)
		if p.First != nil && !p.First.Equal(*p.Since) {
			text += ", and its first record since " + stamp(*p.First)
		}
		return fmt.Errorf("%w: %s", errNotFound, text)
	case p.Status == http.StatusNotFound || p.Status == http.StatusGone:
		return fmt.Errorf("%w: %s", errNotFound, text)
	}
	return fmt.Errorf("the node: %s (%d)", text, p.Status)
}

// errQuery means a query that cannot be read.
var errQuery = errors.New("the query cannot be read")

// maxSuggested is how many of a node's suggestions are told.
const maxSuggested = 3

// pointed draws a query with a mark under a part of it, and what may have been meant. Of a long query it shows the part's
// surroundings.
func pointed(query string, at client.Span, suggestions []string) string {
	const columns, before = 76, 36
	start := min(max(at.Start, 0), len(query))
	end := min(max(at.End, start), len(query))
	head, part, tail := flat(query[:start]), flat(query[start:end]), flat(query[end:])
	if displayWidth(head) > before {
		runes := []rune(head)
		n := 0
		for i := len(runes) - 1; i >= 0; i-- {
			if n += runeWidth(runes[i]); n >= before {
				head = "…" + string(runes[i+1:])
				break
			}
		}
	}
	var b strings.Builder
	part = clip(part, columns-before)
	tail = clip(tail, max(1, columns-displayWidth(head)-displayWidth(part)))
	fmt.Fprintf(&b, "  %s\n", strings.TrimRight(head+part+tail, " "))
	fmt.Fprintf(&b, "  %s%s", strings.Repeat(" ", displayWidth(head)), strings.Repeat("^", max(1, displayWidth(part))))
	for i, s := range suggestions[:min(len(suggestions), maxSuggested)] {
		word := "did you mean:"
		if i > 0 {
			word = "          or:"
		}
		fmt.Fprintf(&b, "\n  %s %s", word, flat(query[:start]+s+query[end:]))
	}
	return b.String()
}

// flat is clean for text whose columns must stay: every character that could move something becomes one space.
func flat(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.IsControl(r) || r == 0x2028 || r == 0x2029 || unicode.Is(unicode.Bidi_Control, r) {
			return ' '
		}
		return r
	}, s)
}

// complaint finds the words in an error answer of any of our protocols: RFC 9457, CVE Services, or plain text.
func complaint(text []byte) string {
	var shape struct {
		Detail  string `json:"detail"`
		Title   string `json:"title"`
		Message string `json:"message"`
	}
	if json.Unmarshal(text, &shape) == nil {
		for _, s := range []string{shape.Detail, shape.Message, shape.Title} {
			if s != "" {
				return clean(s)
			}
		}
	}
	return clean(clip(string(text), 400))
}
