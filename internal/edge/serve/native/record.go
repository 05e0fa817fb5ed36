package native

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"tasuki/client"
	"tasuki/internal/catalogue"
	"tasuki/spec/cve"
	"tasuki/spec/cve/diff"
)

func (a *api) recordOperations() {
	get(a, operation{id: "get-record", path: "records/{id}", tag: "records", summary: "Get a record",
		text: "Answers the record with its judgement, now or as known at a moment. A record that the list did not know then is a problem that says since when it does."}, a.record)
	get(a, operation{id: "get-raw-record", path: "records/{id}/raw", tag: "records", summary: "Get a record's bytes as they were published",
		kinds: []string{"application/json"}}, a.raw)
	get(a, operation{id: "list-versions", path: "records/{id}/versions", tag: "records", summary: "List the versions of a record",
		text: "Every version that this list has held, newest first, also of a record whose text was erased."}, a.versions)
	get(a, operation{id: "get-version", path: "records/{id}/versions/{index}", tag: "records", summary: "Get one version of a record"}, a.version)
	get(a, operation{id: "diff-record", path: "records/{id}/diff", tag: "records", summary: "Compare two versions of a record",
		text: "Compares by meaning: metrics, version ranges, references and the like are sets, and their order says nothing. Without from and to: the newest two versions."}, a.diffRecord)
	get(a, operation{id: "get-proof", path: "records/{id}/proof", tag: "records", summary: "Get the proof that a record is in the log",
		text: "Text that \"tasuki verify\" reads, with the charters and the checkpoint that it rests on.", kinds: []string{"text/plain; charset=utf-8"}}, a.proof)
}

// ID is the parameter that names a record.
type ID struct {
	ID string `path:"id" doc:"A CVE identifier." example:"CVE-2024-23917"`
}

type recordInput struct {
	ID
	Moment
}

func (a *api) record(ctx context.Context, in *recordInput) (*of[client.Record], error) {
	v, m, err := a.view(ctx, in)
	if err != nil {
		return nil, err
	}
	versions, err := a.Catalogue.Versions(ctx, v.ID)
	if err != nil {
		return nil, err
	}
	out, err := recordOf(v)
	if err != nil {
		return nil, err
	}
	out.Versions, out.Moment = len(versions), m
	return reply(*out)
}

// view reads a record as of the moment asked for, and says which moment that is if it is not now.
func (a *api) view(ctx context.Context, in *recordInput) (*catalogue.View, *client.Moment, error) {
	id, err := identifier(in.ID.ID)
	if err != nil {
		return nil, nil, err
	}
	at, err := in.Moment.read()
	if err != nil {
		return nil, nil, err
	}
	if at.IsZero() {
		v, err := a.Catalogue.Get(ctx, id)
		if errors.Is(err, catalogue.ErrNotFound) {
			err = a.unheld(ctx, id, err)
		}
		return v, nil, err
	}
	m, err := a.Catalogue.Resolve(ctx, at)
	if err != nil {
		return nil, nil, err
	}
	v, err := a.Catalogue.GetAt(ctx, id, at)
	if errors.Is(err, catalogue.ErrNotFound) {
		return nil, nil, a.notYet(ctx, id, m)
	}
	return v, momentOf(&m), err
}

// unheld says of an identifier without a record what became of it here, where this list gave it out.
func (a *api) unheld(ctx context.Context, id string, err error) error {
	if a.Authority == nil {
		return err
	}
	switch state, serr := a.Authority.State(ctx, id); {
	case serr != nil:
		return serr
	case state == cve.Reserved:
		return refuse(codeUnknown, id+" is reserved, and its record is not published yet.")
	case state == cve.Rejected:
		return refuse(codeUnknown, id+" was rejected before it had a record.")
	}
	return err
}

// notYet tells a record that the list learnt later from one that it never knew.
func (a *api) notYet(ctx context.Context, id string, m catalogue.Moment) error {
	versions, err := a.Catalogue.Versions(ctx, id)
	if err != nil {
		return err
	}
	p := refuse(codeNotYet, "The list did not hold "+id+" at that moment.")
	p.First = some(m.First)
	if oldest := len(versions) - 1; oldest >= 0 {
		p.Since = some(versions[oldest].Logged)
		if m.At.Clock == catalogue.SourceClock {
			p.Since = some(slices.MinFunc(versions, func(a, b catalogue.Version) int { return a.Source.Compare(b.Source) }).Source)
		}
	}
	return p
}

func recordOf(v *catalogue.View) (*client.Record, error) {
	text, err := v.Compact()
	if err != nil {
		return nil, err
	}
	out := &client.Record{ID: v.ID, Index: v.Index, Logged: v.Logged.UTC(), Summary: hitOf(v.Hit()), Record: jsontext.Value(text)}
	for _, s := range v.Scores() {
		out.Scores = append(out.Scores, client.Score(s))
	}
	return out, nil
}

// bytesOf is an answer of bytes as they are.
type bytesOf struct {
	ContentType string `header:"Content-Type" hidden:"true"` // the answer's content says it already
	Body        []byte
}

func (a *api) raw(ctx context.Context, in *recordInput) (*bytesOf, error) {
	v, _, err := a.view(ctx, in)
	if err != nil {
		return nil, err
	}
	raw, err := v.Raw()
	return &bytesOf{"application/json", raw}, err
}

// proofFile is a proof, and the size of the log that it is about where the record has a newer version.
type proofFile struct {
	ContentType string `header:"Content-Type" hidden:"true"`
	Size        string `header:"Tasuki-Proof-Size" doc:"There is a newer version, which no published checkpoint covers yet. The proof is of the version at this size of the log."`
	Body        []byte
}

func (a *api) proof(ctx context.Context, in *struct{ ID }) (*proofFile, error) {
	id, err := identifier(in.ID.ID)
	if err != nil {
		return nil, err
	}
	if _, err := a.Catalogue.Versions(ctx, id); err != nil {
		return nil, err
	}
	file, older, err := a.Proof(ctx, id)
	out := &proofFile{ContentType: "text/plain; charset=utf-8", Body: file}
	if older != 0 {
		out.Size = strconv.FormatInt(older, 10)
	}
	return out, err
}

func (a *api) versions(ctx context.Context, in *struct{ ID }) (*of[client.Versions], error) {
	id, list, err := a.history(ctx, in.ID.ID)
	if err != nil {
		return nil, err
	}
	out := client.Versions{ID: id, Versions: make([]client.Version, len(list))}
	for i, v := range list {
		out.Versions[i] = versionOf(v)
	}
	return reply(out)
}

func (a *api) history(ctx context.Context, given string) (string, []catalogue.Version, error) {
	id, err := identifier(given)
	if err != nil {
		return "", nil, err
	}
	list, err := a.Catalogue.Versions(ctx, id)
	return id, list, err
}

func versionOf(v catalogue.Version) client.Version {
	return client.Version{Index: v.Index, Kind: v.Kind, Cont: v.Cont, State: v.State, Logged: v.Logged.UTC(), Source: some(v.Source), Updated: v.Updated, By: v.By,
		Base: v.Base, Erased: v.Erased}
}

func (a *api) version(ctx context.Context, in *struct {
	ID
	Index int64 `path:"index" doc:"The leaf of the log that the version is." minimum:"0"`
}) (*of[client.Record], error) {
	id, list, err := a.history(ctx, in.ID.ID)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(list, func(v catalogue.Version) bool { return v.Index == in.Index }) {
		return nil, refuse(codeVersion, id+" has no version at leaf "+strconv.FormatInt(in.Index, 10)+".")
	}
	v, err := a.Catalogue.Version(ctx, id, in.Index)
	if err != nil {
		return nil, err
	}
	out, err := recordOf(v)
	if err != nil {
		return nil, err
	}
	out.Versions = len(list)
	return reply(*out)
}

type diffInput struct {
	ID
	From  string `query:"from" doc:"The older version: a leaf index, a day or an instant. Without it: the version before to." example:"7311"`
	To    string `query:"to" doc:"The newer version: a leaf index, a day or an instant. Without it: the current one." example:"2024-03-05"`
	Clock string `query:"clock" doc:"By whose time days and instants are meant." enum:"log,source" default:"log"`
}

func (a *api) diffRecord(ctx context.Context, in *diffInput) (*of[client.Difference], error) {
	id, list, err := a.history(ctx, in.ID.ID)
	if err != nil {
		return nil, err
	}
	to := 0 // in list, newest first; len(list) stands for "not known"
	if in.To != "" {
		if to, err = a.pick(ctx, id, list, "to", in.To, in.Clock); err != nil {
			return nil, err
		}
	}
	from := min(to+1, len(list))
	if in.From != "" {
		if from, err = a.pick(ctx, id, list, "from", in.From, in.Clock); err != nil {
			return nil, err
		}
	}
	out := client.Difference{ID: id, Changes: []client.PartChange{}}
	var texts [2][]byte
	for i, at := range []int{from, to} {
		if at == len(list) {
			continue
		}
		v, err := a.Catalogue.Version(ctx, id, list[at].Index)
		if err != nil {
			return nil, err
		}
		if texts[i], err = v.Compact(); err != nil {
			return nil, err
		}
		version := versionOf(list[at])
		if i == 0 {
			out.From = &version
		} else {
			out.To = &version
		}
	}
	changes, err := diff.Records(texts[0], texts[1])
	if err != nil {
		return nil, err
	}
	for _, c := range changes {
		out.Changes = append(out.Changes, client.PartChange{Op: string(c.Op), Kind: string(c.Kind), Pointer: c.Pointer, From: c.From, Party: c.Party,
			CNA: c.CNA, Subject: c.Subject, Before: c.Before, After: c.After, Old: c.Old, New: c.New})
	}
	return reply(out)
}

// pick finds a version by its leaf or by a moment. A moment before the list knew the record gives len(list).
func (a *api) pick(ctx context.Context, id string, list []catalogue.Version, name, given, clock string) (int, error) {
	if index, err := strconv.ParseInt(given, 10, 64); err == nil {
		i := slices.IndexFunc(list, func(v catalogue.Version) bool { return v.Index == index })
		if i < 0 {
			p := refuse(codeVersion, id+" has no version at leaf "+given+".")
			p.Parameter = name
			return 0, p
		}
		return i, nil
	}
	at, err := edge(name, given, clock)
	if err != nil {
		return 0, err
	}
	v, err := a.Catalogue.GetAt(ctx, id, at)
	if errors.Is(err, catalogue.ErrNotFound) {
		return len(list), nil
	}
	if err != nil {
		return 0, err
	}
	return slices.IndexFunc(list, func(x catalogue.Version) bool { return x.Index == v.Index }), nil
}
