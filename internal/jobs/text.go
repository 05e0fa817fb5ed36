package jobs

import "strings"

// mostText bounds a foreign text in a row: an error may quote what it could not read.
const mostText = 2000

// storable makes a foreign text acceptable to both engines: PostgreSQL takes neither U+0000 nor broken UTF-8.
func storable(s string) string {
	if len(s) > mostText {
		s = s[:mostText]
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}
