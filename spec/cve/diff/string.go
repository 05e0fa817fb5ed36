package diff

import "strings"

// names are the kinds in words.
var names = map[Kind]string{
	Rejection: "reason for rejection", Metric: "score", KEV: "known exploitation", Title: "title", Provider: "provider's", Other: "",
}

// String says the change in one line of English, for terminals and feeds: "score CVSS 3.1: 7.5 → 9.8 (acme, CNA)", "added range
// TeamCity: < 2023.11.4". The text of the record in it is as written: whoever prints it to a terminal makes it harmless.
func (c Change) String() string {
	name, ok := names[c.Kind]
	if !ok {
		name = string(c.Kind)
	}
	if c.Kind == Other {
		name = c.Pointer
		if c.Pointer == "" {
			name = "document"
		}
	}
	parts := []string{name}
	if subject := c.Subject; subject != "" && subject != string(c.Kind) && c.Kind != KEV && c.Kind != SSVC {
		parts = append(parts, subject)
	}
	line := strings.Join(parts, " ")
	switch c.Op {
	case Added:
		line = detail("added "+line, c.After)
	case Removed:
		line = detail("removed "+line, c.Before)
	case Changed:
		if c.Before == c.After {
			line = detail("changed "+line, c.After) // cut before they part, or too big to say
			break
		}
		line = detail(line, quoteEmpty(c.Before)+" → "+quoteEmpty(c.After))
	}
	switch {
	case c.Kind == Container:
	case c.CNA:
		line += " (CNA)"
	case c.Party != "":
		line += " (" + c.Party + ")"
	}
	return line
}

func detail(line, text string) string {
	if text == "" {
		return line
	}
	return line + ": " + text
}

func quoteEmpty(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}
