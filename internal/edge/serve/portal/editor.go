package portal

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tasuki/internal/catalogue"
	"tasuki/internal/drafts"
	"tasuki/internal/edge/serve/page"
	"tasuki/internal/program"
	"tasuki/internal/registry"
	"tasuki/spec/cve"
	"tasuki/spec/cve/form"
	"tasuki/spec/cve/schema"
	"tasuki/web/history"
	"tasuki/web/i18n"
	"tasuki/web/record"
)

// Editing is what the record editor needs beside the rest; without it there is no editor.
type Editing struct {
	Drafts  *drafts.Service
	Records Records
	Schema  *schema.Validator // of schema.Current
	// Sketch draws a record as its page will show it, Compare says in words how two versions differ: as the public pages do,
	// whose surface this one does not know.
	Sketch  func(l i18n.Lang, rec *cve.Record) record.View
	Compare func(l i18n.Lang, older, newer []byte) ([]history.Group, int, error)
}

// Records are those of the list as they are now.
type Records interface {
	Get(ctx context.Context, id string) (*catalogue.View, error)
}

// editing mounts the record editor.
func (s *server) editing() {
	s.handle("GET /portal/records/{id}/edit", s.editorOpen)
	s.handle("POST /portal/records/{id}/edit", s.editorStep)
	s.handle("POST /portal/records/{id}/check", s.editorCheck)
	s.handle("POST /portal/records/{id}/draft", s.editorSave)
	s.handle("POST /portal/records/{id}/preview", s.editorPreview)
	s.handle("POST /portal/records/{id}/publish", s.editorPublish)
	// What a step answers has an address, too, which may be loaded again or asked for in another language.
	s.handle("GET /portal/records/{id}/preview", s.editorPreviewed)
	for _, step := range []string{"check", "draft", "publish"} {
		s.handle("GET /portal/records/{id}/"+step, func(v *visit) error {
			return v.back("/portal/records/" + v.r.PathValue("id") + "/edit?checked=1")
		})
	}
	s.handle("GET /portal/templates", s.desk)
	s.handle("POST /portal/templates", s.deskChange)
	s.handle("GET /portal/cwe", s.searchWeaknesses)
	s.handle("GET /portal/cvss", s.scoreVector)
}

// writing is an identifier that somebody writes a record for, and what stands on the list under it.
type writing struct {
	program.Identifier
	current []byte // the record as it is; nil while there is none
	cna     []byte // its CNA container; nil while there is none, and of a rejected record
	leaf    int64  // that brought it; -1
	rec     *cve.Record
}

func (w *writing) at() string { return "/portal/records/" + w.ID }

func (w *writing) want() program.Want {
	if w.Record {
		return program.WantOne
	}
	return program.WantNone
}

// writing finds out what is written about, and whether the visitor may.
func (s *server) writing(v *visit) (*writing, error) {
	id, err := cve.ParseID(strings.ToUpper(v.r.PathValue("id")))
	if err != nil {
		return nil, registry.ErrNotFound
	}
	w := &writing{leaf: -1}
	if w.Identifier, err = s.Acts.Writable(v.r.Context(), v.me.Caller, id.String()); err != nil {
		return nil, err
	}
	if !w.Record {
		return w, nil
	}
	x, err := s.Editing.Records.Get(v.r.Context(), w.ID)
	if err != nil {
		return nil, err
	}
	if w.current, err = x.Compact(); err != nil {
		return nil, err
	}
	w.leaf, w.rec = x.Index, x.Record
	if x.State == cve.Published {
		w.cna, err = cnaOf(w.current)
	}
	return w, err
}

// cnaOf is a record's CNA container as its author gave it: who put it is the service's to say.
func cnaOf(raw []byte) ([]byte, error) {
	var doc struct {
		Containers struct {
			CNA jsontext.Value `json:"cna"`
		} `json:"containers"`
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, err
	}
	state, err := form.Parse(doc.Containers.CNA)
	if err != nil {
		return nil, err
	}
	state.Drop("providerMetadata")
	return state.Encode(), nil
}

// sheet is the form between two requests.
type sheet struct {
	state   *form.State
	version int64 // of the draft that it was drawn from, 0 for none
	base    int64 // the leaf that the writing began with
	shown   []string

	// A text that is no container stays where it was typed.
	text, textProblem string
	apart             bool // fields and JSON were changed, each in its way
}

// draftBody is what a draft keeps.
type draftBody struct {
	Base int64          `json:"base"`
	Form jsontext.Value `json:"form"`
}

func (x *sheet) body() ([]byte, error) {
	return json.Marshal(draftBody{x.base, x.state.Encode()})
}

func sheetOf(d drafts.Draft) (*sheet, error) {
	var b draftBody
	if err := json.Unmarshal(d.Body, &b); err != nil {
		return nil, err
	}
	state, err := form.Parse(b.Form)
	if err != nil {
		return nil, err
	}
	return &sheet{state: state, version: d.Version, base: b.Base}, nil
}

// begun is the form as somebody comes to it: their draft, else the published container, else a blank one.
func (s *server) begun(v *visit, w *writing) (*sheet, drafts.Draft, error) {
	ctx, user := v.r.Context(), v.me.User.ID
	d, err := s.Editing.Drafts.Get(ctx, user, w.ID)
	if err == nil {
		x, err := sheetOf(d)
		return x, d, err
	}
	if !errors.Is(err, drafts.ErrNone) {
		return nil, d, err
	}
	x, err := fresh(w)
	return x, d, err
}

func fresh(w *writing) (*sheet, error) {
	raw := w.cna
	if raw == nil {
		raw = []byte(`{}`)
	}
	state, err := form.Parse(raw)
	if err != nil {
		return nil, err
	}
	state.Invite()
	return &sheet{state: state, base: w.leaf}, nil
}

func (s *server) editorOpen(v *visit) error {
	w, err := s.writing(v)
	if err != nil {
		return err
	}
	x, d, err := s.begun(v, w)
	if err != nil {
		return err
	}
	q := v.r.URL.Query()
	var say said
	if q.Get("draft") == "aside" {
		other, err := s.Editing.Drafts.Aside(v.r.Context(), v.me.User.ID, w.ID)
		if err == nil {
			aside, err := sheetOf(other)
			if err != nil {
				return err
			}
			x, say.aside = aside, true // it goes on from the version that it lost against, so that what it changes stays aside
		} else if !errors.Is(err, drafts.ErrNone) {
			return err
		}
	}
	say.checked = q.Get("checked") != ""
	say.draft = d
	return s.editorShow(v, http.StatusOK, w, x, say)
}

// received is the form as it came back, with what was typed in it.
func (s *server) received(v *visit, w *writing) (*sheet, error) {
	r := v.r
	if err := r.ParseForm(); err != nil {
		return nil, errTooLarge
	}
	f := r.PostForm
	if f["doc"] == nil && f["saved"] != nil { // the preview's button: what was looked at is what the draft keeps
		x, d, err := s.begun(v, w)
		if err == nil && strconv.FormatInt(d.Version, 10) != f.Get("saved") {
			err = errMoved
		}
		return x, err
	}
	state, err := form.Parse([]byte(f.Get("doc")))
	if err != nil {
		return nil, errNoSheet
	}
	x := &sheet{state: state, base: -1, shown: f["shown"]}
	for name, into := range map[string]*int64{"version": &x.version, "base": &x.base} {
		if *into, err = strconv.ParseInt(f.Get(name), 10, 64); err != nil {
			return nil, errNoSheet
		}
	}
	before := pretty(state)
	state.Apply(f)
	if f["json"] == nil { // a script says so where nobody wrote there
		return x, nil
	}
	return x, x.read(f.Get("json"), before, f.Get("op") == "json")
}

// read takes the container's text, where somebody changed it.
func (x *sheet) read(typed, before string, asked bool) error {
	typed = strings.ReplaceAll(typed, "\r\n", "\n")
	after := pretty(x.state)
	if typed == before || typed == after {
		return nil
	}
	if after != before && !asked {
		x.text, x.apart = typed, true
		return nil
	}
	state, err := form.Parse([]byte(typed))
	if err != nil {
		x.text, x.textProblem = typed, err.Error()
		return nil
	}
	// A whole record may be pasted, too.
	if cna, err := cnaOf([]byte(typed)); err == nil {
		if state, err = form.Parse(cna); err != nil {
			return err
		}
	}
	state.Drop("providerMetadata")
	state.Invite()
	x.state = state
	return nil
}

// pretty is the container without its blank rows, for people to read.
func pretty(state *form.State) string {
	raw, _ := state.Clean()
	v := jsontext.Value(raw)
	if v.Indent(jsontext.WithIndent("  ")) != nil {
		return string(raw)
	}
	return string(v)
}

var (
	errNoSheet  = errors.New("portal: the form came back without what it was drawn from")
	errTooLarge = errors.New("portal: the form is too large")
	errMoved    = errors.New("portal: the draft is another than the one that was looked at")
)

// sheetProblem is the page for a form that cannot be read at all.
var sheetProblem = page.Error{Status: http.StatusBadRequest, Name: "sheet"}

// opened is what begins every step: who writes what, and the form as it came. A nil sheet with a nil error means that the
// answer is given.
func (s *server) opened(v *visit) (*writing, *sheet, error) {
	w, err := s.writing(v)
	if err != nil {
		return nil, nil, err
	}
	x, err := s.received(v, w)
	switch {
	case errors.Is(err, errNoSheet), errors.Is(err, errTooLarge):
		s.Refuse(v.w, v.r, sheetProblem)
		return w, nil, nil
	case errors.Is(err, errMoved):
		return w, nil, v.back(w.at() + "/edit")
	}
	return w, x, err
}

// keep saves the form as the visitor's draft and tells in say what came of it. A form that says what the list says, and of
// which there is no draft, is not worth one.
func (s *server) keep(v *visit, w *writing, x *sheet, overrule bool, say *said) error {
	if x.version == 0 && !overrule {
		clean, _ := x.state.Clean()
		untouched, err := fresh(w)
		if err != nil {
			return err
		}
		if was, _ := untouched.state.Clean(); string(clean) == string(was) && string(x.state.Encode()) == string(untouched.state.Encode()) {
			return nil
		}
	}
	body, err := x.body()
	if err != nil {
		return err
	}
	save := s.Editing.Drafts.Save
	if overrule {
		save = s.Editing.Drafts.Overrule
	}
	d, err := save(v.r.Context(), v.me.User.ID, drafts.Draft{Subject: w.ID, Org: v.me.Org.ID, Version: x.version, Body: body})
	switch {
	case errors.Is(err, drafts.ErrStale):
		say.stale, say.draft = true, d
		return nil
	case errors.Is(err, drafts.ErrLarge), errors.Is(err, drafts.ErrMany):
		say.unkept = true
		return nil
	case err != nil:
		return err
	}
	x.version, say.draft = d.Version, d
	return nil
}

// editorStep carries out a button of the form that leads to the form again.
func (s *server) editorStep(v *visit) error {
	w, x, err := s.opened(v)
	if x == nil || err != nil {
		return err
	}
	op, rest, _ := strings.Cut(v.r.PostForm.Get("op"), " ")
	say := said{checked: v.r.PostForm.Get("checked") != ""}
	switch op {
	case "add":
		name, variant, _ := strings.Cut(rest, " ")
		if row, ok := x.state.Add(name, variant); ok {
			say.focus = row
			x.show(name)
		}
	case "remove":
		x.state.Remove(rest)
		x.state.Invite()
		say.focus = rest
	case "copy":
		if row, ok := x.state.Copy(rest); ok {
			say.focus = row
		}
	case "up":
		if row, ok := x.state.Up(rest); ok {
			say.focus = row
		}
	case "show":
		x.show(rest)
		say.focus = rest
	case "find":
		say.find, say.focus = rest, rest
	case "cwe":
		name, id, _ := strings.Cut(rest, " ")
		x.state.Apply(map[string][]string{name: {id}})
		say.focus = name
	case "json":
		say.focus = "json"
	case "start":
		return s.editorStart(v, w, x, v.r.PostForm.Get("start"))
	case "template":
		if say.template, err = s.saveTemplate(v, x, v.r.PostForm.Get("template")); err != nil {
			return err
		}
	case "discard":
		if err := s.Editing.Drafts.Delete(v.r.Context(), v.me.User.ID, w.ID); err != nil {
			return err
		}
		return v.back(w.at() + "/edit")
	case "drop-aside":
		if err := s.Editing.Drafts.DropAside(v.r.Context(), v.me.User.ID, w.ID); err != nil {
			return err
		}
	}
	if err := s.keep(v, w, x, op == "overrule", &say); err != nil {
		return err
	}
	return s.editorShow(v, http.StatusOK, w, x, say)
}

// show notes a list whose rows are all wanted.
func (x *sheet) show(name string) {
	if !slices.Contains(x.shown, name) {
		x.shown = append(x.shown, name)
	}
}

// editorStart begins with a template or with another record.
func (s *server) editorStart(v *visit, w *writing, x *sheet, from string) error {
	kind, name, _ := strings.Cut(from, " ")
	var raw []byte
	switch kind {
	case "template":
		t, err := s.Editing.Drafts.Template(v.r.Context(), v.me.Org.ID, name)
		if errors.Is(err, drafts.ErrNone) {
			return v.back(w.at() + "/edit")
		}
		if err != nil {
			return err
		}
		raw = t.Body
	case "record":
		other, err := s.Editing.Records.Get(v.r.Context(), name)
		if err != nil || other.State != cve.Published {
			return v.back(w.at() + "/edit")
		}
		if raw, err = other.Compact(); err == nil {
			raw, err = cnaOf(raw)
		}
		if err != nil {
			return err
		}
	default:
		return v.back(w.at() + "/edit")
	}
	state, err := form.Parse(raw)
	if err != nil {
		return err
	}
	// When this vulnerability became public, and was numbered, the other record does not know.
	state.Drop("datePublic")
	state.Drop("dateAssigned")
	state.Invite()
	x.state = state
	var say said
	if err := s.keep(v, w, x, false, &say); err != nil {
		return err
	}
	return s.editorShow(v, http.StatusOK, w, x, say)
}

// editorSave keeps the draft. A script is told how the record stands.
func (s *server) editorSave(v *visit) error {
	w, x, err := s.opened(v)
	if x == nil || err != nil {
		return err
	}
	say := said{checked: v.r.PostForm.Get("checked") != ""}
	if err := s.keep(v, w, x, false, &say); err != nil {
		return err
	}
	if wantsJSON(v.r) {
		return s.editorTell(v, w, x, say)
	}
	if say.stale || say.unkept || x.text != "" {
		return s.editorShow(v, http.StatusConflict, w, x, say)
	}
	return v.back(w.at() + "/edit")
}

// editorCheck keeps the draft and says what is wrong with it.
func (s *server) editorCheck(v *visit) error {
	w, x, err := s.opened(v)
	if x == nil || err != nil {
		return err
	}
	say := said{checked: true}
	if err := s.keep(v, w, x, false, &say); err != nil {
		return err
	}
	if wantsJSON(v.r) {
		return s.editorTell(v, w, x, say)
	}
	return s.editorShow(v, http.StatusOK, w, x, say)
}

func wantsJSON(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "application/json")
}
