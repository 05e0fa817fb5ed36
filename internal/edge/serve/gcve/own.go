package gcve

import (
	"errors"
	"math"
	"net/http"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"tasuki/internal/catalogue"
	"tasuki/internal/edge/serve/problem"
	room "tasuki/internal/gcve"
	"tasuki/spec/cve"
	"tasuki/spec/gcve"
)

// manifest is what GCVE has not: every identifier of the authority with its state, in an order that a reader can go on in, and the checkpoint that proves
// each leaf.
type manifest struct {
	List       string  `json:"list"`
	GNA        int     `json:"gna"`
	Size       int64   `json:"size"`                // of the log that this was read at
	Checkpoint string  `json:"checkpoint,omitzero"` // a signed note (c2sp.org/tlog-checkpoint)
	Entries    []entry `json:"entries"`
	Next       int64   `json:"next"` // the cursor: ask with after=<next> for what changes later
	More       bool    `json:"more"` // there is more already
}

type entry struct {
	ID      string `json:"id"`
	State   string `json:"state"`
	Leaf    int64  `json:"leaf"` // newest leaf about it; /log/<leaf>.tlog-proof proves it
	Given   string `json:"allocated"`
	Changed string `json:"changed"`
	SHA256  string `json:"sha256,omitzero"` // of its record's bytes in the log
	Erased  bool   `json:"erased,omitzero"` // a tombstone: it had a record, whose text was erased
}

const (
	pageOfManifest = 1000
	mostOfManifest = 10_000
)

// manifest is GET /api/gcve/manifest?after=<leaf>&limit=<n>.
func (h *handler) manifest(w http.ResponseWriter, r *http.Request) {
	if h.nobody(w, r) {
		return
	}
	after, err := number(r, "after", -1, math.MaxInt64)
	limit, lerr := number(r, "limit", pageOfManifest, mostOfManifest)
	if err = errors.Join(err, lerr); err != nil {
		h.fail(w, r, err)
		return
	}
	limit = max(limit, 1)
	lines, size, err := h.Room.Manifest(r.Context(), after, int(limit)+1)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	m := manifest{List: h.List, GNA: int(h.Who.Authority.ID), Size: size, Entries: []entry{}, Next: after}
	if int64(len(lines)) > limit {
		lines, m.More = lines[:limit], true
	}
	for _, l := range lines {
		m.Entries = append(m.Entries, entry{ID: l.ID.String(), State: string(l.State), Leaf: l.Newest, Given: cve.FormatTime(l.Given),
			Changed: cve.FormatTime(l.Changed),
			SHA256:  l.SHA256, Erased: l.Erased})
		m.Next = l.Newest
	}
	if note, err := h.Checkpoint(r.Context()); err == nil { // a list that was never signed has a manifest all the same
		m.Checkpoint = string(note)
	}
	w.Header().Set("Cache-Control", "no-cache")
	h.object(w, r, m)
}

// found is one thing that somebody said about an identifier.
type found struct {
	ID      string         `json:"id"`
	SaidBy  string         `json:"said_by"`         // gna-1
	Source  string         `json:"source,omitzero"` // the address that it came by; absent for what this list says itself
	Leaf    int64          `json:"leaf"`
	Logged  string         `json:"logged"`
	State   string         `json:"state"`
	Aliases []string       `json:"aliases"`
	Erased  bool           `json:"erased,omitzero"`
	Record  jsontext.Value `json:"record,omitzero"`
}

// lookup is GET /api/gcve/lookup?id=…: everything said under an identifier of any scheme, and by whom.
func (h *handler) lookup(w http.ResponseWriter, r *http.Request) {
	text := r.URL.Query().Get("id")
	if text == "" || len(text) > 1024 {
		problem.Refuse(w, r, http.StatusBadRequest, "id: an identifier is needed")
		return
	}
	if same, err := h.unchanged(w, r); err != nil || same {
		if err != nil {
			h.fail(w, r, err)
		}
		return
	}
	said, err := h.Room.Lookup(r.Context(), text)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	out := []found{}
	for _, s := range said {
		f := found{ID: s.ID.String(), SaidBy: s.Origin.Source(), Source: s.Source, Leaf: s.Leaf, Logged: cve.FormatTime(s.Logged), State: string(s.State),
			Aliases: s.Aliases, Erased: s.Body == nil, Record: s.Body}
		if f.Aliases == nil {
			f.Aliases = []string{}
		}
		out = append(out, f)
	}
	own, err := h.ofList(r, text)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.object(w, r, append(out, own...))
}

// ofList is the list's own CVE record of an identifier or of its alias.
func (h *handler) ofList(r *http.Request, text string) ([]found, error) {
	id, err := cve.ParseID(room.Key(text))
	if err != nil {
		return nil, nil
	}
	v, err := h.Catalogue.Text(r.Context(), id.String())
	if errors.Is(err, catalogue.ErrNotFound) || errors.Is(err, catalogue.ErrErased) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	raw, err := v.Compact()
	if err != nil {
		return nil, err
	}
	return []found{{ID: gcve.FromCVE(id).String(), SaidBy: gcve.GNACVE.Source(), Leaf: v.Index, Logged: cve.FormatTime(v.Logged), State: string(v.State),
		Aliases: []string{id.String()}, Record: raw}}, nil
}

// entryOf is the authority's entry with its addresses.
func (h *handler) entryOf() gcve.Authority {
	a := h.Who.Authority
	for _, at := range []struct {
		into *string
		path string
	}{{&a.URL, "/"}, {&a.API, "/api/gcve/"}, {&a.Dump, "/dumps/"}, {&a.PullAPI, ""}} {
		if *at.into == "" && h.BaseURL != "" {
			*at.into = h.at(at.path)
		}
	}
	return a
}

// authority is GET /api/gcve/authority: the entry that the directory should have.
func (h *handler) authority(w http.ResponseWriter, r *http.Request) {
	if h.nobody(w, r) {
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=3600")
	h.object(w, r, h.entryOf())
}

// conformance is GET /api/gcve/conformance: the statement that BCP-06 asks for. It is made anew for every reader, so that it is never older
// than it may be; its time is a day's
// beginning, so that it reads the same all day long.
func (h *handler) conformance(w http.ResponseWriter, r *http.Request) {
	if h.nobody(w, r) {
		return
	}
	n, err := h.Room.Counts(r.Context())
	if err != nil {
		h.fail(w, r, err)
		return
	}
	day := h.Now().UTC().Truncate(24 * time.Hour)
	i := h.Who
	c := gcve.Conformance{
		GNA: i.Authority.ID, ShortName: i.Authority.Short, FullName: i.Authority.Full, License: i.License,
		Generated: day.Format(time.RFC3339), Expires: day.Add(gcve.ConformanceValid).Format(time.RFC3339),
		Governance: gcve.ConformanceGovernance{OperationalModel: i.OperationalModel, VisibilityModel: i.VisibilityModel, Policy: i.Policy, Contact: i.Contact},
		Disclosure: gcve.ConformanceDisclosure{Policy: i.Disclosure},
		Allocation: gcve.ConformanceAllocation{Allocated: n[cve.Reserved] + n[cve.Published] + n[cve.Rejected], Published: n[cve.Published],
			Rejected: n[cve.Rejected],
			Reserved: n[cve.Reserved], NeverReused: true, States: h.at("/api/gcve/manifest")},
		Interoperation: gcve.ConformanceInterop{RecordFormat: "GCVE-BCP-05 1.6", BCPs: []string{"BCP-01", "BCP-03", "BCP-04", "BCP-05", "BCP-06"}},
		Synchronization: gcve.ConformanceSynchronization{PullAPI: h.at(""), Dump: h.at("/dumps/" + i.Authority.ID.Source() + ".ndjson"),
			Manifest: h.at("/api/gcve/manifest")},
		Evaluation: gcve.ConformanceEvaluation{Method: "self-assessment", Version: "1.1", At: day.Format(time.RFC3339), Software: i.Software},
	}
	w.Header().Set("Cache-Control", "public, max-age=3600")
	h.object(w, r, c)
}

// directory is GET /api/gcve/directory: the authorities of the newest directory that this list holds, with the leaf that proves it.
func (h *handler) directory(w http.ResponseWriter, r *http.Request) {
	seen, d, err := h.Room.Directory(r.Context())
	if err != nil {
		h.fail(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=60")
	h.object(w, r, struct {
		Leaf        int64            `json:"leaf"`
		Source      string           `json:"source"`
		SHA256      string           `json:"sha256"`
		Logged      string           `json:"logged"`
		Authorities []gcve.Authority `json:"authorities"`
	}{seen.Leaf, seen.Source, seen.Digest, cve.FormatTime(seen.Logged), d.Authorities})
}
