package portal

import "net/url"

// pathOf is a name as a step of an address. Short names may hold anything but control characters.
func pathOf(name string) string { return url.PathEscape(name) }

// queryOf is a name as a value in an address.
func queryOf(name string) string { return url.QueryEscape(name) }
