package charter

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"strings"

	"tasuki/spec/c2sp"
	"tasuki/spec/dsse"
)

// Role is what a key outside of the board and the log is for.
type Role string

// The roles. A key of one is never used in another.
const (
	RoleMirror  Role = "mirror"  // cosigns what it stores and has validated
	RoleWitness Role = "witness" // cosigns that a log only grew
	RoleNode    Role = "node"    // an authority's own node: signs its receipts and its events
)

// roles say how a role's file begins, the type of its verifier key, and a line for people.
var roles = map[Role]struct {
	tag      string
	alg      byte
	does, ja string
}{
	RoleMirror: {"TASUKI-MIRROR-KEY-1", c2sp.AlgCosignature,
		"says what this mirror stores and has validated", "このミラーが保管し、検証した内容に署名します"},
	RoleWitness: {"TASUKI-WITNESS-KEY-1", c2sp.AlgCosignature,
		"says that the logs this witness watches only grew", "この証人が見守るログが、伸びただけであることに署名します"},
	RoleNode: {"TASUKI-NODE-KEY-1", c2sp.AlgEd25519,
		"signs the receipts and events of an authority's own node", "番号割当機関のノードの受領証とイベントに署名します"},
}

// RoleKey is the private key of a mirror, a witness or an authority's own node.
type RoleKey struct {
	Role    Role
	Name    string // of the verifier key: a host and path such as m1.example/tasuki, no spaces and no plus sign
	Private ed25519.PrivateKey
}

// Public is the raw key.
func (k *RoleKey) Public() ed25519.PublicKey { return k.Private.Public().(ed25519.PublicKey) }

// VKey is the verifier key: of a cosigner for a mirror or witness, of a note's signer for a node. The error is ErrVKey for
// a name that no key can have.
func (k *RoleKey) VKey() (c2sp.VKey, error) {
	return c2sp.NewVKey(k.Name, roles[k.Role].alg, k.Public())
}

// Cosigner makes the cosignatures of a mirror or a witness.
func (k *RoleKey) Cosigner() (*c2sp.Cosigner, error) {
	if roles[k.Role].alg != c2sp.AlgCosignature {
		return nil, fmt.Errorf("%w: the key of a %s cosigns nothing", ErrKeyFile, k.Role)
	}
	return c2sp.NewCosigner(k.Name, k.Private)
}

// Marshal writes the key file: a header for people, then one line "<tag> <name> <seed in base64>".
func (k *RoleKey) Marshal() ([]byte, error) {
	vkey, err := k.VKey()
	if err != nil {
		return nil, err
	}
	r := roles[k.Role]
	return fmt.Appendf(nil, `# %s KEY - %s. Keep it on this machine only; nobody can make it again.
# %s。この機械だけに置いてください。
#
# verifier key: %s
%s %s %s
`, strings.ToUpper(string(k.Role)), r.does, r.ja, vkey, r.tag, k.Name, base64.StdEncoding.EncodeToString(k.Private.Seed())), nil
}

// ParseRoleKey reads what Marshal writes for one role; the file of another role is ErrKeyFile.
func ParseRoleKey(raw []byte, role Role) (*RoleKey, error) {
	line, err := onlyLine(raw)
	if err != nil {
		return nil, err
	}
	f := strings.Split(line, " ")
	if tag := roles[role].tag; len(f) != 3 || f[0] != tag {
		return nil, fmt.Errorf("%w: no line %q", ErrKeyFile, tag+" <name> <key>")
	}
	seed, err := dsse.ParseKey(f[2]) // a seed is 32 bytes in the same base64
	if err != nil {
		return nil, fmt.Errorf("%w: the key is malformed", ErrKeyFile) // and is not repeated in a message
	}
	k := &RoleKey{Role: role, Name: f[1], Private: ed25519.NewKeyFromSeed(seed)}
	if _, err := k.VKey(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	return k, nil
}

// WriteFile writes a new key file that only its owner may read; it never overwrites. When it returns, the file is on disk.
func (k *RoleKey) WriteFile(path string) error {
	raw, err := k.Marshal()
	if err != nil {
		return err
	}
	return writeSecret(path, raw)
}

// ReadRoleKey reads a key file of one role.
func ReadRoleKey(path string, role Role) (*RoleKey, error) {
	raw, err := readSmall(path)
	if err != nil {
		return nil, err
	}
	k, err := ParseRoleKey(raw, role)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return k, nil
}
