package form

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

func rowName(list string, n int) string { return list + "/" + strconv.Itoa(n) }

// Add appends a blank row to the list of that name and returns the row's name. variant is the member that a new metric
// holds (cvssV3_1), or the language of a new text; "" leaves it as it comes. ok is false where there is no such list.
func (s *State) Add(name, variant string) (row string, ok bool) {
	at, member := split(name)
	parent, shape := s.find(at)
	if parent == nil || parent.kind != '{' {
		return "", false
	}
	k := shape.kid(member)
	if k == nil || k.Kind != Rows {
		return "", false
	}
	if rows := parent.get(member); rows != nil && rows.kind != '[' {
		return "", false
	}
	rows := s.add(at, member, k)
	n := len(rows.kids) - 1
	if lang := k.kid("lang"); lang != nil && slices.Contains(lang.Options, variant) {
		rows.kids[n].set("lang", text(variant), k.order())
	}
	for _, score := range Scores {
		if k.kid(variant) != nil && score.Member == variant {
			rows.kids[n].set(variant, &value{kind: '{', names: []string{"version"}, kids: []*value{text(score.Version)}}, k.order())
		}
	}
	return rowName(name, n), true
}

// add appends a blank row to a list, which it makes if it must. The parent is there.
func (s *State) add(at, member string, k *Shape) *value {
	parent, shape := s.find(at)
	rows := parent.get(member)
	if rows == nil {
		rows = list()
		parent.set(member, rows, shape.order())
	}
	row, err := parse([]byte(k.Blank))
	if err != nil {
		panic(fmt.Sprintf("form: the blank row of %s: %v", k.Name, err)) // a mistake in the table, which a test finds first
	}
	rows.kids = append(rows.kids, row)
	return rows
}

// Remove takes out a row or a member. It is false where there is none.
func (s *State) Remove(name string) bool {
	at, last := split(name)
	parent := s.root.at(jsontext.Pointer(at))
	switch {
	case name == "" || parent == nil:
		return false
	case parent.kind == '{':
		last = unescape(last)
		had := len(parent.names)
		parent.drop(last)
		return len(parent.names) < had
	case parent.kind == '[':
		i, ok := index(last)
		if !ok || i >= len(parent.kids) {
			return false
		}
		if parent.kids = slices.Delete(parent.kids, i, i+1); len(parent.kids) == 0 {
			over, member := split(at)
			if v := s.root.at(jsontext.Pointer(over)); v != nil && v.kind == '{' {
				v.drop(unescape(member))
			}
		}
		return true
	}
	return false
}

// Copy puts a copy of a row below it and returns the copy's name.
func (s *State) Copy(name string) (string, bool) {
	list, i, ok := s.row(name)
	if !ok {
		return "", false
	}
	list.kids = slices.Insert(list.kids, i+1, list.kids[i].clone())
	at, _ := split(name)
	return rowName(at, i+1), true
}

// Up moves a row one place up and returns its new name.
func (s *State) Up(name string) (string, bool) {
	list, i, ok := s.row(name)
	if !ok || i == 0 {
		return "", false
	}
	list.kids[i-1], list.kids[i] = list.kids[i], list.kids[i-1]
	at, _ := split(name)
	return rowName(at, i-1), true
}

func (s *State) row(name string) (*value, int, bool) {
	at, last := split(name)
	list := s.root.at(jsontext.Pointer(at))
	i, ok := index(last)
	if list == nil || list.kind != '[' || !ok || i >= len(list.kids) {
		return nil, 0, false
	}
	return list, i, true
}

// find is the object at a pointer with its shape; nil when there is none, or no field can be in it.
func (s *State) find(pointer string) (*value, *Shape) {
	v, shape := s.root, &Container
	inList := false
	for token := range jsontext.Pointer(pointer).Tokens() {
		if inList {
			i, ok := index(token)
			if !ok || v.kind != '[' || i >= len(v.kids) {
				return nil, nil
			}
			v, inList = v.kids[i], false
			continue
		}
		if shape = shape.kid(token); shape == nil {
			return nil, nil
		}
		if v = v.get(token); v == nil {
			return nil, nil
		}
		inList = shape.Kind == Rows
	}
	if inList {
		return nil, nil
	}
	return v, shape
}

// split cuts a pointer before its last token.
func split(pointer string) (parent, last string) {
	i := strings.LastIndexByte(pointer, '/')
	if i < 0 {
		return "", ""
	}
	return pointer[:i], pointer[i+1:]
}

func unescape(token string) string {
	return strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
}
