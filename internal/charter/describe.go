package charter

import (
	"fmt"
	"strings"
)

// Describe says in plain words who runs the list, until when, who can replace them, and what would be lost with them:
// one sentence or two per line, in Japanese for lang "ja" (or "ja-…"), else in English. It reads the document only;
// whether the document is in force is the chain's business.
func Describe(d *Document, lang string) []string {
	w := english
	if lang == "ja" || strings.HasPrefix(lang, "ja-") {
		w = japanese
	}
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
		add(w.mirrors, len(m.List), m.Q)
	}
	switch {
	case len(c.Escrow) == 0:
		lines = append(lines, w.noEscrow)
	case c.Mirrors == nil:
		add(w.escrowAlone, len(c.Escrow))
	default:
		add(w.escrow, len(c.Escrow))
	}
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
	return lines
}

// words is one language. Arguments come in one order for all, so formats use [n] where a language wants another.
type words struct {
	list, test, operator, openEnded, mandate, boardOfOne, board, emergency, silence, mandateOver string
	noMirrors, mirrors, noEscrow, escrowAlone, escrow, continueAt, names, features, reason       string
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
	mirrors:     "%d mirrors keep a validated copy; a write counts once %d of them have stored it.",
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
	mirrors:     "%d か所のミラーが検証済みの写しを持ちます。書き込みは、そのうち %d か所が保存した時点で有効になります。",
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
