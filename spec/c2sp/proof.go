package c2sp

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// ProofHeader is the first line of a proof.
const ProofHeader = "c2sp.org/tlog-proof@v1"

// maxPath bounds the inclusion path: a tree of 2^63 leaves has no longer one.
const maxPath = 63

// ErrProof means that bytes are not one or more proofs.
var ErrProof = errors.New("c2sp: malformed tlog-proof")

// Proof is a c2sp.org/tlog-proof@v1: an entry's inclusion under a signed checkpoint, checkable without a network.
type Proof struct {
	Extra      []byte // opaque and not authenticated; nil when the line is absent
	Index      int64
	Path       []tlog.Hash // from the leaf's sibling up to the root's child (RFC 6962 §2.1.1)
	Checkpoint []byte      // the signed note, verbatim
}

// Append appends the proof's text. The checkpoint must end in a line feed, as every signed note does.
func (p Proof) Append(b []byte) []byte {
	b = append(b, ProofHeader+"\n"...)
	if p.Extra != nil {
		b = append(b, "extra "...)
		b = base64.StdEncoding.AppendEncode(b, p.Extra)
		b = append(b, '\n')
	}
	b = append(b, "index "...)
	b = strconv.AppendInt(b, p.Index, 10)
	b = append(b, '\n')
	for _, h := range p.Path {
		b = base64.StdEncoding.AppendEncode(b, h[:])
		b = append(b, '\n')
	}
	b = append(b, '\n')
	return append(b, p.Checkpoint...)
}

// ParseProofs reads a file of one or more concatenated proofs. The specification defines a single proof; several
// follow each other unambiguously because a part begins exactly at a line that is the header and at the start of
// the file or after a signature line, and no line of a checkpoint's signature block can be that header (signature
// lines begin with an em dash). At most max proofs are read. Errors wrap ErrProof and name the part, from 0.
func ParseProofs(file []byte, max int) ([]Proof, error) {
	var out []Proof
	for len(file) > 0 {
		if len(out) == max {
			return nil, fmt.Errorf("%w: more than %d parts", ErrProof, max)
		}
		p, rest, err := parseProof(file)
		if err != nil {
			return nil, fmt.Errorf("part %d: %w", len(out), err)
		}
		out, file = append(out, p), rest
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%w: empty", ErrProof)
	}
	return out, nil
}

func parseProof(file []byte) (p Proof, rest []byte, err error) {
	bad := func(why string) (Proof, []byte, error) { return Proof{}, nil, fmt.Errorf("%w: %s", ErrProof, why) }
	ended := true
	line := func() string {
		l, r, ok := bytes.Cut(file, []byte("\n"))
		ended = ended && ok
		file = r
		return string(l)
	}
	if line() != ProofHeader {
		return bad("first line is not " + ProofHeader)
	}
	l := line()
	if b64, ok := strings.CutPrefix(l, "extra "); ok {
		// Strict rejects stray padding bits; re-encoding rejects the line breaks that the decoder ignores.
		if p.Extra, err = base64.StdEncoding.Strict().DecodeString(b64); err != nil || base64.StdEncoding.EncodeToString(p.Extra) != b64 {
			return bad("extra is not base64")
		}
		l = line()
	}
	digits, ok := strings.CutPrefix(l, "index ")
	n, isNumber := decimal(digits, 1<<63-1)
	if !ok || !isNumber {
		return bad("expected index and a decimal without leading zeroes")
	}
	p.Index = int64(n)
	for l = line(); l != ""; l = line() {
		h, ok := hashLine(l)
		if !ok {
			return bad("inclusion path line is not the base64 of 32 bytes")
		}
		if len(p.Path) == maxPath {
			return bad("inclusion path is longer than any tree is high")
		}
		p.Path = append(p.Path, h)
	}
	if !ended {
		return bad("cut short before the checkpoint")
	}
	end, ok := noteEnd(file)
	if !ok {
		return bad("checkpoint is not a signed note")
	}
	p.Checkpoint = file[:end:end]
	return p, file[end:], nil
}

// noteEnd finds where the signed note at the start of b ends: non-empty text lines, an empty line, one or more
// lines beginning with an em dash and a space (c2sp.org/signed-note). That a checkpoint's text has no empty line
// (tlog-checkpoint: every line is non-empty) is what makes the first empty line the border.
func noteEnd(b []byte) (int, bool) {
	border := bytes.Index(b, []byte("\n\n"))
	if border <= 0 || b[0] == '\n' {
		return 0, false
	}
	at := border + 2
	sigs := 0
	for bytes.HasPrefix(b[at:], []byte("— ")) {
		k := bytes.IndexByte(b[at:], '\n')
		if k < 0 {
			return 0, false
		}
		at += k + 1
		sigs++
	}
	return at, sigs > 0
}
