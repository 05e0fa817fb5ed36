package event

// The kinds this program writes and understands. Those up to PrivateFact are of feature "events-1", those up to MergeNoted
// of "events-2", the others of "events-3".
const (
	EpochOpened    Kind = "epoch.opened/1"
	CharterNoted   Kind = "charter.noted/1"
	Heartbeat      Kind = "heartbeat/1"
	ImportNoted    Kind = "import.noted/1"
	RecordImported Kind = "record.imported/1"
	BodyErased     Kind = "body.erased/1"
	PrivateFact    Kind = "private/1"

	RulePackAdopted Kind = "rulepack.adopted/1" // the rules that decisions are stamped with from now on

	OrgRegistered Kind = "org.registered/1" // an organisation this list made
	OrgRenamed    Kind = "org.renamed/1"    // its names or public contact changed
	OrgAdopted    Kind = "org.adopted/1"    // an organisation made from an imported assigner or container provider
	GrantGiven    Kind = "grant.given/1"
	GrantEnded    Kind = "grant.ended/1"

	RangeOpened   Kind = "range.opened/1" // identifiers of a year may be given out
	PoolCarved    Kind = "pool.carved/1"  // numbers set aside for non-sequential reservation
	IDReserved    Kind = "id.reserved/1"
	IDRejected    Kind = "id.rejected/1" // without a record
	IDRestored    Kind = "id.restored/1" // back to RESERVED
	IDTransferred Kind = "id.transferred/1"

	RecordPut      Kind = "record.put/1"      // one container
	RecordRejected Kind = "record.rejected/1" // the rejected container, which counts as a CNA put
	RecordReplaced Kind = "record.replaced/1" // a whole document as the Secretariat gave it

	DisputeOpened       Kind = "dispute.opened/1"
	DisputeAcknowledged Kind = "dispute.acknowledged/1"
	DisputeExtended     Kind = "dispute.extended/1"
	DisputeEscalated    Kind = "dispute.escalated/1"
	DisputeDecided      Kind = "dispute.decided/1"
	RefusalAsked        Kind = "refusal.asked/1"   // a CNA was asked first, for a public issue
	RefusalNoted        Kind = "refusal.noted/1"   // it declined, or was silent
	RefusalClosed       Kind = "refusal.closed/1"  // it assigned, or the Root determined that nobody shall
	DirectionGiven      Kind = "direction.given/1" // a Root told another party to assign or publish
	DirectionEnded      Kind = "direction.ended/1" // the party's power over the identifiers ends
	TransferAsked       Kind = "transfer.asked/1"  // somebody asks a Root to move published or rejected identifiers
	TransferClosed      Kind = "transfer.closed/1" // the Root said no, or it was withdrawn; id.transferred says yes
	NoticeSent          Kind = "notice.sent/1"     // to a CNA that seems inactive
	NoticeClosed        Kind = "notice.closed/1"   // it is active again, or was revoked
	RBPNoted            Kind = "rbp.noted/1"       // a reserved identifier is cited in public
	SplitNoted          Kind = "split/1"
	MergeNoted          Kind = "merge/1"

	KeyAdded     Kind = "key.added/1"     // an organisation's own key: what it signs needs no operator's word
	KeyRevoked   Kind = "key.revoked/1"   // it signs nothing from this leaf on
	AttestSet    Kind = "attest.set/1"    // whether the operator's word still counts for what the organisation does
	BlockGranted Kind = "block.granted/1" // numbers that one authority assigns by itself; whose they are is a commitment
	BlockClosed  Kind = "block.closed/1"  // what nobody published of them is nobody's any more
	IDAlias      Kind = "id.alias/1"      // one issue under two numbering schemes

	// Identifiers of GCVE authorities. Kinds of their own, so that whoever reads id as a CVE identifier never meets one (ADR 0015).
	GCVEDirectory Kind = "gcve.directory/1" // the directory of authorities as it was signed; digest is of its bytes
	GCVEAllocated Kind = "gcve.allocated/1" // an identifier of the list's own authority was given out
	GCVEPut       Kind = "gcve.put/1"       // its record, a whole document
	GCVERejected  Kind = "gcve.rejected/1"  // it will never have a record
	GCVEPulled    Kind = "gcve.pulled/1"    // a record of another authority: from is who said it, source where it was read
)

// A rule says which members an event of a kind must have and may have, beside at, by, kind and list.
type rule struct{ must, may []string }

// rules by kind. A kind that is not here is unknown.
var rules = map[Kind]rule{
	// An epoch's body is the reports that show where it goes on (events-3).
	EpochOpened:    {must: []string{"charter", "epoch", "root"}, may: []string{"body", "size", "skips"}},
	CharterNoted:   {must: []string{"charter"}},
	Heartbeat:      {},
	ImportNoted:    {must: []string{"source", "digest"}, may: []string{"counts", "sample"}},
	RecordImported: {must: []string{"body", "id", "state"}, may: []string{"dates", "source_time", "base", "source"}},
	BodyErased:     {must: []string{"leaf", "reason"}},
	PrivateFact:    {must: []string{"body"}},

	RulePackAdopted: {must: []string{"body", "pack"}},

	OrgRegistered: {must: []string{"body", "org"}},
	OrgRenamed:    {must: []string{"body", "org"}},
	OrgAdopted:    {must: []string{"body", "org"}},
	GrantGiven:    {must: []string{"body", "grant", "org", "role", "pack"}, may: []string{"parent", "valid_from", "valid_to"}},
	GrantEnded:    {must: []string{"grant", "org", "reason"}, may: []string{"pack"}},

	RangeOpened:   {must: []string{"year", "last"}, may: []string{"first", "skips"}},
	PoolCarved:    {must: []string{"year", "first", "last"}},
	IDReserved:    {must: []string{"id"}},
	IDRejected:    {must: []string{"id"}},
	IDRestored:    {must: []string{"id"}},
	IDTransferred: {must: []string{"id", "from", "to"}, may: []string{"pack", "case"}},

	RecordPut:      {must: []string{"body", "id", "cont", "dv"}, may: []string{"org", "prev", "reserved", "short"}},
	RecordRejected: {must: []string{"body", "id", "dv"}, may: []string{"org", "prev", "reserved", "short"}},
	RecordReplaced: {must: []string{"body", "id", "state"}, may: []string{"dates", "prev"}},

	// Of a case whose subject is not public every leaf is the operator's and has neither org, from, to nor body: who and what it is
	// about is committed beside it (ADR 0012).
	DisputeOpened:       {must: []string{"case", "level", "reason", "due", "pack"}, may: []string{"body", "ids", "org", "from", "to"}},
	DisputeAcknowledged: {must: []string{"case", "level", "due", "pack"}, may: []string{"body", "org"}},
	DisputeExtended:     {must: []string{"case", "level", "due", "pack"}, may: []string{"body", "org"}},
	DisputeEscalated:    {must: []string{"case", "level", "due", "pack"}, may: []string{"body", "org"}},
	DisputeDecided:      {must: []string{"case", "level", "outcome", "pack"}, may: []string{"body", "org"}},
	RefusalAsked:        {must: []string{"case", "org", "due", "pack"}, may: []string{"body", "ids", "from"}},
	RefusalNoted:        {must: []string{"case", "org", "reason", "due", "pack"}, may: []string{"body", "ids", "to"}},
	RefusalClosed:       {must: []string{"case", "outcome", "pack"}, may: []string{"body", "ids", "org"}},
	DirectionGiven:      {must: []string{"case", "org", "reason", "pack"}, may: []string{"body", "ids", "due"}},
	DirectionEnded:      {must: []string{"case", "org", "reason"}, may: []string{"body", "ids", "pack"}},
	TransferAsked:       {must: []string{"case", "ids", "to", "reason", "pack"}, may: []string{"body", "from", "org"}},
	TransferClosed:      {must: []string{"case", "outcome", "pack"}, may: []string{"body", "org"}},
	NoticeSent:          {must: []string{"case", "org", "level", "reason", "due", "pack"}, may: []string{"body"}},
	NoticeClosed:        {must: []string{"case", "org", "outcome", "pack"}, may: []string{"body"}},
	RBPNoted:            {must: []string{"id", "source", "reason", "due", "pack"}, may: []string{"dues", "ids", "source_time"}},
	SplitNoted:          {must: []string{"id", "ids"}, may: []string{"body"}},
	MergeNoted:          {must: []string{"id", "ids"}, may: []string{"body"}},

	KeyAdded:     {must: []string{"key", "label", "org", "use"}},
	KeyRevoked:   {must: []string{"key", "org", "reason"}},
	AttestSet:    {must: []string{"mode", "org"}},
	BlockGranted: {must: []string{"first", "key", "last", "owner", "year"}},
	BlockClosed:  {must: []string{"first", "last", "reason", "year"}},
	IDAlias:      {must: []string{"alias", "id"}},

	GCVEDirectory: {must: []string{"body", "digest", "source"}, may: []string{"source_time"}},
	GCVEAllocated: {must: []string{"id"}},
	GCVEPut:       {must: []string{"body", "id", "state"}, may: []string{"dates", "prev"}},
	GCVERejected:  {must: []string{"id", "reason"}},
	GCVEPulled:    {must: []string{"body", "from", "id", "source", "state"}, may: []string{"dates"}},
}

// Whole says that the body of the kind is a whole CVE record.
func (k Kind) Whole() bool { return k == RecordImported || k == RecordReplaced }

// OfRecord says that the kind makes a version of a record.
func (k Kind) OfRecord() bool { return k.Whole() || k == RecordPut || k == RecordRejected }

// Kinds are all kinds that this program understands, in the order of their names.
func Kinds() []Kind { return sorted(rules) }
