package continuity

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// ErrEvidence means bytes that are not a file of evidence.
var ErrEvidence = errors.New("continuity: not a file of evidence")

// MaxEvidence bounds a file of evidence, in bytes: two charters of the largest size, written as JSON strings.
const MaxEvidence = 1 << 20

// evidenceFile is how evidence travels. What counts in it are the signed notes; the rest says where to look.
type evidenceFile struct {
	Name   string   `json:"name"`
	Kind   string   `json:"kind"`
	Origin string   `json:"origin,omitempty"`
	At     string   `json:"at"`
	Text   string   `json:"text"`
	Notes  []string `json:"notes"`
}

// File is the evidence as a JSON document that anybody can check who has the charters.
func (e Evidence) File() ([]byte, error) {
	f := evidenceFile{Name: e.Name, Kind: string(e.Kind), Origin: e.Origin, At: e.At.UTC().Format(time.RFC3339Nano), Text: e.Text, Notes: []string{}}
	for _, n := range e.Notes {
		f.Notes = append(f.Notes, string(n))
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(f); err != nil {
		return nil, fmt.Errorf("write evidence: %w", err)
	}
	return b.Bytes(), nil
}

// ParseEvidence reads such a file and verifies nothing. Errors wrap ErrEvidence.
func ParseEvidence(raw []byte) (Evidence, error) {
	if len(raw) > MaxEvidence {
		return Evidence{}, fmt.Errorf("%w: longer than %d bytes", ErrEvidence, MaxEvidence)
	}
	var f evidenceFile
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return Evidence{}, fmt.Errorf("%w: %w", ErrEvidence, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Evidence{}, fmt.Errorf("%w: something follows it", ErrEvidence)
	}
	at, err := time.Parse(time.RFC3339Nano, f.At)
	if err != nil || f.Name == "" || f.Kind == "" || len(f.Notes) == 0 {
		return Evidence{}, fmt.Errorf("%w: name, kind, time or notes are missing", ErrEvidence)
	}
	e := Evidence{Name: f.Name, Kind: EvidenceKind(f.Kind), Origin: f.Origin, Text: f.Text, At: at.UTC()}
	for _, n := range f.Notes {
		e.Notes = append(e.Notes, []byte(n))
	}
	return e, nil
}
