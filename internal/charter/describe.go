package charter

import (
	"fmt"
	"strings"
	"unicode"

	"tasuki/spec/c2sp"
)

// Describe says in plain words who runs the list, until when, who can replace them, and what would be lost with them:
// one sentence or two per line, in Japanese for lang "ja" (or "ja-…"), else in English. It reads the document only;
// whether the document is in force is the chain's business.
func Describe(d *Document, lang string) []string {
	w := wordsIn(lang)
	c := &d.charter
	lines := []string{fmt.Sprintf(w.list, c.ListName, d.ListID(), c.V, c.Issued)}
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	if c.Test {
		lines = append(lines, w.test)
	}
	add(w.operator, c.Operator.Slug, c.Operator.URL, c.Operator.Org, c.Operator.Epoch, d.Origin())
	if c.Mandate == nil {
		lines = append(lines, w.openEnded)
	} else {
		add(w.mandate, c.Mandate.From, c.Mandate.Until)
	}
	holders := make([]string, len(c.Board.Keys))
	for i, s := range c.Board.Keys {
		holders[i] = s.Holder
	}
	names := strings.Join(holders, w.comma)
	if len(holders) == 1 {
		add(w.boardOfOne, names)
	} else {
		add(w.board, c.Board.K, len(holders), names)
	}
	if e := c.Emergency; e != nil {
		var doors []string
		if e.SilenceDays > 0 {
			doors = append(doors, fmt.Sprintf(w.silence, e.SilenceDays))
		}
		if e.MandateOver {
			doors = append(doors, w.mandateOver)
		}
		add(w.emergency, strings.Join(doors, w.or), c.Board.Emergency, e.NoticeHours)
	}
	if m := c.Mirrors; m == nil {
		lines = append(lines, w.noMirrors)
	} else {
		each := make([]string, len(m.List))
		for i, k := range d.MirrorKeys() {
			each[i] = k.Name() + " " + m.List[i].URL
		}
		add(w.mirrors, len(m.List), m.Q, strings.Join(each, w.comma))
		if m.F > 0 {
			add(w.liars, m.F)
		}
		add(w.reports, m.Reports())
	}
	lines = append(lines, w.witnessed(d)...)
	lines = append(lines, w.ofEscrow(c))
	if a := c.ContinueAt; a != nil {
		add(w.continueAt, c.Operator.Epoch, a.Size, a.Root)
	}
	if len(c.Names) > 0 {
		add(w.names, strings.Join(c.Names, w.comma))
	}
	add(w.features, strings.Join(c.Features, w.comma))
	if c.Reason != "" {
		add(w.reason, strings.ReplaceAll(strings.TrimSpace(c.Reason), "\n", " "))
	}
	return visible(lines)
}

// witnessed says what the policy asks for.
func (w *words) witnessed(d *Document) []string {
	p := d.Witnesses()
	if len(p.Witnesses) == 0 {
		if d.charter.Mirrors == nil {
			return nil // nobody looks on at all, and the line about mirrors says it
		}
		return []string{w.noWitnesses}
	}
	var names, silent []string
	for _, one := range p.Witnesses {
		names = append(names, strings.TrimSpace(one.Name+" "+one.URL))
		if one.URL == "" {
			silent = append(silent, one.Name)
		}
	}
	lines := []string{fmt.Sprintf(w.witnesses, len(names), p.Fewest(), strings.Join(names, w.comma))}
	if len(p.Groups) > 1 {
		lines = append(lines, fmt.Sprintf(w.rule, w.groups(p), p.Quorum))
	}
	if p.Splits() {
		lines = append(lines, w.splits)
	}
	if len(silent) > 0 {
		lines = append(lines, fmt.Sprintf(w.silent, strings.Join(silent, w.comma)))
	}
	return lines
}

func (w *words) groups(p c2sp.Policy) string {
	each := make([]string, len(p.Groups))
	for i, g := range p.Groups {
		each[i] = fmt.Sprintf(w.group, g.Name, g.K, strings.Join(g.Members, w.comma))
	}
	return strings.Join(each, w.comma)
}

// visible shows what would not be seen: a character that turns the direction of the text round, or has no width, must not
// change what a member of the board believes to sign.
func visible(lines []string) []string {
	for i, line := range lines {
		if !strings.ContainsFunc(line, hidden) {
			continue
		}
		var b strings.Builder
		for _, r := range line {
			if hidden(r) {
				fmt.Fprintf(&b, "[U+%04X]", r)
			} else {
				b.WriteRune(r)
			}
		}
		lines[i] = b.String()
	}
	return lines
}

func hidden(r rune) bool {
	return unicode.In(r, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp) || unicode.IsControl(r)
}

// DescribeEscrow is the sentence of Describe that says what would be lost with the operator.
func DescribeEscrow(d *Document, lang string) string { return wordsIn(lang).ofEscrow(&d.charter) }

func (w *words) ofEscrow(c *Charter) string {
	switch {
	case len(c.Escrow) == 0:
		return w.noEscrow
	case c.Mirrors == nil:
		return fmt.Sprintf(w.escrowAlone, len(c.Escrow))
	}
	return fmt.Sprintf(w.escrow, len(c.Escrow))
}

func wordsIn(lang string) *words {
	if lang == "ja" || strings.HasPrefix(lang, "ja-") {
		return &japanese
	}
	return &english
}

// words is one language. Arguments come in one order for all, so formats use [n] where a language wants another.
type words struct {
	list, test, operator, openEnded, mandate, boardOfOne, board, emergency, silence, mandateOver string
	noMirrors, mirrors, liars, reports, noEscrow, escrowAlone, escrow, continueAt                string
	noWitnesses, witnesses, rule, group, splits, silent, names, features, reason                 string
	comma, or                                                                                    string
}

var english = words{
	list:        "List %s, id %s; charter %d, issued %s.",
	test:        "This is a test list, for good: nothing in it counts.",
	operator:    "It is run by %[1]s (%[2]s), organisation %[3]s, in epoch %[4]d under the origin %[5]s.",
	openEnded:   "The mandate has no end date.",
	mandate:     "The mandate runs from %s to %s; when it ends, reading and assigning go on.",
	boardOfOne:  "One key alone can replace the operator; it is held by: %s. If it is lost, nobody can, and a restored backup stays read-only.",
	board:       "The operator can be replaced by any %d of %d board keys, held by: %s.",
	emergency:   "After %[1]s, %[2]d board key(s) can name an interim operator, with %[3]d hours' notice (this version does not follow such a charter yet).",
	silence:     "%d days of proven silence",
	mandateOver: "the end of the mandate",
	noMirrors:   "There are no mirrors: this node and its backups hold the only copies, and a write counts as soon as it is committed here.",
	mirrors:     "Mirrors: %[1]d (%[3]s). Each keeps a validated copy; a write counts once %[2]d of them have stored it.",
	liars:       "Up to %d of the mirrors may lie without harm.",
	reports:     "Should the operator be lost, a successor goes on once %d of the mirrors have sealed the old epoch and reported.",
	noWitnesses: "There are no witnesses beside the mirrors.",
	witnesses:   "Witnesses: %[1]d (%[3]s). They look on whether the log only grows; a checkpoint needs at least %[2]d of them.",
	rule:        "The rule of the witnesses: %s; needed is %s.",
	group:       "%s is %d of (%s)",
	splits:      "Two sets of witnesses with none in common would each be enough, so the witnesses alone would not notice two views.",
	silent:      "No address is given for %s, so nobody can ask there.",
	noEscrow: "There is no escrow. If this node and its backups were lost, so would be: who owns reserved identifiers, user accounts and " +
		"their secrets, and quotas. Published records survive wherever a copy is kept.",
	escrowAlone: "Private facts (owners of reserved identifiers, users, secrets, quotas) are also encrypted to %d escrow key(s), " +
		"but without mirrors the ciphertext is only here and in backups.",
	escrow: "Private facts (owners of reserved identifiers, users, secrets, quotas) are also encrypted to %d escrow key(s) and kept by " +
		"the mirrors. Lost with the operator would be: drafts, sessions and the audit trail.",
	continueAt: "Epoch %d continues the tree at %d leaves, root %s.",
	names:      "Host names that belong to the list: %s.",
	features:   "Features in force: %s.",
	reason:     "Reason given: %s",
	comma:      ", ",
	or:         " or ",
}

var japanese = words{
	list:        "リスト %s（ID %s）の憲章 第%d版、%s 発行。",
	test:        "これは試験用のリストです。恒久的に試験用であり、内容に効力はありません。",
	operator:    "運用者は %[1]s（%[2]s、組織 %[3]s）です。第%[4]d期、ログの名前は %[5]s です。",
	openEnded:   "任期の終わりは定められていません。",
	mandate:     "任期は %s から %s までです。終わっても閲覧と番号の割り当ては続きます。",
	boardOfOne:  "運用者を交代させられるのは、ただ一つの鍵です（保持者: %s）。失われると誰にも交代させられず、バックアップから復元しても読み取り専用になります。",
	board:       "運用者は、理事会の鍵 %[2]d 個のうち %[1]d 個で交代させられます（保持者: %[3]s）。",
	emergency:   "%[1]sのあとは、理事会の鍵 %[2]d 個で暫定の運用者を指名できます（予告 %[3]d 時間）。ただし、この版はそのような憲章にまだ従いません。",
	silence:     "証明された %d 日間の沈黙",
	mandateOver: "任期の満了",
	noMirrors:   "ミラーはありません。写しはこのノードとそのバックアップだけにあり、書き込みはここで確定した時点で有効になります。",
	mirrors:     "ミラーは %[1]d か所です（%[3]s）。それぞれが検証済みの写しを持ち、書き込みは、そのうち %[2]d か所が保存した時点で有効になります。",
	liars:       "ミラーのうち %d か所までなら、偽っても害はありません。",
	reports:     "運用者が失われたときは、ミラー %d か所が古い期を封印して報告した時点で、後継者が続きを始められます。",
	noWitnesses: "ミラーのほかに、証人はありません。",
	witnesses:   "証人は %[1]d 者です（%[3]s）。ログが伸びるだけであることを見守り、チェックポイントには、そのうち少なくとも %[2]d 者の署名が要ります。",
	rule:        "証人の規則: %s。必要なのは %s です。",
	group:       "%s は %d 者以上（%s）",
	splits:      "互いに重ならない二組の証人が、それぞれ条件を満たせます。証人だけでは、二つの異なる見え方に気づけません。",
	silent:      "%s には宛先がないため、だれも署名を頼めません。",
	noEscrow: "エスクロー（預託）はありません。このノードとバックアップが失われると、予約済み番号の持ち主、利用者とその秘密情報、割り当て枠も失われます。" +
		"公開済みのレコードは、写しのあるところに残ります。",
	escrowAlone: "非公開の事実（予約済み番号の持ち主、利用者、秘密情報、割り当て枠）は %d 個のエスクロー鍵あてにも暗号化されますが、" +
		"ミラーがないため、暗号文はここと、そのバックアップにしかありません。",
	escrow: "非公開の事実（予約済み番号の持ち主、利用者、秘密情報、割り当て枠）は %d 個のエスクロー鍵あてにも暗号化され、ミラーが保管します。" +
		"運用者とともに失われるのは、下書き、セッション、監査記録です。",
	continueAt: "第%d期は、%d 葉、根 %s のところから木を続けます。",
	names:      "リストに属するホスト名: %s。",
	features:   "有効な機能: %s。",
	reason:     "理由: %s",
	comma:      "、",
	or:         "または",
}
