package c2sp

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/tlog"
)

// ErrCheckpoint means that text is not the body of a checkpoint.
var ErrCheckpoint = errors.New("c2sp: malformed checkpoint")

// Checkpoint is the note text of a checkpoint (c2sp.org/tlog-checkpoint, "Note text").
type Checkpoint struct {
	Origin     string // not empty; by our own stricter reading without control characters
	Size       int64
	Root       tlog.Hash
	Extensions []string // opaque, each not empty; Tasuki writes none
}

// String is the note text, three lines and the extensions, each ended by a line feed.
func (c Checkpoint) String() string {
	var b strings.Builder
	b.WriteString(c.Origin + "\n" + strconv.FormatInt(c.Size, 10) + "\n")
	b.WriteString(base64.StdEncoding.EncodeToString(c.Root[:]) + "\n")
	for _, e := range c.Extensions {
		b.WriteString(e + "\n")
	}
	return b.String()
}

// ParseCheckpoint reads the text of an opened note. Errors wrap ErrCheckpoint.
func ParseCheckpoint(text string) (Checkpoint, error) {
	bad := func(why string) (Checkpoint, error) { return Checkpoint{}, fmt.Errorf("%w: %s", ErrCheckpoint, why) }
	body, ok := strings.CutSuffix(text, "\n")
	lines := strings.Split(body, "\n")
	if !ok || len(lines) < 3 {
		return bad("fewer than three lines")
	}
	if !printable(lines[0]) {
		return bad("origin is empty or holds control characters")
	}
	size, ok := decimal(lines[1], 1<<63-1)
	if !ok {
		return bad("size is not a decimal without leading zeroes")
	}
	root, ok := hashLine(lines[2])
	if !ok {
		return bad("root is not the base64 of 32 bytes")
	}
	for _, e := range lines[3:] {
		if !printable(e) {
			return bad("extension line is empty or holds control characters")
		}
	}
	c := Checkpoint{Origin: lines[0], Size: int64(size), Root: root}
	if len(lines) > 3 {
		c.Extensions = lines[3:]
	}
	return c, nil
}

func printable(line string) bool {
	if line == "" || !utf8.ValidString(line) {
		return false
	}
	return strings.IndexFunc(line, func(r rune) bool { return r < 0x20 || r == 0x7f }) < 0
}

// hashLine reads one base64 hash; the encoding is unique (RFC 4648 §3.5: padding bits are zero).
func hashLine(s string) (h tlog.Hash, ok bool) {
	raw, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || len(raw) != tlog.HashSize || len(s) != 44 {
		return h, false
	}
	return tlog.Hash(raw), true
}
