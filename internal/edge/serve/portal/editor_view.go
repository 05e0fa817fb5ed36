package portal

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/a-h/templ"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tasuki/internal/drafts"
	"tasuki/internal/registry"
	"tasuki/spec/cve"
	"tasuki/spec/cve/form"
	"tasuki/web/editor"
	"tasuki/web/i18n"
)

// said is what a step has to say beside the form itself.
type said struct {
	checked   bool
	draft     drafts.Draft // as it is kept; the other tab's when stale
	aside     bool         // the form shows what lost against another tab
	stale     bool
	unkept    bool
	overtaken bool // another version was published meanwhile
	refused   bool
	findings  []cve.Finding // of the whole record, when publishing found them
	template  string        // end of a glossary key
	find      string        // the field that weaknesses are looked for
	focus     string        // name of a field, row or list
}

// sections are the parts of the form, in the order in which a reader of the record asks. Optional ones are folded while
// there is nothing in them.
var sections = []struct {
	key, rule string
	optional  bool
	members   []string
}{
	{"what", "5.2", false, []string{"title", "descriptions"}},
	{"affected", "5.1", false, []string{"affected"}},
	{"type", "5.1", false, []string{"problemTypes"}},
	{"severity", "", false, []string{"metrics"}},
	{"references", "5.3", false, []string{"references"}},
	{"advice", "", true, []string{"solutions", "workarounds", "configurations", "exploits"}},
	{"tags", "4.5.3.10", true, []string{"tags", "datePublic", "dateAssigned", "source"}},
	{"people", "5.2", true, []string{"credits", "timeline"}},
	{"impacts", "", true, []string{"impacts"}},
}

// editorShow sends the form.
func (s *server) editorShow(v *visit, status int, w *writing, x *sheet, say said) error {
	out, err := s.editorView(v, w, x, say)
	if err != nil {
		return err
	}
	s.Send(v.w, v.r, status, editor.Body(out))
	return nil
}

func (s *server) editorView(v *visit, w *writing, x *sheet, say said) (editor.View, error) {
	l := v.frame.Page.Lang
	v.title(w.ID + " " + l.T("edit.title"))
	v.frame.Page.Path = w.at() + "/edit"
	v.frame.Page.Here = func(name, value string) string { return w.at() + "/edit?" + name + "=" + value }
	v.frame.Page.Scripts = append(v.frame.Page.Scripts, "editor.js", "editor-cwe.js", "editor-cvss.js")
	out := editor.View{
		Frame: v.frame, ID: w.ID, State: string(w.State), At: w.at(), Doc: string(x.state.Encode()), Version: x.version, Base: x.base, Shown: x.shown,
		Saved: say.draft.At, Rules: form.Rules, Checked: say.checked,
	}
	if say.focus != "" {
		out.Focus = editor.ID(say.focus)
	}
	b := builder{l: l, shown: x.shown, places: map[string]place{}}
	out.Sections = b.sections(x.state)
	if say.find != "" {
		if f := b.places[say.find].field; f != nil {
			f.Found = weaknesses(f.Value, manyWeaknesses)
		}
	}
	clean, at := x.state.Clean()
	if say.checked {
		found := say.findings
		if found = inside(found); len(found) == 0 {
			found = findings(s.Editing.Schema, w, clean, s.Now())
		}
		out.Problems = b.place(x.state, at, found)
		for _, p := range out.Problems {
			if p.Error {
				out.Errors++
			}
		}
	}
	b.open(out.Sections)
	out.JSON = editor.JSON{Text: pretty(x.state), Kept: keptOf(x.state.Kept())}
	if x.text != "" {
		out.JSON.Text = x.text
		switch {
		case x.apart:
			out.JSON.Problem = l.T("edit.json.apart")
		default:
			out.JSON.Problem = l.T("edit.json.broken", x.textProblem)
		}
		out.Focus = "json"
	}
	var err error
	if out.Notices, err = s.notices(v, w, x, say); err != nil {
		return out, err
	}
	if w.cna == nil && x.version == 0 {
		out.Starts, err = s.starts(v)
	}
	return out, err
}

// starts are what a new record can begin with.
func (s *server) starts(v *visit) (editor.Starts, error) {
	var out editor.Starts
	list, err := s.Editing.Drafts.Templates(v.r.Context(), v.me.Org.ID)
	if err != nil {
		return out, err
	}
	for _, t := range list {
		out.Templates = append(out.Templates, t.Name)
	}
	const latest = 50
	f := registry.Filter{State: cve.Published, Limit: latest}
	_, total, err := s.Acts.IDsOf(v.r.Context(), v.me.Caller, v.me.Org.Short, f)
	if err != nil {
		return out, err
	}
	f.Offset = max(0, int(total)-latest) // the list begins with the oldest
	ids, _, err := s.Acts.IDsOf(v.r.Context(), v.me.Caller, v.me.Org.Short, f)
	for i := len(ids) - 1; i >= 0; i-- {
		out.Records = append(out.Records, ids[i].ID)
	}
	return out, err
}

// notices are what the writer has to know before going on.
func (s *server) notices(v *visit, w *writing, x *sheet, say said) (out []editor.Notice, err error) {
	l := v.frame.Page.Lang
	edit := w.at() + "/edit"
	add := func(kind, text string, ways []editor.Way, choices ...editor.Choice) {
		out = append(out, editor.Notice{Kind: kind, Text: text, Ways: ways, Choices: choices})
	}
	switch {
	case say.stale:
		add("warn", l.T("edit.stale", l.Age(say.draft.At, s.Now())), []editor.Way{{Label: l.T("edit.stale.other"), Href: edit}},
			editor.Choice{Label: l.T("edit.stale.mine"), Op: "overrule"})
	case say.aside:
		add("warn", l.T("edit.aside.shown"), []editor.Way{{Label: l.T("edit.aside.back"), Href: edit}}, editor.Choice{Label: l.T("edit.stale.mine"), Op: "overrule"})
	default:
		other, err := s.Editing.Drafts.Aside(v.r.Context(), v.me.User.ID, w.ID)
		if err == nil {
			add("", l.T("edit.aside", l.Age(other.At, s.Now())), []editor.Way{{Label: l.T("edit.aside.see"), Href: edit + "?draft=aside"}},
				editor.Choice{Label: l.T("edit.aside.drop"), Op: "drop-aside"})
		} else if !errors.Is(err, drafts.ErrNone) {
			return nil, err
		}
	}
	if say.unkept {
		add("warn", l.T("edit.unkept"), nil)
	}
	if say.overtaken || x.version > 0 && x.base != w.leaf {
		add("warn", l.T("edit.overtaken"), []editor.Way{{Label: l.T("edit.overtaken.see"), Href: "/cve/" + w.ID + "/history"}})
	}
	if say.refused {
		add("warn", l.T("edit.refused"), nil)
	}
	if w.State == cve.Rejected {
		add("warn", l.T("edit.rejected"), nil)
	}
	if say.template != "" {
		kind := ""
		if say.template != "saved" {
			kind = "warn"
		}
		add(kind, l.T("edit.template."+say.template), []editor.Way{{Label: l.T("edit.template.all"), Href: "/portal/templates"}})
	}
	return out, nil
}

// told is what a script learns of a step: the form's state, and what to show where.
type told struct {
	Version  int64                    `json:"version"`
	Stale    bool                     `json:"stale"`
	Saved    string                   `json:"saved"`
	Verdict  string                   `json:"verdict"`
	Listed   string                   `json:"listed"` // HTML of the list above the form; "" before a check
	JSON     string                   `json:"json"`
	Problems map[string][]toldProblem `json:"problems"`
	Scores   map[string]string        `json:"scores"` // HTML by the id of the vector's control
}

type toldProblem struct {
	Text  string `json:"text"`
	Error bool   `json:"error"`
}

// editorTell answers a script.
func (s *server) editorTell(v *visit, w *writing, x *sheet, say said) error {
	checked := say.checked
	say.checked = true
	out, err := s.editorView(v, w, x, say)
	if err != nil {
		return err
	}
	t := told{Version: x.version, Stale: say.stale, JSON: out.JSON.Text, Problems: map[string][]toldProblem{}, Scores: map[string]string{}}
	ctx := v.r.Context()
	if t.Saved, err = rendered(ctx, editor.Saved(out)); err != nil {
		return err
	}
	if say.unkept {
		t.Saved = templ.EscapeString(v.frame.Page.Lang.T("edit.unkept"))
	}
	if t.Verdict, err = rendered(ctx, editor.Verdict(out)); err != nil {
		return err
	}
	if checked {
		if t.Listed, err = rendered(ctx, editor.Listed(out)); err != nil {
			return err
		}
	}
	for _, p := range out.Problems {
		if p.ID != "" {
			t.Problems[p.ID] = append(t.Problems[p.ID], toldProblem{p.Text, p.Error})
		}
	}
	for _, c := range calculators(out.Sections) {
		if t.Scores[c.Field.ID], err = rendered(ctx, editor.Score(v.frame.Page.Lang, c.Score)); err != nil {
			return err
		}
	}
	return s.sendJSON(v, t)
}

func (s *server) sendJSON(v *visit, what any) error {
	raw, err := json.Marshal(what)
	if err != nil {
		return err
	}
	s.Write(v.w, v.r, http.StatusOK, "application/json; charset=utf-8", raw)
	return nil
}

func keptOf(list []form.Kept) (out []editor.Kept) {
	for _, k := range list {
		out = append(out, editor.Kept{Name: k.Name, Label: jsontext.Pointer(k.Name).LastToken(), JSON: readable(k.JSON)})
	}
	return out
}

// readable is a part of the container for people to read, cut where it is long: all of it is in the JSON.
func readable(raw string) string {
	const most = 4000
	v := jsontext.Value(raw)
	if v.Indent(jsontext.WithIndent("  ")) == nil {
		raw = string(v)
	}
	if len(raw) > most {
		raw = strings.ToValidUTF8(raw[:most], "") + "…"
	}
	return raw
}

// languages are what the languages of texts call themselves.
var languages = map[string]string{
	"en": "English", "ja": "日本語", "de": "Deutsch", "es": "español", "fr": "français", "it": "italiano", "ko": "한국어", "nl": "Nederlands", "pl": "polski",
	"pt": "português", "ru": "русский", "zh": "中文",
}

func languageName(tag string) string {
	if name := languages[tag]; name != "" {
		return name + " (" + tag + ")"
	}
	return tag
}

// label says a value of the record format in the reader's language, itself where there are no words for it.
func label(l i18n.Lang, value string) string {
	if key := strings.ReplaceAll(value, " ", "-"); i18n.Has("edit.o." + key) {
		return l.T("edit.o." + key)
	}
	return value
}

func itoa(n int) string { return strconv.Itoa(n) }
