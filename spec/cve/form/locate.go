package form

import (
	"regexp"
	"strings"

	"tasuki/spec/cve"
)

// Control is the name of a field's main control.
func (p *Part) Control() string {
	if p.Shape.Kind == Vector {
		return p.Name + "/vectorString"
	}
	return p.Name
}

// missing is how the schema's verdict names a member that is not there.
var missing = regexp.MustCompile(`needs the member "([^"]+)"`)

// Locate names the control, row or list of the form that a finding about the clean container belongs to: the nearest that
// the form has, "" when that is the container itself.
func (s *State) Locate(f cve.Finding, places Places) string {
	pointer := places.State(f.Pointer)
	if m := missing.FindStringSubmatch(f.Message); m != nil {
		pointer += "/" + m[1]
	}
	names := map[string]string{}
	var learn func(parts []Part)
	learn = func(parts []Part) {
		for i := range parts {
			p := &parts[i]
			switch p.Shape.Kind {
			case Rows:
				names[p.Name] = p.Name
				for _, row := range p.Rows {
					names[row.Name] = row.Name
					learn(row.Parts)
				}
				// Of a list that holds nothing yet, what is missing is missing in the row that waits for it.
				if v, shape := s.find(parentOf(p.Name)); v != nil && len(p.Rows) > 0 {
					if rows := v.get(p.Shape.Name); rows != nil && shape != nil && blank(rows.kids[0], p.Shape) && len(rows.kids) == 1 {
						if first := firstControl(p.Rows[0].Parts); first != "" {
							names[p.Name] = first
						}
					}
				}
			case Group:
				names[p.Name] = p.Name
				learn(p.Parts)
			case Bound:
				at := strings.TrimSuffix(p.Name, "#to")
				names[at+"/"+lessThan], names[at+"/"+lessThanOrEqual] = p.Name, p.Name
			default:
				names[p.Name] = p.Control()
			}
		}
	}
	learn(s.Parts())
	for ; pointer != ""; pointer = parentOf(pointer) {
		if name, ok := names[pointer]; ok {
			return name
		}
	}
	return ""
}

func parentOf(pointer string) string {
	at, _ := split(pointer)
	return at
}

// firstControl is the first control of a row that somebody has to write into.
func firstControl(parts []Part) string {
	for i := range parts {
		p := &parts[i]
		switch p.Shape.Kind {
		case Choice:
		case Rows:
			for _, row := range p.Rows {
				if first := firstControl(row.Parts); first != "" {
					return first
				}
			}
		case Group:
			if first := firstControl(p.Parts); first != "" {
				return first
			}
		default:
			return p.Control()
		}
	}
	return ""
}
