package cve

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
)

// ErrID says that a text is no CVE identifier in its canonical form; wrapped with the reason.
var ErrID = errors.New("cve: not a CVE identifier")

// ID is a CVE identifier. The zero value is no identifier.
type ID struct {
	Year   uint16 // 0–9999; which years may be numbered is a matter of the numbering, not of the form
	Number uint64 // at most 19 digits
}

// The form, after the CVE Record Format's cveId pattern "^CVE-[0-9]{4}-[0-9]{4,19}$".
const (
	idPrefix     = "CVE-"
	idMinDigits  = 4
	idMaxDigits  = 19
	idNumberFrom = len(idPrefix) + 5 // after "CVE-YYYY-"
)

// ParseID reads the canonical form of an identifier: "CVE-", four digits of the year, "-", and a number of 4 to 19
// digits. The schema's pattern also lets "CVE-2024-00123" pass, a second spelling of CVE-2024-0123; here a number of
// more than four digits must not begin with 0, so that every identifier has one spelling and ParseID is the inverse
// of String. Errors wrap ErrID.
func ParseID(s string) (ID, error) {
	switch {
	case len(s) < len(idPrefix) || s[:len(idPrefix)] != idPrefix:
		return ID{}, fmt.Errorf("%w: %s does not begin with CVE-", ErrID, quoteShort(s))
	case len(s) < idNumberFrom || s[idNumberFrom-1] != '-':
		return ID{}, fmt.Errorf("%w: %s has no four-digit year", ErrID, quoteShort(s))
	}
	year, ok := digits(s[len(idPrefix) : idNumberFrom-1])
	if !ok {
		return ID{}, fmt.Errorf("%w: %s has no four-digit year", ErrID, quoteShort(s))
	}
	text := s[idNumberFrom:]
	if len(text) < idMinDigits || len(text) > idMaxDigits {
		return ID{}, fmt.Errorf("%w: %s needs a number of %d to %d digits", ErrID, quoteShort(s), idMinDigits, idMaxDigits)
	}
	number, ok := digits(text)
	if !ok {
		return ID{}, fmt.Errorf("%w: %s has something else than digits in its number", ErrID, quoteShort(s))
	}
	if len(text) > idMinDigits && text[0] == '0' {
		return ID{}, fmt.Errorf("%w: the number of %s begins with superfluous zeros", ErrID, quoteShort(s))
	}
	return ID{Year: uint16(year), Number: number}, nil
}

// digits reads ASCII digits only; at most 19 of them, which always fit.
func digits(s string) (n uint64, ok bool) {
	for i := range len(s) {
		c := s[i] - '0'
		if c > 9 {
			return 0, false
		}
		n = n*10 + uint64(c)
	}
	return n, true
}

// quoteShort quotes a foreign text for an error message without letting it fill the screen.
func quoteShort(s string) string {
	if len(s) > 40 {
		return strconv.Quote(s[:40]) + "…"
	}
	return strconv.Quote(s)
}

// String returns the canonical form.
func (id ID) String() string {
	return string(id.append(make([]byte, 0, 24)))
}

func (id ID) append(b []byte) []byte {
	b = append(b, idPrefix...)
	b = appendPadded(b, uint64(id.Year))
	b = append(b, '-')
	return appendPadded(b, id.Number)
}

// appendPadded writes at least four digits.
func appendPadded(b []byte, n uint64) []byte {
	for limit := uint64(1000); limit > 1 && n < limit; limit /= 10 {
		b = append(b, '0')
	}
	return strconv.AppendUint(b, n, 10)
}

// IsZero reports whether id is the zero value.
func (id ID) IsZero() bool { return id == ID{} }

// Compare orders identifiers by year, then by number: the order people expect, which the order of the texts is not.
func (id ID) Compare(other ID) int {
	return cmp.Or(cmp.Compare(id.Year, other.Year), cmp.Compare(id.Number, other.Number))
}

// Bucket is the folder name under the year in the published CVE List: the number without its last three digits,
// then "xxx" (CVE-2025-14617 is in 14xxx, CVE-1999-0006 in 0xxx).
func (id ID) Bucket() string {
	return strconv.FormatUint(id.Number/1000, 10) + "xxx"
}

// Path is the file's path in the published CVE List (cvelistV5): cves/<year>/<bucket>/<id>.json.
func (id ID) Path() string {
	b := make([]byte, 0, 64)
	b = append(b, "cves/"...)
	b = appendPadded(b, uint64(id.Year))
	b = append(b, '/')
	b = strconv.AppendUint(b, id.Number/1000, 10)
	b = append(b, "xxx/"...)
	b = id.append(b)
	return string(append(b, ".json"...))
}

// MarshalText and UnmarshalText use the canonical form, so that an ID can stand in JSON and in flags.
func (id ID) MarshalText() ([]byte, error) { return id.append(nil), nil }

// UnmarshalText is ParseID.
func (id *ID) UnmarshalText(text []byte) error {
	parsed, err := ParseID(string(text))
	if err != nil {
		return err
	}
	*id = parsed
	return nil
}
