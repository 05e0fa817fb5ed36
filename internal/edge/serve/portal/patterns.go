package portal

import (
	"fmt"
	"strconv"
	"strings"

	"tasuki/internal/authority"
)

// A scope's patterns are typed a line each: key=value parts with semicolons between them. A value that holds what parts them stands
// in quotation marks, as Go writes them.

// patternParts are the parts of a pattern, in the order in which they are written.
var patternParts = []struct {
	key string
	at  func(m *authority.Match) *string
}{
	{"vendor", func(m *authority.Match) *string { return &m.Vendor }},
	{"product", func(m *authority.Match) *string { return &m.Product }},
	{"namespace", func(m *authority.Match) *string { return &m.Namespace }},
	{"purl", func(m *authority.Match) *string { return &m.PURL }},
	{"cpe", func(m *authority.Match) *string { return &m.CPE }},
}

// derived marks patterns that were guessed from words.
const derived = "derived"

// formatPatterns writes patterns as parsePatterns reads them.
func formatPatterns(list []authority.Match) string {
	var lines []string
	for i := range list {
		var parts []string
		for _, p := range patternParts {
			if value := *p.at(&list[i]); value != "" {
				if plain := strings.TrimSpace(value); plain != value || strings.ContainsAny(value, ";\"\n\r") || strconv.Quote(value) != `"`+value+`"` {
					value = strconv.Quote(value)
				}
				parts = append(parts, p.key+"="+value)
			}
		}
		if list[i].Derived {
			parts = append(parts, derived)
		}
		lines = append(lines, strings.Join(parts, "; "))
	}
	return strings.Join(lines, "\n")
}

// parsePatterns reads patterns; line is the number of the first that cannot be read, 0 when all can.
func parsePatterns(text string) (list []authority.Match, line int) {
	n := 0
	for l := range strings.Lines(text) {
		n++
		if strings.TrimSpace(l) == "" {
			continue
		}
		m, err := parsePattern(l)
		if err != nil {
			return nil, n
		}
		list = append(list, m)
	}
	return list, 0
}

func parsePattern(line string) (m authority.Match, err error) {
	bad := fmt.Errorf("not a pattern: %q", line)
	rest := strings.TrimSpace(line)
	for rest != "" {
		var part string
		key, value, named := strings.Cut(rest, "=")
		if value = strings.TrimSpace(value); named && strings.HasPrefix(value, `"`) && !strings.Contains(key, ";") {
			quoted, err := strconv.QuotedPrefix(value)
			if err != nil {
				return m, bad
			}
			part, rest = key+"="+quoted, strings.TrimSpace(value[len(quoted):])
			if rest != "" && !strings.HasPrefix(rest, ";") {
				return m, bad
			}
			rest = strings.TrimPrefix(rest, ";")
		} else {
			part, rest, _ = strings.Cut(rest, ";")
		}
		if err := readPart(&m, strings.TrimSpace(part)); err != nil {
			return m, bad
		}
		rest = strings.TrimSpace(rest)
	}
	if (m == authority.Match{Derived: m.Derived}) {
		return m, bad
	}
	return m, nil
}

// readPart reads one part into a pattern.
func readPart(m *authority.Match, part string) error {
	if part == derived {
		m.Derived = true
		return nil
	}
	key, value, ok := strings.Cut(part, "=")
	if value = strings.TrimSpace(value); strings.HasPrefix(value, `"`) {
		var err error
		if value, err = strconv.Unquote(value); err != nil {
			return err
		}
	}
	for _, p := range patternParts {
		if at := p.at(m); ok && strings.EqualFold(strings.TrimSpace(key), p.key) && *at == "" && value != "" {
			*at = value
			return nil
		}
	}
	return fmt.Errorf("no such part: %q", part)
}
