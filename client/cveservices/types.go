package cveservices

import (
	"encoding/json"
	"net/url"
	"strconv"
	"time"
)

// Time is a moment as the API writes it. One that is missing or cannot be read is the zero time: a list is not lost for it.
type Time struct{ time.Time }

// TimeFormat is how the API writes times: UTC with milliseconds.
const TimeFormat = "2006-01-02T15:04:05.000Z"

// UnmarshalJSON reads a timestamp, with or without a zone (then UTC).
func (t *Time) UnmarshalJSON(raw []byte) error {
	var text string
	t.Time = time.Time{}
	if json.Unmarshal(raw, &text) != nil {
		return nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05"} {
		if at, err := time.Parse(layout, text); err == nil {
			t.Time = at.UTC()
			return nil
		}
	}
	return nil
}

// MarshalJSON writes the time as the API does, the zero time as null.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return json.Marshal(t.UTC().Format(TimeFormat))
}

// IsZero says that there is no time.
func (t Time) IsZero() bool { return t.Time.IsZero() }

// Times are when something was made and last changed.
type Times struct {
	Created  Time `json:"created,omitzero"`
	Modified Time `json:"modified,omitzero"`
}

// ID is a CVE ID as its server shows it to the caller: who is no user of its owner sees less (a reserved one's OwningCNA is
// "[REDACTED]").
type ID struct {
	ID          string    `json:"cve_id"`
	Year        string    `json:"cve_year"`
	State       string    `json:"state"` // RESERVED, PUBLISHED or REJECTED
	OwningCNA   string    `json:"owning_cna"`
	RequestedBy Requester `json:"requested_by,omitzero"`
	Reserved    Time      `json:"reserved,omitzero"`
	Time        Times     `json:"time,omitzero"`
	DateUpdated Time      `json:"dateUpdated,omitzero"` // strangers see it in place of Time
}

// Requester is who asked for an identifier, by the names they have now.
type Requester struct {
	CNA  string `json:"cna"`
	User string `json:"user"` // "REDACTED" where it is not the caller's business
}

// Quota is how many identifiers an organisation may have in state RESERVED, and has. Available may be negative.
type Quota struct {
	Quota     int64 `json:"id_quota"`
	Reserved  int64 `json:"total_reserved"`
	Available int64 `json:"available"`
}

// Org is an organisation.
type Org struct {
	UUID      string    `json:"UUID"`
	Short     string    `json:"short_name"`
	Name      string    `json:"name"`
	Authority Authority `json:"authority"`
	Policies  Policies  `json:"policies"`
	Time      Times     `json:"time,omitzero"`
}

// Authority holds the active roles of an organisation (CNA, SECRETARIAT, …) or of a user (ADMIN).
type Authority struct {
	Roles []string `json:"active_roles"`
}

// Policies of an organisation.
type Policies struct {
	Quota int64 `json:"id_quota"`
}

// User is somebody of an organisation. Secret is there in the answer to CreateUser alone.
type User struct {
	UUID      string    `json:"UUID"`
	OrgUUID   string    `json:"org_UUID"`
	Username  string    `json:"username"`
	Name      Name      `json:"name"`
	Active    bool      `json:"active"`
	Authority Authority `json:"authority"`
	Time      Times     `json:"time,omitzero"`
	Secret    string    `json:"secret,omitempty"`
}

// Name is a person's name.
type Name struct {
	First  string `json:"first"`
	Last   string `json:"last"`
	Middle string `json:"middle"`
	Suffix string `json:"suffix"`
}

// Window narrows a list by time; both ends are exclusive, and zero is open.
type Window struct{ After, Before time.Time }

func (w Window) set(v url.Values, name string) {
	for suffix, t := range map[string]time.Time{".gt": w.After, ".lt": w.Before} {
		if !t.IsZero() {
			v.Set(name+suffix, t.UTC().Format(TimeFormat))
		}
	}
}

func set(v url.Values, name, value string) {
	if value != "" {
		v.Set(name, value)
	}
}

func setPtr(v url.Values, name string, value *string) {
	if value != nil {
		v.Set(name, *value)
	}
}

func setInt(v url.Values, name string, n int64) {
	if n != 0 {
		v.Set(name, strconv.FormatInt(n, 10))
	}
}
