package diff

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// node is one JSON value with an identity: two nodes have the same id if and only if they mean the same.
type node struct {
	kind    jsontext.Kind
	raw     jsontext.Value // a part of the document
	text    string         // of strings
	members []field        // of objects, sorted by name
	list    []*node        // of arrays, as written
	id      string
}

type field struct {
	name string
	node *node
}

// get returns a member of an object, nil where there is none.
func (n *node) get(name string) *node {
	if n == nil {
		return nil
	}
	i, ok := slices.BinarySearchFunc(n.members, name, func(m field, name string) int { return strings.Compare(m.name, name) })
	if !ok {
		return nil
	}
	return n.members[i].node
}

// str returns a member that is a string, "" where there is none.
func (n *node) str(name string) string {
	if m := n.get(name); m != nil && m.kind == jsontext.KindString {
		return m.text
	}
	return ""
}

// mark is the identity of a member, "" where there is none.
func (n *node) mark(name string) string {
	if m := n.get(name); m != nil {
		return m.id
	}
	return ""
}

// read parses a document and gives every value its identity; nil is no document.
func read(raw []byte) (*node, error) {
	if raw == nil {
		return nil, nil
	}
	p := parser{raw: raw, d: jsontext.NewDecoder(bytes.NewBuffer(raw))}
	n, err := p.value()
	if err != nil {
		return nil, err
	}
	if _, err := p.d.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more bytes after the value")
	}
	(&identifier{}).of(n, document)
	return n, nil
}

type parser struct {
	raw []byte
	d   *jsontext.Decoder
}

func (p *parser) value() (*node, error) {
	start := int(p.d.InputOffset())
	for start < len(p.raw) && strings.IndexByte(" \t\r\n,:", p.raw[start]) >= 0 {
		start++
	}
	t, err := p.d.ReadToken()
	if err != nil {
		return nil, err
	}
	n := &node{kind: t.Kind()}
	switch n.kind {
	case jsontext.KindString:
		n.text = t.String()
	case jsontext.KindBeginArray:
		for p.d.PeekKind() != jsontext.KindEndArray {
			kid, err := p.value()
			if err != nil {
				return nil, err
			}
			n.list = append(n.list, kid)
		}
		_, err = p.d.ReadToken()
	case jsontext.KindBeginObject:
		for p.d.PeekKind() != jsontext.KindEndObject {
			name, err := p.d.ReadToken()
			if err != nil {
				return nil, err
			}
			text := name.String() // before the token's bytes are overwritten
			kid, err := p.value()
			if err != nil {
				return nil, err
			}
			n.members = append(n.members, field{text, kid})
		}
		_, err = p.d.ReadToken()
		slices.SortFunc(n.members, func(a, b field) int { return strings.Compare(a.name, b.name) })
	}
	if err != nil {
		return nil, err
	}
	n.raw = p.raw[start:p.d.InputOffset()]
	return n, nil
}

// identifier gives identities from the leaves up. Those of arrays and objects are digests, so that the work is linear however
// deep a document nests, and equal for no two documents that anybody can write.
type identifier struct{ scratch []byte }

func (i *identifier) of(n *node, r *rule) {
	switch n.kind {
	case jsontext.KindString:
		n.id = `"` + n.text
	case jsontext.KindNumber:
		n.id = canonical(string(n.raw))
	case jsontext.KindBeginArray:
		marks := make([]string, len(n.list))
		for k, kid := range n.list {
			i.of(kid, r.elements())
			marks[k] = kid.id
		}
		if r.isSet() {
			slices.Sort(marks)
		}
		i.scratch = i.scratch[:0]
		for _, m := range marks {
			i.put(m)
		}
		n.id = i.digest('[')
	case jsontext.KindBeginObject:
		for _, m := range n.members {
			i.of(m.node, r.member(m.name))
		}
		i.scratch = i.scratch[:0]
		for _, m := range n.members {
			i.put(m.name)
			i.put(m.node.id)
		}
		n.id = i.digest('{')
	default:
		n.id = string(n.raw) // null, true, false
	}
}

func (i *identifier) put(s string) {
	i.scratch = binary.AppendUvarint(i.scratch, uint64(len(s)))
	i.scratch = append(i.scratch, s...)
}

func (i *identifier) digest(kind byte) string {
	sum := sha256.Sum256(i.scratch)
	return string(kind) + string(sum[:])
}

// canonical writes a JSON number so that equal values are equal text: 7.50, 75e-1 and 7.5 are "75e-1".
func canonical(lexeme string) string {
	rest, negative := strings.CutPrefix(lexeme, "-")
	var exponent big.Int
	if at := strings.IndexAny(rest, "eE"); at >= 0 {
		exponent.SetString(strings.TrimPrefix(rest[at+1:], "+"), 10)
		rest = rest[:at]
	}
	whole, fraction, _ := strings.Cut(rest, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	if digits == "" {
		return "0"
	}
	short := strings.TrimRight(digits, "0")
	exponent.Add(&exponent, big.NewInt(int64(len(digits)-len(short)-len(fraction))))
	sign := ""
	if negative {
		sign = "-"
	}
	if exponent.IsInt64() {
		return sign + short + "e" + strconv.FormatInt(exponent.Int64(), 10)
	}
	return sign + short + "e" + exponent.String()
}
