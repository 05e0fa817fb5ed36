package nvd

import (
	"bytes"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"tasuki/spec/nvd"
)

// affected passes each container's affected member on as it stands in the record.
func (r *rendering) affected(out *nvd.CVE, compact []byte) error {
	any := false
	for _, c := range nvd.Containers(r.rec) {
		any = any || len(c.Affected) > 0
	}
	if !any {
		return nil
	}
	members, err := affectedMembers(compact)
	if err != nil {
		return err
	}
	for i, c := range nvd.Containers(r.rec) {
		if raw := members[i]; len(c.Affected) > 0 && raw != nil {
			out.Affected = append(out.Affected, nvd.Affected{Source: r.source(c), Data: raw})
		}
	}
	return nil
}

// affectedMembers finds the affected member of every container: the CNA's under -1, an ADP's under its index.
func affectedMembers(raw []byte) (map[int]jsontext.Value, error) {
	found := map[int]jsontext.Value{}
	dec := jsontext.NewDecoder(bytes.NewBuffer(raw), jsontext.AllowDuplicateNames(true))
	container := func(at int) error {
		return members(dec, func(name string) error {
			if name != "affected" {
				return dec.SkipValue()
			}
			value, err := dec.ReadValue()
			found[at] = value.Clone()
			return err
		})
	}
	err := members(dec, func(name string) error {
		if name != "containers" {
			return dec.SkipValue()
		}
		return members(dec, func(name string) error {
			switch name {
			case "cna":
				return container(-1)
			case "adp":
				return elements(dec, container)
			}
			return dec.SkipValue()
		})
	})
	if err != nil {
		return nil, fmt.Errorf("find affected: %w", err)
	}
	return found, nil
}

// members calls fn at the value of each member of the next object, elements at each element of the next list.
func members(dec *jsontext.Decoder, fn func(name string) error) error {
	if dec.PeekKind() != jsontext.KindBeginObject {
		return dec.SkipValue()
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() != jsontext.KindEndObject {
		name, err := dec.ReadToken()
		if err != nil {
			return err
		}
		if err := fn(name.String()); err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}

func elements(dec *jsontext.Decoder, fn func(i int) error) error {
	if dec.PeekKind() != jsontext.KindBeginArray {
		return dec.SkipValue()
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for i := 0; dec.PeekKind() != jsontext.KindEndArray; i++ {
		if err := fn(i); err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}
