package web

import (
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"tasuki/internal/event"
	"tasuki/internal/ledger"
	"tasuki/web/i18n"
	logpage "tasuki/web/log"
)

// readLeaf puts a leaf into words. A leaf that cannot be read is shown as its bytes: the log keeps whatever stands in it. The
// event is nil for one of a kind that this program does not know.
func readLeaf(l i18n.Lang, index int64, raw []byte, names func(org string) string) (logpage.EntryView, *event.Event) {
	sum := ledger.LeafHash(raw)
	v := logpage.EntryView{Entry: logpage.Entry{Index: index, Kind: l.T("kind.unknown")}, Sentence: l.T("says.unknown"), Back: -1,
		Hash: hex.EncodeToString(sum[:]), Leaf: string(raw), Readable: spread(string(raw))}
	leaf, err := ledger.ParseLeaf(raw)
	if err != nil {
		return v, nil
	}
	v.Entry.Logged, v.Back, v.Sigs = time.UnixMilli(leaf.Stamp.Time), leaf.Stamp.Back, len(leaf.Sigs)
	e, err := event.Parse(leaf.Event)
	if err != nil {
		return v, nil
	}
	v.Kind, v.At, v.By = string(e.Kind), e.At, e.By
	v.Entry.By, v.Entry.ID = names(e.By), e.ID
	v.Entry.Kind, v.Entry.Detail = kindWords(l, e.Kind), detail(l, e, names)
	v.Sentence = sentence(l, e, names)
	if e.Body != nil {
		h := hex.EncodeToString(e.Body.H[:])
		v.Beside = &logpage.Beside{Hash: h, Bytes: e.Body.N, Href: "/body/" + h[:2] + "/" + h}
	}
	return v, e
}

// kindWords is a kind as a reader says it; one that has no words yet stands as the log writes it.
func kindWords(l i18n.Lang, k event.Kind) string {
	name, _, _ := strings.Cut(string(k), "/")
	if i18n.Has("kind." + name) {
		return l.T("kind." + name)
	}
	return string(k)
}

// outcomeWords puts an import's counts into words.
func outcomeWords(l i18n.Lang, counts map[string]int64) string {
	var words []string
	for _, verdict := range []string{"added", "updated", "unchanged", "stale", "divergent", "refused"} {
		if n := counts[verdict]; n > 0 {
			words = append(words, l.N("outcome."+verdict, n))
		}
	}
	if len(words) == 0 {
		return l.T("outcome.nothing")
	}
	return strings.Join(words, l.T("list.comma"))
}

// spread sets canonical JSON out over lines, two spaces a level, without touching a character of its strings.
func spread(raw string) string {
	var b strings.Builder
	depth, quoted := 0, false
	line := func() {
		b.WriteByte('\n')
		b.WriteString(strings.Repeat("  ", depth))
	}
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		switch {
		case quoted:
			b.WriteByte(c)
			if c == '\\' && i+1 < len(raw) {
				i++
				b.WriteByte(raw[i])
			}
			quoted = c != '"'
			continue
		case c == '"':
			quoted = true
		case (c == '{' || c == '[') && i+1 < len(raw) && raw[i+1] != '}' && raw[i+1] != ']':
			b.WriteByte(c)
			depth++
			line()
			continue
		case (c == '}' || c == ']') && i > 0 && raw[i-1] != '{' && raw[i-1] != '[':
			depth = max(0, depth-1)
			line()
		}
		b.WriteByte(c)
		switch c {
		case ',':
			line()
		case ':':
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// leafCommands check one entry without this server.
func (s *server) leafCommands(index int64, body *logpage.Beside) string {
	text := fmt.Sprintf("curl -fsSO %s/log/%d.tlog-proof\n", s.BaseURL, index)
	tail := ""
	if body != nil && body.State == "present" {
		text += fmt.Sprintf("curl -fsS -o leaf-%d.body %s%s\n", index, s.BaseURL, body.Href)
		tail = fmt.Sprintf(" --body leaf-%d.body", index)
	}
	return text + fmt.Sprintf("tasuki verify record %d.tlog-proof --list-id %s%s", index, pinHere, tail)
}

// pinHere stands where the reader puts a list id from a source that is not this server.
const pinHere = "LIST-ID-YOU-TRUST"
