package web

import (
	"context"
	"time"

	"tasuki/internal/charter"
	"tasuki/internal/continuity"
	"tasuki/web/i18n"
)

// Continuity is who keeps the list and how it would go on, as the pages show it. All of it is public.
type Continuity interface {
	// Situation is how the list is kept at the moment.
	Situation(ctx context.Context) (continuity.Situation, error)
	// Epochs are the epochs of the list, oldest first.
	Epochs(ctx context.Context) ([]continuity.EpochState, error)
	// Charters are the chain, and the charters that are as valid as one of it, by version.
	Charters(ctx context.Context) (*charter.Chain, []*charter.Document, error)
	// Evidence is the newest of what was found wrong with others, and whether there is more.
	Evidence(ctx context.Context) (found []Finding, more bool, err error)
}

// Finding is a piece of evidence and what it proves by the list's charters alone.
type Finding struct {
	continuity.Evidence
	continuity.Proven
}

// issuedAt reads a time of a charter, whose form was checked when it was read.
func issuedAt(text string) time.Time {
	t, _ := time.Parse(time.RFC3339, text)
	return t
}

// quorumRule is the rule of a quorum in words.
func quorumRule(l i18n.Lang, s *continuity.Situation) string {
	q, m := l.Count(int64(s.Q)), l.Count(int64(len(s.Mirrors)))
	w, of := l.Count(int64(s.Fewest)), l.Count(int64(len(s.Witnesses)))
	switch {
	case len(s.Mirrors) > 0 && len(s.Witnesses) > 0:
		return l.T("quorum.both", q, m, w, of)
	case len(s.Mirrors) > 0:
		return l.T("quorum.mirrors", q, m)
	case len(s.Witnesses) > 0:
		return l.T("quorum.witnesses", w, of)
	}
	return l.T("quorum.alone")
}
