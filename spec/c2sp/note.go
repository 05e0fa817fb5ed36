package c2sp

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// ErrNote means that bytes are not a signed note, or a line is not a signature line.
var ErrNote = errors.New("c2sp: malformed signed note")

// Bounds of a note: what golang.org/x/mod/sumdb/note opens.
const (
	maxNote      = 1_000_000
	maxNoteLines = 100
)

// Line is one signature line of a note, "— <name> <base64 of key hash and signature>" (c2sp.org/signed-note).
type Line struct {
	Name string
	Hash uint32 // of the key, see VKey
	Sig  []byte // not empty
}

// String is the line with its line feed.
func (l Line) String() string {
	return "— " + l.Name + " " + base64.StdEncoding.EncodeToString(append(binary.BigEndian.AppendUint32(nil, l.Hash), l.Sig...)) + "\n"
}

// Is says that both lines are of one key by name and hash: the newer replaces the older.
func (l Line) Is(other Line) bool { return l.Name == other.Name && l.Hash == other.Hash }

// ParseLines reads one or more signature lines, such as the answer of a witness. Errors wrap ErrNote.
func ParseLines(b []byte) ([]Line, error) {
	bad := func(n int, why string) ([]Line, error) {
		return nil, fmt.Errorf("%w: signature line %d: %s", ErrNote, n, why)
	}
	if len(b) > maxNote {
		return bad(1, "too long")
	}
	var out []Line
	for n := 1; len(b) > 0; n++ {
		if n > maxNoteLines {
			return bad(n, "too many")
		}
		line, rest, ended := bytes.Cut(b, []byte("\n"))
		if b = rest; !ended {
			return bad(n, "not ended by a line feed")
		}
		text, ok := strings.CutPrefix(string(line), "— ")
		name, b64, two := strings.Cut(text, " ")
		if !ok || !two || !keyName(name) {
			return bad(n, "not an em dash, a name and base64")
		}
		raw, err := base64.StdEncoding.Strict().DecodeString(b64)
		if err != nil || len(raw) < 5 || strings.Contains(b64, "\r") {
			return bad(n, "the signature is not base64 or too short")
		}
		out = append(out, Line{name, binary.BigEndian.Uint32(raw), raw[4:]})
	}
	if len(out) == 0 {
		return bad(1, "there is none")
	}
	return out, nil
}

// Note is a signed note taken apart without verifying anything: text that ends in a line feed, and its signature lines.
type Note struct {
	Text  string
	Lines []Line
}

// ParseNote takes a note apart. It reads what golang.org/x/mod/sumdb/note opens, in its one encoding. Errors wrap ErrNote.
func ParseNote(b []byte) (Note, error) {
	bad := func(why string) (Note, error) { return Note{}, fmt.Errorf("%w: %s", ErrNote, why) }
	if len(b) > maxNote || !utf8.Valid(b) {
		return bad("too long, or not UTF-8")
	}
	for i := 0; i < len(b); i++ {
		if b[i] < 0x20 && b[i] != '\n' {
			return bad("control characters")
		}
	}
	at := bytes.LastIndex(b, []byte("\n\n"))
	if at < 0 {
		return bad("no empty line before the signatures")
	}
	lines, err := ParseLines(b[at+2:])
	if err != nil {
		return Note{}, err
	}
	return Note{string(b[:at+1]), lines}, nil
}

// Bytes is the note.
func (n Note) Bytes() []byte {
	var b strings.Builder
	b.WriteString(n.Text + "\n")
	for _, l := range n.Lines {
		b.WriteString(l.String())
	}
	return []byte(b.String())
}

// With is the note with a line more; one of the same key is replaced in its place.
func (n Note) With(l Line) Note {
	lines := make([]Line, 0, len(n.Lines)+1)
	placed := false
	for _, old := range n.Lines {
		if !old.Is(l) {
			lines = append(lines, old)
		} else if !placed {
			lines, placed = append(lines, l), true
		}
	}
	if !placed {
		lines = append(lines, l)
	}
	return Note{n.Text, lines}
}
