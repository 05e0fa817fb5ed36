package web

import (
	"strconv"

	"tasuki/internal/event"
	"tasuki/web/i18n"
)

// ownSays is what is said of what authorities do with keys and numbers of their own.
func ownSays(l i18n.Lang, e *event.Event, names func(org string) string) string {
	year, first, last := strconv.FormatInt(e.Year, 10), strconv.FormatInt(e.First, 10), strconv.FormatInt(e.Last, 10)
	switch e.Kind {
	case event.KeyAdded:
		return l.T("says.key.added", names(e.Org), e.Label)
	case event.KeyRevoked:
		return l.T("says.key.revoked", names(e.Org), e.Reason)
	case event.AttestSet:
		if e.Mode == event.AttestSelf {
			return l.T("says.attest.self", names(e.Org))
		}
		return l.T("says.attest.operator", names(e.Org))
	case event.BlockGranted:
		return l.T("says.block.granted", year, first, last)
	case event.BlockClosed:
		return l.T("says.block.closed", year, first, last, e.Reason)
	case event.IDAlias:
		return l.T("says.alias", e.ID, e.Alias)
	case event.GCVEDirectory:
		return l.T("says.gcve.directory", e.Source)
	case event.GCVEAllocated:
		return l.T("says.gcve.allocated", e.ID)
	case event.GCVEPut:
		return l.T("says.gcve.put", e.ID, l.T("state."+e.State))
	case event.GCVERejected:
		return l.T("says.gcve.rejected", e.ID, e.Reason)
	case event.GCVEPulled:
		return l.T("says.gcve.pulled", e.ID, l.T("state."+e.State), e.From, e.Source)
	}
	return ""
}
