package cveservices

import (
	"cmp"
	"errors"
	"net/http"
	"strconv"
	"time"

	"tasuki/internal/authority"
	"tasuki/internal/catalogue"
	"tasuki/internal/program"
	"tasuki/internal/registry"
	"tasuki/spec/cve"
)

// idRoutes are the endpoints of identifiers (reference §5).
var idRoutes = []route{
	ours(at(http.MethodGet, "cve-id", member, (*call).listIDs)),
	ours(at(http.MethodPost, "cve-id", member, (*call).reserve, (*authority.Standing).MustBeCNA)),
	ours(limited(at(http.MethodGet, "cve-id/{id}", either, (*call).showID))),
	at(http.MethodPut, "cve-id/{id}", member, (*call).changeID, (*authority.Standing).MustBeCNA),
	at(http.MethodPost, "cve-id-range/{year}", member, (*call).openRange, (*authority.Standing).MustBeSecretariat),
}

// identifier is the ID object. What somebody may not see is not in it.
type identifier struct {
	RequestedBy *requester `json:"requested_by,omitzero"`
	Time        *times     `json:"time,omitzero"`
	ID          string     `json:"cve_id"`
	Year        string     `json:"cve_year"`
	State       cve.State  `json:"state"`
	Owner       string     `json:"owning_cna"`
	Reserved    string     `json:"reserved,omitzero"`
	DateUpdated string     `json:"dateUpdated,omitzero"` // for strangers
}

type requester struct {
	CNA  string `json:"cna"`
	User string `json:"user"`
}

// times are when something was made and last changed.
type times struct {
	Created  string `json:"created"`
	Modified string `json:"modified"`
}

const redacted = "REDACTED"

// justReserved is an identifier as the answer to its reservation shows it: without times.
func justReserved(i *program.Identifier) identifier {
	return identifier{RequestedBy: &requester{i.RequesterOrg, i.RequesterUser}, ID: i.ID, Year: i.ID[4:8], State: i.State, Owner: i.OwnerName,
		Reserved: stamp(reservedAt(i))}
}

// reservedAt is when an identifier was reserved; of one that came from another list without saying so, when it was last heard of.
func reservedAt(i *program.Identifier) time.Time {
	return cmp.Or(i.Reserved, i.Modified)
}

func whole(i *program.Identifier) identifier {
	out := justReserved(i)
	out.Time = &times{Created: out.Reserved, Modified: stamp(i.Modified)}
	return out
}

// stranger is what everybody may know of an identifier.
func stranger(i *program.Identifier) identifier {
	out := identifier{ID: i.ID, Year: i.ID[4:8], State: i.State, Owner: "[" + redacted + "]"}
	if i.State != cve.Reserved {
		out.Owner, out.DateUpdated = i.OwnerName, stamp(i.Modified)
	}
	return out
}

// listIDs is GET /api/cve-id.
func (c *call) listIDs() {
	c.names("page", "state", "cve_id_year", "time_reserved.lt", "time_reserved.gt", "time_modified.lt", "time_modified.gt")
	page := c.page()
	state := c.queried("state").opt().string().trim().upper().msg("Not a CVE ID state; use RESERVED, PUBLISHED or REJECTED.").
		oneof("REJECTED", "PUBLISHED", "RESERVED")
	year := c.queried("cve_id_year").opt().notlist().numeric().year4()
	f := registry.Filter{Offset: offset(page), Limit: pageSize,
		ReservedBefore: c.before("time_reserved.lt"), ReservedAfter: c.after("time_reserved.gt"),
		ModifiedBefore: c.before("time_modified.lt"), ModifiedAfter: c.after("time_modified.gt")}
	if c.badInput() {
		return
	}
	f.State, f.Year = cve.State(state.text()), year.number(0)
	if year.given && f.Year == 0 {
		f.Year = -1 // the year 0000, which nothing is of
	}
	ids, total, err := c.acts.IDs(c.r.Context(), c.caller, f)
	if err != nil {
		c.fail(err)
		return
	}
	shown := make([]identifier, len(ids))
	for n := range ids {
		shown[n] = whole(&ids[n])
		if ids[n].Foreign && !c.me.IsSecretariat() {
			shown[n].RequestedBy.User = redacted
		}
	}
	c.list("cve_ids", shown, page, total)
}

// after and before are the time filters, checked; zero where none was given. Both are strict, to the millisecond that the lists know.
func (c *call) after(name string) time.Time {
	return c.queried(name).opt().string().trim().time().moment()
}

func (c *call) before(name string) time.Time {
	f := c.queried(name).opt().string().trim().time()
	t := f.moment()
	if f.given && t.IsZero() {
		return time.Unix(0, 0) // before everything, as good as the year 1
	}
	return t.Add(time.Millisecond - 1).Truncate(time.Millisecond)
}

// reserve is POST /api/cve-id.
func (c *call) reserve() {
	c.names("amount", "batch_type", "short_name", "cve_year")
	amount := c.queried("amount").notlist().int(minInt, maxInt)
	batch := c.queried("batch_type").opt().string().trim().lower()
	owner := c.queried("short_name").string().trim().len(2, 32)
	year := c.queried("cve_year").notlist().numeric().year4()
	if c.badInput() {
		return
	}
	out, err := c.acts.Reserve(c.r.Context(), c.caller, program.Reservation{Owner: owner.text(), Year: year.number(0), Amount: amount.number(0),
		Batch: batch.maybe()})
	if err == nil || errors.Is(err, registry.ErrNoRange) || errors.Is(err, registry.ErrRangeFull) {
		c.w.Header().Set("CVE-API-REMAINING-QUOTA", strconv.FormatInt(out.Remaining, 10))
	}
	if over := (*program.QuotaError)(nil); errors.As(err, &over) {
		p := problem{status: http.StatusForbidden, code: "EXCEEDED_ID_QUOTA",
			message: "The amount exceeds what is left of the organization's quota of reserved IDs."}
		p.with(c.w, c.r, nil, quota{over.Quota, over.Reserved, over.Available})
		return
	}
	if err != nil {
		c.fail(err, problem{authority.ErrNoOrg, http.StatusForbidden, "ORG_DNE", "The organization (query parameter short_name) does not exist."})
		return
	}
	ids := make([]identifier, len(out.IDs))
	for n := range out.IDs {
		ids[n] = justReserved(&out.IDs[n])
	}
	type meta struct {
		RemainingQuota int64 `json:"remaining_quota"`
	}
	c.ok(struct {
		IDs  []identifier `json:"cve_ids"`
		Meta meta         `json:"meta"`
	}{ids, meta{out.Remaining}})
}

// showID is GET /api/cve-id/{id}.
func (c *call) showID() {
	id := c.inPath("id").cveid().text()
	if c.badInput() {
		return
	}
	i, err := c.acts.ID(c.r.Context(), c.caller, id)
	if err != nil {
		c.fail(err, problem{registry.ErrNotFound, http.StatusNotFound, "CVE_ID_NOT_FOUND", "There is no {id}."})
		return
	}
	if i.OwnerName == "" && i.Record {
		// Nobody here owns it: another list published it. Its record says who assigned it.
		v, err := c.Catalogue.Get(c.r.Context(), id)
		switch {
		case err == nil:
			i.OwnerName = v.Record.Metadata.AssignerShortName
		case !errors.Is(err, catalogue.ErrNotFound) && !errors.Is(err, catalogue.ErrErased):
			c.fail(err)
			return
		}
	}
	if i.Whole {
		c.ok(whole(&i))
	} else {
		c.ok(stranger(&i))
	}
}

// changeID is PUT /api/cve-id/{id}.
func (c *call) changeID() {
	id := c.inPath("id").cveid().text()
	c.names("state", "org")
	state := c.queried("state").opt().string().trim().upper().msg("Not a state to change to; use RESERVED or REJECTED.").oneof("REJECTED", "RESERVED")
	org := c.queried("org").opt().string().trim()
	if c.badInput() {
		return
	}
	var change program.IDChange
	if state.given {
		change.State = new(cve.State(state.text()))
	}
	if org.text() != "" {
		change.Org = org.maybe()
	}
	i, err := c.Acts.ChangeID(c.r.Context(), c.caller, id, change)
	if err != nil {
		c.fail(err, problem{authority.ErrNoOrg, http.StatusNotFound, "ORG_DNE", "The organization (query parameter org) does not exist."})
		return
	}
	c.ok(changed{Message: id + " was successfully updated.", Updated: whole(&i)})
}

// openRange is POST /api/cve-id-range/{year}.
func (c *call) openRange() {
	year := c.inPath("year").numeric().year4()
	if c.badInput() {
		return
	}
	err := c.Acts.OpenRange(c.r.Context(), c.caller, year.number(0))
	switch {
	case errors.Is(err, program.ErrYear):
		year.must(false)
		c.badInput()
	case err != nil:
		c.fail(err)
	default:
		c.empty()
	}
}
