package cvelist

import (
	"path"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"tasuki/spec/cve"
)

// role is what a file's name says about it before it is read.
type role int

const (
	roleIgnored role = iota // certainly no record
	roleNamed               // called like a record: whatever it holds is judged as one
	roleOdd                 // some other .json: a record if it looks like one, ignored if not
	roleArchive             // .zip
	roleGiven               // named by the caller: judged as a record whatever it is called
)

// ignoredNames are files of the published tree and of its checkouts that hold JSON but no record. Some of them grow
// beyond any record, so they must be known by name.
var ignoredNames = map[string]bool{
	"delta.json": true, "deltalog.json": true, "recent_activities.json": true,
	"package.json": true, "package-lock.json": true, "tsconfig.json": true,
}

// ignoredFolders are never entered.
var ignoredFolders = map[string]bool{".git": true, ".github": true, "node_modules": true, "__MACOSX": true}

// roleOf judges by name. name is the identifier that the file name claims, in canonical form where it has one.
func roleOf(p string) (r role, name string) {
	dir, base := path.Split(p)
	for part := range strings.SplitSeq(dir, "/") {
		if ignoredFolders[part] {
			return roleIgnored, ""
		}
	}
	lower := strings.ToLower(base)
	switch {
	case ignoredNames[lower]:
		return roleIgnored, ""
	case strings.HasSuffix(lower, ".zip"):
		return roleArchive, ""
	case !strings.HasSuffix(lower, ".json") || strings.HasPrefix(base, "."):
		return roleIgnored, ""
	}
	stem := strings.ToUpper(base[:len(base)-len(".json")])
	if _, err := cve.ParseID(stem); err == nil {
		return roleNamed, stem
	}
	if strings.HasPrefix(stem, "CVE-") {
		return roleNamed, "" // a misspelt identifier: its content decides
	}
	return roleOdd, ""
}

// maxPath is longer than any path of the list (52 bytes) and shorter than any system's limit.
const maxPath = 1024

// checkPath refuses what could name a place outside the archive on any system, whatever the system at hand.
func checkPath(p string) *Refusal {
	switch {
	case p == "":
		return refuse(CodePath, "the entry has no name")
	case len(p) > maxPath:
		return refuse(CodePath, "the path has %d bytes, at most %d are accepted", len(p), maxPath)
	case !utf8.ValidString(p):
		return refuse(CodePath, "the path is not UTF-8")
	case strings.ContainsRune(p, '\\'):
		return refuse(CodePath, "the path holds a backslash")
	case p[0] == '/':
		return refuse(CodePath, "the path is absolute")
	case strings.ContainsRune(p, ':'):
		return refuse(CodePath, "the path holds a colon, which names a drive or a stream on some systems")
	case strings.ContainsFunc(p, unicode.IsControl):
		return refuse(CodePath, "the path holds a control character")
	}
	for part := range strings.SplitSeq(strings.TrimSuffix(p, "/"), "/") {
		switch part {
		case "..":
			return refuse(CodePath, "the path climbs with %q", "..")
		case ".", "":
			return refuse(CodePath, "the path has an empty part or %q", ".")
		}
	}
	return nil
}

// printable makes a foreign path safe for a terminal and a log line; a decent one is left alone.
func printable(p string) string {
	if len(p) > maxPath {
		p = strings.ToValidUTF8(p[:maxPath], "") + "…"
	}
	if utf8.ValidString(p) && !strings.ContainsFunc(p, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return p
	}
	quoted := strconv.QuoteToASCII(p)
	return quoted[1 : len(quoted)-1]
}
