// Package cve speaks the CVE Record Format (JSON 5.0, 5.1.x and 5.2): identifiers, the typed record, its dates and
// language tags, assembling a record from the containers of several parties, checking it against the published
// schemas, and linting it beyond them.
//
// Everything here is a pure value or a pure function: no I/O, no clock, no state but embedded data. What is read is
// typed; what is not read (unknown and x_ members) is never lost, because the original bytes stay the record and the
// typed Record is only a view of them.
package cve
