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

// The HTTP side of c2sp.org/tlog-witness. The path is appended to a witness's submission prefix.
const (
	AddCheckpointPath = "/add-checkpoint"
	SizeContentType   = "text/x.tlog.size" // of a 409 that says the size

	WitnessCosigned      = 200 // the body is one or more cosignature lines
	WitnessBadRequest    = 400 // malformed, or the old size is above the checkpoint's
	WitnessUnsigned      = 403 // no signature of a trusted key
	WitnessUnknownOrigin = 404
	WitnessConflict      = 409 // the old size is not the newest cosigned one, which is the body; or equal sizes with two roots
	WitnessInconsistent  = 422 // the consistency proof does not verify
)

// maxConsistency bounds a consistency proof (tlog-witness: a client sends no more than 63 lines).
const maxConsistency = 63

// ErrAddCheckpoint means that bytes are not the body of a request to add a checkpoint, or not that of a size answer.
var ErrAddCheckpoint = errors.New("c2sp: malformed add-checkpoint")

// AddCheckpoint is the body of a request to a witness.
type AddCheckpoint struct {
	Old        int64       // size of the checkpoint that the witness cosigned last, 0 for none
	Proof      []tlog.Hash // RFC 6962 §2.1.2, from Old to the checkpoint's size; empty when Old is 0
	Checkpoint []byte      // the signed note, verbatim
}

// Append appends the request's text. Old must not be negative, and the checkpoint must be a signed note.
func (a AddCheckpoint) Append(b []byte) []byte {
	b = strconv.AppendInt(append(b, "old "...), a.Old, 10)
	b = append(b, '\n')
	for _, h := range a.Proof {
		b = append(base64.StdEncoding.AppendEncode(b, h[:]), '\n')
	}
	return append(append(b, '\n'), a.Checkpoint...)
}

// ParseAddCheckpoint reads a request and, without verifying a signature, the checkpoint in it. Errors wrap
// ErrAddCheckpoint. Old may still be above the checkpoint's size, which a witness answers on its own.
func ParseAddCheckpoint(body []byte) (AddCheckpoint, Checkpoint, error) {
	bad := func(why string) (AddCheckpoint, Checkpoint, error) {
		return AddCheckpoint{}, Checkpoint{}, fmt.Errorf("%w: %s", ErrAddCheckpoint, why)
	}
	var a AddCheckpoint
	line, rest, ended := bytes.Cut(body, []byte("\n"))
	digits, ok := strings.CutPrefix(string(line), "old ")
	old, isNumber := decimal(digits, 1<<63-1)
	if !ended || !ok || !isNumber {
		return bad("the first line is not old and a decimal without leading zeroes")
	}
	a.Old = int64(old)
	for {
		if line, rest, ended = bytes.Cut(rest, []byte("\n")); !ended {
			return bad("cut short before the checkpoint")
		}
		if len(line) == 0 {
			break
		}
		h, isHash := hashLine(string(line))
		if !isHash {
			return bad("a line of the proof is not the base64 of 32 bytes")
		}
		if len(a.Proof) == maxConsistency {
			return bad("more than 63 lines of proof")
		}
		a.Proof = append(a.Proof, h)
	}
	if a.Old == 0 && len(a.Proof) > 0 {
		return bad("a proof from nothing")
	}
	signed, err := ParseNote(rest)
	if err != nil {
		return bad("the checkpoint is not a signed note")
	}
	c, err := ParseCheckpoint(signed.Text)
	if err != nil {
		return bad("the note is not a checkpoint")
	}
	a.Checkpoint = rest
	return a, c, nil
}

// FormatSize is the body of a WitnessConflict answer, of type SizeContentType.
func FormatSize(size int64) string { return strconv.FormatInt(size, 10) + "\n" }

// ParseSize reads the body of a WitnessConflict answer. Errors wrap ErrAddCheckpoint.
func ParseSize(body []byte) (int64, error) {
	digits, ok := strings.CutSuffix(string(body), "\n")
	n, isNumber := decimal(digits, 1<<63-1)
	if !ok || !isNumber {
		return 0, fmt.Errorf("%w: not a size and a line feed", ErrAddCheckpoint)
	}
	return int64(n), nil
}
