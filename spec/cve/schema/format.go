package schema

import (
	"errors"
	"net/netip"
	"strings"

	"tasuki/spec/cve"
)

var (
	errURI  = errors.New("is no URI")
	errTime = errors.New("is no timestamp")
)

// checkTime is the format "date-time" of the 5.1.0 schema. RFC 3339 asks for a zone, and a quarter of the older dates
// have none; the schema's own pattern lets them pass, and so do we, with a warning (cve.ZonelessDates).
func checkTime(value any) error {
	if s, ok := value.(string); ok {
		if _, _, err := cve.ParseTime(s); err != nil {
			return errTime
		}
	}
	return nil
}

// checkURI is the format "uri".
func checkURI(value any) error {
	if s, ok := value.(string); ok && !isURI(s) {
		return errURI
	}
	return nil
}

// isURI tells whether s is a URI after RFC 3986, read as generously as the validator that CVE Services runs (ajv with
// ajv-formats). That one takes a single "/" for an empty authority; hence whatever begins with a slash after the scheme
// is a path, colons included, and "git://git@gitlab.com:group/project.git" passes, which 168 real records hold. Spaces,
// backslashes, quotes, raw non-ASCII and half percent-escapes fail, and so does a text without a scheme.
func isURI(s string) bool {
	scheme, rest, ok := strings.Cut(s, ":")
	if !ok || !isScheme(scheme) {
		return false
	}
	rest, fragment, _ := strings.Cut(rest, "#")
	hier, query, _ := strings.Cut(rest, "?")
	if !all(fragment, pchar+"/?") || !all(query, pchar+"/?") {
		return false
	}
	if strings.HasPrefix(hier, "/") {
		return all(hier, pchar+"/") || hasIPLiteral(hier)
	}
	// A path without a slash in front must hold something: "mailto:a@b" is one, "http:" is none.
	return hier != "" && all(hier, pchar+"/")
}

const (
	alphanumeric = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	unreserved   = alphanumeric + "-._~"
	subDelims    = "!$&'()*+,;="
	pchar        = unreserved + subDelims + ":@"
)

// isScheme is RFC 3986, section 3.1.
func isScheme(s string) bool {
	return s != "" && strings.IndexByte(alphanumeric[:52], s[0]) >= 0 && strings.Trim(s, alphanumeric+"+-.") == "" && !strings.Contains(s, "%")
}

// all reports whether s consists of the given characters and percent-escapes.
func all(s, allowed string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] == '%' {
			if i+2 >= len(s) || !isHex(s[i+1]) || !isHex(s[i+2]) {
				return false
			}
			i += 2
			continue
		}
		if strings.IndexByte(allowed, s[i]) < 0 {
			return false
		}
	}
	return true
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

// hasIPLiteral takes the one form of authority that all cannot: [user@] "[" address "]" [":" port], then a path.
func hasIPLiteral(hier string) bool {
	authority := strings.TrimPrefix(strings.TrimPrefix(hier, "/"), "/")
	path := ""
	if i := strings.IndexByte(authority, '/'); i >= 0 {
		authority, path = authority[:i], authority[i:]
	}
	if user, host, ok := strings.Cut(authority, "@"); ok {
		if !all(user, unreserved+subDelims+":") {
			return false
		}
		authority = host
	}
	literal, port, ok := strings.Cut(strings.TrimPrefix(authority, "["), "]")
	if !ok || !strings.HasPrefix(authority, "[") || !all(path, pchar+"/") {
		return false
	}
	if port != "" && (port[0] != ':' || strings.Trim(port[1:], "0123456789") != "") {
		return false
	}
	if literal != "" && literal[0]|0x20 == 'v' { // IPvFuture
		version, address, ok := strings.Cut(literal[1:], ".")
		return ok && version != "" && strings.Trim(version, "0123456789abcdefABCDEF") == "" && address != "" &&
			strings.Trim(address, unreserved+subDelims+":") == ""
	}
	address, err := netip.ParseAddr(literal)
	return err == nil && address.Is6() && address.Zone() == ""
}
