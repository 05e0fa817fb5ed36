package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"tasuki/internal/authority"
	"tasuki/internal/edge/feeds/cvelist"
	feed "tasuki/internal/edge/feeds/gcve"
	servegcve "tasuki/internal/edge/serve/gcve"
	"tasuki/internal/event"
	"tasuki/internal/gate"
	room "tasuki/internal/gcve"
	"tasuki/internal/jobs"
	"tasuki/spec/gcve"
)

// gcveReads answers questions about GCVE identifiers.
func (n *node) gcveReads() *room.Service { return &room.Service{DB: n.db, Log: n.ledger} }

// gcveSurface serves the node as a GCVE authority, as far as it is one.
func (n *node) gcveSurface() http.Handler {
	o := servegcve.Options{Room: n.gcveReads(), Catalogue: n.catalogue, Checkpoint: logSource{n}.Checkpoint, List: n.chain.ListID(),
		BaseURL: n.cfg.BaseURL, Now: n.now, Log: n.log}
	c := n.cfg.GCVE
	if g, err := gcve.ParseGNA(c.GNA); err == nil {
		o.Who = &servegcve.Identity{
			Authority: gcve.Authority{ID: g, Short: c.Short, Full: c.Full, CPEVendor: c.CPEVendor}, License: c.License, Policy: c.Policy, Disclosure: c.Disclosure,
			Contact: c.Contact, OperationalModel: c.OperationalModel, VisibilityModel: c.VisibilityModel, Software: "tasuki " + version().Version,
		}
	}
	return servegcve.Handler(o)
}

// gcveIntake brings what the feed reads to the gate.
type gcveIntake struct {
	node   *node
	caller authority.Caller
	key    gcve.Key
	accept string      // digest of a directory that the operator takes though it lost entries
	change room.Change // what the directory changed
}

// Directory takes in a directory, or refuses it.
func (i *gcveIntake) Directory(ctx context.Context, source string, directory, signature []byte) error {
	return i.node.gate.Do(ctx, i.caller, gate.Command{Action: authority.Import, Decide: func(ctx context.Context, t *gate.Turn) (err error) {
		i.change, err = room.Note(ctx, t.Tx, i.node.ledger, t, source, room.Signed{Directory: directory, Signature: signature, Key: i.key}, i.accept)
		return err
	}})
}

// Prepare reads a record.
func (i *gcveIntake) Prepare(raw []byte) (feed.Prepared, error) {
	doc, err := i.node.gate.Pack(event.GCVEPulled, raw)
	if err != nil {
		return nil, err
	}
	doc.Trim()
	return doc, nil
}

// Take takes in records of an authority as one command.
func (i *gcveIntake) Take(ctx context.Context, from gcve.GNA, source string, batch []feed.Prepared) (out []feed.Verdict, err error) {
	err = i.node.gate.Do(ctx, i.caller, gate.Command{Action: authority.Import, Bulk: true, Decide: func(ctx context.Context, t *gate.Turn) error {
		out = out[:0] // a command may be decided twice
		for _, p := range batch {
			v, err := room.Pull(ctx, t.Tx, t, from, source, p.(*event.Doc))
			if err != nil {
				return err
			}
			out = append(out, feed.Verdict(v))
		}
		return nil
	}})
	return out, err
}

func (n *node) puller(i *gcveIntake, report Reporter) *feed.Puller {
	return &feed.Puller{Client: cvelist.NewClient(), Intake: i, State: n.cursors, Now: n.now, Log: n.log, LookupTXT: net.DefaultResolver.LookupTXT,
		Progress: func(done int64) { report.Progress(Progress{Step: "pull", Done: done, Unit: "records"}) },
		Each: func(v feed.Verdict, number int64, reason string) {
			report.Item(Item{Outcome: string(v), Name: fmt.Sprintf("record %d", number), Reason: reason})
		}}
}

// gcveDirectoryRequest asks for an import of the directory: from URL, or the two files.
type gcveDirectoryRequest struct {
	URL                  string
	Key                  string // PEM
	TXT                  string
	Accept               string
	Directory, Signature []byte
}

// gcveDirectoryAnswer says what an import of the directory changed.
type gcveDirectoryAnswer struct {
	Same    bool     `json:"same"` // the very one that is known
	SHA256  string   `json:"sha256"`
	Added   []string `json:"added,omitempty"`
	Changed []string `json:"changed,omitempty"`
	Removed []string `json:"removed,omitempty"`
	NewKey  bool     `json:"new_key,omitzero"` // the host publishes another key than the pinned one
	TXT     bool     `json:"txt,omitzero"`     // the second channel confirmed the key
}

func (n *node) importDirectory(ctx context.Context, q gcveDirectoryRequest, report Reporter) (gcveDirectoryAnswer, error) {
	return n.takeDirectory(ctx, operator("gcve directory import"), q, report)
}

func (n *node) takeDirectory(ctx context.Context, c authority.Caller, q gcveDirectoryRequest, report Reporter) (out gcveDirectoryAnswer, err error) {
	key, err := gcve.ParseKey([]byte(q.Key))
	if err != nil {
		return out, err
	}
	i := &gcveIntake{node: n, caller: c, key: key, accept: strings.ToLower(q.Accept)}
	if q.Directory != nil {
		err = i.Directory(ctx, "file", q.Directory, q.Signature)
	} else {
		var seen feed.Checked
		seen, err = n.puller(i, report).Directory(ctx, feed.Source{URL: q.URL, Key: key, TXT: q.TXT})
		out.NewKey, out.TXT = seen.NewKey, seen.TXT
	}
	out.Same, out.SHA256 = i.change.Same, i.change.Digest
	for _, l := range []struct {
		into *[]string
		from []gcve.Authority
	}{{&out.Added, i.change.Added}, {&out.Changed, i.change.Changed}, {&out.Removed, i.change.Removed}} {
		for _, a := range l.from {
			*l.into = append(*l.into, a.ID.String()+" "+a.Short)
		}
	}
	return out, err
}

// gcvePullRequest names the authorities to pull from; none means those of the configuration. Base overrules the directory's address, for one.
type gcvePullRequest struct {
	GNAs []string
	Base string
}

// gcvePullAnswer says what a pull from one authority brought.
type gcvePullAnswer struct {
	GNA       string           `json:"gna"`
	Source    string           `json:"source,omitzero"`
	Unchanged bool             `json:"unchanged,omitzero"`
	Records   int64            `json:"records"`
	Verdicts  map[string]int64 `json:"verdicts,omitempty"`
	Error     string           `json:"error,omitzero"`
}

func (n *node) pullAuthorities(ctx context.Context, q gcvePullRequest, report Reporter) ([]gcvePullAnswer, error) {
	return n.pullFrom(ctx, operator("gcve pull"), q, report)
}

// pullFrom pulls from one authority after the other; one that does not answer is no reason to leave out the others.
func (n *node) pullFrom(ctx context.Context, c authority.Caller, q gcvePullRequest, report Reporter) (out []gcvePullAnswer, err error) {
	list, err := n.authorities(ctx, q)
	if err != nil {
		return nil, err
	}
	p := n.puller(&gcveIntake{node: n, caller: c}, report)
	for _, a := range list {
		s, perr := p.Pull(ctx, a)
		one := gcvePullAnswer{GNA: a.ID.String(), Source: s.Source, Unchanged: s.Unchanged, Records: s.Records, Verdicts: map[string]int64{}}
		for v, k := range s.Verdicts {
			one.Verdicts[string(v)] = k
		}
		if perr != nil {
			one.Error = perr.Error()
			err = errors.Join(err, perr)
		}
		out = append(out, one)
		if ctx.Err() != nil {
			break
		}
	}
	return out, err
}

// allAuthorities stands for every authority of the directory that gives an address.
const allAuthorities = "all"

// authorities looks the entries up that a request means.
func (n *node) authorities(ctx context.Context, q gcvePullRequest) (out []gcve.Authority, err error) {
	names := q.GNAs
	if len(names) == 0 {
		names = n.cfg.GCVE.Pull
	}
	if q.Base != "" {
		if len(names) != 1 {
			return nil, errors.New("an address is of one authority: name its number")
		}
		g, err := gcve.ParseGNA(names[0])
		return []gcve.Authority{{ID: g, PullAPI: q.Base}}, err
	}
	_, d, err := n.gcveReads().Directory(ctx)
	if errors.Is(err, room.ErrNotFound) {
		return nil, errors.New("no directory of authorities is known: \"tasuki gcve directory import\" first, or give --base URL")
	}
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if name == allAuthorities {
			for _, a := range d.Authorities {
				if a.ID != gcve.GNACVE && a.ID.String() != n.cfg.GCVE.GNA && len(a.Dumps()) > 0 {
					out = append(out, a)
				}
			}
			continue
		}
		g, err := gcve.ParseGNA(name)
		if err != nil {
			return nil, err
		}
		a, ok := d.Find(g)
		if !ok {
			return nil, fmt.Errorf("the directory has no authority %s", g)
		}
		out = append(out, a)
	}
	return out, nil
}

// gcveJobs follow the directory and the authorities that the configuration names.
func (n *node) gcveJobs() (list []jobs.Job) {
	c := n.cfg.GCVE
	if n.sealed != "" {
		return nil
	}
	add := func(name string, run func(ctx context.Context) (string, error)) {
		list = append(list, jobs.Job{Name: name, Every: time.Duration(c.Every), Jitter: time.Duration(c.Every) / 10, Run: run})
	}
	caller := authority.Caller{Role: authority.Feed, Name: feed.Feed}
	if c.Directory != "" {
		add("gcve directory", func(ctx context.Context) (string, error) {
			key, err := os.ReadFile(c.KeyFile)
			if err != nil {
				return "", err
			}
			got, err := n.takeDirectory(ctx, caller, gcveDirectoryRequest{URL: c.Directory, Key: string(key), TXT: c.TXT}, quiet{})
			return got.text(), err
		})
	}
	if len(c.Pull) > 0 {
		add("gcve pull", func(ctx context.Context) (string, error) {
			got, err := n.pullFrom(ctx, caller, gcvePullRequest{}, quiet{})
			var said []string
			for _, g := range got {
				said = append(said, g.text())
			}
			return strings.Join(said, "; "), err
		})
	}
	return list
}

func (a gcveDirectoryAnswer) text() string {
	text := fmt.Sprintf("%d added, %d changed, %d removed", len(a.Added), len(a.Changed), len(a.Removed))
	if a.Same {
		text = "unchanged"
	}
	if a.NewKey {
		text += "; its host publishes ANOTHER KEY than the pinned one"
	}
	return text
}

func (a gcvePullAnswer) text() string {
	switch {
	case a.Error != "":
		return a.GNA + ": " + a.Error
	case a.Unchanged:
		return a.GNA + ": unchanged"
	}
	text := fmt.Sprintf("%s: %d records", a.GNA, a.Records)
	for _, v := range []string{"added", "updated", "unchanged", "stale", "foreign", "refused"} {
		if n := a.Verdicts[v]; n > 0 {
			text += fmt.Sprintf(", %d %s", n, v)
		}
	}
	return text
}

// gcveAllocateRequest asks for identifiers of the node's own authority.
type gcveAllocateRequest struct{ Year, Count int }

func (n *node) allocateGCVE(ctx context.Context, q gcveAllocateRequest, _ Reporter) (out []string, err error) {
	g, err := gcve.ParseGNA(n.cfg.GCVE.GNA)
	if err != nil {
		return nil, errors.New("this node is no GCVE numbering authority: set gcve.gna in the configuration")
	}
	if q.Year == 0 {
		q.Year = n.now().UTC().Year()
	}
	err = n.gate.Do(ctx, operator("gcve allocate"), gate.Command{Action: authority.Act, Decide: func(ctx context.Context, t *gate.Turn) error {
		ids, err := room.Allocate(ctx, t.Tx, t, g, q.Year, q.Count)
		out = out[:0]
		for _, id := range ids {
			out = append(out, id.String())
		}
		return err
	}})
	return out, err
}

// gcveRecordRequest asks for a record to be written, or an identifier to be rejected.
type gcveRecordRequest struct {
	ID     string
	Raw    []byte
	Reason string
}

// gcveRecordAnswer says what was written.
type gcveRecordAnswer struct {
	ID    string `json:"id"`
	State string `json:"state"`
	Leaf  int64  `json:"leaf"`
	Event string `json:"event"` // hash of the event
}

func (n *node) publishGCVE(ctx context.Context, q gcveRecordRequest, _ Reporter) (out gcveRecordAnswer, err error) {
	id, err := gcve.ParseID(q.ID)
	if err != nil {
		return out, err
	}
	err = n.gate.Do(ctx, operator("gcve publish"), gate.Command{Action: authority.Act, Decide: func(ctx context.Context, t *gate.Turn) error {
		e, err := room.Put(ctx, t.Tx, t, id, q.Raw)
		if err != nil {
			return err
		}
		hash, err := t.EventHash(ctx, e.Index)
		out = gcveRecordAnswer{ID: id.String(), State: e.State, Leaf: e.Index, Event: hex.EncodeToString(hash[:])}
		return err
	}})
	return out, err
}

func (n *node) rejectGCVE(ctx context.Context, q gcveRecordRequest, _ Reporter) (out gcveRecordAnswer, err error) {
	id, err := gcve.ParseID(q.ID)
	if err != nil {
		return out, err
	}
	err = n.gate.Do(ctx, operator("gcve reject"), gate.Command{Action: authority.Act, Decide: func(ctx context.Context, t *gate.Turn) error {
		if err := room.Reject(ctx, t.Tx, t, id, q.Reason); err != nil {
			return err
		}
		out = gcveRecordAnswer{ID: id.String(), State: "REJECTED", Leaf: t.Size() - 1}
		return nil
	}})
	return out, err
}
