package portal

import (
	"errors"
	"net/http"
	"time"

	"tasuki/internal/program"
	"tasuki/internal/registry"
	"tasuki/spec/cve"
	"tasuki/spec/cve/schema"
	"tasuki/web/editor"
)

// editorPublish puts the container on the list.
func (s *server) editorPublish(v *visit) error {
	w, x, err := s.opened(v)
	if x == nil || err != nil {
		return err
	}
	say := said{checked: true}
	if err := s.keep(v, w, x, false, &say); err != nil {
		return err
	}
	clean, _ := x.state.Clean()
	switch {
	case say.stale, x.text != "":
		return s.editorShow(v, http.StatusConflict, w, x, say)
	case x.base != w.leaf:
		// Somebody else has published meanwhile. Pressing again is a decision.
		x.base, say.overtaken = w.leaf, true
		return s.editorShow(v, http.StatusConflict, w, x, say)
	case cve.HasErrors(findings(s.Editing.Schema, w, clean, s.Now())):
		say.refused = true
		return s.editorShow(v, http.StatusUnprocessableEntity, w, x, say)
	}
	_, err = s.Acts.Publish(v.r.Context(), v.me.Caller, program.Submission{ID: w.ID, Container: clean, Want: w.want()})
	var invalid *program.InvalidRecord
	switch {
	case errors.As(err, &invalid):
		say.refused, say.findings = true, invalid.Findings
		return s.editorShow(v, http.StatusUnprocessableEntity, w, x, say)
	case errors.Is(err, program.ErrRecordExists), errors.Is(err, registry.ErrNoRecord):
		if w, err = s.writing(v); err != nil {
			return err
		}
		x.base, say.overtaken = w.leaf, true
		return s.editorShow(v, http.StatusConflict, w, x, say)
	case err != nil:
		return err
	}
	// The record is on the list, whatever becomes of the draft.
	if err := s.Editing.Drafts.Delete(v.r.Context(), v.me.User.ID, w.ID); err != nil {
		s.Log.WarnContext(v.r.Context(), "draft of a published record not deleted", "err", err)
	}
	return v.back("/cve/" + w.ID)
}

// editorPreview keeps the draft and shows the record that it would make.
func (s *server) editorPreview(v *visit) error {
	w, x, err := s.opened(v)
	if x == nil || err != nil {
		return err
	}
	var say said
	if err := s.keep(v, w, x, false, &say); err != nil {
		return err
	}
	if say.stale || say.unkept || x.text != "" {
		return s.editorShow(v, http.StatusConflict, w, x, say)
	}
	return s.preview(v, w, x)
}

// editorPreviewed shows the record that the draft would make.
func (s *server) editorPreviewed(v *visit) error {
	w, err := s.writing(v)
	if err != nil {
		return err
	}
	x, _, err := s.begun(v, w)
	if err != nil {
		return err
	}
	return s.preview(v, w, x)
}

func (s *server) preview(v *visit, w *writing, x *sheet) error {
	clean, _ := x.state.Clean()
	out := editor.Preview{ID: w.ID, At: w.at(), New: w.cna == nil, Version: x.version}
	for _, f := range findings(s.Editing.Schema, w, clean, s.Now()) {
		if f.Severity == cve.SeverityError {
			out.Errors++
		}
	}
	raw, err := assembled(v, w, clean, s.Now())
	if err != nil {
		return err
	}
	rec, _, err := cve.DecodeLoose(raw) // what is wrong with it is said above it
	if err != nil {
		return v.back(w.at() + "/edit?checked=1")
	}
	l := v.frame.Page.Lang
	out.Record = s.Editing.Sketch(l, rec)
	if !out.New {
		// By its own date the record would differ in any case.
		at, _, err := cve.ParseTime(w.rec.Metadata.DateUpdated)
		if err != nil {
			at = s.Now()
		}
		if raw, err = assembled(v, w, clean, at); err != nil {
			return err
		}
		if out.Changes, out.Count, err = s.Editing.Compare(l, w.current, raw); err != nil {
			return err
		}
	}
	v.title(w.ID + " " + l.T("edit.preview"))
	v.frame.Page.Path = w.at() + "/preview"
	out.Frame = v.frame
	s.Send(v.w, v.r, http.StatusOK, editor.PreviewBody(out))
	return nil
}

// assembled is the record as it would be on the list.
func assembled(v *visit, w *writing, clean []byte, at time.Time) ([]byte, error) {
	return cve.Assemble(w.current, []cve.Put{{
		ID: w.ID, Cont: cve.CNA, Org: v.me.Org.ID, ShortName: v.me.Org.Short, At: at, DataVersion: schema.Current,
		Reserved: cve.FormatTime(w.Reserved), Assigner: w.Owner, AssignerName: w.OwnerName, Body: clean,
	}})
}
