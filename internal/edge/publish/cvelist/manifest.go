package cvelist

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/mod/sumdb/note"
)

// ErrManifest means that a manifest is malformed, or that nobody whom the reader knows signed it.
var ErrManifest = errors.New("cvelist: manifest not valid")

// Manifest lies beside the archives of a release and says what the official form does not: of which list and which leaves of its log
// they are, which records are gone, and what they must hash to.
type Manifest struct {
	Format     string        `json:"format"` // ManifestFormat
	List       string        `json:"list"`   // list id, hex
	Test       bool          `json:"test,omitzero"`
	Tag        string        `json:"tag"`
	Time       string        `json:"time"` // the moment that the release is of
	Checkpoint string        `json:"checkpoint"`
	Head       int64         `json:"head"` // leaves that the checkpoint covers: what was erased by then is in no archive
	Files      []ArchiveFile `json:"files"`
}

// ManifestFormat is the version of the manifest's form.
const ManifestFormat = "tasuki-publication/1"

// Names beside the archives of a release.
const (
	ManifestName  = "manifest.json"
	SignatureName = "manifest.json.note"
	NotesName     = "release_notes.md"
	SumsName      = "SHA256SUMS"
)

// ArchiveFile describes one archive.
type ArchiveFile struct {
	Name    string `json:"name"`
	Kind    string `json:"kind"` // "baseline" or "delta"
	From    int64  `json:"from"` // size of the log that a delta begins at; 0 for a baseline
	To      int64  `json:"to"`   // size of the log that the archive is of
	Root    string `json:"root"` // of the log at To
	Records int    `json:"records"`
	New     int    `json:"new,omitzero"`
	Updated int    `json:"updated,omitzero"`
	Bytes   int64  `json:"bytes"`
	SHA256  string `json:"sha256"` // of the archive
	// Content is the SHA-256 over a line "<sha256 of the file, hex>  <path>\n" for each record, in the order of identifiers: it does not
	// depend on how the archive is packed.
	Content string `json:"content"`
	// Deletions are the records that a baseline no longer has, or that a delta takes away, since a body was erased.
	Deletions []Deletion `json:"deletions"`
}

// Deletion is a record without a file: the erasure is a leaf of the log.
type Deletion struct {
	ID   string `json:"cveId"`
	Leaf int64  `json:"leaf"`
}

// Kinds of archives.
const (
	KindBaseline = "baseline"
	KindDelta    = "delta"
)

func (m *Manifest) bytes() ([]byte, error) {
	b, err := json.Marshal(m, jsontext.WithIndent("  "))
	if err != nil {
		return nil, err
	}
	return append(b, '\n'), nil
}

// ParseManifest reads a manifest. Errors wrap ErrManifest.
func ParseManifest(raw []byte) (*Manifest, error) {
	var m Manifest
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrManifest, err)
	}
	if m.Format != ManifestFormat {
		return nil, fmt.Errorf("%w: it is of another format than %s", ErrManifest, ManifestFormat)
	}
	for i := range m.Files {
		f := &m.Files[i]
		if f.Kind != KindBaseline && f.Kind != KindDelta || f.From < 0 || f.To < f.From || f.Name == "" || strings.ContainsAny(f.Name, `/\`) ||
			len(f.SHA256) != 2*sha256.Size || len(f.Content) != 2*sha256.Size {
			return nil, fmt.Errorf("%w: file %d", ErrManifest, i)
		}
	}
	return &m, nil
}

// file is what the manifest says of an archive, nil when nothing.
func (m *Manifest) file(name string) *ArchiveFile {
	for i := range m.Files {
		if m.Files[i].Name == name {
			return &m.Files[i]
		}
	}
	return nil
}

// signedText is what the list signs: a note whose first line is nobody's origin, so that it can never be taken for a checkpoint.
func signedText(raw []byte, m *Manifest) string {
	sum := sha256.Sum256(raw)
	return "tasuki.dev/publication/v1\n" + m.List + "\n" + m.Tag + "\n" + hex.EncodeToString(sum[:]) + "\n"
}

// OpenManifest reads a manifest and verifies its signature by one of keys. Errors wrap ErrManifest.
func OpenManifest(raw, signed []byte, keys note.Verifiers) (*Manifest, error) {
	m, err := ParseManifest(raw)
	if err != nil {
		return nil, err
	}
	n, err := note.Open(signed, keys)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrManifest, err)
	}
	if n.Text != signedText(raw, m) {
		return nil, fmt.Errorf("%w: the signature is of another manifest", ErrManifest)
	}
	return m, nil
}
