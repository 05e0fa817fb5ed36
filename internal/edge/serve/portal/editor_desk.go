package portal

import (
	"errors"
	"net/http"

	"tasuki/internal/drafts"
	"tasuki/web/editor"
)

// saveTemplate keeps the form as a template of the organisation; what it could not do comes back as a glossary key's end.
func (s *server) saveTemplate(v *visit, x *sheet, name string) (string, error) {
	body, _ := x.state.Clean()
	err := s.Editing.Drafts.SaveTemplate(v.r.Context(), v.me.Org.ID, drafts.Template{Name: name, By: v.me.User.ID, Body: body})
	switch {
	case errors.Is(err, drafts.ErrName):
		return "name", nil
	case errors.Is(err, drafts.ErrLarge), errors.Is(err, drafts.ErrMany):
		return "full", nil
	case err != nil:
		return "", err
	}
	return "saved", nil
}

// desk is the page of what the visitor has begun, and of the organisation's templates.
func (s *server) desk(v *visit) error {
	var out editor.Desk
	begun, err := s.Editing.Drafts.List(v.r.Context(), v.me.User.ID)
	if err != nil {
		return err
	}
	for _, d := range begun {
		if d.Org == v.me.Org.ID { // else begun for an organisation that they have left
			out.Drafts = append(out.Drafts, editor.Draft{ID: d.Subject, At: d.At})
		}
	}
	list, err := s.Editing.Drafts.Templates(v.r.Context(), v.me.Org.ID)
	if err != nil {
		return err
	}
	names, err := s.usernames(v)
	if err != nil {
		return err
	}
	for _, t := range list {
		out.Templates = append(out.Templates, editor.Template{Name: t.Name, By: names[t.By], At: t.At})
	}
	v.title(v.frame.Page.Lang.T("edit.template.all"))
	out.Frame = v.frame
	s.Send(v.w, v.r, http.StatusOK, editor.DeskBody(out))
	return nil
}

// usernames are what the users of the visitor's organisation are called, by UUID.
func (s *server) usernames(v *visit) (map[string]string, error) {
	users, _, err := s.Acts.UsersOf(v.r.Context(), v.me.Caller, v.me.Org.Short, 0, 1000)
	if err != nil {
		return nil, err
	}
	names := make(map[string]string, len(users))
	for _, u := range users {
		names[u.ID] = u.Username
	}
	return names, nil
}

// deskChange forgets a template.
func (s *server) deskChange(v *visit) error {
	if name := v.r.PostFormValue("remove"); name != "" {
		if err := s.Editing.Drafts.DeleteTemplate(v.r.Context(), v.me.Org.ID, name); err != nil {
			return err
		}
	}
	return v.back("/portal/templates")
}
