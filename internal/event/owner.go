package event

import (
	"tasuki/internal/ledger"
	"tasuki/spec/jcs"
)

// OwnerKind is the kind of the private fact that says whose an identifier is.
const OwnerKind = "id.owner/1"

// OwnerFact is the body of the committed event that says that an identifier is org's. Whoever knows identifier, organisation and
// salt can make the commitment again: that is how Stamp.Own is checked by those who do not hold private bodies.
func OwnerFact(id, org string) ([]byte, error) {
	var w jcs.Writer
	w.Object()
	w.Key("id")
	w.String(id)
	w.Key("kind")
	w.String(OwnerKind)
	w.Key("org")
	w.String(org)
	w.EndObject()
	return w.Bytes()
}

// OpensTo says whether salt opens the commitment of a leaf to the fact that id is org's: the identifier's own commitment, or that of
// the block that it was assigned from.
func (e *Event) OpensTo(salt [16]byte, id, org string) bool {
	switch {
	case e.Kind == BlockGranted:
		return e.Covers(id) && BlockOwner(salt, org) == e.Owner
	case e.Kind != PrivateFact || e.Body == nil:
		return false
	}
	fact, err := OwnerFact(id, org)
	return err == nil && ledger.Private{Salt: salt, Body: fact}.Hash() == e.Body.H
}
