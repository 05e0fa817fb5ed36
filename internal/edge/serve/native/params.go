package native

import (
	"strconv"
	"strings"

	"tasuki/internal/catalogue"
	"tasuki/spec/cve"
)

// Moment are the parameters that name a moment in the life of the list.
type Moment struct {
	At    string `query:"at" doc:"The list as known then: a day (all of it, UTC) or an instant (RFC 3339). Without it: now." example:"2024-03-05"`
	Size  int64  `query:"size" doc:"The list as its first so many leaves tell it, in place of at." minimum:"1" example:"73110"`
	Clock string `query:"clock" doc:"By whose time: when this list learnt something, or when its source said so." enum:"log,source" default:"log"`
}

func (m Moment) read() (catalogue.At, error) {
	size := ""
	if m.Size != 0 {
		size = strconv.FormatInt(m.Size, 10)
	}
	return readAt(m.At, size, m.Clock)
}

func readAt(at, size, clock string) (catalogue.At, error) {
	out, err := catalogue.ParseAt(at, size, clock)
	if err != nil {
		p := refuse(codeMoment, ours(err))
		if p.Parameter = "at"; size != "" {
			p.Parameter = "size"
		}
		return out, p
	}
	return out, nil
}

// edge reads one end of a difference: a size, a day or an instant.
func edge(name, given, clock string) (catalogue.At, error) {
	at, size := given, ""
	if _, err := strconv.ParseInt(given, 10, 64); err == nil {
		at, size = "", given
	}
	out, err := readAt(at, size, clock)
	if p, ok := err.(*refusal); ok { //nolint:errorlint // it was made above and is not wrapped
		p.Parameter = name
	}
	return out, err
}

// identifier reads a CVE identifier, whatever its letter case.
func identifier(given string) (string, error) {
	id, err := cve.ParseID(strings.ToUpper(given))
	if err != nil {
		return "", refuse(codeIdentifier, strings.TrimPrefix(err.Error(), "cve: "))
	}
	return id.String(), nil
}
