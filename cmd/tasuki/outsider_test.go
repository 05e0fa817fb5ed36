package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// An outsider checks a list with golang.org/x/mod/sumdb, SHA-256, a JSON parser, and what the published formats say. No code of
// this program is in here: what the outsider accepts, anybody's program can.
type outsider struct {
	get       func(path string) ([]byte, error) // a GET to the list
	listID    string
	origin    string
	verifiers note.Verifiers
	charter   []byte

	opened sync.Map // checkpoints verified before, by text: tlog.Tree
}

// meet reads the list's charter and pins what it says.
func meet(get func(path string) ([]byte, error)) (*outsider, error) {
	o := &outsider{get: get}
	raw, err := get("/charter/")
	if err != nil {
		return nil, err
	}
	var index struct{ Charters []string }
	if err := json.Unmarshal(raw, &index, json.MatchCaseInsensitiveNames(true)); err != nil || len(index.Charters) != 1 {
		return nil, fmt.Errorf("%d charters: %w", len(index.Charters), err)
	}
	if o.charter, err = get(index.Charters[0]); err != nil {
		return nil, err
	}
	var document struct {
		Signed jsontext.Value `json:"signed"`
	}
	var signed struct {
		Operator struct {
			Slug  string `json:"slug"`
			Epoch int64  `json:"epoch"`
			Key   []byte `json:"ed25519"`
		} `json:"operator"`
	}
	if err := json.Unmarshal(o.charter, &document); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(document.Signed, &signed); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(document.Signed)
	o.listID = hex.EncodeToString(sum[:])
	o.origin = fmt.Sprintf("tasuki/%s/%d-%s", o.listID[:16], signed.Operator.Epoch, signed.Operator.Slug)
	vkey, err := note.NewEd25519VerifierKey(o.origin, signed.Operator.Key)
	if err != nil {
		return nil, err
	}
	v, err := note.NewVerifier(vkey)
	if err != nil {
		return nil, err
	}
	o.verifiers = note.VerifierList(v)
	return o, nil
}

// stranger is an outsider who asks this node.
func (k *kitNode) stranger(t *testing.T) *outsider {
	t.Helper()
	o, err := meet(func(path string) ([]byte, error) {
		w := k.ask(path)
		if w.Code != http.StatusOK {
			return nil, fmt.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
		return w.Body.Bytes(), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// checkpoint opens a signed checkpoint.
func (o *outsider) checkpoint(signed []byte) (tlog.Tree, error) {
	if t, ok := o.opened.Load(string(signed)); ok {
		return t.(tlog.Tree), nil
	}
	n, err := note.Open(signed, o.verifiers)
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) != 4 || lines[0] != o.origin || lines[3] != "" {
		return tlog.Tree{}, fmt.Errorf("checkpoint %q", n.Text)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return tlog.Tree{}, err
	}
	t := tlog.Tree{N: size, Hash: root}
	o.opened.Store(string(signed), t)
	return t, nil
}

// newest fetches the newest checkpoint.
func (o *outsider) newest() (tlog.Tree, error) {
	signed, err := o.get("/checkpoint")
	if err != nil {
		return tlog.Tree{}, err
	}
	return o.checkpoint(signed)
}

// leaf is as much of a leaf as an outsider needs to know about a record.
type outsiderLeaf struct {
	E struct {
		ID   string `json:"id"`
		Kind string `json:"kind"`
		List string `json:"list"`
		Body *struct {
			Hash string `json:"h"`
			N    int    `json:"n"`
		} `json:"body"`
	} `json:"e"`
	O struct {
		Back int64  `json:"back"`
		Time string `json:"t"`
	} `json:"o"`
}

// prove checks the proof file of a record against the record's bytes, and returns the leaf's index and the tree's size.
func (o *outsider) prove(file []byte, id string, record []byte) (index, size int64, err error) {
	line := func() (l string) {
		raw, rest, _ := bytes.Cut(file, []byte("\n"))
		file = rest
		return string(raw)
	}
	if l := line(); l != "c2sp.org/tlog-proof@v1" {
		return 0, 0, fmt.Errorf("first line %q", l)
	}
	b64, ok := strings.CutPrefix(line(), "extra ")
	if !ok {
		return 0, 0, errors.New("no extra line")
	}
	raw, err := base64.StdEncoding.DecodeString(b64)
	if err != nil {
		return 0, 0, err
	}
	var extra struct {
		Charters []jsontext.Value `json:"charters"`
		Leaf     jsontext.Value   `json:"leaf"`
		Role     string           `json:"role"`
		Salt     string           `json:"salt"`
	}
	if err := json.Unmarshal(raw, &extra); err != nil {
		return 0, 0, err
	}
	if len(extra.Charters) != 1 || !bytes.Equal(extra.Charters[0], o.charter) || extra.Role != "base" {
		return 0, 0, fmt.Errorf("%d charters, role %q", len(extra.Charters), extra.Role)
	}
	digits, ok := strings.CutPrefix(line(), "index ")
	if index, err = strconv.ParseInt(digits, 10, 64); !ok || err != nil {
		return 0, 0, fmt.Errorf("index %q", digits)
	}
	var path tlog.RecordProof
	for l := line(); l != ""; l = line() {
		h, err := tlog.ParseHash(l)
		if err != nil {
			return 0, 0, err
		}
		path = append(path, h)
	}
	tree, err := o.checkpoint(file)
	if err != nil {
		return 0, 0, err
	}
	if err := tlog.CheckRecord(path, tree.N, tree.Hash, index, tlog.RecordHash(extra.Leaf)); err != nil {
		return 0, 0, err
	}
	var leaf outsiderLeaf
	if err := json.Unmarshal(extra.Leaf, &leaf); err != nil {
		return 0, 0, err
	}
	salt, err := hex.DecodeString(extra.Salt)
	if err != nil || len(salt) != 16 {
		return 0, 0, fmt.Errorf("salt %q", extra.Salt)
	}
	if leaf.E.ID != id || leaf.E.Kind != "record.imported/1" || leaf.E.List != o.listID || leaf.E.Body == nil {
		return 0, 0, fmt.Errorf("leaf %s", extra.Leaf)
	}
	if leaf.E.Body.N != len(record) || leaf.E.Body.Hash != saltedHash(salt, record) {
		return 0, 0, errors.New("the leaf is of another body")
	}
	return index, tree.N, nil
}

func saltedHash(salt, body []byte) string {
	sum := sha256.New()
	sum.Write(salt)
	sum.Write(body)
	return hex.EncodeToString(sum.Sum(nil))
}

// outsiderLog is a log that was fetched and hashed from its entries alone.
type outsiderLog struct {
	leaves [][]byte
	stored []tlog.Hash
}

// ReadHashes makes the log a tlog.HashReader.
func (l *outsiderLog) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		if x < 0 || x >= int64(len(l.stored)) {
			return nil, fmt.Errorf("no hash %d", x)
		}
		out[i] = l.stored[x]
	}
	return out, nil
}

// root is the root of the first n entries.
func (l *outsiderLog) root(n int64) (tlog.Hash, error) { return tlog.TreeHash(n, l) }

// fetch reads the entry bundles of a tree and holds their root against its.
func (o *outsider) fetch(tree tlog.Tree) (*outsiderLog, error) {
	l := new(outsiderLog)
	for first := int64(0); first < tree.N; first += 256 {
		width := int(min(256, tree.N-first))
		// tlog's own paths name the height, and entries "data".
		path := strings.Replace(tlog.Tile{H: 8, L: -1, N: first / 256, W: width}.Path(), "tile/8/data/", "/tile/entries/", 1)
		bundle, err := o.get(path)
		if err != nil {
			return nil, err
		}
		for range width {
			if len(bundle) < 2 || len(bundle) < 2+int(binary.BigEndian.Uint16(bundle)) {
				return nil, fmt.Errorf("%s is cut short", path)
			}
			n := int(binary.BigEndian.Uint16(bundle))
			leaf := bundle[2 : 2+n]
			hashes, err := tlog.StoredHashesForRecordHash(int64(len(l.leaves)), tlog.RecordHash(leaf), l)
			if err != nil {
				return nil, err
			}
			l.leaves, l.stored, bundle = append(l.leaves, leaf), append(l.stored, hashes...), bundle[2+n:]
		}
		if len(bundle) > 0 {
			return nil, fmt.Errorf("%s: %d bytes too many", path, len(bundle))
		}
	}
	root, err := l.root(tree.N)
	if err == nil && root != tree.Hash {
		err = fmt.Errorf("the entries give the root %v, the checkpoint says %v", root, tree.Hash)
	}
	return l, err
}

// Height is that of C2SP tiles.
func (o *outsider) Height() int { return 8 }

// ReadTiles makes the outsider a tlog.TileReader.
func (o *outsider) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	out := make([][]byte, len(tiles))
	for i, t := range tiles {
		var err error
		if out[i], err = o.get(strings.Replace(t.Path(), "tile/8/", "/tile/", 1)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// SaveTiles keeps nothing.
func (o *outsider) SaveTiles([]tlog.Tile, [][]byte) {}

// extends proves from tiles that one tree continues another.
func (o *outsider) extends(from, to tlog.Tree) error {
	if from.N == 0 {
		return nil
	}
	proof, err := tlog.ProveTree(to.N, from.N, tlog.TileHashReader(to, o))
	if err != nil {
		return err
	}
	return tlog.CheckTree(proof, to.N, to.Hash, from.N, from.Hash)
}

// bodies gives fn the salt and the bytes beside each leaf of a tree that has a body.
func (o *outsider) bodies(size int64, fn func(index int64, salt, raw []byte) error) error {
	for at := int64(0); at < size; {
		last := min((at/256+1)*256, size)
		digits := strings.TrimPrefix(tlog.Tile{H: 8, L: 0, N: at / 256, W: 256}.Path(), "tile/8/0/")
		bundle, err := o.get(fmt.Sprintf("/bodies/%s?from=%d", digits, at%256))
		if err != nil {
			return err
		}
		began := at
		for r := bytes.NewReader(bundle); at < last; at++ {
			var n uint32
			err := binary.Read(r, binary.BigEndian, &n)
			if err == io.EOF && at > began {
				break // cut where it grew too long: the rest is asked for
			}
			if err != nil {
				return fmt.Errorf("body of leaf %d: %w", at, err)
			}
			if n >= 0xfffffffd {
				continue
			}
			item := make([]byte, 16+n)
			if _, err := io.ReadFull(r, item); err != nil {
				return fmt.Errorf("body of leaf %d: %w", at, err)
			}
			if err := fn(at, item[:16], item[16:]); err != nil {
				return fmt.Errorf("body of leaf %d: %w", at, err)
			}
		}
	}
	return nil
}
