package portal

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"tasuki/internal/authority"
	"tasuki/internal/event"
	"tasuki/internal/gate"
	"tasuki/internal/program"
	"tasuki/internal/registry"
	"tasuki/web/portal"
)

const keysPath = "/portal/keys"

// aboutKeys mounts what is about an organisation's own keys, and where it hands in what they signed.
func (s *server) aboutKeys() {
	s.handle("GET "+keysPath, func(v *visit) error { return s.showKeys(v, http.StatusOK, portal.Keys{}) })
	s.handle("POST "+keysPath+"/event", s.handIn)
	s.handle("POST "+keysPath+"/add", s.addKey)
	for _, of := range []string{"event", "add"} { // loaded again by their address
		s.handle("GET "+keysPath+"/"+of, func(v *visit) error { return v.back(keysPath) })
	}
}

func (s *server) showKeys(v *visit, status int, out portal.Keys) error {
	o, keys, err := s.Acts.Keys(v.r.Context(), v.me.Org.ID)
	if err != nil {
		return err
	}
	for _, k := range keys {
		out.Keys = append(out.Keys, portal.KeyRow{Key: k.Key, Label: k.Label, Recovery: k.Use == event.UseRecovery, Added: k.Added, Revoked: k.Revoked, Reason: k.Reason})
	}
	out.Self, out.May = o.SelfAttested(), v.me.MustBeSecretariatOrAdmin() == nil
	q := v.r.URL.Query()
	if did := q.Get("did"); did == "add" {
		out.Did = did
	} else if leaf, err := strconv.ParseUint(q.Get("leaf"), 10, 62); err == nil && did == "event" {
		out.Did, out.Leaf = did, strconv.FormatUint(leaf, 10)
	}
	v.title(v.frame.Page.Lang.T("portal.nav.keys"))
	out.Frame = v.frame
	s.Send(v.w, v.r, status, portal.KeysBody(out))
	return nil
}

// wrongKeys shows the page again with what is wrong with one of its forms.
func (s *server) wrongKeys(v *visit, out portal.Keys, field, key string) error {
	out.Problems = portal.Problems{{Field: field, Text: v.frame.Page.Lang.T("portal.keys." + key)}}
	return s.showKeys(v, http.StatusUnprocessableEntity, out)
}

// signedProblems are the errors that a signed event meets, and the words for each.
var signedProblems = []struct {
	err error
	key string
}{
	{event.ErrSignature, "bad.signature"},
	{event.ErrSubmission, "bad.event"},
	{gate.ErrForeign, "bad.list"},
	{registry.ErrPrev, "bad.prev"},
	{program.ErrFuture, "bad.future"},
	{program.ErrForm, "bad.form"},
	{registry.ErrClaim, "bad.claim"},
	{authority.ErrNotSigned, "bad.signer"},
	{authority.ErrDenied, "bad.signer"},
}

// handIn takes an event that was signed elsewhere, pasted or as a file. Who is signed in does not matter for it: its signature counts.
func (s *server) handIn(v *visit) error {
	out := portal.Keys{Event: strings.TrimSpace(v.r.PostFormValue("event"))}
	raw := []byte(out.Event)
	if len(raw) == 0 {
		file, _, err := v.r.FormFile("file")
		if err != nil {
			return s.wrongKeys(v, out, "event", "bad.none")
		}
		defer file.Close() //nolint:errcheck // only read
		if raw, err = io.ReadAll(io.LimitReader(file, event.MaxSubmission+1)); err != nil {
			return fmt.Errorf("signed event of a form: %w", err)
		}
	}
	got, err := s.Acts.SubmitEvent(v.r.Context(), raw)
	var invalid *program.InvalidRecord
	if errors.As(err, &invalid) {
		return s.wrongKeys(v, out, "event", "bad.record")
	}
	for _, p := range signedProblems {
		if errors.Is(err, p.err) && !errors.Is(err, authority.ErrSealed) {
			return s.wrongKeys(v, out, "event", p.key)
		}
	}
	if err != nil {
		return err
	}
	return v.back(keysPath + "?did=event&leaf=" + strconv.FormatInt(got.Leaf, 10))
}

func (s *server) addKey(v *visit) error {
	f := v.r.PostForm
	out := portal.Keys{Key: strings.TrimSpace(f.Get("key")), Label: strings.TrimSpace(f.Get("label")), Recovery: f.Get("recovery") != ""}
	use := event.UseEvents
	if out.Recovery {
		use = event.UseRecovery
	}
	err := s.Acts.AddKey(v.r.Context(), v.me.Caller, program.NewKey{Org: v.me.Org.ID, Key: out.Key, Label: out.Label, Use: use})
	switch {
	case errors.Is(err, authority.ErrKeyKnown):
		return s.wrongKeys(v, out, "key", "bad.known")
	case errors.Is(err, event.ErrMalformed) && (out.Label == "" || len(out.Label) > event.MaxLabel):
		return s.wrongKeys(v, out, "label", "bad.label")
	case errors.Is(err, event.ErrMalformed):
		return s.wrongKeys(v, out, "key", "bad.key")
	case err != nil:
		return err
	}
	return v.back(keysPath + "?did=add")
}
