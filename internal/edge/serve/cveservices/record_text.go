package cveservices

import (
	"bytes"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/go-json-experiment/json/jsontext"

	"tasuki/spec/cve"
)

// trimTexts takes the white space off the ends of every text of a body, at all levels (reference §7). Names of members stay, and so
// do the digits of numbers.
func trimTexts(body jsontext.Value) (jsontext.Value, error) {
	var out bytes.Buffer
	in, e := jsontext.NewDecoder(bytes.NewReader(body)), jsontext.NewEncoder(&out)
	for in.StackDepth() > 0 || out.Len() == 0 {
		token, err := in.ReadToken()
		if err != nil {
			return nil, err
		}
		if token.Kind() == jsontext.KindString {
			if kind, n := in.StackIndex(in.StackDepth()); kind != jsontext.KindBeginObject || n%2 == 0 { // not a name
				token = jsontext.String(strings.TrimFunc(token.String(), blank))
			}
		}
		if err := e.WriteToken(token); err != nil {
			return nil, err
		}
	}
	return bytes.TrimSpace(out.Bytes()), nil
}

// blank is white space as JavaScript's trim sees it, whose language upstream is written in.
func blank(r rune) bool { return unicode.IsSpace(r) && r != '\u0085' || r == '\uFEFF' }

// englishOnce checks a list of texts for languages: those that begin with "en" occur once each, whatever their letters' case
// (reference §8). What is no list of texts the schema refuses.
func (f *field) englishOnce() *field {
	seen := map[string]bool{}
	once := true
	list, _ := f.value.([]any)
	for _, e := range list {
		entry, _ := e.(map[string]any)
		lang, _ := entry["lang"].(string)
		if lang = strings.ToLower(lang); !strings.HasPrefix(lang, "en") {
			continue
		}
		once = once && !seen[lang]
		seen[lang] = true
	}
	return f.msg(fmt.Sprintf("Cannot have more than one English language entry in '%s'", f.name)).must(once)
}

// notFuture checks that a date is at most a day ahead, which leaves room for every time zone.
func (f *field) notFuture() *field {
	text, _ := f.value.(string)
	at, _, err := cve.ParseTime(text)
	return f.msg("datePublic lies in the future").must(err != nil || !at.After(f.c.Now().Add(24*time.Hour)))
}
