// Package form writes the CNA container of a CVE record as fields of a form and reads it back from them.
//
// A State is the container's JSON with room for rows that are still blank. Each field is named by the JSON pointer of the
// member it holds, so that a finding about the container finds its field. Apply changes only what somebody changed: a value
// that comes back as the form showed it leaves the member's bytes alone, and members that no field shows are never
// touched. Hence, for every container that the record format allows, a form that is sent back as it came gives the same
// JSON: the law that FuzzUntouched holds this package to.
package form

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// ErrForm means a document that no form can show: no JSON, or no object.
var ErrForm = errors.New("form: not a container")

// State is a container while it is written.
type State struct{ root *value }

// Parse reads a container, or what Encode wrote. The error wraps ErrForm and says where.
func Parse(raw []byte) (*State, error) {
	root, err := parse(raw)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrForm, err)
	}
	if root.kind != '{' {
		return nil, fmt.Errorf("%w: it must be an object", ErrForm)
	}
	return &State{root}, nil
}

// Encode is the state with its blank rows, as compact JSON: what a draft keeps.
func (s *State) Encode() []byte { return s.root.append(nil) }

// Drop removes a member of the container itself, such as providerMetadata, which is the service's to write.
func (s *State) Drop(member string) { s.root.drop(member) }

// Invite gives a blank row to each list that a record cannot do without and that has none.
func (s *State) Invite() {
	for i := range Container.Kids {
		k := &Container.Kids[i]
		if rows := s.root.get(k.Name); k.Invite && (rows == nil || rows.kind == '[' && len(rows.kids) == 0) {
			s.add("", k.Name, k)
		}
	}
}

// Clean is the container without blank rows, as compact JSON, and where its parts stand in the state.
func (s *State) Clean() ([]byte, Places) {
	kept := Places{}
	root := s.root.clone()
	sweep(root, &Container, "", kept)
	return root.append(nil), kept
}

// sweep drops blank rows below v. kept learns, for each list that lost rows, the former indexes of those that stayed, by the
// list's pointer in the clean container.
func sweep(v *value, shape *Shape, at string, kept Places) {
	for i := range shape.Kids {
		k := &shape.Kids[i]
		kid := v.get(k.Name)
		if kid == nil {
			continue
		}
		here := at + "/" + k.Name
		switch {
		case k.Kind == Group && kid.kind == '{':
			sweep(kid, k, here, kept)
		case k.Kind == Rows && kid.kind == '[':
			var stay []int
			var rows []*value
			for n, row := range kid.kids {
				if !blank(row, k) {
					stay, rows = append(stay, n), append(rows, row)
				}
			}
			if len(rows) < len(kid.kids) {
				kept[here] = stay
				if kid.kids = rows; len(rows) == 0 {
					v.drop(k.Name)
					continue
				}
			}
			for n, row := range rows {
				if row.kind == '{' {
					sweep(row, k, here+"/"+strconv.Itoa(n), kept)
				}
			}
		}
	}
}

// blank tells whether nobody wrote anything into a row. No container that the record format allows has such a row.
func blank(row *value, shape *Shape) bool {
	if row.kind != '{' {
		return false
	}
	for i, name := range row.names {
		k, kid := shape.kid(name), row.kids[i]
		switch {
		case slices.Contains(shape.Quiet, name):
			if _, ok := kid.str(); !ok {
				return false
			}
		case k != nil && k.Kind == Rows && kid.kind == '[':
			if slices.ContainsFunc(kid.kids, func(row *value) bool { return !blank(row, k) }) {
				return false
			}
		case k != nil && k.Kind == Vector && kid.kind == '{':
			if len(kid.names) > 1 || len(kid.names) == 1 && kid.names[0] != "version" {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// Places leads from the clean container back to the state that it came from.
type Places map[string][]int

// State is the pointer in the state for one in the clean container.
func (p Places) State(pointer string) string {
	var clean, out string
	for token := range jsontext.Pointer(pointer).Tokens() {
		step := string(jsontext.Pointer("").AppendToken(token))
		if stay, ok := p[clean]; ok {
			if i, isIndex := index(token); isIndex && i < len(stay) {
				step = "/" + strconv.Itoa(stay[i])
			}
		}
		clean += string(jsontext.Pointer("").AppendToken(token))
		out += step
	}
	return out
}

// Part is a member of the container as the form shows it: a field, a list of rows, or a group of parts.
type Part struct {
	Shape *Shape
	Name  string // JSON pointer in the state
	Path  string // the way there without indexes: "affected.versions.status"
	Field Field  // of the kinds that are fields
	Rows  []Row
	Parts []Part // of a Group
	// Odd is the member's JSON where it is not what its shape says; the form shows it and leaves it alone.
	Odd string
	// Absent says that the member is not there.
	Absent bool
}

// Row is one object of a list.
type Row struct {
	Name  string // JSON pointer in the state
	Parts []Part
	Kept  []Kept
}

// Kept is a member that no field shows.
type Kept struct {
	Name string // JSON pointer in the state
	JSON string
}

// Parts are what the form shows, in its order.
func (s *State) Parts() []Part { return parts(s.root, &Container, "", "") }

// Kept are the container's members that no field shows.
func (s *State) Kept() []Kept { return kept(s.root, &Container, "") }

func parts(v *value, shape *Shape, at, path string) []Part {
	out := make([]Part, 0, len(shape.Kids))
	for i := range shape.Kids {
		k := &shape.Kids[i]
		p := Part{Shape: k, Name: at + "/" + k.Name, Path: strings.TrimPrefix(path+"."+k.Name, ".")}
		kid := v.get(k.Name)
		p.Absent = kid == nil
		switch k.Kind {
		case Rows:
			if kid == nil {
				break
			}
			if kid.kind != '[' {
				p.Odd = string(kid.append(nil))
				break
			}
			for n, row := range kid.kids {
				r := Row{Name: p.Name + "/" + strconv.Itoa(n)}
				if row.kind != '{' {
					r.Kept = []Kept{{r.Name, string(row.append(nil))}}
				} else {
					r.Parts, r.Kept = parts(row, k, r.Name, p.Path), kept(row, k, r.Name)
				}
				p.Rows = append(p.Rows, r)
			}
		case Group:
			if kid == nil {
				kid = object()
			}
			if kid.kind != '{' {
				p.Odd = string(kid.append(nil))
				break
			}
			p.Parts = parts(kid, k, p.Name, p.Path)
		default:
			var odd bool
			if p.Field, odd = show(v, k, at); odd {
				if kid == nil {
					kid = v // a row with two ends
				}
				p.Odd = string(kid.append(nil))
			}
			if k.Kind == Bound {
				p.Name, p.Absent = at+"#to", false
			}
		}
		out = append(out, p)
	}
	return out
}

func kept(v *value, shape *Shape, at string) []Kept {
	var out []Kept
	for i, name := range v.names {
		known := shape.kid(name) != nil || slices.Contains(shape.Quiet, name) // a metric's format says no more than its other member
		if shape.kid("to") != nil {
			known = known || name == lessThan || name == lessThanOrEqual
		}
		if !known {
			out = append(out, Kept{at + string(jsontext.Pointer("").AppendToken(name)), string(v.kids[i].append(nil))})
		}
	}
	return out
}
