package portal

import (
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"tasuki/web/i18n"
	"tasuki/web/portal"
)

// perTrail is how many lines a page of the trail has of either kind.
const perTrail = 50

// trail shows what whoever is signed in did, and what was refused to them.
func (s *server) trail(v *visit) error {
	lang, q := v.frame.Page.Lang, v.r.URL.Query()
	at := func(name string) int64 {
		n, err := strconv.ParseInt(q.Get(name), 10, 64)
		if err != nil || n < 0 {
			return 0
		}
		return n
	}
	deeds, err := s.Acts.Deeds(v.r.Context(), v.me.Caller, at("deeds"), perTrail)
	if err != nil {
		return err
	}
	refusals, err := s.Acts.Trail(v.r.Context(), v.me.Caller, at("refusals"), perTrail)
	if err != nil {
		return err
	}
	older := func(name string, before int64) string {
		next := url.Values{"deeds": q["deeds"], "refusals": q["refusals"]}
		next.Set(name, strconv.FormatInt(before, 10))
		return "/portal/trail?" + next.Encode()
	}
	var out portal.Trail
	for _, d := range deeds {
		out.Deeds = append(out.Deeds, portal.Deed{At: d.At, What: kindWords(lang, string(d.Kind)), ID: d.ID, Leaf: d.Leaf, Own: d.Own})
	}
	if len(deeds) == perTrail {
		out.Older = older("deeds", deeds[perTrail-1].Leaf)
	}
	for _, r := range refusals {
		out.Refusals = append(out.Refusals, portal.Refusal{At: r.At, Reason: plainReason(r.Reason)})
	}
	if len(refusals) == perTrail {
		out.More = older("refusals", refusals[perTrail-1].N)
	}
	v.title(lang.T("portal.nav.trail"))
	out.Frame = v.frame
	s.Send(v.w, v.r, http.StatusOK, portal.TrailBody(out))
	return nil
}

// kindWords is what a kind of event is called.
func kindWords(l i18n.Lang, kind string) string {
	name, _, _ := strings.Cut(kind, "/")
	if i18n.Has("kind." + name) {
		return l.T("kind." + name)
	}
	return name
}

// inward is what an error says for those who read logs: whose it is and where it arose.
var inward = regexp.MustCompile(`member:[0-9a-f-]{36}/[0-9a-f-]{36}: |authority: not allowed: `)

// plainReason is an error as a person reads it.
func plainReason(reason string) string { return inward.ReplaceAllString(reason, "") }
