package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"tasuki/client/cveservices"
	"tasuki/internal/authority"
	"tasuki/internal/program"
	"tasuki/spec/cve"
)

// CnaPullCmd is `tasuki cna pull`.
type CnaPullCmd struct {
	From   string `placeholder:"URL" help:"The present server, with or without /api (or TASUKI_CNA_URL)."`
	DryRun bool   `help:"Say what would come; change nothing."`
	JSON   bool   `name:"json" help:"Print the summary as JSON."`
	Credentials
}

// Help is the long description.
func (c *CnaPullCmd) Help() string {
	return `Asks the present server, by the caller's credentials there, for the organisation, its quota, its users, and its CVE IDs without a record (RESERVED, and REJECTED by state alone), and takes them into the list of the data directory under the UUIDs they have. Records come by "tasuki import cvelist"; those whose assigner is the organisation are its own.

What is here already is left as it is, so the command may be repeated, and goes on where it was stopped. What is here and somebody else's is reported as a conflict and never overwritten.

Users' keys cannot be read there. The caller's own is known and is set here, so that the caller's tools go on by changing one URL; the others sign in once an administrator resets theirs.`
}

// PullSummary counts what came of a pull.
type PullSummary struct {
	From   string          `json:"from"`
	Org    string          `json:"organisation"`
	UUID   string          `json:"uuid"`
	Of     program.Verdict `json:"verdict"` // of the organisation
	Users  PullCount       `json:"users"`
	IDs    PullCount       `json:"ids"`
	Record int64           `json:"with_record"` // rejected with a record: left to the import
	Key    bool            `json:"key"`         // the caller's key was set
	DryRun bool            `json:"dry_run,omitzero"`
	Took   Duration        `json:"took"`
}

// PullCount counts verdicts.
type PullCount struct {
	Added    int64 `json:"added"`
	Here     int64 `json:"unchanged"`
	Conflict int64 `json:"conflict"`
}

func (n *PullCount) add(list []pullVerdict) {
	for _, o := range list {
		switch o.Verdict {
		case program.PulledNew:
			n.Added++
		case program.PulledNot:
			n.Conflict++
		default:
			n.Here++
		}
	}
}

// Run fetches, then hands over in parts.
func (c *CnaPullCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	began := p.Now()
	from, err := Account{c.From, c.Credentials}.open(p, true, false)
	if err != nil {
		return p.cna(ctx, nil, c.JSON, err)
	}
	report := p.reporter()
	f := &fetching{sending: from, report: report}
	err = f.org(ctx, p)
	if err == nil {
		err = f.ids(ctx)
	}
	report.Close()
	if err != nil {
		return p.cna(ctx, from, c.JSON, err)
	}
	if c.DryRun {
		var done func()
		if s, done, err = s.forDryRun(); err != nil {
			return err
		}
		defer done()
	}
	got, err := c.hand(ctx, p, s, f, report)
	report.Close()
	got.DryRun, got.Took = c.DryRun, Duration(p.Now().Sub(began))
	return p.cna(ctx, from, c.JSON, c.told(p, got, f, err))
}

// hand takes what was fetched into the list.
func (c *CnaPullCmd) hand(ctx context.Context, p *Program, s *Settings, f *fetching, report *console) (got PullSummary, err error) {
	got = PullSummary{From: f.BaseURL(), Org: f.pull.Org.Short, UUID: f.pull.Org.ID}
	x, err := p.session(ctx, s, access{Create: true, Host: true})
	if err != nil {
		return got, err
	}
	defer func() { err = errors.Join(err, x.Close()) }()
	if got.Record, err = f.recorded(ctx, x); err != nil {
		return got, err
	}
	part, ids := f.pull, f.pull.IDs
	part.From, part.DryRun = f.BaseURL(), c.DryRun
	for first := true; first || len(ids) > 0; first = false {
		n := min(len(ids), program.MaxPull)
		part.IDs, ids = ids[:n], ids[n:]
		a, err := operate[pullAnswer](ctx, x, "cna pull", part, report)
		if err != nil {
			return got, err
		}
		if first {
			got.Of = a.Org.Verdict
			got.Users.add(a.Users)
		} else {
			a.Users = nil // told already
		}
		got.Key = got.Key || a.Secret
		got.IDs.add(a.IDs)
		for _, o := range slices.Concat(a.Users, a.IDs) {
			if o.Verdict == program.PulledNot {
				report.Item(Item{Outcome: string(o.Verdict), Name: o.Name, Reason: o.Why})
			}
		}
		if !c.DryRun {
			part.Users = nil // each part is a commit; a dry run has none, so it needs the users again
		}
		report.Progress(Progress{Step: "pull", Done: int64(len(f.pull.IDs) - len(ids)), Total: int64(len(f.pull.IDs)), Unit: "CVE IDs"})
	}
	return got, nil
}

// told prints the summary and finds the exit code.
func (c *CnaPullCmd) told(p *Program, got PullSummary, f *fetching, err error) error {
	if c.JSON {
		if err == nil {
			err = p.json(got)
		}
	} else if err == nil || got.Of != "" {
		verb := "pulled"
		if c.DryRun {
			verb = "would pull"
		}
		fmt.Fprintf(p.Stdout, "%s %s from %s in %s: organisation %s; users: %s added, %s unchanged, %s conflicts; "+
			"CVE IDs: %s added, %s unchanged, %s conflicts, %s left to the import\n", verb, clean(got.Org), got.From, round(got.Took), got.Of,
			thousands(got.Users.Added), thousands(got.Users.Here), thousands(got.Users.Conflict),
			thousands(got.IDs.Added), thousands(got.IDs.Here), thousands(got.IDs.Conflict), thousands(got.Record))
	}
	if err != nil {
		return err
	}
	keyless := got.Users.Added
	if got.Key && !c.DryRun {
		_, user := f.Caller()
		fmt.Fprintf(p.Stderr, "%s signs in here with the same key\n", clean(user))
		keyless--
	}
	if keyless > 0 && !c.DryRun {
		fmt.Fprintf(p.Stderr, "%s users have no key here: they sign in once it is reset\n", thousands(keyless))
	}
	for _, role := range f.left {
		fmt.Fprintf(p.Stderr, "note: the role %s stays there; a grant here gives it\n", clean(role))
	}
	if got.Users.Conflict+got.IDs.Conflict > 0 {
		return exitError{exitPart}
	}
	return nil
}

// fetching is a pull in the making.
type fetching struct {
	*sending
	report *console
	pull   program.Pull
	left   []string // roles that are not brought
}

// org fetches the organisation, its quota and its users.
func (f *fetching) org(ctx context.Context, p *Program) error {
	short, self := f.Caller()
	o, err := f.Org(ctx, short)
	if err != nil {
		return err
	}
	q, err := f.QuotaOf(ctx, short)
	if err != nil {
		return err
	}
	f.pull.Org = program.PulledOrg{ID: o.UUID, Short: o.Short, Name: o.Name, CNA: slices.Contains(o.Authority.Roles, string(authority.CNA)),
		Quota: min(max(q.Quota, 0), authority.MaxQuota)}
	f.left = slices.DeleteFunc(slices.Clone(o.Authority.Roles), func(r string) bool { return r == string(authority.CNA) })
	for u, err := range f.UsersOf(ctx, short) {
		if err != nil {
			return err
		}
		n := program.PulledUser{ID: u.UUID, Username: u.Username, Inactive: !u.Active, Created: u.Time.Created.Time,
			Name:  authority.PersonName{First: u.Name.First, Last: u.Name.Last, Middle: u.Name.Middle, Suffix: u.Name.Suffix},
			Admin: slices.Contains(u.Authority.Roles, authority.Admin)}
		if u.Username == self {
			// The hash alone leaves this process.
			if n.PHC, err = authority.HashSecret(p.Rand, f.key); err != nil {
				return err
			}
		}
		f.pull.Users = append(f.pull.Users, n)
		f.report.Progress(Progress{Step: "users of " + clean(short), Done: int64(len(f.pull.Users)), Unit: "users"})
	}
	return nil
}

// ids fetches the organisation's identifiers in the states that need no record.
func (f *fetching) ids(ctx context.Context) error {
	short, _ := f.Caller()
	for _, state := range []cve.State{cve.Reserved, cve.Rejected} {
		for id, err := range f.IDs(ctx, cveservices.IDFilter{State: string(state)}) {
			if err != nil {
				return err
			}
			if id.OwningCNA != short {
				continue // a Secretariat sees everybody's
			}
			n := program.PulledID{ID: id.ID, State: state, Reserved: id.Reserved.Time, ByOrg: id.RequestedBy.CNA, ByUser: id.RequestedBy.User}
			f.pull.IDs = append(f.pull.IDs, n)
			f.report.Progress(Progress{Step: "CVE IDs of " + clean(short), Done: int64(len(f.pull.IDs)), Unit: "CVE IDs"})
		}
	}
	return nil
}

// askAtOnce is how many questions the present server gets at a time.
const askAtOnce = 4

// recorded takes out the rejected identifiers that have a record there, and counts them: their record comes by import. What this list
// knows already need not be asked for.
func (f *fetching) recorded(ctx context.Context, x *session) (int64, error) {
	rejected := 0
	for _, id := range f.pull.IDs {
		if id.State == cve.Rejected {
			rejected++
		}
	}
	var lock sync.Mutex
	with, asked := map[string]bool{}, int64(0)
	work, wctx := errgroup.WithContext(ctx)
	work.SetLimit(askAtOnce)
	for _, id := range f.pull.IDs {
		if id.State != cve.Rejected || wctx.Err() != nil {
			continue
		}
		known, err := x.knows(ctx, id.ID)
		if err != nil {
			return 0, errors.Join(err, work.Wait())
		}
		work.Go(func() error {
			there := false
			if !known {
				_, err := f.Record(wctx, id.ID)
				if err != nil && !cveservices.HasCode(err, cveservices.NoRecord) {
					return err
				}
				there = err == nil
			}
			lock.Lock()
			defer lock.Unlock()
			asked++
			if there {
				with[id.ID] = true
			}
			f.report.Progress(Progress{Step: "records of rejected CVE IDs", Done: asked, Total: int64(rejected), Unit: "CVE IDs"})
			return nil
		})
	}
	err := work.Wait()
	f.pull.IDs = slices.DeleteFunc(f.pull.IDs, func(id program.PulledID) bool { return with[id.ID] })
	return int64(len(with)), err
}

// knows says whether the session's list has an identifier.
func (x *session) knows(ctx context.Context, id string) (bool, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, x.base+"/api/cve-id/"+id, nil)
	if err != nil {
		return false, err
	}
	resp, err := x.client.Do(req)
	if err != nil {
		return false, fmt.Errorf("ask this list for %s: %w", id, err)
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK, nil
}

// pullAnswer is what the node says of a part.
type pullAnswer struct {
	Org    pullVerdict   `json:"org"`
	Users  []pullVerdict `json:"users"`
	IDs    []pullVerdict `json:"ids"`
	Secret bool          `json:"secret,omitzero"`
}

// pullVerdict is what became of one thing.
type pullVerdict struct {
	Verdict program.Verdict `json:"verdict"`
	Name    string          `json:"name"`
	Why     string          `json:"why,omitzero"`
}

// pullCNA takes one part of a pull in.
func (n *node) pullCNA(ctx context.Context, q program.Pull, _ Reporter) (pullAnswer, error) {
	got, err := n.acts.Pull(ctx, operator("cna pull"), q)
	if err != nil {
		return pullAnswer{}, err
	}
	told := func(o program.PullOutcome) pullVerdict {
		v := pullVerdict{Verdict: o.Verdict, Name: o.Name}
		if o.Why != nil {
			v.Why = o.Why.Error()
		}
		return v
	}
	a := pullAnswer{Org: told(got.Org), Secret: got.Secret}
	for _, o := range got.Users {
		a.Users = append(a.Users, told(o))
	}
	for _, o := range got.IDs {
		a.IDs = append(a.IDs, told(o))
	}
	return a, nil
}
