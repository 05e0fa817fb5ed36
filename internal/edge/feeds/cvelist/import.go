package cvelist

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"time"
)

// Feed is the name under which this package's operational rows (refused files, cursors) are kept.
const Feed = "cvelist"

// Verdict is what became of one file.
type Verdict string

// The verdicts. A dry run ends at Ready.
const (
	Added     Verdict = "added"
	Updated   Verdict = "updated"
	Unchanged Verdict = "unchanged" // byte-equal to what the list holds: costs no leaf
	Stale     Verdict = "stale"     // older (dateUpdated) than what the list holds
	Divergent Verdict = "divergent" // the list owns this identifier itself; never overwritten
	Refused   Verdict = "refused"
	Ready     Verdict = "ready" // a dry run would have handed it over
)

// Meta is what is known of a record beside its bytes.
type Meta struct {
	Source string // the source as the caller named it
	Path   string // File.Where
	Name   string // File.Name
	SHA256 Digest // of the bytes
	// Time is when the source held the record so, of history imports; zero for a record as it is now.
	Time time.Time
}

// Prepared is a record ready to be imported: decoded, packed, projected.
type Prepared interface {
	ID() string // cveMetadata.cveId
}

// Outcome is what the intake did with one prepared record.
type Outcome struct {
	Verdict Verdict
	Index   int64    // of its leaf, for Added and Updated; −1 otherwise
	Reason  *Refusal // for Refused; may say more for Stale and Divergent
}

// Noted closes an import that changed something.
type Noted struct {
	// Source is the source's base name, or its URL without user and query: paths of this machine and secrets do not
	// belong in a public log.
	Source string
	// Digest is the SHA-256 over the lines "<sha256 in hex>  <path>\n" of every file that was accepted or unchanged, in
	// the source's order: the digest of the snapshot's SHA256SUMS, the same for a zip and for the checkout it was made from.
	Digest Digest
	Counts map[string]int64 // by Verdict
}

// Intake is where records go. The gate implements it; this package needs no more of the gate than this.
type Intake interface {
	// Prepare does everything that needs no transaction: decode, pack, project. It is called from several goroutines.
	// It must refuse what is not well-formed (RFC 8259, no duplicate names, UTF-8) or no CVE record; the importer then
	// words the reason with Inspect, unless the error is a *Refusal already.
	Prepare(raw []byte, meta Meta) (Prepared, error)
	// Import hands over a batch as one command and answers one Outcome per record, in order. An error means that
	// nothing of the batch was imported, and ends the run.
	Import(ctx context.Context, batch []Prepared) ([]Outcome, error)
	// Unchanged is the fast path before Prepare: whether the list's current document of id is an imported one with
	// this digest. Answering false is always right. It is called from several goroutines.
	Unchanged(ctx context.Context, id string, sha256 Digest) (bool, error)
	// Note records a finished import. It is called once per source, only when something was added or updated, by it or by
	// an earlier run that did not come to its end.
	Note(ctx context.Context, n Noted) error
	// Unnoted says whether records came in that no note follows.
	Unnoted(ctx context.Context) (bool, error)
}

// Importer brings sources in. Set the fields, then Run; the zero value of every field but Intake is useful.
// An Importer serves one run at a time.
type Importer struct {
	Intake   Intake
	Limits   Limits
	Refusals Refusals       // where refused files are kept; nil keeps none
	DryRun   bool           // everything but Import, Note and Refusals
	Report   io.Writer      // one JSON line per file; nil writes none
	Each     func(Line)     // called from Run's goroutine for every file, after it was settled
	Progress func(Progress) // called from Run's goroutine a few times a second, and once at the end of each source
	Target   time.Duration  // of one batch inside the write transaction; 0 means 10 ms
	Now      func() time.Time
	Log      *slog.Logger

	partial bool     // a source is a part of what goes by its name: what it does not hold may still be there
	history *history // nil but for a history import

	now    func() time.Time
	log    *slog.Logger
	pace   pacer
	report *reporter
	kept   *keeper
	run    *sourceRun
}

// fate is what the importer's workers made of a file.
type fate struct {
	prepared  Prepared
	unchanged bool
	err       error // not the file's fault: ends the run
}

// sourceRun is the state of one source's import, owned by Run's goroutine except where said.
type sourceRun struct {
	name     string
	sum      Summary
	snapshot snapshot
	meter    meter // totals are set by the walk's dispatcher
	batch    []*File
	units    int64
}

// Run imports each source in turn: a path, or "-" for in. It stops between batches when ctx ends: what was imported
// stays, and a second run goes on, since unchanged records are skipped. The summary is valid also beside an error.
func (im *Importer) Run(ctx context.Context, in io.Reader, sources ...string) (Summary, error) {
	var all Summary
	for _, source := range sources {
		w := newWalk(im.Limits)
		dispatch := func() error { return w.path(source) }
		if source == "-" {
			dispatch = func() error { return w.stream("stdin", in, 1) }
		}
		sum, err := im.source(ctx, source, w, dispatch)
		all.add(sum)
		if err != nil {
			return all, fmt.Errorf("import %s: %w", source, err)
		}
	}
	return all, nil
}

// Stream imports one source from a reader, under a name of its own (a zip in memory is read in place).
func (im *Importer) Stream(ctx context.Context, name string, r io.Reader) (Summary, error) {
	w := newWalk(im.Limits)
	sum, err := im.source(ctx, name, w, func() error { return w.stream(baseName(name), r, 1) })
	if err != nil {
		err = fmt.Errorf("import %s: %w", name, err)
	}
	return sum, err
}

// source imports one source, whose files dispatch puts into w.
func (im *Importer) source(ctx context.Context, name string, w *walk, dispatch func() error) (sum Summary, err error) {
	im.begin(name)
	r := im.run
	w.work = func(f *File) { im.prepare(ctx, f) }
	w.totals = r.meter.expect
	if !im.DryRun {
		if im.kept, err = openKeeper(ctx, im.Refusals, name); err != nil {
			return r.sum, err
		}
	}
	stats, err := w.run(ctx, dispatch, func(f *File) error { return im.take(ctx, f) })
	r.sum.Ignored += stats.Ignored
	if err == nil {
		err = im.flush(ctx)
	}
	if err == nil {
		err = im.finish(ctx)
	}
	r.sum.Elapsed = im.now().Sub(r.meter.start)
	r.sum.Interrupted = err != nil && errors.Is(err, context.Canceled)
	err = errors.Join(err, im.kept.flush(context.WithoutCancel(ctx)), im.report.flush())
	im.tell(true)
	im.log.InfoContext(ctx, "import ended", "source", PublicName(name), "files", r.sum.Files, "added", r.sum.Added,
		"updated", r.sum.Updated, "unchanged", r.sum.Unchanged, "refused", r.sum.Refused, "interrupted", r.sum.Interrupted)
	return r.sum, err
}

func (im *Importer) begin(name string) {
	if im.now = im.Now; im.now == nil {
		im.now = time.Now
	}
	if im.log = im.Log; im.log == nil {
		im.log = slog.New(slog.DiscardHandler)
	}
	if im.report == nil {
		im.report = newReporter(im.Report)
	}
	im.pace.begin(im.Target)
	im.kept = nil
	im.run = &sourceRun{name: name, snapshot: newSnapshot(), meter: meter{start: im.now()}}
	im.run.sum.Sources = 1
}

// prepare is the workers' share: cheap checks are done, the digest is known.
func (im *Importer) prepare(ctx context.Context, f *File) {
	// Preparing keeps every core busy for as long as the import lasts. A request that becomes runnable must not wait for
	// the scheduler's ten milliseconds to be over.
	defer runtime.Gosched()
	// Of a history's versions only the gate can tell, in its turn: the list may hold another one by then.
	if f.Name != "" && f.Commit == "" {
		same, err := im.Intake.Unchanged(ctx, f.Name, f.SHA256)
		if err != nil {
			f.fate.err = err
			return
		}
		if same {
			f.fate.unchanged = true
			return
		}
	}
	p, err := im.Intake.Prepare(f.Raw, Meta{Source: im.run.name, Path: f.Where(), Name: f.Name, SHA256: f.SHA256, Time: f.Time})
	if err != nil {
		f.Refused = reasonOf(err, f)
		return
	}
	if f.Refused = checkName(f.Name, p.ID()); f.Refused == nil {
		f.fate.prepared = p
	}
}

// reasonOf words why Prepare refused: with the intake's own words if it gave a Refusal, else by looking again.
func reasonOf(err error, f *File) *Refusal {
	var r *Refusal
	if errors.As(err, &r) {
		return r
	}
	if r := Inspect(f.Raw, f.Name); r != nil {
		return r
	}
	return refuse(CodeIntake, "%v", err)
}

// take is the caller's share of one file, in order.
func (im *Importer) take(ctx context.Context, f *File) error {
	if im.history != nil {
		if err := im.history.reached(ctx, im, f); err != nil {
			return err
		}
	}
	switch {
	case f.fate.err != nil:
		return f.fate.err
	case f.Refused != nil:
		return im.settle(ctx, f, Outcome{Verdict: Refused, Index: -1, Reason: f.Refused})
	case f.fate.unchanged:
		return im.settle(ctx, f, Outcome{Verdict: Unchanged, Index: -1})
	case im.DryRun:
		return im.settle(ctx, f, Outcome{Verdict: Ready, Index: -1})
	}
	r := im.run
	r.batch = append(r.batch, f)
	if r.units += unitsOf(f); r.units >= im.pace.limit {
		return im.flush(ctx)
	}
	return nil
}

// flush hands the gathered batch over. It is not interrupted half way: a batch takes some tens of milliseconds, and
// a batch that is known to be in or out is easier to report than one that may be either.
func (im *Importer) flush(ctx context.Context) error {
	r := im.run
	if len(r.batch) == 0 {
		return nil
	}
	batch := make([]Prepared, len(r.batch))
	for i, f := range r.batch {
		batch[i] = f.fate.prepared
	}
	start := im.now()
	outcomes, err := im.Intake.Import(context.WithoutCancel(ctx), batch)
	if err != nil {
		return err
	}
	if len(outcomes) != len(batch) {
		return fmt.Errorf("cvelist: the intake answered %d outcomes for %d records", len(outcomes), len(batch))
	}
	im.pace.observe(r.units, im.now().Sub(start))
	for i, f := range r.batch {
		if err := im.settle(ctx, f, outcomes[i]); err != nil {
			return err
		}
		r.batch[i] = nil
	}
	r.batch, r.units = r.batch[:0], 0
	return nil
}

// settle writes one file's outcome everywhere it is told.
func (im *Importer) settle(ctx context.Context, f *File, o Outcome) error {
	r := im.run
	if o.Verdict == Refused && o.Reason == nil {
		o.Reason = refuse(CodeIntake, "the intake gave no reason")
	}
	r.sum.count(f, o)
	id := f.Name
	if f.fate.prepared != nil {
		id = f.fate.prepared.ID()
	}
	if f.Refused == nil && o.Verdict != Refused {
		r.snapshot.add(f)
	}
	line := lineOf(r.name, f, id, o)
	im.report.line(line)
	if im.Each != nil {
		im.Each(line)
	}
	im.kept.settle(f, id, o, im.now())
	im.tell(false)
	return im.kept.flushIfFull(ctx)
}

// finish closes a source that was read to its end.
func (im *Importer) finish(ctx context.Context) error {
	r := im.run
	if im.DryRun {
		return nil
	}
	if !im.partial {
		im.kept.forgetRest()
	}
	if !r.sum.Changed() {
		// An earlier run may have been stopped between its last batch and its note: then this one closes it.
		open, err := im.Intake.Unnoted(ctx)
		if err != nil || !open {
			return err
		}
	}
	digest := r.snapshot.sum()
	err := im.Intake.Note(context.WithoutCancel(ctx), Noted{Source: PublicName(r.name), Digest: digest, Counts: r.sum.Counts()})
	if err != nil {
		return fmt.Errorf("note the import of %s (snapshot %s): %w", r.name, hex.EncodeToString(digest[:8]), err)
	}
	return nil
}
