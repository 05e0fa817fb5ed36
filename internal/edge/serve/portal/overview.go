package portal

import (
	"net/http"

	"tasuki/web/portal"
)

// overview is the first page: what the organisation holds, and what is due.
func (s *server) overview(v *visit) error {
	out := portal.Overview{OrgName: v.me.Org.Name, Assigns: v.me.MustBeCNA() == nil}
	if out.Assigns {
		h, err := s.Acts.Holdings(v.r.Context(), v.me.Caller, v.me.Org.Short)
		if err != nil {
			return err
		}
		out.Quota = portal.Meter(h.Quota)
		for _, c := range []portal.Count{{Key: "RESERVED", N: h.Quota.Reserved}, {Key: "PUBLISHED", N: h.Published}, {Key: "REJECTED", N: h.Rejected}} {
			c.Href = "/portal/ids?state=" + c.Key
			out.States = append(out.States, c)
		}
	}
	var err error
	if out.Dues, err = s.dues(v); err != nil {
		return err
	}
	v.title(v.frame.Page.Lang.T("portal.nav.overview"))
	out.Frame = v.frame
	s.Send(v.w, v.r, http.StatusOK, portal.OverviewBody(out))
	return nil
}
