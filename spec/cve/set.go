package cve

import (
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
)

// Set returns a document with one member set, in compact form; all others keep their order and their bytes. path names the member
// from the outermost object on; objects on the way that are missing are made. A value on the way that is no object is an error.
func Set(raw []byte, value jsontext.Value, path ...string) ([]byte, error) {
	if len(path) == 0 {
		return nil, fmt.Errorf("cve: set a member without a name")
	}
	o, err := parseObject(raw)
	if err != nil {
		return nil, err
	}
	if len(path) > 1 {
		inner := o.get(path[0])
		if inner == nil {
			inner = jsontext.Value("{}")
		}
		if value, err = Set(inner, value, path[1:]...); err != nil {
			return nil, fmt.Errorf("%s: %w", path[0], err)
		}
	}
	o.set(path[0], value)
	return o.encode(), nil
}
