package portal

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"tasuki/internal/authority"
	"tasuki/spec/qr"
	"tasuki/spec/totp"
	"tasuki/web/portal"
)

// aboutAccount mounts what is about whoever is signed in.
func (s *server) aboutAccount() {
	s.handle("GET /portal/account", func(v *visit) error { return s.showAccount(v, http.StatusOK, nil) })
	s.handle("POST /portal/account/name", s.rename)
	s.handle("POST /portal/account/key", s.renewKey)
	s.handle("GET "+totpPath, func(v *visit) error { return s.showTOTP(v, http.StatusOK, nil, nil) })
	s.handle("POST "+totpPath, s.setTOTP)
	s.handle("POST /portal/account/totp/off", s.dropTOTP)
	s.handle("POST /portal/account/sessions", s.endSessions)
	for _, of := range []string{"name", "key", "totp/off", "sessions"} { // loaded again by their address
		s.handle("GET /portal/account/"+of, func(v *visit) error { return v.back("/portal/account") })
	}
}

const totpPath = "/portal/account/totp"

func (s *server) showAccount(v *visit, status int, wrong portal.Problems) error {
	m, err := s.Acts.Member(v.r.Context(), v.me.Caller, v.me.User.ID)
	if err != nil {
		return err
	}
	sessions, err := s.Acts.Sessions().List(v.r.Context(), m.ID)
	if err != nil {
		return err
	}
	out := portal.Account{OrgName: v.me.Org.Name, Username: m.Username, Admin: m.Admin(), First: m.Name.First, Last: m.Name.Last, Middle: m.Name.Middle, Suffix: m.Name.Suffix,
		LastUsed: m.LastUsed, ByKey: v.session.Via == authority.ViaKey, TOTP: m.TOTP, Problems: wrong}
	if did := v.r.URL.Query().Get("did"); did == "name" || did == "totp" || did == "totpoff" || did == "session" {
		out.Did = did
	}
	for _, one := range sessions {
		out.Sessions = append(out.Sessions, portal.SessionRow{Name: one.Name, This: one.Name == v.session.Name, Agent: one.Client.Agent, Source: one.Client.Source,
			Began: one.Began, Seen: one.Seen, Provider: one.Via == authority.ViaOIDC})
	}
	v.title(v.frame.Page.Lang.T("portal.account"))
	out.Frame = v.frame
	s.Send(v.w, v.r, status, portal.AccountBody(out))
	return nil
}

// wrongAccount shows the account again with what is wrong with one of its forms.
func (s *server) wrongAccount(v *visit, field, key string) error {
	return s.showAccount(v, http.StatusUnprocessableEntity, portal.Problems{{Field: field, Text: v.frame.Page.Lang.T("portal." + key)}})
}

func (s *server) rename(v *visit) error {
	f := v.userForm()
	_, err := s.Acts.ChangeUser(v.r.Context(), v.me.Caller, v.me.Org.Short, v.me.User.Username,
		authority.UserChange{First: &f.First, Last: &f.Last, Middle: &f.Middle, Suffix: &f.Suffix}, nil)
	if errors.Is(err, authority.ErrPersonName) {
		return s.wrongAccount(v, "first", "person.bad")
	}
	if err != nil {
		return err
	}
	return v.back("/portal/account?did=name")
}

func (s *server) renewKey(v *visit) error {
	key, err := s.Acts.RenewKey(v.r.Context(), v.session, strings.TrimSpace(v.r.PostForm.Get("key")), from(v.r).Source)
	if errors.Is(err, authority.ErrUnauthorized) {
		return s.wrongAccount(v, "key", "key.bad")
	}
	if err != nil {
		return err
	}
	return s.showSecret(v, portal.Secret{Of: v.me.Org.Short, Username: v.me.User.Username, Key: key, On: "/portal/account"})
}

// showTOTP offers a key for one-time passwords: the one that was offered before, or a fresh one. It becomes the user's by a password
// that it makes, and is nowhere but on the page until then.
func (s *server) showTOTP(v *visit, status int, key []byte, wrong portal.Problems) error {
	if key == nil {
		key = make([]byte, totp.KeyLen)
		if _, err := io.ReadFull(s.Rand, key); err != nil {
			return fmt.Errorf("draw a key for one-time passwords: %w", err)
		}
	}
	text := totp.FormatKey(key)
	var groups []string
	for i := 0; i < len(text); i += 4 {
		groups = append(groups, text[i:i+4])
	}
	issuer := "Tasuki"
	if u, err := url.Parse(s.BaseURL); err == nil && u.Hostname() != "" {
		issuer += " " + u.Hostname()
	}
	out := portal.TOTP{Key: text, Grouped: strings.Join(groups, " "), URI: totp.URI(issuer, v.me.Org.Short+"/"+v.me.User.Username, key), Must: s.mustSetUp(v), Problems: wrong}
	if picture, err := qr.Encode(out.URI); err == nil { // names too long for one are typed
		out.Picture = picture
	}
	v.title(v.frame.Page.Lang.T("portal.totp.set"))
	out.Frame = v.frame
	s.Send(v.w, v.r, status, portal.TOTPBody(out))
	return nil
}

// mustSetUp says that whoever is signed in sees nothing else before they have set up one-time passwords.
func (s *server) mustSetUp(v *visit) bool {
	return s.RequireTOTP && v.session.Via == authority.ViaKey && !v.session.TOTP
}

func (s *server) setTOTP(v *visit) error {
	text := v.r.PostForm.Get("secret")
	key, err := totp.ParseKey(text)
	if err != nil {
		return s.showTOTP(v, http.StatusOK, nil, nil) // nobody types this field
	}
	err = s.Acts.SetTOTP(v.r.Context(), v.session, text, v.r.PostForm.Get("code"))
	if errors.Is(err, authority.ErrCode) {
		return s.showTOTP(v, http.StatusUnprocessableEntity, key, portal.Problems{{Field: "code", Text: v.frame.Page.Lang.T("portal.totp.bad")}})
	}
	if err != nil {
		return err
	}
	return v.back("/portal/account?did=totp")
}

func (s *server) dropTOTP(v *visit) error {
	err := s.Acts.DropTOTP(v.r.Context(), v.session, v.r.PostForm.Get("code"))
	if errors.Is(err, authority.ErrCode) {
		return s.wrongAccount(v, "code", "totp.bad")
	}
	if err != nil {
		return err
	}
	return v.back("/portal/account?did=totpoff")
}

func (s *server) endSessions(v *visit) (err error) {
	form := v.r.PostForm
	if form.Get("others") != "" {
		err = s.Acts.Sessions().EndOthers(v.r.Context(), v.me.User.ID, v.session.Name)
	} else {
		err = s.Acts.Sessions().EndNamed(v.r.Context(), v.me.User.ID, form.Get("end"))
	}
	if err != nil {
		return err
	}
	return v.back("/portal/account?did=session")
}
