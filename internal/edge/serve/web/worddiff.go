package web

import (
	"strings"
	"unicode"

	"tasuki/web/history"
)

// maxCells bounds the table that a comparison word by word fills; texts that need more are shown whole, one after the other.
const maxCells = 1 << 20

// compareWords finds what two texts have in common, word by word (character by character where a script sets no spaces).
// Its runs, those removed left out, are the newer text; those added left out, the older.
func compareWords(before, after string) []history.Word {
	a, b := cutWords(before), cutWords(after)
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	var out runs
	out.add("", a[:head]...)
	x, y := a[head:len(a)-tail], b[head:len(b)-tail]
	if len(x)*len(y) > maxCells {
		out.add("removed", x...)
		out.add("added", y...)
	} else {
		out.middle(x, y)
	}
	out.add("", a[len(a)-tail:]...)
	return out
}

type runs []history.Word

func (r *runs) add(op string, words ...string) {
	if len(words) == 0 {
		return
	}
	text := strings.Join(words, "")
	if last := len(*r) - 1; last >= 0 && (*r)[last].Op == op {
		(*r)[last].Text += text
		return
	}
	*r = append(*r, history.Word{Op: op, Text: text})
}

// middle walks along a longest common subsequence of a and b.
func (r *runs) middle(a, b []string) {
	width := len(b) + 1
	common := make([]uint16, (len(a)+1)*width) // of a[i:] and b[j:]; no text within maxCells has more words than fit
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i*width+j] = common[(i+1)*width+j+1] + 1
			} else {
				common[i*width+j] = max(common[(i+1)*width+j], common[i*width+j+1])
			}
		}
	}
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		switch {
		case a[i] == b[j]:
			r.add("", a[i])
			i, j = i+1, j+1
		case common[(i+1)*width+j] >= common[i*width+j+1]:
			r.add("removed", a[i])
			i++
		default:
			r.add("added", b[j])
			j++
		}
	}
	r.add("removed", a[i:]...)
	r.add("added", b[j:]...)
}

// cutWords cuts a text behind its spaces, and around every character of a script without them. Joined again, the words are
// the text.
func cutWords(text string) (words []string) {
	start := 0
	for i, c := range text {
		alone := unicode.In(c, unicode.Han, unicode.Hiragana, unicode.Katakana)
		if alone && i > start {
			words, start = append(words, text[start:i]), i
		}
		if alone || unicode.IsSpace(c) {
			end := i + len(string(c))
			words, start = append(words, text[start:end]), end
		}
	}
	if start < len(text) {
		words = append(words, text[start:])
	}
	return words
}
