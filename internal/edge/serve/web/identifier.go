package web

import (
	"fmt"
	"regexp"
	"strings"

	"golang.org/x/text/unicode/norm"

	"tasuki/spec/cve"
	"tasuki/spec/cwe"
)

var typedID = regexp.MustCompile(`^CVE[- ]?([0-9]{4})[- ]([0-9]{4,19})$`)

// dashes are what word processors, PDF readers and input methods make of a hyphen.
var dashes = strings.NewReplacer("‐", "-", "‑", "-", "‒", "-", "–", "-", "—", "-", "−", "-", "ー", "-", "－", "-")

// readID recognises a CVE id as people type and paste it: any letter case, full-width, other dashes, spaces.
func readID(text string) (string, bool) {
	text = strings.ToUpper(strings.TrimSpace(dashes.Replace(norm.NFKC.String(text))))
	m := typedID.FindStringSubmatch(text)
	if m == nil {
		return "", false
	}
	id := "CVE-" + m[1] + "-" + m[2]
	if _, err := cve.ParseID(id); err != nil {
		return "", false
	}
	return id, true
}

// neighbours are ids that somebody who typed id may have meant, likeliest first: two digits swapped, the numbers around
// it, the year before and after.
func neighbours(id string) []string {
	parsed, err := cve.ParseID(id)
	if err != nil {
		return nil
	}
	var near []string
	year, number := id[4:8], id[9:]
	for i := 0; i+1 < len(number); i++ {
		if number[i] != number[i+1] {
			d := []byte(number)
			d[i], d[i+1] = d[i+1], d[i]
			near = append(near, "CVE-"+year+"-"+string(d))
		}
	}
	for step := uint64(1); step <= 12; step++ {
		near = append(near, fmt.Sprintf("CVE-%s-%04d", year, parsed.Number+step))
		if parsed.Number > step {
			near = append(near, fmt.Sprintf("CVE-%s-%04d", year, parsed.Number-step))
		}
	}
	return append(near, fmt.Sprintf("CVE-%04d-%s", int(parsed.Year)+1, number), fmt.Sprintf("CVE-%04d-%s", int(parsed.Year)-1, number))
}

// readCWE recognises the identifier of a weakness that stands alone in the box, in any letter case and with any dash.
func readCWE(text string) (string, bool) {
	id := strings.ToUpper(strings.TrimSpace(dashes.Replace(norm.NFKC.String(text))))
	_, ok := cwe.Lookup(id)
	return id, ok
}
