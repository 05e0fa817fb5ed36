package cve

import (
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
)

// Unassemble takes the containers out of an assembled record, the CNA's first, without the date that assembling stamped: each is
// what was put, byte for byte, where that was written as WithProvider writes. What came with a base is among them; it was never put.
func Unassemble(record []byte) ([][]byte, error) {
	whole, err := parseObject(record)
	if err != nil {
		return nil, err
	}
	containers, err := parseObject(whole.get("containers"))
	if err != nil {
		return nil, fmt.Errorf("/containers: %w", err)
	}
	list, err := parseList(containers.get(ADP))
	if err != nil {
		return nil, fmt.Errorf("/containers/adp: %w", err)
	}
	var out [][]byte
	for _, value := range append([]jsontext.Value{containers.get(CNA)}, list...) {
		container, err := parseObject(value)
		if err != nil {
			return nil, fmt.Errorf("/containers: %w", err)
		}
		if provider, err := parseObject(container.get("providerMetadata")); err == nil { // a base's may say anything
			provider.remove("dateUpdated")
			container.set("providerMetadata", provider.encode())
		}
		out = append(out, container.encode())
	}
	return out, nil
}
