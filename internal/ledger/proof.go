package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"tasuki/internal/store"
	"tasuki/spec/c2sp"
	"tasuki/spec/jcs"
)

// What can be wrong with a proof file; each error of VerifyProof wraps one of these, ErrCheckpoint or ErrBody.
var (
	ErrProof     = errors.New("ledger: malformed proof file")
	ErrCharter   = errors.New("ledger: charter chain of the proof not valid")
	ErrLeaf      = errors.New("ledger: leaf of the proof not valid")
	ErrInclusion = errors.New("ledger: leaf is not in the checkpointed tree")
)

const (
	// maxProofParts bounds a proof file: a base and its newer containers, one per organisation.
	maxProofParts = 256
	// maxExtra bounds one part's extra data: a charter chain of a hundred years and a leaf.
	maxExtra = 8 << 20
)

// Part is one leaf of a record's proof and the role it plays in the record: base, cna, adp:<organisation>, or owner for the
// commitment that says whose the identifier was.
type Part struct {
	Index int64
	Role  string
}

// BuildProof writes a record's proof file: one c2sp.org/tlog-proof@v1 per part, concatenated, all under the same
// signed checkpoint. charters are the canonical charter documents from genesis on; they stand in the first part only.
// A part whose body was erased carries no salt. The checkpoint must cover every part, else ErrSize.
func (l *Log) BuildProof(ctx context.Context, tx *store.Tx, parts []Part, cp Checkpoint, charters [][]byte) ([]byte, error) {
	if len(parts) == 0 || len(parts) > maxProofParts {
		return nil, fmt.Errorf("%w: %d parts", ErrProof, len(parts))
	}
	var file []byte
	for i, part := range parts {
		leaf, err := l.Leaf(ctx, tx, part.Index)
		if err != nil {
			return nil, err
		}
		path, err := l.ProveInclusion(ctx, tx, cp.Size, part.Index)
		if err != nil {
			return nil, err
		}
		e := extra{Leaf: leaf, Role: part.Role}
		if i == 0 {
			e.Charters = charters
		}
		body, err := l.Body(ctx, tx, part.Index)
		switch {
		case err == nil:
			e.Salt = body.Salt[:]
		case !errors.Is(err, ErrNotFound):
			return nil, err
		}
		raw, err := e.marshal()
		if err != nil {
			return nil, fmt.Errorf("proof of leaf %d: %w", part.Index, err)
		}
		file = c2sp.Proof{Extra: raw, Index: part.Index, Path: path, Checkpoint: cp.Note}.Append(file)
	}
	return file, nil
}

// extra is what the extra line of a part holds, as restricted canonical JSON:
//
//	{"charters":[…],"leaf":{…},"role":"base","salt":"hex"}
//
// charters and salt are absent where there are none. charters and leaf are the documents themselves, not strings:
// canonical JSON within canonical JSON keeps its bytes, as long as a leaf is one level shallower than jcs.MaxDepth.
type extra struct {
	Charters [][]byte
	Leaf     []byte
	Role     string
	Salt     []byte
}

func (e extra) marshal() ([]byte, error) {
	var w jcs.Writer
	w.Object()
	if len(e.Charters) > 0 {
		w.Key("charters")
		w.Array()
		for _, c := range e.Charters {
			w.Raw(c)
		}
		w.EndArray()
	}
	w.Key("leaf")
	w.Raw(e.Leaf)
	w.Key("role")
	w.String(e.Role)
	if e.Salt != nil {
		w.Key("salt")
		w.Hex(e.Salt)
	}
	w.EndObject()
	return w.Bytes()
}

func parseExtra(raw []byte) (e extra, err error) {
	r, err := jcs.NewReader(raw, maxExtra)
	if err != nil {
		return e, err
	}
	for r.Enter('{'); r.Next(); {
		switch r.Key() {
		case "charters":
			for r.Enter('['); r.Next(); {
				e.Charters = append(e.Charters, r.Raw())
			}
		case "leaf":
			e.Leaf = r.Raw()
		case "role":
			e.Role = r.String()
		case "salt":
			s := r.String()
			e.Salt = []byte(s)
		default:
			r.Unknown()
		}
	}
	if err := r.End(); err != nil {
		return e, err
	}
	if e.Salt != nil {
		if e.Salt, err = unhexSalt(e.Salt); err != nil {
			return e, err
		}
	}
	if e.Leaf == nil || e.Role == "" {
		return e, errors.New("leaf or role is missing")
	}
	return e, nil
}

// Trust turns the charter chain of a proof, canonical documents from genesis on, into what a proof is judged by: the
// list id and the log keys of its epochs. Package charter supplies it.
type Trust func(charters [][]byte) (listID string, keys note.Verifiers, err error)

// ProofOptions are what a verifier brings along.
type ProofOptions struct {
	Trust  Trust    // required
	ListID string   // the list id the verifier pins; "" accepts the proof's own, which Verified then reports
	Bodies [][]byte // body bytes by part; a nil or missing one is not checked
}

// Verified is what a valid proof says: that these leaves stand at these indexes of this list's log.
// It does not say that they are the newest about the record.
type Verified struct {
	ListID string
	Parts  []VerifiedPart
}

// VerifiedPart is one leaf that the proof places.
type VerifiedPart struct {
	Role       string
	Index      int64
	Leaf       Leaf
	Checkpoint c2sp.Checkpoint
	BodyHash   [32]byte
	BodyLen    int64
	HasBody    bool // the leaf names a public body
	Erased     bool // and the proof has no salt for it
	BodyOK     bool // the body given for this part is the one
	salt       []byte
}

// Check compares a body with the one that the part's leaf names; errors wrap ErrBody.
func (p VerifiedPart) Check(body []byte) error {
	switch {
	case !p.HasBody:
		return fmt.Errorf("%w: the leaf has no public body", ErrBody)
	case p.Erased:
		return fmt.Errorf("%w: the proof has no salt, the body was erased", ErrBody)
	case int64(len(body)) != p.BodyLen:
		return fmt.Errorf("%w: %d bytes, the leaf says %d", ErrBody, len(body), p.BodyLen)
	case BodyHash([16]byte(p.salt), body) != p.BodyHash:
		return ErrBody
	}
	return nil
}

// VerifyProof checks a proof file without any store or network. Errors name the part, from 0, and wrap ErrProof,
// ErrCharter, ErrCheckpoint, ErrLeaf, ErrInclusion or ErrBody.
func VerifyProof(file []byte, o ProofOptions) (*Verified, error) {
	proofs, err := c2sp.ParseProofs(file, maxProofParts)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrProof, err)
	}
	var v Verified
	var keys note.Verifiers
	for i, p := range proofs {
		e, err := parseExtra(p.Extra)
		if err != nil {
			return nil, fmt.Errorf("part %d: extra: %w: %w", i, ErrProof, err)
		}
		if i == 0 {
			if v.ListID, keys, err = o.Trust(e.Charters); err != nil {
				return nil, fmt.Errorf("%w: %w", ErrCharter, err)
			}
			if o.ListID != "" && o.ListID != v.ListID {
				return nil, fmt.Errorf("%w: it is of list %s, not of %s", ErrCharter, v.ListID, o.ListID)
			}
		} else if e.Charters != nil {
			return nil, fmt.Errorf("part %d: %w: charters outside the first part", i, ErrProof)
		}
		var body []byte
		if i < len(o.Bodies) {
			body = o.Bodies[i]
		}
		part, err := verifyPart(p, e, v.ListID, keys, body)
		if err != nil {
			return nil, fmt.Errorf("part %d (%s, leaf %d): %w", i, e.Role, p.Index, err)
		}
		v.Parts = append(v.Parts, part)
	}
	return &v, nil
}

func verifyPart(p c2sp.Proof, e extra, listID string, keys note.Verifiers, body []byte) (VerifiedPart, error) {
	part := VerifiedPart{Role: e.Role, Index: p.Index}
	var err error
	if part.Checkpoint, err = OpenCheckpoint(p.Checkpoint, keys); err != nil {
		return part, err
	}
	if part.Leaf, err = ParseLeaf(e.Leaf); err != nil {
		return part, fmt.Errorf("%w: %w", ErrLeaf, err)
	}
	c, err := readClaims(part.Leaf.Event)
	if err != nil {
		return part, fmt.Errorf("%w: %w", ErrLeaf, err)
	}
	if c.list != listID {
		return part, fmt.Errorf("%w: it is of list %q", ErrLeaf, c.list)
	}
	if err := tlog.CheckRecord(p.Path, part.Checkpoint.Size, part.Checkpoint.Root, p.Index, LeafHash(e.Leaf)); err != nil {
		return part, fmt.Errorf("%w: %w", ErrInclusion, err)
	}
	part.HasBody, part.BodyHash, part.BodyLen = c.public, c.hash, c.n
	part.salt, part.Erased = e.Salt, c.public && e.Salt == nil
	if body == nil {
		return part, nil
	}
	err = part.Check(body)
	part.BodyOK = err == nil
	return part, err
}

// unhexSalt reads 32 lower-case hex digits.
func unhexSalt(s []byte) ([]byte, error) {
	salt := make([]byte, 16)
	for i := range s {
		k := bytes.IndexByte([]byte("0123456789abcdef"), s[i])
		if len(s) != 32 || k < 0 {
			return nil, errors.New("salt is not 32 lower-case hex digits")
		}
		salt[i/2] = salt[i/2]<<4 | byte(k)
	}
	return salt, nil
}
