package web

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"tasuki/internal/event"
	"tasuki/web/i18n"
)

// detail tells an entry from others of its kind.
func detail(l i18n.Lang, e *event.Event, names func(org string) string) string {
	switch {
	case e.State != "":
		return l.T("state." + e.State)
	case e.Kind == event.ImportNoted:
		return e.Source
	case e.Kind == event.EpochOpened:
		return l.Count(e.Epoch)
	case e.Leaf != nil:
		return l.Count(*e.Leaf)
	case e.Kind == event.RecordPut:
		return strings.ToUpper(e.Cont)
	case e.Kind == event.RulePackAdopted:
		return e.Pack
	case e.Kind == event.RangeOpened, e.Kind == event.PoolCarved:
		return strconv.FormatInt(e.Year, 10)
	case e.Role != "":
		return e.Role + " " + names(e.Org)
	case e.Outcome != "":
		return e.Outcome
	case len(e.IDs) > 0:
		return ids(l, e)
	case e.Org != "" && e.Kind != event.RecordRejected:
		return names(e.Org)
	}
	return ""
}

// fewIDs is how many identifiers a sentence names.
const fewIDs = 5

// ids are the identifiers that an entry about several names; what is hidden has none.
func ids(l i18n.Lang, e *event.Event) string {
	switch n := len(e.IDs); {
	case n == 0 && e.ID != "":
		return e.ID
	case n == 0:
		return l.T("says.hidden")
	case n > fewIDs:
		return strings.Join(e.IDs[:fewIDs], l.T("list.comma")) + " … (" + l.Count(int64(n)) + ")"
	}
	return strings.Join(e.IDs, l.T("list.comma"))
}

// sentence says what an entry says.
func sentence(l i18n.Lang, e *event.Event, names func(org string) string) string {
	switch e.Kind {
	case event.RecordImported:
		if e.Base {
			return l.T("says.base", e.ID, l.T("state."+e.State))
		}
		return l.T("says.imported", e.ID, l.T("state."+e.State))
	case event.RecordPut:
		return l.T("says.put."+e.Cont, e.ID, names(e.By))
	case event.RecordRejected:
		return l.T("says.rejected", e.ID, names(e.By))
	case event.RecordReplaced:
		return l.T("says.replaced", e.ID, names(e.By), l.T("state."+e.State))
	case event.ImportNoted:
		return l.T("says.import", e.Source, outcomeWords(l, e.Counts))
	case event.EpochOpened:
		return l.T("says.epoch", l.Count(e.Epoch), l.Count(e.Size))
	case event.CharterNoted:
		return l.T("says.charter")
	case event.Heartbeat:
		return l.T("says.heartbeat")
	case event.BodyErased:
		return l.T("says.erased", l.Count(*e.Leaf), e.Reason)
	case event.PrivateFact:
		return l.T("says.private")
	}
	if says := authoritySays(l, e, names); says != "" {
		return says
	}
	if says := ownSays(l, e, names); says != "" {
		return says
	}
	if says := caseSays(l, e, names); says != "" {
		return withClock(l, e, says)
	}
	return l.T("says.kind", kindWords(l, e.Kind))
}

// authoritySays is what is said of organisations, roles and identifiers.
func authoritySays(l i18n.Lang, e *event.Event, names func(org string) string) string {
	switch e.Kind {
	case event.RulePackAdopted:
		return l.T("says.rulepack", e.Pack)
	case event.OrgRegistered:
		return l.T("says.org.registered", names(e.Org))
	case event.OrgRenamed:
		return l.T("says.org.renamed", names(e.Org))
	case event.OrgAdopted:
		return l.T("says.org.adopted", names(e.Org))
	case event.GrantGiven:
		return l.T("says.grant.given", names(e.Org), e.Role)
	case event.GrantEnded:
		return l.T("says.grant.ended", names(e.Org), e.Reason)
	case event.RangeOpened:
		return l.T("says.range", strconv.FormatInt(e.Year, 10))
	case event.PoolCarved:
		return l.T("says.pool", strconv.FormatInt(e.Year, 10), l.Count(e.First), l.Count(e.Last))
	case event.IDReserved:
		return l.T("says.id.reserved", e.ID)
	case event.IDRejected:
		return l.T("says.id.rejected", e.ID)
	case event.IDRestored:
		return l.T("says.id.restored", e.ID)
	case event.IDTransferred:
		return l.T("says.id.transferred", e.ID, names(e.From), names(e.To))
	}
	return ""
}

// caseSays is what is said of the Program's workflows.
func caseSays(l i18n.Lang, e *event.Event, names func(org string) string) string {
	level := l.T("level.cna")
	if i18n.Has("level." + e.Level) {
		level = l.T("level." + e.Level)
	}
	switch e.Kind {
	case event.DisputeOpened:
		return l.T("says.dispute.opened", ids(l, e), level)
	case event.DisputeAcknowledged:
		return l.T("says.dispute.acknowledged", capital(level))
	case event.DisputeExtended:
		return l.T("says.dispute.extended", capital(level))
	case event.DisputeEscalated:
		return l.T("says.dispute.escalated", level)
	case event.DisputeDecided:
		return l.T("says.dispute.decided", capital(level), e.Outcome)
	case event.RefusalAsked:
		return l.T("says.refusal.asked", names(e.Org), ids(l, e))
	case event.RefusalNoted:
		return l.T("says.refusal.noted", names(e.Org), e.Reason)
	case event.RefusalClosed:
		return l.T("says.refusal.closed", e.Outcome)
	case event.DirectionGiven:
		return l.T("says.direction.given", names(e.Org), ids(l, e))
	case event.DirectionEnded:
		return l.T("says.direction.ended", names(e.Org), e.Reason)
	case event.TransferAsked:
		return l.T("says.transfer.asked", ids(l, e), names(e.To))
	case event.TransferClosed:
		return l.T("says.transfer.closed", e.Outcome)
	case event.NoticeSent:
		return l.T("says.notice.sent", names(e.Org), e.Level)
	case event.NoticeClosed:
		return l.T("says.notice.closed", names(e.Org), e.Outcome)
	case event.RBPNoted:
		return l.T("says.rbp", e.ID, e.Source)
	case event.SplitNoted:
		return l.T("says.split", e.ID, ids(l, e))
	case event.MergeNoted:
		return l.T("says.merge", e.ID, ids(l, e))
	}
	return ""
}

// withClock adds what comes next, as the rules had it computed.
func withClock(l i18n.Lang, e *event.Event, says string) string {
	switch {
	case e.Pack == "":
		return says
	case e.Due.IsZero():
		return l.T("says.then", says, l.T("says.rules", e.Pack))
	}
	return l.T("says.then", says, l.T("says.due", e.Due.UTC().Format(time.DateTime+" UTC"), e.Pack))
}

// capital begins an English sentence.
func capital(s string) string {
	if s[0] >= utf8.RuneSelf {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
