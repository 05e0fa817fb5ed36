package cve

import "strings"

// Range says in short what a versions entry covers: "< 2023.11.4", "1.0 … < 1.2", "≥ 3", "2.1". A beginning that stands for
// "from the very first" (0, *, n/a) is left out; "" means every version. Status and changes are not in it.
func (v Version) Range() string {
	from := v.Version
	switch strings.ToLower(from) {
	case "0", "*", "n/a", "unspecified", "-":
		from = ""
	}
	upper := ""
	switch {
	case v.LessThan == "*" || v.LessThanOrEqual == "*":
		if from == "" {
			return ""
		}
		return "≥ " + from
	case v.LessThan != "":
		upper = "< " + v.LessThan
	case v.LessThanOrEqual != "":
		upper = "≤ " + v.LessThanOrEqual
	case strings.EqualFold(v.Version, "0"):
		return v.Version // a single version may well be called 0
	default:
		return from
	}
	if from != "" && from != v.LessThan && from != v.LessThanOrEqual {
		return from + " … " + upper
	}
	return upper
}
