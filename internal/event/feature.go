package event

// Feature is the feature of a charter that allows events of the kind; "" for a kind that this program does not know.
func (k Kind) Feature() string {
	switch k {
	case EpochOpened, CharterNoted, Heartbeat, ImportNoted, RecordImported, BodyErased, PrivateFact:
		return "events-1"
	case KeyAdded, KeyRevoked, AttestSet, BlockGranted, BlockClosed, IDAlias, GCVEDirectory, GCVEAllocated, GCVEPut, GCVERejected, GCVEPulled:
		return "events-3"
	}
	if _, ok := rules[k]; ok {
		return "events-2"
	}
	return ""
}
