package continuity

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/tlog"

	"tasuki/internal/continuity/internal/mutant"
	"tasuki/spec/c2sp"
	"tasuki/spec/jcs"
)

// Seal is a mirror's promise about an old origin: under this charter it will never cosign it again, and this is what it stores.
// Its text is frozen:
//
//	tasuki-seal/v1
//	<list id, 64 hex digits>
//	<old origin>
//	<hash of the charter that ends it, 64 hex digits>
//	<stored leaves, decimal>
//	<their root, 64 hex digits>
//
// It is signed like a cosignature (c2sp.Cosigner.State) by the mirror's key, and is no checkpoint: its second line is no number
// below 2^63.
type Seal struct {
	List    string
	Origin  string
	Charter string
	Tree
}

const sealHeader = "tasuki-seal/v1"

// ErrSeal means that bytes are not a seal, or not one that a mirror of the old charter signed.
var ErrSeal = errors.New("continuity: not a seal of a mirror")

// String is the text.
func (s Seal) String() string { return s.text(sealHeader) }

func (s Seal) text(header string) string {
	return header + "\n" + s.List + "\n" + s.Origin + "\n" + s.Charter + "\n" + strconv.FormatInt(s.Size, 10) + "\n" + hex.EncodeToString(s.Root[:]) + "\n"
}

// ParseSeal reads a seal's text. Errors wrap ErrSeal and do not repeat the text.
func ParseSeal(text string) (Seal, error) {
	s, err := parseStatement(sealHeader, text)
	if err != nil {
		return Seal{}, fmt.Errorf("%w: %w", ErrSeal, err)
	}
	return s, nil
}

// parseStatement reads six lines that begin with a header.
func parseStatement(header, text string) (Seal, error) {
	bad := func(why string) (Seal, error) { return Seal{}, errors.New(why) }
	body, ok := strings.CutSuffix(text, "\n")
	line := strings.Split(body, "\n")
	if !ok || len(line) != 6 || line[0] != header {
		return bad("not six lines that begin with " + header)
	}
	s := Seal{List: line[1], Origin: line[2], Charter: line[3]}
	var h tlog.Hash
	if !hexHash(line[1], &h) || !hexHash(line[3], &h) || !hexHash(line[5], &s.Root) {
		return bad("the second, fourth and last line are 64 lower-case hex digits")
	}
	if s.Origin == "" || !utf8.ValidString(s.Origin) || strings.ContainsFunc(s.Origin, func(r rune) bool { return r < 0x20 || r == 0x7f }) {
		return bad("the origin is empty or has control characters")
	}
	var err error
	if s.Size, err = strconv.ParseInt(line[4], 10, 64); err != nil || s.Size < 0 || strconv.FormatInt(s.Size, 10) != line[4] {
		return bad("the size is not a decimal without leading zeroes")
	}
	return s, nil
}

func hexHash(text string, into *tlog.Hash) bool {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != tlog.HashSize || strings.ToLower(text) != text {
		return false
	}
	*into = tlog.Hash(raw)
	return true
}

// Sign makes the note of a seal.
func (s Seal) Sign(key Signer, now time.Time) ([]byte, error) { return state(s.String(), key, now) }

func state(text string, key Signer, now time.Time) ([]byte, error) {
	line, err := key.State(text, now)
	if err != nil {
		return nil, fmt.Errorf("sign a statement: %w", err)
	}
	return c2sp.Note{Text: text, Lines: []c2sp.Line{line}}.Bytes(), nil
}

// Report is a verified seal and who gave it.
type Report struct {
	Seal
	By   Party
	At   time.Time
	Note []byte
}

// Reports reads the notes of seals of one old charter: those that one of its mirrors signed, for its origin and for the charter
// that ends it, one per key (the first). The others are passed over and named in the error, which is not nil then and wraps ErrSeal.
func (q *Quorum) Reports(list, by string, notes [][]byte) (out []Report, err error) {
	seen := map[string]bool{}
	var bad []error
	for i, raw := range notes {
		r, rerr := q.report(list, by, raw)
		switch {
		case rerr != nil:
			bad = append(bad, fmt.Errorf("report %d: %w", i+1, rerr))
		case seen[r.By.VKey] && q.off != mutant.CountTwice:
		default:
			seen[r.By.VKey] = true
			out = append(out, r)
		}
	}
	return out, errors.Join(bad...)
}

// report verifies one seal.
func (q *Quorum) report(list, by string, raw []byte) (Report, error) {
	if q.memo == nil || len(raw) == 0 {
		return q.verifyReport(list, by, raw)
	}
	at := reported{counted{q, &raw[0], len(raw)}, by}
	r, ok := q.memo.reports[at]
	if !ok {
		r.Report, r.err = q.verifyReport(list, by, raw)
		q.memo.reports[at] = r
	}
	return r.Report, r.err
}

func (q *Quorum) verifyReport(list, by string, raw []byte) (Report, error) {
	n, err := c2sp.ParseNote(raw)
	if err != nil {
		return Report{}, fmt.Errorf("%w: %w", ErrSeal, err)
	}
	s, err := ParseSeal(n.Text)
	if err != nil {
		return Report{}, err
	}
	if s.List != list || s.Origin != q.origin || s.Charter != by {
		return Report{}, fmt.Errorf("%w: of another list, origin or charter", ErrSeal)
	}
	if q.off == mutant.AnyReporter && len(n.Lines) > 0 {
		l := n.Lines[0]
		return Report{Seal: s, By: Party{Name: l.Name, VKey: fmt.Sprintf("%s+%08x", l.Name, l.Hash)}, Note: raw}, nil
	}
	for _, vote := range votes(q.mirrors, n) {
		if !vote.At.IsZero() {
			return Report{Seal: s, By: vote.Party, At: vote.At, Note: raw}, nil
		}
	}
	return Report{}, fmt.Errorf("%w: no line of a mirror of the charter verifies", ErrSeal)
}

// Bounds of the body of epoch.opened.
const (
	maxReports    = 256
	maxReportSize = 4096
)

// EncodeReports writes the body of epoch.opened: a JSON array of signed notes, in restricted canonical form.
func EncodeReports(notes [][]byte) ([]byte, error) {
	list := make([]string, len(notes))
	for i, n := range notes {
		list[i] = string(n)
	}
	raw, err := jcs.Canonical(list)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSeal, err)
	}
	if _, err := ParseReports(raw); err != nil {
		return nil, err
	}
	return raw, nil
}

// ParseReports reads that body. It bounds the array and its notes and verifies nothing. Errors wrap ErrSeal.
func ParseReports(body []byte) ([][]byte, error) {
	if len(body) > maxReports*maxReportSize {
		return nil, fmt.Errorf("%w: the body of the opening is too long", ErrSeal)
	}
	var list []string
	if err := json.Unmarshal(body, &list); err != nil || list == nil {
		return nil, fmt.Errorf("%w: the body of the opening is not a JSON array of strings", ErrSeal)
	}
	if len(list) > maxReports {
		return nil, fmt.Errorf("%w: more than %d reports", ErrSeal, maxReports)
	}
	out := make([][]byte, len(list))
	for i, s := range list {
		if len(s) > maxReportSize {
			return nil, fmt.Errorf("%w: a report is longer than %d bytes", ErrSeal, maxReportSize)
		}
		out[i] = []byte(s)
	}
	return out, nil
}
