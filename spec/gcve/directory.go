package gcve

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Errors of the directory.
var (
	// ErrSignature means that a directory was not signed by the key it was checked with (BCP-01): it must not be read.
	ErrSignature = errors.New("gcve: the directory's signature is not valid")
	// ErrKey means a text that is no RSA public key.
	ErrKey = errors.New("gcve: not an RSA public key in PEM")
	// ErrDirectory means a directory that is not the JSON array it should be.
	ErrDirectory = errors.New("gcve: malformed directory")
)

// MaxDirectory bounds a directory file, in bytes: 65,536 authorities of about 250 bytes.
const MaxDirectory = 16 << 20

// Authority is an entry of the directory (BCP-08 draft). Text members stand as they are written, which in practice includes relative
// addresses, HTML and addresses of pages for people; Base and Dumps say what of them a program can ask.
type Authority struct {
	ID         GNA    `json:"id"`
	Short      string `json:"short_name"`
	Full       string `json:"full_name"`
	CPEVendor  string `json:"cpe_vendor_name,omitzero"`
	URL        string `json:"gcve_url,omitzero"`
	API        string `json:"gcve_api,omitzero"`
	Dump       string `json:"gcve_dump,omitzero"`
	Allocation string `json:"gcve_allocation,omitzero"`
	PullAPI    string `json:"gcve_pull_api,omitzero"`
	SyncAPI    string `json:"gcve_sync_api,omitzero"` // what gcve_pull_api was called before
	Usage      string `json:"usage,omitzero"`
	Status     string `json:"status,omitzero"`
	InsertedAt string `json:"inserted_at,omitzero"`
	UpdatedAt  string `json:"updated_at,omitzero"`
}

// Updated is updated_at, zero when it is missing or no RFC 3339 time.
func (a Authority) Updated() time.Time {
	t, err := time.Parse(time.RFC3339, a.UpdatedAt)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// Base is the address below which the authority answers BCP-03, without a slash at its end; "" when it gives none that a
// program can use. Only absolute http and https addresses count.
func (a Authority) Base() string {
	for _, s := range []string{a.PullAPI, a.SyncAPI} {
		if base := address(s); base != "" {
			return base
		}
	}
	return ""
}

// Dumps are the addresses at which the authority's static dump may be, in the order in which to try them: below
// gcve_dump where that is the address of a directory, then below Base.
func (a Authority) Dumps() (out []string) {
	file := "gna-" + a.ID.String() + ".ndjson"
	if strings.HasSuffix(strings.TrimSpace(a.Dump), "/") {
		if base := address(a.Dump); base != "" {
			out = append(out, base+"/"+file)
		}
	}
	if base := a.Base(); base != "" && (len(out) == 0 || out[0] != base+"/dumps/"+file) {
		out = append(out, base+"/dumps/"+file)
	}
	return out
}

// address is s when it is an absolute web address without user, query and fragment, without a slash at its end.
func address(s string) string {
	u, err := url.Parse(strings.TrimSpace(s))
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return ""
	}
	return strings.TrimRight(u.String(), "/")
}

// Directory is the list of numbering authorities.
type Directory struct {
	Authorities []Authority
	SHA256      [32]byte  // of the file's bytes
	Updated     time.Time // the newest updated_at; zero when no entry has one
}

// ParseDirectory reads a directory file, which must have been verified before (Key.Verify). Members that nobody here knows
// are passed over; members of another type than text are too, but an entry without a number or with one that
// another entry has spoils the file. Errors wrap ErrDirectory.
func ParseDirectory(raw []byte) (*Directory, error) {
	if len(raw) > MaxDirectory {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrDirectory, MaxDirectory)
	}
	var entries []map[string]jsontext.Value
	if err := json.Unmarshal(raw, &entries); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDirectory, err)
	}
	d := &Directory{SHA256: sha256.Sum256(raw)}
	seen := map[GNA]bool{}
	for i, e := range entries {
		var id uint16
		if e["id"].Kind() != jsontext.KindNumber || json.Unmarshal(e["id"], &id) != nil {
			return nil, fmt.Errorf("%w: entry %d has no number of an authority", ErrDirectory, i)
		}
		a := Authority{ID: GNA(id)}
		if seen[a.ID] {
			return nil, fmt.Errorf("%w: two entries have the number %d", ErrDirectory, id)
		}
		seen[a.ID] = true
		for name, into := range map[string]*string{"short_name": &a.Short, "full_name": &a.Full, "cpe_vendor_name": &a.CPEVendor, "gcve_url": &a.URL,
			"gcve_api": &a.API, "gcve_dump": &a.Dump, "gcve_allocation": &a.Allocation, "gcve_pull_api": &a.PullAPI, "gcve_sync_api": &a.SyncAPI,
			"usage": &a.Usage, "status": &a.Status, "inserted_at": &a.InsertedAt, "updated_at": &a.UpdatedAt} {
			*into = textOf(e[name])
		}
		if t := a.Updated(); t.After(d.Updated) {
			d.Updated = t
		}
		d.Authorities = append(d.Authorities, a)
	}
	return d, nil
}

// textOf is a JSON string's text, "" for anything else.
func textOf(v jsontext.Value) (s string) {
	if v.Kind() != jsontext.KindString || json.Unmarshal(v, &s) != nil {
		return ""
	}
	return s
}

// Find returns the entry of an authority.
func (d *Directory) Find(g GNA) (Authority, bool) {
	for _, a := range d.Authorities {
		if a.ID == g {
			return a, true
		}
	}
	return Authority{}, false
}

// Key is the directory's signing key.
type Key struct {
	rsa *rsa.PublicKey
	der []byte
}

// minModulus is below what anybody may sign a directory with, in bits.
const minModulus = 2048

// ParseKey reads an RSA public key, PEM with a SubjectPublicKeyInfo inside. Errors wrap ErrKey.
func ParseKey(text []byte) (Key, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return Key{}, ErrKey
	}
	return parseDER(block.Bytes)
}

// ParseKeyText reads a key as a TXT record holds it: the PEM text, or its base64 alone, with or without white space. Errors wrap
// ErrKey.
func ParseKeyText(text string) (Key, error) {
	if i := strings.Index(text, "-----BEGIN PUBLIC KEY-----"); i >= 0 {
		text = text[i+len("-----BEGIN PUBLIC KEY-----"):]
		if i = strings.Index(text, "-----END"); i >= 0 {
			text = text[:i]
		}
	}
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		return Key{}, ErrKey
	}
	return parseDER(der)
}

func parseDER(der []byte) (Key, error) {
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return Key{}, fmt.Errorf("%w: %w", ErrKey, err)
	}
	k, ok := parsed.(*rsa.PublicKey)
	if !ok || k.N.BitLen() < minModulus {
		return Key{}, fmt.Errorf("%w of at least %d bits", ErrKey, minModulus)
	}
	return Key{rsa: k, der: der}, nil
}

// Equal says whether both are one key.
func (k Key) Equal(other Key) bool { return subtle.ConstantTimeCompare(k.der, other.der) == 1 }

// SHA256 is the digest of the key's DER, for people to compare.
func (k Key) SHA256() [32]byte { return sha256.Sum256(k.der) }

// PEM is the key as ParseKey reads it.
func (k Key) PEM() []byte { return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: k.der}) }

// IsZero says that there is no key.
func (k Key) IsZero() bool { return k.rsa == nil }

// Verify checks a directory's signature: base64, with or without line breaks, of RSA PKCS #1 v1.5 over SHA-512 of the exact
// bytes (BCP-01). Errors wrap ErrSignature.
func (k Key) Verify(raw, signature []byte) error {
	if k.rsa == nil {
		return fmt.Errorf("%w: there is no key", ErrSignature)
	}
	sig, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(signature)), ""))
	if err != nil {
		return fmt.Errorf("%w: it is not base64", ErrSignature)
	}
	sum := sha512.Sum512(raw)
	if err := rsa.VerifyPKCS1v15(k.rsa, crypto.SHA512, sum[:], sig); err != nil {
		return ErrSignature
	}
	return nil
}
