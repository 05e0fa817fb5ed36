package gcve

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"tasuki/spec/cve"
)

// ErrID means a text that is no GCVE identifier; wrapped with the reason.
var ErrID = errors.New("gcve: not a GCVE identifier")

// GNA is the number of a GCVE Numbering Authority.
type GNA uint16

// Numbers with a meaning of their own.
const (
	GNACVE  GNA = 0     // the CVE Program: its identifiers map to CVE ones
	GNATest GNA = 65535 // for tests only
)

// ParseGNA reads a number of an authority, 0–65535 in decimal digits without superfluous zeros.
func ParseGNA(s string) (GNA, error) {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || strconv.FormatUint(n, 10) != s {
		return 0, fmt.Errorf("%w: the number of an authority is 0 to 65535", ErrID)
	}
	return GNA(n), nil
}

// String is the number in decimal digits.
func (g GNA) String() string { return strconv.Itoa(int(g)) }

// Source is the authority's name as a value of BCP-03's parameter source: "gna-1".
func (g GNA) Source() string { return sourcePrefix + g.String() }

const (
	prefix       = "GCVE-"
	sourcePrefix = "gna-"
	// maxID bounds what is read. BCP-04 names no maximum and recommends 255 bytes.
	maxID = 1024
)

// ID is a GCVE identifier as somebody wrote it. The zero value is none.
type ID struct {
	text string
	gna  GNA
	at   int // where the value begins
}

// ParseID reads any identifier that BCP-04 allows: "GCVE-", the authority's number, "-", and at least one character of
// 0x22 to 0x7E. The prefix is accepted in any letter case, and superfluous zeros of the number are; String returns what was
// read, Key one spelling for all of them. Errors wrap ErrID and do not repeat the text.
func ParseID(s string) (ID, error) {
	if len(s) > maxID {
		return ID{}, fmt.Errorf("%w: longer than %d bytes", ErrID, maxID)
	}
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return ID{}, fmt.Errorf("%w: it does not begin with GCVE-", ErrID)
	}
	number, value, ok := strings.Cut(s[len(prefix):], "-")
	if !ok || number == "" {
		return ID{}, fmt.Errorf("%w: it has no number of an authority", ErrID)
	}
	n := 0
	for i := range len(number) {
		c := number[i] - '0'
		if c > 9 {
			return ID{}, fmt.Errorf("%w: the number of the authority has other characters than digits", ErrID)
		}
		if n = n*10 + int(c); n > 65535 {
			return ID{}, fmt.Errorf("%w: the number of the authority is above 65535", ErrID)
		}
	}
	if value == "" {
		return ID{}, fmt.Errorf("%w: nothing follows the number of the authority", ErrID)
	}
	for i := range len(value) {
		if value[i] < 0x22 || value[i] > 0x7E {
			return ID{}, fmt.Errorf("%w: a character outside 0x22 to 0x7E", ErrID)
		}
	}
	return ID{text: s, gna: GNA(n), at: len(prefix) + len(number) + 1}, nil
}

// Issue makes the identifier that an authority gives out for a number of a year: four digits of the year, at least four of
// the number, which every client reads. Year is 0–9999, n is positive.
func Issue(g GNA, year int, n int64) ID {
	head := prefix + g.String() + "-"
	return ID{text: fmt.Sprintf("%s%04d-%04d", head, year, n), gna: g, at: len(head)}
}

// Numbered is the inverse of Issue: ok is false for an identifier in any other form.
func (id ID) Numbered() (year int, n int64, ok bool) {
	y, digits, found := strings.Cut(id.Value(), "-")
	if !found || len(y) != 4 {
		return 0, 0, false
	}
	u, err := strconv.ParseUint(y, 10, 16)
	if err != nil {
		return 0, 0, false
	}
	n, err = strconv.ParseInt(digits, 10, 64)
	if err != nil || Issue(id.gna, int(u), n).text != id.text {
		return 0, 0, false
	}
	return int(u), n, true
}

// String returns the identifier as it was written.
func (id ID) String() string { return id.text }

// GNA is the authority's number.
func (id ID) GNA() GNA { return id.gna }

// Value is what follows the authority's number.
func (id ID) Value() string { return id.text[id.at:] }

// IsZero says that id is the zero value.
func (id ID) IsZero() bool { return id.text == "" }

// Key is equal for all spellings of one identifier: upper-case prefix, no superfluous zeros of the authority's number, and
// for authority 0, whose identifiers are compared without regard to letter case, an upper-case value.
func (id ID) Key() string {
	value := id.Value()
	if id.gna == GNACVE {
		value = strings.ToUpper(value)
	}
	return prefix + id.gna.String() + "-" + value
}

// FromCVE is the alias of a CVE identifier: GCVE-0-2026-1234 for CVE-2026-1234, digits unchanged.
func FromCVE(c cve.ID) ID {
	const head = prefix + "0-"
	return ID{text: head + strings.TrimPrefix(c.String(), "CVE-"), at: len(head)}
}

// CVE is the CVE identifier that an identifier of authority 0 is the alias of. No other identifier maps to one.
func (id ID) CVE() (cve.ID, bool) {
	if id.gna != GNACVE || id.IsZero() {
		return cve.ID{}, false
	}
	c, err := cve.ParseID("CVE-" + id.Value())
	return c, err == nil
}

// Name is the identifier in letters, digits, hyphens, dots and percent signs, so that it can stand in a path or a file
// name: an identifier may hold slashes, and ".." as well. No two identifiers have one name.
func (id ID) Name() string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(id.text) {
		switch c := id.text[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '.', c == '_':
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	return b.String()
}

// MarshalText and UnmarshalText use the text as it was written.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.text), nil }

// UnmarshalText is ParseID.
func (id *ID) UnmarshalText(text []byte) error {
	parsed, err := ParseID(string(text))
	if err != nil {
		return err
	}
	*id = parsed
	return nil
}
