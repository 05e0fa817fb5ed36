package charter

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Changes says in plain words how a charter differs from another, which it is usually the successor of: one line per change
// and, first, what the change does. The language is chosen as in Describe.
func Changes(old, next *Document, lang string) []string {
	w := &englishChanges
	d := differ{words: wordsIn(lang)}
	if d.words == &japanese {
		w = &japaneseChanges
	}
	d.w = w
	a, b := &old.charter, &next.charter
	d.consequence(old, next)
	from := len(d.lines)
	d.say(a.ListName != b.ListName, w.listName, b.ListName, a.ListName)
	d.line(a.Test != b.Test, w.test)
	d.board(a.Board, b.Board)
	d.operator(&a.Operator, &b.Operator)
	d.value(w.mandate, d.mandate(a.Mandate), d.mandate(b.Mandate))
	d.mirrors(old, next)
	d.witnesses(old, next)
	d.value(w.emergency, d.emergency(a.Emergency), d.emergency(b.Emergency))
	d.list(w.nameAdded, w.nameGone, w.nameOrder, a.Names, b.Names)
	d.list(w.escrowAdded, w.escrowGone, w.escrowOrder, a.Escrow, b.Escrow)
	d.list(w.featureAdded, w.featureGone, "", a.Features, b.Features)
	if len(d.lines) == from {
		d.lines = append(d.lines, w.nothing)
	}
	if c := b.ContinueAt; c != nil {
		d.say(true, w.continueAt, c.Size, c.Root)
	}
	d.say(b.Reason != "", d.words.reason, strings.ReplaceAll(strings.TrimSpace(b.Reason), "\n", " "))
	return visible(d.lines)
}

// differ collects lines.
type differ struct {
	w     *changeWords
	words *words
	lines []string
}

func (d *differ) say(ok bool, format string, args ...any) {
	if ok {
		d.lines = append(d.lines, fmt.Sprintf(format, args...))
	}
}

func (d *differ) line(ok bool, text string) {
	if ok {
		d.lines = append(d.lines, text)
	}
}

// value is a change of something that is said in a few words.
func (d *differ) value(format, old, next string) { d.say(old != next, format, next, old) }

// consequence says what kind of change this is, before what changes.
func (d *differ) consequence(old, next *Document) {
	d.say(next.charter.Prev != old.hash, d.w.apart, next.charter.V, old.charter.V)
	if !opensEpoch(&old.charter, &next.charter) {
		d.say(true, d.w.sameEpoch, next.charter.Operator.Epoch)
		return
	}
	d.say(true, d.w.opens, next.charter.Operator.Epoch, old.Origin())
	d.say(old.charter.Mirrors != nil, d.w.seals, old.charter.Mirrors.Reports())
}

func (d *differ) board(a, b Board) {
	seat := func(b Board, id string) *BoardSeat {
		if i := slices.IndexFunc(b.Keys, func(s BoardSeat) bool { return s.ID == id }); i >= 0 {
			return &b.Keys[i]
		}
		return nil
	}
	for _, s := range b.Keys {
		was := seat(a, s.ID)
		if was == nil {
			d.say(true, d.w.seatAdded, s.ID, s.Holder, s.Key)
			continue
		}
		d.say(was.Holder != s.Holder, d.w.seatHolder, s.ID, s.Holder, was.Holder)
		d.say(was.Key != s.Key, d.w.seatKey, s.ID, s.Holder, s.Key)
	}
	for _, s := range a.Keys {
		d.say(seat(b, s.ID) == nil, d.w.seatGone, s.ID, s.Holder)
	}
	d.say(a.K != b.K || len(a.Keys) != len(b.Keys), d.w.threshold, b.K, len(b.Keys), a.K, len(a.Keys))
	d.say(a.Emergency != b.Emergency, d.w.emergencyKeys, b.Emergency, a.Emergency)
	d.line(sameMembers(a.Keys, b.Keys) && !slices.Equal(a.Keys, b.Keys), d.w.seatOrder)
}

func (d *differ) operator(a, b *Operator) {
	d.say(a.Slug != b.Slug, d.w.slug, b.Slug, a.Slug)
	d.say(a.URL != b.URL, d.w.url, b.URL, a.URL)
	d.say(a.Org != b.Org, d.w.org, b.Org, a.Org)
	d.say(a.Key != b.Key, d.w.logKey, b.Key)
	d.say(a.Epoch != b.Epoch, d.w.epoch, b.Epoch, a.Epoch)
}

func (d *differ) mandate(m *Mandate) string {
	if m == nil {
		return d.w.endless
	}
	return m.From + " – " + m.Until
}

func (d *differ) emergency(e *Emergency) string {
	if e == nil {
		return d.w.never
	}
	var doors []string
	if e.SilenceDays > 0 {
		doors = append(doors, fmt.Sprintf(d.words.silence, e.SilenceDays))
	}
	if e.MandateOver {
		doors = append(doors, d.words.mandateOver)
	}
	return fmt.Sprintf(d.w.doors, strings.Join(doors, d.words.or), e.NoticeHours)
}

func (d *differ) mirrors(old, next *Document) {
	named := func(doc *Document) (names []string, by map[string]Mirror) {
		by = map[string]Mirror{}
		for i, k := range doc.MirrorKeys() {
			names, by[k.Name()] = append(names, k.Name()), doc.charter.Mirrors.List[i]
		}
		return names, by
	}
	wasNames, was := named(old)
	isNames, is := named(next)
	for _, n := range isNames {
		before, known := was[n]
		if !known {
			d.say(true, d.w.mirrorAdded, n, is[n].URL, is[n].VKey)
			continue
		}
		d.say(before.URL != is[n].URL, d.w.mirrorURL, n, is[n].URL, before.URL)
		d.say(before.VKey != is[n].VKey, d.w.mirrorKey, n, is[n].VKey)
	}
	for _, n := range wasNames {
		_, stays := is[n]
		d.say(!stays, d.w.mirrorGone, n, was[n].URL)
	}
	d.line(sameMembers(wasNames, isNames) && !slices.Equal(wasNames, isNames), d.w.mirrorOrder)
	d.value(d.w.quorum, d.quorum(old.charter.Mirrors), d.quorum(next.charter.Mirrors))
}

func (d *differ) quorum(m *Mirrors) string {
	if m == nil {
		return d.w.noMirrors
	}
	text := fmt.Sprintf(d.w.ofMirrors, m.Q, len(m.List))
	if m.F > 0 {
		text += fmt.Sprintf(d.w.mayLie, m.F)
	}
	return text
}

func (d *differ) witnesses(old, next *Document) {
	if old.charter.Policy == next.charter.Policy {
		return
	}
	before := len(d.lines)
	a, b := old.Witnesses(), next.Witnesses()
	was := map[string]string{}
	for _, x := range a.Witnesses {
		was[x.Name] = strings.TrimSpace(x.Key.String() + " " + x.URL)
	}
	for _, x := range b.Witnesses {
		now := strings.TrimSpace(x.Key.String() + " " + x.URL)
		before, known := was[x.Name]
		d.say(!known, d.w.witnessAdded, x.Name, now)
		d.say(known && before != now, d.w.witnessChanged, x.Name, now, before)
		delete(was, x.Name)
	}
	for _, x := range a.Witnesses {
		_, gone := was[x.Name]
		d.say(gone, d.w.witnessGone, x.Name)
	}
	if !reflect.DeepEqual(a.Groups, b.Groups) || a.Quorum != b.Quorum {
		rule := b.Quorum
		if len(b.Groups) > 0 {
			rule = d.words.groups(b) + d.words.comma + b.Quorum
		}
		d.say(true, d.w.rule, rule, b.Fewest())
	}
	d.line(len(d.lines) == before, d.w.policyText)
}

// list is a change of a list of words. Where order is "", the list has only one order.
func (d *differ) list(added, gone, order string, a, b []string) {
	for _, s := range b {
		d.say(!slices.Contains(a, s), added, s)
	}
	for _, s := range a {
		d.say(!slices.Contains(b, s), gone, s)
	}
	d.line(order != "" && sameMembers(a, b) && !slices.Equal(a, b), order)
}

func sameMembers[T comparable](a, b []T) bool {
	if len(a) != len(b) {
		return false
	}
	for _, x := range a {
		if !slices.Contains(b, x) {
			return false
		}
	}
	return true
}

// changeWords is one language. Where something is replaced, the new comes first and the old last.
type changeWords struct {
	apart, sameEpoch, opens, seals, nothing, listName, test, continueAt           string
	seatAdded, seatGone, seatHolder, seatKey, seatOrder, threshold, emergencyKeys string
	slug, url, org, logKey, epoch, mandate, endless, emergency, never, doors      string
	mirrorAdded, mirrorGone, mirrorURL, mirrorKey, mirrorOrder                    string
	quorum, noMirrors, ofMirrors, mayLie                                          string
	witnessAdded, witnessGone, witnessChanged, rule, policyText                   string
	nameAdded, nameGone, nameOrder, escrowAdded, escrowGone, escrowOrder          string
	featureAdded, featureGone                                                     string
}

var englishChanges = changeWords{
	apart:          "Charter %d is not the successor of charter %d that it is compared with.",
	sameEpoch:      "Epoch %d goes on: operator, mirrors and policy stay byte for byte as they are.",
	opens:          "It opens epoch %d: from then on nothing new that is signed under %s counts.",
	seals:          "The mirrors of the old charter seal that epoch as soon as they see this; the next begins once %d of them have reported.",
	nothing:        "Nothing else changes.",
	listName:       "The list is called %s instead of %s.",
	test:           "Whether this is a test list changes, which no chain accepts.",
	continueAt:     "The tree goes on at %d leaves, root %s.",
	seatAdded:      "On the board, new: %s, held by %s, key %s.",
	seatGone:       "Leaves the board: %s, held by %s.",
	seatHolder:     "Seat %s of the board is held by %s instead of %s.",
	seatKey:        "Seat %s of the board (%s) has a new key, %s.",
	seatOrder:      "The seats of the board stand in another order.",
	threshold:      "The board decides with %d of %d keys instead of %d of %d.",
	emergencyKeys:  "In an emergency %d board key(s) suffice instead of %d (this version does not follow such a charter yet).",
	slug:           "The operator is %s instead of %s.",
	url:            "The operator's address is %s instead of %s.",
	org:            "The operator's organisation is %s instead of %s.",
	logKey:         "The log has a new key, %s.",
	epoch:          "The epoch is %d instead of %d.",
	mandate:        "The mandate: %s instead of %s.",
	endless:        "no end date",
	emergency:      "Emergency: %s instead of %s.",
	never:          "never",
	doors:          "after %s with %d hours' notice",
	mirrorAdded:    "New mirror: %s at %s, key %s.",
	mirrorGone:     "No mirror any more: %s at %s.",
	mirrorURL:      "Mirror %s is at %s instead of %s.",
	mirrorKey:      "Mirror %s has a new key, %s.",
	mirrorOrder:    "The mirrors stand in another order.",
	quorum:         "A write counts %s, instead of %s.",
	noMirrors:      "as soon as it is committed at the operator",
	ofMirrors:      "once %d of %d mirrors have stored it",
	mayLie:         " (up to %d may lie)",
	witnessAdded:   "New witness: %s, %s.",
	witnessGone:    "No witness any more: %s.",
	witnessChanged: "Witness %s: %s instead of %s.",
	rule:           "The rule of the witnesses is now: %s; at least %d.",
	policyText:     "The policy is written differently and means the same.",
	nameAdded:      "A host name more belongs to the list: %s.",
	nameGone:       "A host name less belongs to the list: %s.",
	nameOrder:      "The host names stand in another order.",
	escrowAdded:    "Private facts are also encrypted to %s.",
	escrowGone:     "Private facts are no longer encrypted to %s.",
	escrowOrder:    "The escrow keys stand in another order.",
	featureAdded:   "A feature comes into force: %s.",
	featureGone:    "A feature goes out of force: %s.",
}

var japaneseChanges = changeWords{
	apart:          "第%d版は、比較した第%d版の後継ではありません。",
	sameEpoch:      "第%d期が続きます。運用者、ミラー、証人の規則は、1バイトも変わりません。",
	opens:          "第%d期を開きます。以後、%s の名で新しく署名されたものは数えられません。",
	seals:          "古い憲章のミラーは、これを見しだいその期を封印します。次の期は、そのうち %d か所の報告がそろった時点で始まります。",
	nothing:        "ほかに変わるものはありません。",
	listName:       "リストの名前は %s になります（これまでは %s）。",
	test:           "試験用のリストかどうかが変わります。そのような憲章は、どの連鎖にも受け入れられません。",
	continueAt:     "木は %d 葉、根 %s のところから続きます。",
	seatAdded:      "理事会に加わる席: %s（保持者 %s、鍵 %s）。",
	seatGone:       "理事会を離れる席: %s（保持者 %s）。",
	seatHolder:     "理事会の席 %s の保持者は %s になります（これまでは %s）。",
	seatKey:        "理事会の席 %s（%s）の鍵が新しくなります: %s。",
	seatOrder:      "理事会の席の並び順が変わります。",
	threshold:      "理事会は、鍵 %[2]d 個のうち %[1]d 個で決めます（これまでは %[4]d 個のうち %[3]d 個）。",
	emergencyKeys:  "緊急時に足りる理事会の鍵は %d 個になります（これまでは %d 個。この版はそのような憲章にまだ従いません）。",
	slug:           "運用者は %s になります（これまでは %s）。",
	url:            "運用者のアドレスは %s になります（これまでは %s）。",
	org:            "運用者の組織は %s になります（これまでは %s）。",
	logKey:         "ログの鍵が新しくなります: %s。",
	epoch:          "期は第%d期になります（これまでは第%d期）。",
	mandate:        "任期: %s（これまでは %s）。",
	endless:        "終わりの定めなし",
	emergency:      "緊急時: %s（これまでは %s）。",
	never:          "定めなし",
	doors:          "%sのあと、予告 %d 時間",
	mirrorAdded:    "新しいミラー: %s（%s、鍵 %s）。",
	mirrorGone:     "ミラーから外れるもの: %s（%s）。",
	mirrorURL:      "ミラー %s のアドレスは %s になります（これまでは %s）。",
	mirrorKey:      "ミラー %s の鍵が新しくなります: %s。",
	mirrorOrder:    "ミラーの並び順が変わります。",
	quorum:         "書き込みが有効になる時点: %s（これまでは、%s）。",
	noMirrors:      "運用者のところで確定した時点",
	ofMirrors:      "ミラー %[2]d か所のうち %[1]d か所が保存した時点",
	mayLie:         "（%d か所までは偽ってもよい）",
	witnessAdded:   "新しい証人: %s（%s）。",
	witnessGone:    "証人から外れるもの: %s。",
	witnessChanged: "証人 %s: %s（これまでは %s）。",
	rule:           "証人の規則は次のようになります: %s（少なくとも %d 者）。",
	policyText:     "証人の規則は、書き方だけが変わります。意味は同じです。",
	nameAdded:      "リストに属するホスト名が増えます: %s。",
	nameGone:       "リストに属するホスト名が減ります: %s。",
	nameOrder:      "ホスト名の並び順が変わります。",
	escrowAdded:    "非公開の事実は、%s あてにも暗号化されます。",
	escrowGone:     "非公開の事実は、%s あてには暗号化されなくなります。",
	escrowOrder:    "エスクロー鍵の並び順が変わります。",
	featureAdded:   "有効になる機能: %s。",
	featureGone:    "無効になる機能: %s。",
}
