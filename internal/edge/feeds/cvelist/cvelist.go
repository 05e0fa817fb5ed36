// Package cvelist brings the CVE List in: it reads every form in which the list is published (baseline zip, zip in
// zip, delta zip, git checkout, directory, single record, stream), imports what it finds through an Intake, and keeps
// a node current from a raw git host or a static mirror.
//
// Three layers, each usable alone: Walk reads a source and says of every file whether it can be a record at all;
// Importer prepares records side by side and hands them over in batches small enough not to be felt by other writers;
// Sync decides what to fetch. Whatever is refused is named with its path, a code and a sentence, and nothing else of
// the source suffers from it.
package cvelist

import (
	"crypto/sha256"
	"fmt"
	"runtime"
	"time"
)

// Digest is a SHA-256.
type Digest = [sha256.Size]byte

// File is one file of a source, or the refusal of one.
type File struct {
	// Archive is where inside the source the file lies when the source nests archives ("2026-11-21_all.zip"), else "".
	Archive string
	// Path is the file's path inside its archive or directory, slash-separated and free of "..", as written there.
	// A refused file's path is as written too, for people to read; it is never used to open or write anything.
	Path string
	// Name is the identifier that the file's name claims (CVE-2024-1234.json), "" when it claims none.
	Name string
	// Size is the file's length in bytes as far as known.
	Size int64
	// Raw is the file's content; its array is the receiver's to keep. Nil when it was never read.
	Raw []byte
	// SHA256 is the digest of Raw; zero when Raw is nil.
	SHA256 Digest
	// Commit and Time are the git commit that left the file so, and when it was made: of history imports only.
	Commit string
	Time   time.Time
	// Refused is nil for a file that may be imported.
	Refused *Refusal

	fate fate // what the importer's workers made of it
}

// Where names the file for people and for the list of refused files: the archive inside the source, if any, and the path.
func (f *File) Where() string {
	if f.Archive == "" {
		return f.Path
	}
	if f.Path == "" {
		return f.Archive
	}
	return f.Archive + "!" + f.Path
}

// Code is why a file was refused, in one word that programs may compare.
type Code string

// The codes, from the outside of a source to the inside of a record.
const (
	CodeArchive      Code = "archive-damaged"   // the zip or gzip cannot be read as one: truncated, or not a zip
	CodeBomb         Code = "zip-bomb"          // unpacking would exceed a limit of size or ratio
	CodeNested       Code = "nested-too-deep"   // an archive in an archive in an archive
	CodePath         Code = "unsafe-path"       // "..", absolute, a drive letter, a backslash, a control character
	CodeTwice        Code = "duplicate-path"    // a second entry of the same path in one archive
	CodeNotRegular   Code = "not-a-file"        // a link, a device, a pipe
	CodeMethod       Code = "unreadable-entry"  // encrypted, or packed by a method other than store and deflate
	CodeTruncated    Code = "truncated-entry"   // the entry's data end early or are damaged
	CodeChecksum     Code = "checksum-mismatch" // CRC-32 of the entry
	CodeLength       Code = "length-mismatch"   // more or fewer bytes than the archive declares
	CodeRead         Code = "unreadable"        // the operating system refused
	CodeTooLarge     Code = "too-large"         // beyond Limits.Record: never read
	CodeBodyTooLarge Code = "body-too-large"    // beyond Limits.Body: the log cannot hold it
	CodeEmpty        Code = "empty"             // no bytes
	CodeBOM          Code = "byte-order-mark"   // begins with U+FEFF (RFC 8259 §8.1 forbids it)
	CodeUTF8         Code = "invalid-utf8"      // RFC 8259 §8.1
	CodeDuplicate    Code = "duplicate-key"     // an object with the same name twice (RFC 7493 §2.3)
	CodeSyntax       Code = "invalid-json"      // anything else against RFC 8259
	CodeNotRecord    Code = "not-a-record"      // JSON, but no CVE record
	CodeID           Code = "invalid-id"        // cveMetadata.cveId is no CVE identifier
	CodeWrongID      Code = "wrong-id"          // the file's name claims another identifier than its content
	CodeIntake       Code = "refused"           // the intake's own rule; the text says which
)

// Refusal says why a file is not imported.
type Refusal struct {
	Code    Code
	Text    string // one sentence without a full stop, in English, naming what was found and what was expected
	Pointer string // RFC 6901, when the offence has a place inside the JSON
	Offset  int64  // bytes from the start of the file, when known; 0 otherwise
}

// Error makes a Refusal an error; an Intake may return one from Prepare to keep its code.
func (r *Refusal) Error() string { return fmt.Sprintf("cvelist: %s: %s", r.Code, r.Text) }

func refuse(code Code, format string, args ...any) *Refusal {
	return &Refusal{Code: code, Text: fmt.Sprintf(format, args...)}
}

// Limits bound what a source may cost. The zero value of each field means its default.
type Limits struct {
	Record   int64  // bytes of one file; larger ones are refused unread. Default 16 MiB
	Body     int64  // bytes of one record that the log can hold. Default 4 MiB
	Total    int64  // bytes of everything unpacked from one source. Default 32 GiB
	Archive  int64  // bytes of one archive inside another, or of one read from a stream. Default 8 GiB
	Ratio    int64  // unpacked : packed, of an archive beyond 64 MiB and of an entry beyond 1 MiB. Default 200 (real records reach 33)
	Entries  int    // entries of one archive, files of one directory. Default 4,000,000
	Workers  int    // goroutines that unpack and check. Default GOMAXPROCS
	InFlight int64  // bytes of content between reading and emit. Default 64 MiB
	TempDir  string // where archives inside archives are unpacked. Default the system's
}

func (l Limits) withDefaults() Limits {
	orSize := func(v *int64, d int64) {
		if *v <= 0 {
			*v = d
		}
	}
	orSize(&l.Record, 16<<20)
	orSize(&l.Body, 4<<20)
	orSize(&l.Total, 32<<30)
	orSize(&l.Archive, 8<<30)
	orSize(&l.Ratio, 200)
	orSize(&l.InFlight, 64<<20)
	if l.Entries <= 0 {
		l.Entries = 4_000_000
	}
	if l.Workers <= 0 {
		l.Workers = runtime.GOMAXPROCS(0)
	}
	return l
}

// Stats counts what a walk met.
type Stats struct {
	Files   int64 // emitted, refused ones included
	Refused int64
	Ignored int64 // beside the list: delta.json, schemas, readmes, folders
	Bytes   int64 // of content emitted
}
