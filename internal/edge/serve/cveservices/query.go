package cveservices

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// How far a query string's brackets are followed. What is beyond is ignored, or stays a part of a name: nobody's honest request
// comes near.
const (
	maxParameters = 1000
	maxDepth      = 5
	maxIndex      = 20 // a larger number in brackets is a name
)

// query is a query string, or a form-encoded body, read by nested-bracket rules (reference §1): a=1&a=2 and a[]=1&a[]=2 are lists,
// a[b]=x is an object, a[][b]=x a list of one object. Dots are ordinary characters in names.
//
// A value is what JSON would have made of it: string, []any or map[string]any.
type query struct {
	names  []string // in the order in which they first appear
	values map[string]any
}

// parseQuery reads a query string. Everything is one: what cannot be decoded is taken as it stands.
func parseQuery(raw string) query {
	q := query{values: map[string]any{}}
	n := 0
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		if n++; n > maxParameters {
			break
		}
		name, value := splitPair(pair)
		path := brackets(name)
		if path[0] == "" {
			continue
		}
		if _, has := q.values[path[0]]; !has {
			q.names = append(q.names, path[0])
		}
		q.values[path[0]] = merge(q.values[path[0]], nest(path[1:], value))
	}
	return q
}

// splitPair takes the first equals sign behind the name's last bracket, if there is one, so that a[b=c]=d has the name a[b=c].
func splitPair(pair string) (name, value string) {
	at := strings.Index(pair, "]=")
	if at >= 0 {
		at++
	} else {
		at = strings.IndexByte(pair, '=')
	}
	if at < 0 {
		return unescape(pair), ""
	}
	return unescape(pair[:at]), unescape(pair[at+1:])
}

func unescape(s string) string {
	text, err := url.QueryUnescape(s)
	if err != nil || !utf8.ValidString(text) {
		text = strings.ReplaceAll(s, "+", " ")
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

// brackets cuts a[b][] into "a", "b", "". Brackets that do not pair up, or nest too deep, belong to the name before them.
func brackets(name string) []string {
	first := strings.IndexByte(name, '[')
	if first <= 0 {
		return []string{name}
	}
	path, rest := []string{name[:first]}, name[first:]
	for rest != "" && len(path) <= maxDepth {
		end := strings.IndexByte(rest, ']')
		if rest[0] != '[' || end < 0 {
			break
		}
		path = append(path, rest[1:end])
		rest = rest[end+1:]
	}
	if len(path) == 1 {
		return []string{name}
	}
	if len(path) > maxDepth && rest != "" {
		path = append(path, rest) // what is deeper is one name
	}
	return path
}

// nest is a value behind the rest of a path.
func nest(path []string, value any) any {
	for _, p := range slices.Backward(path) {
		if isIndex(p) {
			value = []any{value}
		} else {
			value = map[string]any{p: value}
		}
	}
	return value
}

func isIndex(p string) bool {
	if p == "" {
		return true
	}
	n, err := strconv.Atoi(p)
	return err == nil && n >= 0 && n <= maxIndex && strconv.Itoa(n) == p
}

// merge adds what a later pair says to what earlier ones said of the same name.
func merge(have, more any) any {
	if have == nil {
		return more
	}
	a, aMap := have.(map[string]any)
	b, bMap := more.(map[string]any)
	if aMap && bMap {
		for name, v := range b {
			a[name] = merge(a[name], v)
		}
		return a
	}
	return append(elements(have), elements(more)...)
}

func elements(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	return []any{v}
}
