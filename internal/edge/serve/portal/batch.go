package portal

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"tasuki/internal/authority"
	"tasuki/internal/program"
	"tasuki/internal/registry"
	"tasuki/spec/cve"
	"tasuki/web/i18n"
	"tasuki/web/portal"
)

// maxBatch is how many identifiers one form may change: each is a command of its own, and the browser waits.
const maxBatch = 1000

// batch asks what is to be done to some identifiers, shows what that means, and, when that page is confirmed, does it.
func (s *server) batch(v *visit) error {
	form := v.r.PostForm
	do := form.Get("do")
	if !slices.Contains([]string{"reject", "restore", "transfer"}, do) {
		return s.listIDs(v, form, nil)
	}
	ids, wrong, err := s.chosen(v)
	switch {
	case err != nil:
		return err
	case len(wrong) > 0:
		return s.listIDs(v, form, wrong)
	}
	lang := v.frame.Page.Lang
	out := portal.Batch{Do: do, Reason: strings.TrimSpace(form.Get("reason")), ReasonJA: strings.TrimSpace(form.Get("reason_ja")), Replaced: form.Get("replaced"),
		Target: strings.TrimSpace(form.Get("target"))}
	var able []program.Identifier
	for _, id := range ids {
		i, err := s.Acts.ID(v.r.Context(), v.me.Caller, id)
		if err != nil && !errors.Is(err, registry.ErrNotFound) {
			return err
		}
		if why := unable(do, &i); why != "" {
			out.Left = append(out.Left, portal.Left{ID: id, Why: lang.T("portal.why." + why)})
			continue
		}
		able = append(able, i)
		out.Records = out.Records || i.Record
	}
	out.IDs = rows(able)
	status := http.StatusOK
	if form.Get("sure") != "" && len(able) > 0 {
		var replacedBy []string
		replacedBy, out.Problems = s.unclear(v, &out)
		if len(out.Problems) == 0 {
			return s.carryOut(v, &out, able, replacedBy)
		}
		status = http.StatusUnprocessableEntity
	}
	v.title(lang.T("portal.do." + do))
	out.Frame = v.frame
	s.Send(v.w, v.r, status, portal.BatchBody(out))
	return nil
}

// chosen are the identifiers that a form is about: those that were ticked, or all that its list has.
func (s *server) chosen(v *visit) (ids []string, wrong portal.Problems, err error) {
	form, lang := v.r.PostForm, v.frame.Page.Lang
	if form.Get("every") == "" {
		for _, text := range form["id"] {
			if id, err := cve.ParseID(text); err == nil && !slices.Contains(ids, id.String()) {
				ids = append(ids, id.String())
			}
		}
	} else {
		f := narrowed(form)
		f.Limit = maxBatch + 1
		list, _, err := s.Acts.IDsOf(v.r.Context(), v.me.Caller, v.whose(form), f)
		if err != nil {
			return nil, nil, err
		}
		for _, i := range list {
			ids = append(ids, i.ID)
		}
	}
	switch {
	case len(ids) == 0:
		wrong = portal.Problems{{Field: "selection", Text: lang.T("portal.select.none")}}
	case len(ids) > maxBatch:
		wrong = portal.Problems{{Field: "selection", Text: lang.T("portal.select.many", lang.Count(maxBatch))}}
	}
	return ids, wrong, nil
}

// unable says why something cannot be done to an identifier, as the end of a glossary key; "" when it can. The acts decide; this
// only spares people a form that leads nowhere.
func unable(do string, i *program.Identifier) string {
	switch {
	case !i.Whole || i.Owner == "":
		return "owner"
	case do == "reject" && i.State == cve.Rejected:
		return "rejected"
	case do == "restore" && i.State != cve.Rejected:
		return "notrejected"
	case do == "restore" && i.Record:
		return "record"
	}
	return ""
}

// unclear is what has to be put right before anything is done, and what else the form says.
func (s *server) unclear(v *visit, b *portal.Batch) (replacedBy []string, wrong portal.Problems) {
	lang := v.frame.Page.Lang
	switch b.Do {
	case "reject":
		if b.Records && b.Reason == "" {
			wrong = append(wrong, portal.Problem{Field: "reason", Text: lang.T("portal.reason.missing")})
		}
		for _, text := range strings.FieldsFunc(b.Replaced, func(r rune) bool { return r == ' ' || r == ',' || r == '、' || r == '\u3000' }) {
			id, err := cve.ParseID(strings.ToUpper(text))
			if err != nil {
				return nil, append(wrong, portal.Problem{Field: "replaced", Text: lang.T("portal.replaced.bad")})
			}
			replacedBy = append(replacedBy, id.String())
		}
		if b.Reason == "" && (b.ReasonJA != "" || len(replacedBy) > 0) && len(wrong) == 0 {
			wrong = append(wrong, portal.Problem{Field: "reason", Text: lang.T("portal.reason.first")})
		}
	case "transfer":
		if known, err := s.Acts.KnownOrg(v.r.Context(), b.Target); err != nil || !known {
			wrong = append(wrong, portal.Problem{Field: "target", Text: lang.T("portal.target.bad")})
		}
	}
	return replacedBy, wrong
}

// carryOut does it, to each identifier by itself: what cannot be done to one does not keep the others.
func (s *server) carryOut(v *visit, b *portal.Batch, ids []program.Identifier, replacedBy []string) error {
	lang := v.frame.Page.Lang
	out := portal.Outcome{Do: b.Do, Left: b.Left}
	var container []byte
	if b.Do == "reject" && b.Reason != "" {
		var err error
		if container, err = rejection(b.Reason, b.ReasonJA, replacedBy); err != nil {
			return err
		}
	}
	for i := range ids {
		if err := v.r.Context().Err(); err != nil {
			return err // nobody reads the answer; what was done is done
		}
		err := s.do(v, b, &ids[i], container)
		switch {
		case err == nil:
			out.Done = append(out.Done, ids[i].ID)
		case errors.Is(err, authority.ErrSealed), errors.Is(err, authority.ErrUnauthorized):
			return err
		default:
			out.Left = append(out.Left, portal.Left{ID: ids[i].ID, Why: s.why(v, err)})
		}
	}
	v.title(lang.T("portal.outcome"))
	out.Frame = v.frame
	s.Send(v.w, v.r, http.StatusOK, portal.OutcomeBody(out))
	return nil
}

func (s *server) do(v *visit, b *portal.Batch, i *program.Identifier, container []byte) (err error) {
	ctx, me := v.r.Context(), v.me.Caller
	rejected, reserved := cve.Rejected, cve.Reserved
	switch {
	case b.Do == "transfer":
		_, err = s.Acts.ChangeID(ctx, me, i.ID, program.IDChange{Org: &b.Target})
	case b.Do == "restore":
		_, err = s.Acts.ChangeID(ctx, me, i.ID, program.IDChange{State: &reserved})
	case container == nil:
		_, err = s.Acts.ChangeID(ctx, me, i.ID, program.IDChange{State: &rejected})
	default:
		want := program.WantNone
		if i.Record {
			want = program.WantOne
		}
		_, err = s.Acts.Reject(ctx, me, program.Submission{ID: i.ID, Container: container, Want: want})
	}
	return err
}

// rejection is the container of a rejected record (CVE Record Format 5.2, cnaRejectedContainer).
func rejection(en, ja string, replacedBy []string) ([]byte, error) {
	type text struct {
		Lang  i18n.Lang `json:"lang"`
		Value string    `json:"value"`
	}
	c := struct {
		Reasons    []text   `json:"rejectedReasons"`
		ReplacedBy []string `json:"replacedBy,omitempty"`
	}{[]text{{i18n.English, en}}, replacedBy}
	if ja != "" {
		c.Reasons = append(c.Reasons, text{i18n.Japanese, ja})
	}
	return json.Marshal(c)
}

// whys is the table from the acts' errors to the ends of glossary keys, for lines of a list.
var whys = []struct {
	err error
	key string
}{
	{program.ErrNotOwner, "owner"},
	{registry.ErrHasRecord, "record"},
	{registry.ErrRejected, "rejected"},
	{program.ErrNoQuota, "quota"},
	{authority.ErrDenied, "denied"},
}

func (s *server) why(v *visit, err error) string {
	lang := v.frame.Page.Lang
	for _, known := range whys {
		if errors.Is(err, known.err) {
			return lang.T("portal.why." + known.key)
		}
	}
	var invalid *program.InvalidRecord
	if errors.As(err, &invalid) {
		return lang.T("portal.why.form")
	}
	s.Log.ErrorContext(v.r.Context(), "act not carried out", "path", v.r.URL.Path, "err", err)
	return lang.T("portal.why.fault")
}
