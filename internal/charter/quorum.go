package charter

import (
	"tasuki/spec/c2sp"
)

// Reports is how many sealed reports of mirrors a successor needs, R = m − q + 1 + f (D.5): so many meet every quorum that
// ever published in an honest mirror. Without mirrors it is 0.
func (m *Mirrors) Reports() int64 {
	if m == nil {
		return 0
	}
	return int64(len(m.List)) - m.Q + 1 + m.F
}

// MirrorKeys verify the cosignatures of this charter's mirrors, in the order of the list; nil without mirrors.
func (d *Document) MirrorKeys() []*c2sp.CosignatureVerifier {
	if d.charter.Mirrors == nil {
		return nil
	}
	keys := make([]*c2sp.CosignatureVerifier, len(d.charter.Mirrors.List))
	for i, m := range d.charter.Mirrors.List {
		keys[i] = mustCosigner(m.VKey)
	}
	return keys
}

// Witnesses is the policy of this charter, read. Without one it is the policy that asks for no witness.
func (d *Document) Witnesses() c2sp.Policy {
	if d.charter.Policy == "" {
		return c2sp.Policy{Quorum: c2sp.QuorumNone}
	}
	p, err := c2sp.ParsePolicy(d.charter.Policy)
	if err != nil {
		panic("charter: a document with a checked policy has a bad one: " + err.Error())
	}
	return p
}

func mustCosigner(vkey string) *c2sp.CosignatureVerifier {
	v, err := c2sp.NewCosignatureVerifier(vkey)
	if err != nil {
		panic("charter: a document with a checked key has a bad one: " + err.Error())
	}
	return v
}
