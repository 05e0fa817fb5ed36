package form

import (
	"slices"
	"strings"

	"tasuki/spec/cvss"
)

// setVector takes a CVSS vector by its text where that changed, else by the choices.
func setVector(member *value, k *Shape, name string, f Field, values map[string][]string) {
	vector, changed := "", false
	if came, ok := first(values, name+"/vectorString"); ok && !sameTyped(f.Text, came, true) {
		vector, changed = strings.TrimSpace(Typed(came, true)), true
	} else {
		vector, changed = chosen(f, name, values)
	}
	if !changed {
		return
	}
	order := []string{"version", "vectorString", "baseScore", "baseSeverity"}
	if vector == "" {
		member.drop("vectorString")
	} else {
		member.set("vectorString", text(vector), order)
	}
	// Whatever else the object says was said of another vector.
	parsed, err := cvss.Parse(vector)
	if err != nil || parsed.Version() != f.Version {
		for _, name := range slices.Clone(member.names) {
			if name != "version" && name != "vectorString" {
				member.drop(name)
			}
		}
		return
	}
	member.set("version", text(f.Version), order)
	member.set("baseScore", number(parsed.Score()), order)
	if f.Version != cvss.V20 {
		member.set("baseSeverity", text(parsed.Severity()), order)
	}
	expanded := parsed.Expand()
	for _, name := range slices.Clone(member.names) {
		if slices.Contains(order, name) && (name != "baseSeverity" || f.Version != cvss.V20) {
			continue
		}
		i := slices.IndexFunc(expanded, func(field cvss.Field) bool { return field.Name == name && field.Base })
		if i < 0 {
			member.drop(name) // optional members, which the vector says too
			continue
		}
		member.set(name, text(expanded[i].Value), nil)
	}
}

// chosen is the vector that the choices make, in the order of the specification.
func chosen(f Field, name string, values map[string][]string) (vector string, changed bool) {
	undefined := cvss.Undefined(f.Version)
	said := func(v string) string {
		if v == undefined {
			return ""
		}
		return v
	}
	var parts []string
	for _, m := range cvss.Grammar(f.Version) {
		had := f.Metrics[m.Abbr]
		now := had
		if came, ok := first(values, name+"/vectorString#"+m.Abbr); ok && said(came) != said(had) {
			changed = true
			if now = said(came); !slices.ContainsFunc(m.Values, func(v cvss.Value) bool { return v.Short == now }) {
				now = ""
			}
		}
		if now != "" {
			parts = append(parts, m.Abbr+":"+now)
		}
	}
	if vector = strings.Join(parts, "/"); vector != "" && f.Version != cvss.V20 {
		vector = "CVSS:" + f.Version + "/" + vector
	}
	return vector, changed
}
