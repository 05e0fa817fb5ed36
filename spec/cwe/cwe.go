// Package cwe knows the Common Weakness Enumeration by identifier: what kind of entry an identifier names, its name,
// and whether MITRE wants it used for mapping vulnerabilities. The table is embedded; texts, relations and mitigations
// are not here.
//
// The table is derived from CWE, Copyright © 2006–2026, The MITRE Corporation; see README.md for the terms.
package cwe

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

//go:generate go run generate.go -zip ../../../shared/data/cwe/cwe-4.19.1-json.zip -out cwe.tsv

//go:embed cwe.tsv
var table string

// Kind says what sort of entry an identifier names. Only a weakness is a weakness: categories and views organise them.
type Kind string

// The kinds.
const (
	Weakness Kind = "weakness"
	Category Kind = "category"
	View     Kind = "view"
)

// Entry is one line of the table.
type Entry struct {
	ID          int
	Kind        Kind
	Name        string
	Status      string // Stable, Draft, Incomplete, Deprecated, Obsolete
	Abstraction string // Pillar, Class, Base, Variant, Compound; "" for categories and views
	Usage       string // of "Mapping Notes": Allowed, Allowed-with-Review, Discouraged, Prohibited; "" where CWE says nothing
}

// Deprecated reports whether MITRE has withdrawn the entry.
func (e Entry) Deprecated() bool { return e.Status == "Deprecated" || e.Status == "Obsolete" }

// String returns the identifier as people write it, "CWE-79".
func (e Entry) String() string { return "CWE-" + strconv.Itoa(e.ID) }

// ParseID reads "CWE-79" in its canonical form: no leading zeros, at most seven digits. It does not ask whether the
// entry exists.
func ParseID(s string) (int, bool) {
	digits, ok := strings.CutPrefix(s, "CWE-")
	if !ok || digits == "" || len(digits) > 7 || digits[0] == '0' {
		return 0, false
	}
	n := 0
	for i := range len(digits) {
		c := digits[i] - '0'
		if c > 9 {
			return 0, false
		}
		n = n*10 + int(c)
	}
	return n, true
}

// Lookup finds an entry by its identifier ("CWE-79").
func Lookup(id string) (Entry, bool) {
	n, ok := ParseID(id)
	if !ok {
		return Entry{}, false
	}
	e, ok := catalogue().entries[n]
	return e, ok
}

// Version is the version of the embedded CWE, "4.19.1".
func Version() string { return catalogue().version }

// Len is the number of entries of all kinds.
func Len() int { return len(catalogue().entries) }

type parsed struct {
	version string
	entries map[int]Entry
}

// catalogue reads the table at its first use. A broken table is a broken build: it panics, and the tests see it first.
var catalogue = sync.OnceValue(func() parsed {
	p, err := parse(table)
	if err != nil {
		panic(err)
	}
	return p
})

// kinds are the first letters of the table's second column.
var kinds = map[string]Kind{"W": Weakness, "C": Category, "V": View}

// parse reads the table: comment lines beginning with "#", "version\t<v>", then id, kind, status, abstraction, usage
// and name, separated by tabs, ascending by id.
func parse(text string) (parsed, error) {
	p := parsed{entries: make(map[int]Entry, strings.Count(text, "\n"))}
	last := 0
	for number, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(line, "\t")
		if len(f) == 2 && f[0] == "version" {
			p.version = f[1]
			continue
		}
		if len(f) != 6 {
			return parsed{}, fmt.Errorf("cwe: line %d has %d columns, want 6", number+1, len(f))
		}
		id, ok := ParseID("CWE-" + f[0])
		kind, known := kinds[f[1]]
		if !ok || !known || id <= last || f[5] == "" {
			return parsed{}, fmt.Errorf("cwe: line %d is out of order or incomplete", number+1)
		}
		last = id
		p.entries[id] = Entry{ID: id, Kind: kind, Status: f[2], Abstraction: f[3], Usage: f[4], Name: f[5]}
	}
	if p.version == "" {
		return parsed{}, fmt.Errorf("cwe: the table names no version")
	}
	return p, nil
}
