package nvd

import (
	"errors"
	"fmt"
	"strings"
)

// ErrName says that a text is no CPE name of either binding; wrapped with the reason.
var ErrName = errors.New("nvd: not a CPE name")

// Places of the attributes in a name (NISTIR 7695 §5.2, formatted-string order).
const (
	attrPart = iota
	attrVendor
	attrProduct
	attrVersion
	attrUpdate
	attrEdition
	attrLanguage
	attrSWEdition
	attrTargetSW
	attrTargetHW
	attrOther
	attrCount
)

// cpeName is a CPE name as its eleven formatted-string values, in lower case. Comparing names is the
// business of the CPE engine; here a name is only read, refitted with a version, and written.
type cpeName [attrCount]string

// parseName reads a name in the 2.3 formatted string or the 2.2 URI binding (NISTIR 7695 §6).
func parseName(s string) (cpeName, error) {
	lower := strings.ToLower(s)
	switch {
	case strings.HasPrefix(lower, "cpe:2.3:"):
		return parseFS(lower[len("cpe:2.3:"):])
	case strings.HasPrefix(lower, "cpe:/"):
		return parseURI(lower[len("cpe:/"):])
	}
	return cpeName{}, fmt.Errorf("%w: it begins with neither cpe:2.3: nor cpe:/", ErrName)
}

func parseFS(s string) (n cpeName, err error) {
	i := 0
	for {
		end := 0
		for end < len(s) && s[end] != ':' {
			if s[end] == '\\' {
				end++
			}
			end++
		}
		if i == attrCount || end > len(s) {
			return cpeName{}, fmt.Errorf("%w: not eleven attributes", ErrName)
		}
		if n[i], err = bound(s[:end]); err != nil {
			return cpeName{}, err
		}
		i++
		if end == len(s) {
			break
		}
		s = s[end+1:]
	}
	if i != attrCount {
		return cpeName{}, fmt.Errorf("%w: not eleven attributes", ErrName)
	}
	return n, n.check()
}

// bound checks one formatted-string value and takes the quoting away that the binding does without.
func bound(s string) (string, error) {
	if s == "" {
		return "", fmt.Errorf("%w: an attribute is empty", ErrName)
	}
	plain := true
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c <= ' ' || c > '~' {
			return "", fmt.Errorf("%w: %q is not printable ASCII", ErrName, s)
		}
		plain = plain && wordByte(c)
	}
	if plain || s == "*" || s == "-" {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '\\':
			i++
			if i == len(s) {
				return "", fmt.Errorf("%w: %q ends in a backslash", ErrName, s)
			}
			if c = s[i]; !wordByte(c) && c != '-' {
				b.WriteByte('\\')
			}
			b.WriteByte(c)
		case (c == '*' || c == '?') || wordByte(c) || c == '-':
			b.WriteByte(c)
		default:
			b.WriteByte('\\')
			b.WriteByte(c)
		}
	}
	return b.String(), nil
}

// wordByte tells the bytes that stand for themselves in a formatted string: word characters and the period.
func wordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '.'
}

func parseURI(s string) (n cpeName, err error) {
	for i := range n {
		n[i] = "*"
	}
	parts := strings.Split(s, ":")
	if len(parts) > 7 {
		return cpeName{}, fmt.Errorf("%w: a URI has at most seven components", ErrName)
	}
	place := [...]int{attrPart, attrVendor, attrProduct, attrVersion, attrUpdate, attrEdition, attrLanguage}
	for i, part := range parts {
		if i == 5 && strings.HasPrefix(part, "~") {
			packed := strings.Split(part[1:], "~")
			if len(packed) != 5 {
				return cpeName{}, fmt.Errorf("%w: a packed edition has five fields", ErrName)
			}
			for j, to := range [...]int{attrEdition, attrSWEdition, attrTargetSW, attrTargetHW, attrOther} {
				if n[to], err = unescape(packed[j]); err != nil {
					return cpeName{}, err
				}
			}
			continue
		}
		if n[place[i]], err = unescape(part); err != nil {
			return cpeName{}, err
		}
	}
	return n, n.check()
}

// unescape turns one URI component into its formatted-string value.
func unescape(s string) (string, error) {
	switch s {
	case "":
		return "*", nil
	case "-":
		return "-", nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '%' {
			if i+2 >= len(s) {
				return "", fmt.Errorf("%w: percent form cut short in %q", ErrName, s)
			}
			hi, lo := hexDigit(s[i+1]), hexDigit(s[i+2])
			if hi < 0 || lo < 0 {
				return "", fmt.Errorf("%w: bad percent form in %q", ErrName, s)
			}
			i += 2
			switch c = byte(hi<<4 | lo); c {
			case 1:
				b.WriteByte('?')
				continue
			case 2:
				b.WriteByte('*')
				continue
			}
		}
		if c <= ' ' || c > '~' {
			return "", fmt.Errorf("%w: %q is not printable ASCII", ErrName, s)
		}
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if !wordByte(c) && c != '-' {
			b.WriteByte('\\')
		}
		b.WriteByte(c)
	}
	return b.String(), nil
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	}
	return -1
}

// check asks for what a criterion cannot do without.
func (n cpeName) check() error {
	switch {
	case n[attrPart] != "a" && n[attrPart] != "o" && n[attrPart] != "h":
		return fmt.Errorf("%w: part %q is not a, o or h", ErrName, n[attrPart])
	case n[attrVendor] == "*" || n[attrVendor] == "-" || n[attrProduct] == "*" || n[attrProduct] == "-":
		return fmt.Errorf("%w: vendor or product is not given", ErrName)
	}
	return nil
}

// String is the formatted string.
func (n cpeName) String() string { return "cpe:2.3:" + strings.Join(n[:], ":") }

// concrete tells whether the name names a version: neither ANY nor NA.
func (n cpeName) concrete() bool { return n[attrVersion] != "*" && n[attrVersion] != "-" }

// anyVersion is the name without its version and update.
func (n cpeName) anyVersion() cpeName {
	n[attrVersion], n[attrUpdate] = "*", "*"
	return n
}

// quoteValue binds a plain text as a formatted-string value; ok is false for text that no value can hold.
func quoteValue(s string) (string, bool) {
	if s == "" || s == "-" {
		return "", false
	}
	s = strings.ToLower(s)
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c <= ' ' || c > '~' {
			return "", false
		}
		if !wordByte(c) && c != '-' {
			b.WriteByte('\\')
		}
		b.WriteByte(c)
	}
	return b.String(), true
}
