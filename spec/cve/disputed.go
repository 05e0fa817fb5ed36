package cve

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Disputed is the tag of a CNA container whose record is disputed; it comes with an explanation in the record (CNA rules 4.5.3.10).
const Disputed = "disputed"

// maxDescription is how many characters the format lets a description have.
const maxDescription = 4096

// A paragraph that explains a dispute begins so, and with the dispute's name.
const disputeNotes = "\n\nDisputed ("

func disputeNote(name string) string { return disputeNotes + name + "): " }

// TagDisputed adds the tag to a CNA container and, to its English description, a paragraph with the reason, under a name that the
// dispute is known by. A reason that does not fit is cut. What was tagged under the name before is tagged anew.
func TagDisputed(container []byte, name, reason string) ([]byte, error) {
	container, err := UntagDisputed(container, name)
	if err != nil {
		return nil, err
	}
	o, err := parseObject(container)
	if err != nil {
		return nil, err
	}
	tags, err := o.texts("tags")
	if err != nil {
		return nil, err
	}
	if !slices.Contains(tags, Disputed) {
		o.setTexts("tags", append(tags, Disputed))
	}
	reason = strings.Join(strings.Fields(reason), " ")
	err = o.english(func(text string) string {
		note := disputeNote(name)
		room := maxDescription - len([]rune(text)) - len([]rune(note))
		if r := []rune(reason); len(r) > room {
			reason = string(r[:max(room, 0)])
		}
		return text + note + reason
	})
	if err != nil {
		return nil, err
	}
	return o.encode(), nil
}

// UntagDisputed takes back what TagDisputed did under a name; the tag goes with the last such paragraph, and only where there was one.
func UntagDisputed(container []byte, name string) ([]byte, error) {
	o, err := parseObject(container)
	if err != nil {
		return nil, err
	}
	cut, others := false, false
	err = o.english(func(text string) string {
		if before, after, ok := strings.Cut(text, disputeNote(name)); ok {
			cut, text = true, before
			if i := strings.Index(after, disputeNotes); i >= 0 {
				text += after[i:]
			}
		}
		others = others || strings.Contains(text, disputeNotes)
		return text
	})
	if err != nil {
		return nil, err
	}
	tags, err := o.texts("tags")
	if err != nil {
		return nil, err
	}
	if cut && !others {
		o.setTexts("tags", slices.DeleteFunc(tags, func(t string) bool { return t == Disputed }))
	}
	return o.encode(), nil
}

// english changes the text of every English description.
func (o *object) english(change func(string) string) error {
	list, err := parseList(o.get("descriptions"))
	if err != nil || list == nil {
		return err
	}
	for i := range list {
		d, err := parseObject(list[i])
		if err != nil {
			return err
		}
		lang := strings.ToLower(d.text("lang"))
		if lang != "en" && !strings.HasPrefix(lang, "en-") || d.get("value").Kind() != jsontext.KindString {
			continue
		}
		d.setText("value", change(d.text("value")))
		list[i] = d.encode()
	}
	o.set("descriptions", encodeList(list))
	return nil
}

// texts are the texts of a member that is a list of them.
func (o object) texts(name string) ([]string, error) {
	list, err := parseList(o.get(name))
	if err != nil {
		return nil, err
	}
	var out []string
	for _, value := range list {
		text, err := jsontext.AppendUnquote(nil, value)
		if err != nil {
			return nil, &TypeError{Want: "a text", Got: kindWord(value.Kind())}
		}
		out = append(out, string(text))
	}
	return out, nil
}

// setTexts sets a member to a list of texts; an empty one has no member.
func (o *object) setTexts(name string, list []string) {
	if len(list) == 0 {
		o.remove(name)
		return
	}
	values := make([]jsontext.Value, len(list))
	for i, text := range list {
		values[i], _ = jsontext.AppendQuote(nil, text) // as in setText
	}
	o.set(name, encodeList(values))
}
