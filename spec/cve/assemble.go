package cve

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// ErrAssemble says that containers and base do not make one record; wrapped with the reason. It means that a rule of
// the log was broken before, since what the log accepts can be assembled.
var ErrAssemble = errors.New("cve: not one record")

// The containers that a Put may carry.
const (
	CNA = "cna"
	ADP = "adp"
)

// Put is one container as it entered the log: a record.put or, when Rejected, a record.rejected event.
type Put struct {
	ID          string    // the CVE identifier
	Cont        string    // CNA or ADP
	Org         string    // UUID of the organisation that put it
	ShortName   string    // that organisation's name then; "" keeps what the body says
	At          time.Time // becomes every date that this put stamps
	DataVersion string    // version of the record format that the body was checked against, "5.2.0"

	// Of the first CNA container over no base. Assigner and AssignerName are the owner of the identifier and may
	// differ from Org, when a Secretariat publishes for somebody; "" means Org and ShortName.
	Reserved     string
	Assigner     string
	AssignerName string

	Rejected bool
	Body     []byte // the container
}

// Assemble makes the current record from the newest whole document (nil if there never was one) and the containers put
// since, oldest first. It reads nothing else, so every holder of these leaves gets the same bytes.
//
//   - No puts: the base, byte for byte. Otherwise compact JSON; members that nobody here knows stay as they were.
//   - A CNA container replaces the former one and makes the record PUBLISHED; datePublished is the first such put.
//   - A rejection replaces the CNA container, drops all ADP containers and makes the record REJECTED; dateRejected is
//     the put that changed the state; datePublished stays. A later CNA container removes dateRejected.
//   - An ADP container replaces the same organisation's former one in its place, else is appended; it needs a
//     PUBLISHED record.
//   - Every put stamps providerMetadata of its container and cveMetadata.dateUpdated, and raises dataVersion.
//
// Hence Assemble(Assemble(b, p), q) equals Assemble(b, p+q) for any split that leaves p not empty.
func Assemble(base []byte, puts []Put) ([]byte, error) {
	if len(puts) == 0 {
		if base == nil {
			return nil, fmt.Errorf("%w: neither base nor container", ErrAssemble)
		}
		return base, nil
	}
	var a assembly
	if base != nil {
		if err := a.open(base); err != nil {
			return nil, fmt.Errorf("base of %s: %w", puts[0].ID, err)
		}
	}
	for i, put := range puts {
		if err := a.put(put); err != nil {
			return nil, fmt.Errorf("container %d (%s of %s) of %s: %w", i, put.Cont, put.Org, put.ID, err)
		}
	}
	return a.close(), nil
}

// assembly is a record taken apart down to where puts change it.
type assembly struct {
	record, metadata, containers object
	adp                          []jsontext.Value
}

func (a *assembly) open(base []byte) (err error) {
	if a.record, err = parseObject(base); err != nil {
		return err
	}
	if a.metadata, err = parseObject(a.record.get("cveMetadata")); err != nil {
		return fmt.Errorf("/cveMetadata: %w", err)
	}
	if a.containers, err = parseObject(a.record.get("containers")); err != nil {
		return fmt.Errorf("/containers: %w", err)
	}
	if a.adp, err = parseList(a.containers.get("adp")); err != nil {
		return fmt.Errorf("/containers/adp: %w", err)
	}
	return nil
}

// close puts the parts together again.
func (a *assembly) close() []byte {
	if len(a.adp) > 0 {
		a.containers.set("adp", encodeList(a.adp))
	} else {
		a.containers.remove("adp") // the schema wants at least one or none
	}
	a.record.set("cveMetadata", a.metadata.encode())
	a.record.set("containers", a.containers.encode())
	return a.record.encode()
}

func (a *assembly) put(p Put) error {
	fresh := a.record == nil
	switch {
	case p.Cont != CNA && p.Cont != ADP:
		return fmt.Errorf("%w: no container is called %q", ErrAssemble, p.Cont)
	case p.Cont == ADP && p.Rejected:
		return fmt.Errorf("%w: an ADP cannot reject", ErrAssemble)
	case p.Cont == ADP && (fresh || a.metadata.text("state") != string(Published)):
		return fmt.Errorf("%w: an ADP container needs a published record", ErrAssemble)
	case fresh && p.DataVersion == "":
		return fmt.Errorf("%w: the first container names no dataVersion", ErrAssemble)
	case !fresh && a.metadata.text("cveId") != p.ID:
		return fmt.Errorf("%w: the record so far is %s", ErrAssemble, quoteShort(a.metadata.text("cveId")))
	}
	body, err := p.stamped()
	if err != nil {
		return err
	}
	if fresh {
		a.begin(p)
	}
	at := FormatTime(p.At)
	switch {
	case p.Cont == ADP:
		a.putADP(p.Org, body)
	case p.Rejected:
		if a.metadata.text("state") != string(Rejected) {
			a.metadata.setText("state", string(Rejected))
			a.metadata.setText("dateRejected", at)
		}
		a.containers.set("cna", body)
		a.adp = nil
	default:
		a.metadata.setText("state", string(Published))
		a.metadata.remove("dateRejected")
		if a.metadata.text("datePublished") == "" {
			a.metadata.setText("datePublished", at)
		}
		a.containers.set("cna", body)
	}
	a.metadata.setText("dateUpdated", at)
	if have := a.record.text("dataVersion"); have == "" || compareVersions(p.DataVersion, have) > 0 {
		a.record.setText("dataVersion", p.DataVersion)
	}
	return nil
}

// begin makes the frame of a record that never was.
func (a *assembly) begin(p Put) {
	a.record.setText("dataType", "CVE_RECORD")
	a.record.setText("dataVersion", p.DataVersion)
	a.record.set("cveMetadata", nil) // both are filled by close; here they take their places
	a.record.set("containers", nil)
	a.metadata.setText("cveId", p.ID)
	a.metadata.setText("assignerOrgId", cmp.Or(p.Assigner, p.Org))
	a.metadata.setText("state", "") // takes its place; put decides
	if name := cmp.Or(p.AssignerName, p.ShortName); name != "" {
		a.metadata.setText("assignerShortName", name)
	}
	if p.Reserved != "" {
		a.metadata.setText("dateReserved", p.Reserved)
	}
}

// stamped is the body with its providerMetadata filled in; other members of that object stay.
func (p Put) stamped() (jsontext.Value, error) {
	body, err := parseObject(p.Body)
	if err != nil {
		return nil, err
	}
	var provider object
	if given := body.get("providerMetadata"); given != nil && given.Kind() != jsontext.KindNull {
		if provider, err = parseObject(given); err != nil {
			return nil, fmt.Errorf("/providerMetadata: %w", err)
		}
	}
	provider.setText("orgId", p.Org)
	if p.ShortName != "" {
		provider.setText("shortName", p.ShortName)
	}
	provider.setText("dateUpdated", FormatTime(p.At))
	stamp := provider.encode()
	if body.find("providerMetadata") < 0 {
		body = slices.Insert(body, 0, member{"providerMetadata", stamp})
	} else {
		body.set("providerMetadata", stamp)
	}
	return body.encode(), nil
}

// WithProvider is a container with the organisation that puts it in its providerMetadata, in the place of whatever it said
// there: what a Put's body is. The date is not in it: that is the put's.
func WithProvider(container []byte, org, short string) ([]byte, error) {
	body, err := parseObject(container)
	if err != nil {
		return nil, err
	}
	var provider object
	provider.setText("orgId", org)
	if short != "" {
		provider.setText("shortName", short)
	}
	stamp := provider.encode()
	if body.find("providerMetadata") < 0 {
		body = slices.Insert(body, 0, member{"providerMetadata", stamp})
	} else {
		body.set("providerMetadata", stamp)
	}
	return body.encode(), nil
}

// putADP replaces the first container of the organisation or appends. UUIDs compare without regard to case.
func (a *assembly) putADP(org string, body jsontext.Value) {
	for i, value := range a.adp {
		container, err := parseObject(value)
		if err != nil {
			continue // an element that is no object has no provider
		}
		provider, err := parseObject(container.get("providerMetadata"))
		if err == nil && strings.EqualFold(provider.text("orgId"), org) {
			a.adp[i] = body
			return
		}
	}
	a.adp = append(a.adp, body)
}

// compareVersions orders dataVersions number by number; a part that is missing counts as 0, one that is no number as
// less than any.
func compareVersions(a, b string) int {
	part := func(list []string, i int) int {
		if i >= len(list) {
			return 0
		}
		n, err := strconv.Atoi(list[i])
		if err != nil {
			return -1
		}
		return n
	}
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range max(len(as), len(bs)) {
		if c := cmp.Compare(part(as, i), part(bs, i)); c != 0 {
			return c
		}
	}
	return 0
}
