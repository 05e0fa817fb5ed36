package web

import (
	"net/http"
	"slices"
	"time"

	"tasuki/internal/charter"
	"tasuki/internal/continuity"
	page "tasuki/web/charter"
	"tasuki/web/i18n"
)

// charter is the page that says who runs the list: the facts first, then what the charter says, then the chain, newest first.
func (s *server) charter(w http.ResponseWriter, r *http.Request) {
	chain, siblings, err := s.Continuity.Charters(r.Context())
	var now continuity.Situation
	if err == nil {
		now, err = s.Continuity.Situation(r.Context())
	}
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	p, _ := s.Page(w, r)
	l := p.Lang
	p.Title = l.T("charter.title")
	head := chain.Head()
	c := head.Charter()
	list := chain.ListID()
	v := page.View{Page: p, ListID: list, Operator: c.Operator.Slug, URL: c.Operator.URL, K: c.Board.K, Quorum: quorumRule(l, &now), Lost: charter.DescribeEscrow(head, string(l)),
		Sentences: charter.Describe(head, string(l)),
		Pin:       "tasuki client follow --list " + list + " " + s.BaseURL + "\ntasuki client check --list " + list + " --from " + s.BaseURL + " CVE-2024-38190\n"}
	for _, seat := range c.Board.Keys {
		v.Seats = append(v.Seats, page.Seat{ID: seat.ID, Holder: seat.Holder, Key: seat.Key})
	}
	if m := c.Mandate; m != nil {
		v.Until, _ = time.Parse(time.DateOnly, m.Until) // its form was checked when it was read
		v.DaysLeft = daysLeft(v.Until, p.Now)
		v.From = toCome(m.From, p.Now)
	}
	var before *charter.Document
	for _, d := range chain.Documents() {
		doc := documentView(l, before, d, siblings)
		if doc.InForce = d == head; doc.InForce {
			v.Conflicts, doc.Siblings = doc.Siblings, nil
		}
		v.Documents = append(v.Documents, doc)
		before = d
	}
	slices.Reverse(v.Documents)
	s.Send(w, r, http.StatusOK, page.Body(v))
}

// daysLeft counts the days up to the end of the last one, which still belongs to the mandate: 0 on that day, negative after it.
func daysLeft(until, now time.Time) int64 {
	today := now.UTC().Truncate(24 * time.Hour)
	return int64(until.Sub(today) / (24 * time.Hour))
}

// toCome is a date after today, zero for one that is not.
func toCome(date string, now time.Time) time.Time {
	if from, err := time.Parse(time.DateOnly, date); err == nil && daysLeft(from, now) > 0 {
		return from
	}
	return time.Time{}
}

// documentView is one charter of the chain: what it changed, who signed it, and what is as valid in its place.
func documentView(l i18n.Lang, before, d *charter.Document, siblings []*charter.Document) page.Document {
	c := d.Charter()
	out := page.Document{Version: c.V, Issued: issuedAt(c.Issued), Origin: d.Origin(), Epoch: c.Operator.Epoch, Opens: before == nil || before.OpensEpoch(d), Hash: d.Hash(),
		Href: "/charter/" + d.FileName()}
	out.Signed, out.Need, out.ByLog = signedBy(before, d)
	if before != nil {
		out.Changes = charter.Changes(before, d, string(l))
	}
	for _, other := range siblings {
		if other.Charter().V != c.V {
			continue
		}
		signed, _, _ := signedBy(before, other)
		x := page.Conflict{Version: c.V, Hash: other.Hash(), Href: "/charter/" + other.FileName(), Operator: other.Charter().Operator.Slug, Signed: signed,
			Changes: charter.Changes(d, other, string(l)), Newest: true, OwnHash: d.Hash(), OwnHolder: c.Operator.Slug}
		for _, holder := range signed {
			if slices.Contains(out.Signed, holder) {
				x.Double = append(x.Double, holder)
			}
		}
		out.Siblings = append(out.Siblings, x)
	}
	return out
}

// signedBy names the holders of the keys that signed a charter, of the board in office first, and how many of that board were needed.
func signedBy(before, d *charter.Document) (holders []string, need int64, byLog bool) {
	t := d.Tally(before)
	votes := []charter.Votes{t.New}
	if t.Old != nil {
		votes = []charter.Votes{*t.Old, t.New}
	}
	for _, v := range votes {
		for _, seat := range v.Signed {
			name := seat.Holder + " (" + seat.ID + ")"
			if !slices.Contains(holders, name) {
				holders = append(holders, name)
			}
		}
	}
	return holders, votes[0].Need, len(holders) == 0 && t.Log
}
