package charter

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tasuki/spec/jcs"
)

// Edit applies a JSON merge patch (RFC 7396) to a charter under draft: members of the patch replace those of the signed part, null
// removes one, objects are merged. A member that a charter cannot have is an error. The form is checked when the draft is made,
// and version, link and date are Amend's to set, whatever the patch says.
func (c *Charter) Edit(patch []byte) error {
	if jsontext.Value(patch).Kind() != '{' {
		return errors.New("edit the charter: a patch is a JSON object")
	}
	raw, err := jcs.Canonical(*c)
	if err != nil {
		return fmt.Errorf("edit the charter: %w", err)
	}
	merged, err := mergePatch(raw, patch)
	if err != nil {
		return fmt.Errorf("edit the charter: %w", err)
	}
	var next Charter
	if err := json.Unmarshal(merged, &next, json.RejectUnknownMembers(true)); err != nil {
		return fmt.Errorf("edit the charter: %w", err)
	}
	next.V, next.Prev, next.Genesis, next.Issued = c.V, c.Prev, c.Genesis, c.Issued
	*c = next
	return nil
}

// mergePatch is RFC 7396 §2. A patch that is not an object replaces everything.
func mergePatch(target, patch jsontext.Value) (jsontext.Value, error) {
	if patch.Kind() != '{' {
		return patch, nil
	}
	var changes map[string]jsontext.Value
	if err := json.Unmarshal(patch, &changes); err != nil {
		return nil, err
	}
	members := map[string]jsontext.Value{}
	if target.Kind() == '{' {
		if err := json.Unmarshal(target, &members); err != nil {
			return nil, err
		}
	}
	for name, change := range changes {
		if change.Kind() == 'n' {
			delete(members, name)
			continue
		}
		merged, err := mergePatch(members[name], change)
		if err != nil {
			return nil, err
		}
		members[name] = merged
	}
	return json.Marshal(members)
}
