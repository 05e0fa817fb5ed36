package main

import (
	"fmt"
	"io"
	"strings"

	"tasuki/internal/charter"
	"tasuki/spec/dsse"
)

// boardWords is what the board's commands say, in one language. Whoever signs must understand every word.
type boardWords struct {
	sign, unbound, changes, unknownChanges, says, hash, list, key, question, signed string
	oldBoard, newBoard, genesisBoard, has, missing, short, enough                   string
	complete, incomplete, halfKnown, byLog, strangers, written, comma               string
}

var englishBoard = boardWords{
	sign:           "You are about to sign charter %d of the list %s, for seat %s of its board.\n",
	unbound:        "(Your key is bound to no list. Compare the list's id below with the one that you know.)\n",
	changes:        "What changes against charter %d:\n",
	unknownChanges: "What changes cannot be shown: give the charters so far with --chain.\n",
	says:           "What the charter will say:\n",
	hash:           "hash of what is signed  %s\n",
	list:           "list                    %s\n",
	key:            "your public key         %s\n",
	question:       "A signature cannot be taken back. Type yes to sign: ",
	signed:         "signed: %s\n",
	oldBoard:       "Of the board of charter %d, %d of %d keys are needed.",
	newBoard:       "Of its own board, %d of %d keys are needed.",
	genesisBoard:   "Of its board, %d of %d keys are needed.",
	has:            "  signed:  %s\n",
	missing:        "  missing: %s\n",
	short:          " %d more must sign.\n",
	enough:         " That is enough.\n",
	complete:       "The charter is fully signed.\n",
	incomplete:     "The charter has no force yet.\n",
	halfKnown:      "Whether the present board has signed too is not known here: give the charters so far with --chain.\n",
	byLog:          "The log key has signed too, which suffices where nothing changes but more features and there are no mirrors.\n",
	strangers:      "Signatures that count for nothing: %s\n",
	written:        "written: %s\n",
	comma:          ", ",
}

var japaneseBoard = boardWords{
	sign:           "リスト %[2]s の憲章 第%[1]d版に、理事会の席 %[3]s として署名しようとしています。\n",
	unbound:        "（あなたの鍵は、どのリストにも結び付けられていません。下のリストIDを、知っているIDと見比べてください。）\n",
	changes:        "第%d版から変わること:\n",
	unknownChanges: "変わることを示せません。--chain で、これまでの憲章を与えてください。\n",
	says:           "この憲章の内容:\n",
	hash:           "署名するもののハッシュ  %s\n",
	list:           "リスト                  %s\n",
	key:            "あなたの公開鍵          %s\n",
	question:       "署名は取り消せません。署名するには「はい」または yes と入力してください: ",
	signed:         "署名しました: %s\n",
	oldBoard:       "第%[1]d版の理事会の鍵 %[3]d 個のうち、%[2]d 個が必要です。",
	newBoard:       "この憲章自身の理事会の鍵 %[2]d 個のうち、%[1]d 個が必要です。",
	genesisBoard:   "理事会の鍵 %[2]d 個のうち、%[1]d 個が必要です。",
	has:            "  署名あり: %s\n",
	missing:        "  署名なし: %s\n",
	short:          "あと %d 個足りません。\n",
	enough:         "足りています。\n",
	complete:       "この憲章の署名はそろいました。\n",
	incomplete:     "この憲章には、まだ効力がありません。\n",
	halfKnown:      "現在の理事会の署名が足りているかどうかは、ここでは分かりません。--chain で、これまでの憲章を与えてください。\n",
	byLog:          "ログの鍵の署名もあります。ミラーがなく、機能が増えるだけの改定なら、それで足ります。\n",
	strangers:      "数えられない署名: %s\n",
	written:        "書き出しました: %s\n",
	comma:          "、",
}

func (p *Program) boardWords() *boardWords {
	if p.language() == "ja" {
		return &japaneseBoard
	}
	return &englishBoard
}

// present shows what a member is about to sign.
func (w *boardWords) present(out io.Writer, k *charter.BoardKey, old, doc *charter.Document, lang string) {
	c := doc.Charter()
	fmt.Fprintf(out, w.sign, c.V, c.ListName, k.ID)
	if k.List == "" {
		fmt.Fprint(out, w.unbound)
	}
	fmt.Fprintln(out)
	switch {
	case old != nil:
		fmt.Fprintf(out, w.changes, old.Charter().V)
		indented(out, charter.Changes(old, doc, lang))
		fmt.Fprintln(out)
	case c.V > 1:
		fmt.Fprintln(out, w.unknownChanges)
	}
	fmt.Fprint(out, w.says)
	indented(out, charter.Describe(doc, lang))
	fmt.Fprintln(out)
	fmt.Fprintf(out, w.list, doc.ListID())
	fmt.Fprintf(out, w.hash, doc.Hash())
	fmt.Fprintf(out, w.key, dsse.EncodeKey(k.Public()))
}

// count says who has signed and how many are missing. old is nil where it is not known, and for a genesis.
func (w *boardWords) count(out io.Writer, doc, old *charter.Document) {
	t := doc.Tally(old)
	if t.Old != nil {
		fmt.Fprintf(out, w.oldBoard, old.Charter().V, t.Old.Need, len(t.Old.Signed)+len(t.Old.Missing))
		w.votes(out, *t.Old)
	}
	format := w.newBoard
	if doc.Charter().V == 1 {
		format = w.genesisBoard
	}
	fmt.Fprintf(out, format, t.New.Need, len(t.New.Signed)+len(t.New.Missing))
	w.votes(out, t.New)
	if t.Log {
		fmt.Fprint(out, w.byLog)
	}
	if len(t.Other) > 0 && (old != nil || doc.Charter().V == 1) {
		fmt.Fprintf(out, w.strangers, strings.Join(t.Other, w.comma))
	}
	switch {
	case !t.Complete():
		fmt.Fprint(out, w.incomplete)
	case old == nil && doc.Charter().V > 1:
		fmt.Fprint(out, w.halfKnown)
	default:
		fmt.Fprint(out, w.complete)
	}
}

func (w *boardWords) votes(out io.Writer, v charter.Votes) {
	if short := v.Short(); short > 0 {
		fmt.Fprintf(out, w.short, short)
	} else {
		fmt.Fprint(out, w.enough)
	}
	for _, line := range []struct {
		format string
		seats  []charter.BoardSeat
	}{{w.has, v.Signed}, {w.missing, v.Missing}} {
		names := make([]string, len(line.seats))
		for i, s := range line.seats {
			names[i] = s.ID + " " + s.Holder
		}
		if len(names) > 0 {
			fmt.Fprintf(out, line.format, strings.Join(names, w.comma))
		}
	}
}

func indented(out io.Writer, lines []string) {
	for _, line := range lines {
		fmt.Fprintln(out, "  "+line)
	}
}
