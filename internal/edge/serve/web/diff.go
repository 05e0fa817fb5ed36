package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tasuki/internal/catalogue"
	"tasuki/internal/edge/serve/page"
	"tasuki/spec/cve"
	"tasuki/spec/cve/diff"
	"tasuki/web/history"
	"tasuki/web/i18n"
)

// What a comparison shows at most: changes, and bytes of the parts behind them, of one and of all.
const (
	maxChanges = 200
	maxBehind  = 2 << 10
	allBehind  = 48 << 10
)

// diff is the page that compares two versions of a record: from and to are leaf indexes or moments; left out they are the
// newest version and the one before it. Whichever is older stands on the left.
func (s *server) diff(w http.ResponseWriter, r *http.Request) {
	id, ok := s.identified(w, r)
	if !ok {
		return
	}
	versions, err := s.Catalogue.Versions(r.Context(), id)
	if err != nil {
		s.absent(w, r, id, catalogue.At{}, err)
		return
	}
	older, newer, err := s.sides(r, id, versions)
	switch {
	case errors.Is(err, catalogue.ErrAt):
		s.Refuse(w, r, momentProblem)
		return
	case errors.Is(err, errVersion), errors.Is(err, catalogue.ErrNotFound):
		s.Refuse(w, r, versionProblem)
		return
	case err != nil:
		s.Fail(w, r, err)
		return
	}
	p, _ := s.Page(w, r)
	v, err := s.comparison(r.Context(), p.Lang, id, versions, older, newer)
	if errors.Is(err, catalogue.ErrErased) {
		s.absent(w, r, id, catalogue.At{}, err)
		return
	}
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	v.Page = p
	v.Page.Title = id + " " + p.Lang.T("diff.title", history.Number(v.Old.N), history.Number(v.New.N))
	s.Send(w, r, http.StatusOK, history.Compare(v))
}

// errVersion means a leaf that brought no version of the record.
var errVersion = errors.New("web: no such version")

var versionProblem = page.Error{Status: http.StatusNotFound, Name: "version"}

// sides are the positions, in versions, of the two that are compared; older comes after newer there.
func (s *server) sides(r *http.Request, id string, versions []catalogue.Version) (older, newer int, err error) {
	q := r.URL.Query()
	from, to := q.Get("from"), q.Get("to")
	if to == "" && from == "" {
		readable := func(from int) int {
			i := slices.IndexFunc(versions[from:], func(v catalogue.Version) bool { return !v.Erased })
			if i < 0 {
				return from - 1
			}
			return from + i
		}
		newer = max(0, readable(0))
		if newer+1 == len(versions) {
			return newer, newer, nil
		}
		return max(newer, readable(newer+1)), newer, nil
	}
	if to != "" {
		if newer, err = s.position(r.Context(), id, to, q.Get("clock"), versions); err != nil {
			return 0, 0, err
		}
	}
	if older = min(newer+1, len(versions)-1); from != "" {
		if older, err = s.position(r.Context(), id, from, q.Get("clock"), versions); err != nil {
			return 0, 0, err
		}
	}
	return max(older, newer), min(older, newer), nil
}

// position finds the version that an address names: by the index of its leaf, or by a moment.
func (s *server) position(ctx context.Context, id, text, clock string, versions []catalogue.Version) (int, error) {
	index, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		at, err := catalogue.ParseAt(text, "", clock)
		if err != nil {
			return 0, err
		}
		v, err := s.Catalogue.GetAt(ctx, id, at)
		if err != nil {
			return 0, err
		}
		index = v.Index
	}
	i := slices.IndexFunc(versions, func(v catalogue.Version) bool { return v.Index == index })
	if i < 0 {
		return 0, fmt.Errorf("%w: %s at %s", errVersion, id, text)
	}
	return i, nil
}

// comparison compares two versions and puts what differs into words, by the questions that a record's page answers.
func (s *server) comparison(ctx context.Context, l i18n.Lang, id string, versions []catalogue.Version, older, newer int) (history.Diff, error) {
	all := rows(versions)
	v := history.Diff{ID: id, Old: all[older], New: all[newer], Same: older == newer}
	v.Raw = fmt.Sprintf("/api/v1/records/%s/diff?from=%d&to=%d", id, v.Old.Index, v.New.Index)
	between := func(older, newer int) string {
		return fmt.Sprintf("/cve/%s/diff?from=%d&to=%d", id, versions[older].Index, versions[newer].Index)
	}
	if older+1 < len(versions) {
		v.Earlier = between(older+1, older)
	}
	if newer > 0 {
		v.Later = between(newer, newer-1)
	}
	b, err := s.Catalogue.Version(ctx, id, v.New.Index)
	if err != nil {
		return v, err
	}
	v.Headline, v.HeadlineLang = headline(l, b.Record)
	if v.Same {
		return v, nil
	}
	a, err := s.Catalogue.Version(ctx, id, v.Old.Index)
	if err != nil {
		return v, err
	}
	changes, err := compare(a, b)
	if err != nil {
		return v, err
	}
	v.Count = len(changes)
	v.More = max(0, len(changes)-maxChanges)
	v.Groups = group(l, changes[:len(changes)-v.More])
	return v, nil
}

// groups are the questions of a record's page, and which kinds of change belong to each. What is not named is "rest".
var groups = []struct {
	name  string
	kinds []diff.Kind
}{
	{"state", []diff.Kind{diff.State, diff.Rejection}},
	{"bad", []diff.Kind{diff.Metric, diff.KEV, diff.SSVC}},
	{"affected", []diff.Kind{diff.Range, diff.Product}},
	{"what", []diff.Kind{diff.Title, diff.Description, diff.Weakness, diff.Tag}},
	{"todo", []diff.Kind{diff.Text}},
	{"references", []diff.Kind{diff.Reference}},
	{"rest", nil},
}

func group(l i18n.Lang, changes []diff.Change) (out []history.Group) {
	room := allBehind
	rest := changes
	for _, g := range groups {
		var these, others []diff.Change
		for _, c := range rest {
			if g.kinds == nil || slices.Contains(g.kinds, c.Kind) {
				these = append(these, c)
			} else {
				others = append(others, c)
			}
		}
		rest = others
		if len(these) == 0 {
			continue
		}
		shown := history.Group{Name: g.name}
		for _, c := range these {
			shown.Changes = append(shown.Changes, change(l, c, &room))
		}
		out = append(out, shown)
	}
	return out
}

// change is one difference with what stands behind it, as far as there is room.
func change(l i18n.Lang, c diff.Change, room *int) history.Change {
	x := history.Change{Line: words(l, c), Pointer: c.Pointer, From: c.From}
	if c.Op == diff.Changed && (c.Kind == diff.Description || c.Kind == diff.Rejection || c.Kind == diff.Text || c.Kind == diff.Title) {
		before, _, ok := prose(c.Old)
		after, lang, ok2 := prose(c.New)
		if ok && ok2 {
			x.Words, x.Lang = compareWords(before, after), tagged(l, lang)
		}
	}
	x.Old, x.New = behind(c.Old, room), behind(c.New, room)
	return x
}

// words is a change in the page's language, without what stands behind it.
func words(l i18n.Lang, c diff.Change) history.Line {
	x := history.Line{
		Op: string(c.Op), What: l.T("part." + string(c.Kind)), Subject: c.Subject, Before: c.Before, After: c.After, Party: partyName(c), Short: c.Party,
	}
	if c.CNA {
		x.Short = "CNA"
	}
	switch c.Kind {
	case diff.KEV, diff.SSVC:
		x.Subject, x.Before, x.After = "", outside(l, c.Old, c.Before), outside(l, c.New, c.After)
	case diff.State:
		x.Subject, x.Before, x.After = "", stateWord(l, c.Before), stateWord(l, c.After)
	case diff.Other:
		x.Subject = c.Pointer[strings.LastIndexByte(c.Pointer, '/')+1:]
		if isPart(c.Old) || isPart(c.New) {
			x.Before, x.After = "", ""
		}
	}
	// Some subjects are the member's own name, which readers of the page know by other words.
	if i18n.Has("member." + c.Subject) {
		x.What, x.Subject = l.T("member."+c.Subject), ""
	}
	return x
}

// outside is a metric outside CVSS in words; what cannot be read stays as the comparison puts it.
func outside(l i18n.Lang, part jsontext.Value, plain string) string {
	var m cve.Metric
	if len(part) == 0 || json.Unmarshal(part, &m) != nil {
		return plain
	}
	said := exploitation(l, m.Other)
	if len(said) != 1 {
		return plain
	}
	return said[0].text
}

func stateWord(l i18n.Lang, state string) string {
	if i18n.Has("state." + state) {
		return l.T("state." + state)
	}
	return state
}

// isPart reports an object or array, which no line can say in words.
func isPart(v jsontext.Value) bool { return len(v) > 0 && (v.Kind() == '{' || v.Kind() == '[') }

func partyName(c diff.Change) string {
	switch {
	case c.Party == "":
		return ""
	case c.CNA:
		return c.Party + " (CNA)"
	}
	return c.Party + " (ADP)"
}

// prose is the text of a description, a reason or another text: an object with a value, or the text by itself.
func prose(part jsontext.Value) (text, lang string, ok bool) {
	var t cve.Text
	if json.Unmarshal(part, &t) == nil && t.Value != "" {
		return t.Value, t.Lang, true
	}
	return text, "", json.Unmarshal(part, &text) == nil && text != ""
}

// behind is a part as JSON for people to read, cut where it is long.
func behind(part jsontext.Value, room *int) string {
	if len(part) == 0 || *room <= 0 {
		return ""
	}
	shown := bytes.Clone(part)
	indented := jsontext.Value(shown)
	if indented.Indent(jsontext.WithIndent("  ")) == nil {
		shown = indented
	}
	if limit := min(maxBehind, *room); len(shown) > limit {
		shown = shown[:limit]
		for len(shown) > 0 && !utf8.Valid(shown) {
			shown = shown[:len(shown)-1]
		}
		shown = append(shown, "…"...)
	}
	*room -= len(shown)
	return string(shown)
}
