package web

import (
	"net/http"
	"time"

	"tasuki/internal/continuity"
	"tasuki/web/i18n"
	page "tasuki/web/mirrors"
)

// mirrors is the page of who keeps the list beside its operator: when a checkpoint counts, and how far each of them is.
func (s *server) mirrors(w http.ResponseWriter, r *http.Request) {
	now, err := s.Continuity.Situation(r.Context())
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	p, _ := s.Page(w, r)
	l := p.Lang
	p.Title = l.T("mirrors.title")
	v := page.View{Page: p, Alone: len(now.Mirrors)+len(now.Witnesses) == 0, Rule: quorumRule(l, &now), Published: now.Published.Size, Time: now.Published.Time,
		Pending: max(0, now.Pending-now.Published.Size), Waiting: now.Waiting, Reports: int64(now.R), Mirrors: keepers(l, &now, now.Mirrors),
		Witnesses: keepers(l, &now, now.Witnesses), Hold: holdWords(l, now.Hold), How: "tasuki backup list.backup\ntasuki mirror keygen --name m1.example/cve m1.key\n" +
			"tasuki charter draft --log-key … --mirror …,https://m1.example --mirror … draft.json\n"}
	if own := now.Copy; own != nil {
		v.Copy = &page.Copy{Client: now.Role == continuity.RoleClient, Operator: now.Operator.URL, Source: own.Source, Size: now.Size, Behind: own.Behind, Key: own.Key,
			Listed: own.Listed, Cosigned: own.Cosigned, Sealed: own.Sealed, Problem: own.Problem, Since: own.Since}
		if stop := now.Stop; stop != nil {
			v.Copy.Stop = &page.Stop{Size: stop.Size, At: stop.At, Reason: stop.Reason}
		}
	}
	s.Send(w, r, http.StatusOK, page.Body(v))
}

// keepers are the rows of a table. A party that is not among the signatures may be late, behind, or not heard of at all: these are not alike.
func keepers(l i18n.Lang, now *continuity.Situation, list []continuity.Keeper) (out []page.Keeper) {
	for _, k := range list {
		row := page.Keeper{Name: k.Name, URL: k.URL, Size: k.Size, At: k.At, Behind: k.Behind, Own: k.Own}
		switch {
		case k.Counted:
			row.State = "counted"
		case k.Size == 0:
			row.State = "unseen"
		case k.Behind > 0:
			row.State = "behind"
			if lag := now.Published.Time.Sub(k.At); lag >= time.Second {
				row.Lag = lagWords(l, lag)
			}
		default:
			row.State = "late"
		}
		out = append(out, row)
	}
	return out
}

// lagWords is how long, in the largest unit that fits.
func lagWords(l i18n.Lang, d time.Duration) string {
	switch {
	case d < time.Minute:
		return l.N("lag.seconds", int64(d/time.Second))
	case d < time.Hour:
		return l.N("lag.minutes", int64(d/time.Minute))
	case d < 48*time.Hour:
		return l.N("lag.hours", int64(d/time.Hour))
	}
	return l.N("lag.days", int64(d/(24*time.Hour)))
}

// holdWords says why a copy does not move, and what ends that.
func holdWords(l i18n.Lang, h continuity.Hold) string {
	if !h.Held() {
		return ""
	}
	return l.T("mirrors.hold."+string(h.Why), l.Date(h.At))
}
