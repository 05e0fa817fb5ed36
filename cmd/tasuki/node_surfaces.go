package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"tasuki/internal/charter"
	"tasuki/internal/edge/serve/cveservices"
	"tasuki/internal/edge/serve/front"
	servegcve "tasuki/internal/edge/serve/gcve"
	"tasuki/internal/edge/serve/native"
	"tasuki/internal/edge/serve/nvd"
	"tasuki/internal/edge/serve/page"
	"tasuki/internal/edge/serve/portal"
	"tasuki/internal/edge/serve/problem"
	"tasuki/internal/edge/serve/relay"
	"tasuki/internal/edge/serve/tiles"
	"tasuki/internal/edge/serve/web"
	"tasuki/internal/event"
	"tasuki/internal/jobs"
	"tasuki/internal/registry"
	"tasuki/internal/store"
	"tasuki/spec/cve"
)

// Spaces are the protocols' URL spaces. One table owns them all, and each its own shape of an error.
func (n *node) Spaces() []front.Space {
	var spaces []front.Space
	add := func(surface string, h http.Handler, refuse func(http.ResponseWriter, *http.Request, int, string), s front.Space, prefixes ...string) {
		s.Surface, s.Handler, s.Refuse = surface, h, refuse
		for _, p := range prefixes {
			s.Prefix = p
			spaces = append(spaces, s)
		}
	}
	services := cveservices.Handler(cveservices.Options{Acts: n.acts, Catalogue: n.catalogue, Now: n.now, Log: n.log, Copy: n.role != nil,
		RateLimit: cveservices.RateLimit{Max: n.cfg.CVEServices.RateLimit, Window: time.Duration(n.cfg.CVEServices.RateWindow)}})
	// Its protocol fixes the largest body and the answer to a larger one, so the door leaves that to it.
	add("cve-services", n.acknowledged(services, cveservices.Refuse), cveservices.Refuse, front.Space{AnyCase: true, BodyLimit: -1}, cveservices.Prefix)
	api := n.nativeAPI()
	add("native", api, native.Refuse, front.Space{}, native.Prefix)
	add("native", api, native.Refuse, front.Space{Plain: true, WriteTimeout: -1}, native.StreamPath)
	add("nvd", nvd.Handler(nvd.Options{Source: nvd.Of(n.catalogue), Now: n.now, Log: n.log}), nvd.Refuse, front.Space{}, nvd.Prefix)
	log := tiles.Handler(logSource{n}, n.log)
	add("log", log, problem.Refuse, front.Space{}, slices.DeleteFunc(slices.Clone(tiles.Prefixes), func(p string) bool { return p == relay.CharterPrefix+"/" })...)
	add("log", relay.Charters(relayCopy{n}, log, n.log), problem.Refuse, front.Space{}, relay.CharterPrefix+"/")
	// Who waits for a checkpoint, or fetches ciphertexts, may take long.
	add("relay", relay.Handler(relayCopy{n}, n.log), problem.Refuse, front.Space{WriteTimeout: -1}, relay.Prefixes...)
	add("events", n.events(), problem.Refuse, front.Space{BodyLimit: event.MaxSubmission + 1}, relay.EventPrefixes...)
	add("gcve", n.gcveSurface(), problem.Refuse, front.Space{}, servegcve.Prefixes...)
	kit := page.Kit{Status: &webStatus{node: n}, Log: n.log, Now: n.now, BaseURL: n.cfg.BaseURL, Secure: n.cfg.TLS.Cert != ""}
	pages := web.Handler(web.Options{Kit: kit, Catalogue: n.catalogue, Ledger: webLedger{n}, Intake: webIntake{n}, Continuity: webContinuity{n}, Authority: n.public,
		OrgName: n.orgName, OpenAPI: native.OpenAPI})
	add("web", pages, nil, front.Space{}, slices.DeleteFunc(slices.Clone(web.Prefixes), func(p string) bool { return p == relay.CharterPrefix })...)
	// One address for people who read who runs the list, and for copies that hand over a charter.
	add("web", relay.Charters(relayCopy{n}, pages, n.log), nil, front.Space{}, relay.CharterPrefix)
	// The editor's form carries a container twice, and encoded.
	add("portal", n.acknowledged(n.portal(kit), nil), nil, front.Space{BodyLimit: 10 << 20}, portal.Prefixes...)
	return append(spaces, n.outwardSpaces()...)
}

// Ready says whether requests can be answered: the store answers.
func (n *node) Ready(ctx context.Context) error {
	_, err := n.size(ctx)
	return err
}

// condition is the object of /health.
type condition struct {
	List       string      `json:"list"`
	Origin     string      `json:"origin"`
	Test       bool        `json:"test,omitzero"` // a test list: nothing in it counts
	Store      string      `json:"store"`
	Size       int64       `json:"size"`
	Checkpoint *signedAt   `json:"checkpoint,omitzero"`
	Mirrors    *keptBy     `json:"mirrors,omitzero"` // absent where the charter asks for none
	Witnesses  *keptBy     `json:"witnesses,omitzero"`
	Waiting    float64     `json:"waiting_seconds,omitzero"` // for how long what was signed has had no quorum
	Index      indexState  `json:"index"`
	Importing  string      `json:"importing,omitzero"`
	ReadOnly   string      `json:"read_only,omitzero"` // the reason
	Hold       string      `json:"hold,omitzero"`      // why a copy holds its last view: siblings, fork, continues
	Signs      bool        `json:"signs"`
	Charter    []string    `json:"charter"` // who runs the list, until when, what would be lost with them
	Jobs       []jobStatus `json:"jobs"`
	Problem    string      `json:"problem,omitzero"`
}

type signedAt struct {
	Size int64  `json:"size"`
	Time string `json:"time"`
}

// indexState says how far searches and facets have come; reads by identifier do not wait for it.
type indexState struct {
	Warm    bool  `json:"warm"`
	Size    int64 `json:"size"`
	Records int   `json:"records"`
}

type jobStatus struct {
	Name   string `json:"name"`
	Last   string `json:"last,omitzero"`
	Next   string `json:"next"`
	Note   string `json:"note,omitzero"`
	Failed string `json:"failed,omitzero"`
}

// Status is the object of /health.
func (n *node) Status(ctx context.Context) any {
	c := condition{List: n.chain.ListID(), Origin: n.chain.Opening().Origin(), Test: n.chain.Test(), Store: n.db.Engine().String(), ReadOnly: n.readOnly(), Signs: n.maySign(),
		Charter: charter.Describe(n.chain.Head(), "en"), Jobs: []jobStatus{}}
	var err error
	if c.Size, err = n.size(ctx); err != nil {
		c.Problem = err.Error()
	}
	c.Index.Warm, c.Index.Size = n.catalogue.Ready()
	c.Index.Records = n.catalogue.Len()
	if cp := n.checkpoint.Load(); cp != nil {
		c.Checkpoint = &signedAt{cp.Size, cve.FormatTime(time.UnixMilli(cp.Time))}
	}
	c.Mirrors, c.Witnesses = n.keepers()
	c.Waiting = n.late().Round(time.Millisecond).Seconds()
	if n.follower != nil {
		c.Hold = string(n.follower.Held().Why)
	}
	if s := n.importing.Load(); s != nil {
		c.Importing = *s
	}
	list, err := jobs.List(ctx, n.db)
	if err != nil {
		c.Problem = err.Error()
	}
	for _, j := range list {
		s := jobStatus{Name: j.Name, Next: cve.FormatTime(j.Next), Note: j.LastNote, Failed: j.LastError}
		if !j.LastEnd.IsZero() {
			s.Last = cve.FormatTime(j.LastEnd)
		}
		c.Jobs = append(c.Jobs, s)
	}
	return c
}

// Gauges are read at every scrape.
func (n *node) Gauges() []Gauge {
	return []Gauge{
		{"log_size", "Leaves in the log.", func() float64 {
			size, err := n.size(context.Background())
			if err != nil {
				return -1
			}
			return float64(size)
		}},
		{"checkpoint_size", "Leaves that the newest checkpoint covers.", func() float64 {
			if cp := n.checkpoint.Load(); cp != nil {
				return float64(cp.Size)
			}
			return 0
		}},
		{"checkpoint_age_seconds", "Seconds since the newest checkpoint was signed.", func() float64 {
			if cp := n.checkpoint.Load(); cp != nil {
				return n.now().Sub(time.UnixMilli(cp.Time)).Seconds()
			}
			return -1
		}},
		{"index_size", "Leaves that the search index has folded; -1 until it is warm.", func() float64 {
			warm, size := n.catalogue.Ready()
			if !warm {
				return -1
			}
			return float64(size)
		}},
		{"index_records", "Records in the search index.", func() float64 { return float64(n.catalogue.Len()) }},
	}
}

// Summary says in one line what the node holds.
func (n *node) Summary(ctx context.Context) (string, error) {
	counts, err := n.counts(ctx)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s records (%s published, %s rejected) in list %s", thousands(counts[cve.Published]+counts[cve.Rejected]),
		thousands(counts[cve.Published]), thousands(counts[cve.Rejected]), n.chain.ListID()[:8]), nil
}

// Empty reports whether no record has entered yet, and nobody who could put one.
func (n *node) Empty(ctx context.Context) (bool, error) {
	counts, err := n.counts(ctx)
	if err != nil || len(counts) > 0 {
		return false, err
	}
	_, orgs, err := n.acts.Orgs(ctx, operator("up"), 0, 1)
	return orgs == 0, err
}

func (n *node) counts(ctx context.Context) (counts map[cve.State]int64, err error) {
	err = n.db.View(ctx, func(tx *store.Tx) (err error) {
		counts, err = registry.Counts(ctx, tx)
		return err
	})
	return counts, err
}
