package portal

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tasuki/internal/catalogue"
	"tasuki/internal/drafts"
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
