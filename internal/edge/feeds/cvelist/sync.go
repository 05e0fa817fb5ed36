package cvelist

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"tasuki/spec/cve"
)

// ErrBaseline means that a baseline was fetched and held no single record that could be taken in.
var ErrBaseline = errors.New("cvelist: the baseline is not usable")

// Sync keeps a list current with a source: one baseline, then change sets, as docs/protocols/cvelist.md describes.
// Run does one round and can be stopped at any time; the next one goes on. One Sync at a time per source (a job's
// lease sees to that).
type Sync struct {
	Mirror   Mirror
	Fetch    *Fetcher
	State    State
	Importer *Importer // its Limits hold for the baseline
	Dir      string    // where baselines are downloaded to
	// Renew is how old the newest baseline may become before another is fetched though no gap was noticed: the
	// published change sets are known to have holes that nobody can notice. 0 means 7 days.
	Renew time.Duration
	// Parallel is how many records are asked for at once. 0 means 8.
	Parallel int
	Now      func() time.Time // nil means time.Now
	Log      *slog.Logger     // nil means discard

	now func() time.Time
	log *slog.Logger
}

const (
	// lookBack is how far the publisher's job looks back, and so how late a change may appear after its moment.
	lookBack = 3 * time.Hour
	// lookAgain spaces the search for a baseline that heals a known gap.
	lookAgain = time.Hour
	// lookAgainNamed is the same for an archive that the operator named: only fetching it tells whether it is newer.
	lookAgainNamed = 24 * time.Hour
	// giveUp is when a record that was announced and never appeared, or never well-formed, is left to the next baseline.
	giveUp = 24 * time.Hour

	mostDelta    = 32 << 20
	mostDeltaLog = 512 << 20
)

// Result is what one round did.
type Result struct {
	Baseline string    // URL of the baseline that was imported, "" if none was
	Healed   int64     // records that a baseline brought although the change sets were followed: holes
	Deltas   int       // change sets that were new
	Fetched  int64     // records asked for
	Pending  int       // records still to come
	Gap      *Gap      // still open
	Cursor   time.Time // the source's time up to which changes are here
	Summary  Summary   // of everything imported
}

// String is one line for the list of jobs.
func (r Result) String() string {
	var b strings.Builder
	if r.Baseline != "" {
		fmt.Fprintf(&b, "baseline %s, ", baseName(r.Baseline))
	}
	fmt.Fprintf(&b, "%d change sets, %d added, %d updated", r.Deltas, r.Summary.Added, r.Summary.Updated)
	if r.Summary.Refused > 0 {
		fmt.Fprintf(&b, ", %d refused", r.Summary.Refused)
	}
	if r.Healed > 0 {
		fmt.Fprintf(&b, ", %d healed", r.Healed)
	}
	if r.Pending > 0 {
		fmt.Fprintf(&b, ", %d pending", r.Pending)
	}
	if r.Gap != nil {
		fmt.Fprintf(&b, ", gap: %s", r.Gap.Reason)
	}
	return b.String()
}

// Run does one round. The Result is valid also beside an error.
func (s *Sync) Run(ctx context.Context) (res Result, err error) {
	if s.now = s.Now; s.now == nil {
		s.now = time.Now
	}
	if s.log = s.Log; s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	p, err := s.load(ctx)
	if err != nil {
		return res, err
	}
	defer func() { res.Pending, res.Gap, res.Cursor = len(p.Pending), p.Gap, p.Cursor }()
	if s.wantsBaseline(p) {
		if err := s.baseline(ctx, p, &res); err != nil {
			// A list that has its baseline goes on with change sets when a further one cannot be had.
			if p.Baseline.Done.IsZero() || ctx.Err() != nil {
				return res, err
			}
			s.log.WarnContext(ctx, "no new baseline", "source", s.key(), "error", err)
		}
	}
	if err := s.notice(ctx, p, &res); err != nil {
		return res, err
	}
	if err := s.drain(ctx, p, &res); err != nil {
		return res, err
	}
	return res, s.save(ctx, p)
}

func (s *Sync) wantsBaseline(p *progress) bool {
	renew := s.Renew
	if renew <= 0 {
		renew = 7 * 24 * time.Hour
	}
	now := s.now()
	switch {
	case p.Baseline.Done.IsZero():
		return true
	case now.Sub(p.Looked) < lookAgain, s.Mirror.Baseline != "" && now.Sub(p.Looked) < lookAgainNamed:
		return false
	}
	return p.Gap != nil || now.Sub(p.Baseline.Done) >= renew
}

// baseline finds, fetches, checks and imports an archive of the whole list, unless the newest one is known already.
func (s *Sync) baseline(ctx context.Context, p *progress, res *Result) error {
	started := s.now()
	first := p.Baseline.Done.IsZero()
	b, err := s.Mirror.find(ctx, s.Fetch, started)
	p.Looked = started
	if err != nil {
		return errors.Join(err, s.save(ctx, p))
	}
	switch {
	case first:
	case !b.time.IsZero() && !b.time.After(p.Baseline.Time):
		return s.save(ctx, p) // the one that is here
	case p.Gap != nil && !b.time.IsZero() && b.time.Before(p.Gap.Until):
		return s.save(ctx, p) // newer, but it cannot heal
	}
	d, err := openDownload(s.Dir, b.url)
	if err != nil {
		return fmt.Errorf("prepare the download of %s: %w", PublicName(b.url), err)
	}
	if err := s.fetchBaseline(ctx, d, &b); err != nil {
		return err
	}
	w := newWalk(s.Importer.Limits)
	sum, err := s.Importer.source(ctx, PublicName(b.url), w, func() error { return w.path(d.path) })
	res.Summary.add(sum)
	if err != nil {
		return fmt.Errorf("import %s: %w", PublicName(b.url), err)
	}
	if sum.Files == sum.Refused {
		return errors.Join(fmt.Errorf("%w: %s: %d files, all refused", ErrBaseline, PublicName(b.url), sum.Files), d.remove())
	}
	res.Baseline = b.url
	if !first {
		res.Healed = sum.Added + sum.Updated
	}
	// An archive that does not say when it was made is as old as the server dates it, else as the request.
	if b.time.IsZero() {
		b.time = started
		if at, err := http.ParseTime(d.note.Validators.Modified); err == nil {
			b.time = at
		}
	}
	p.Baseline = lastBase{URL: PublicName(b.url), Time: b.time, Done: s.now()}
	if from := b.time.Add(-lookBack); from.After(p.Cursor) {
		// Changes of the look-back may be inside or not: they are asked for again, and unchanged ones cost no leaf.
		p.Cursor, p.Delta, p.DeltaLog = from, Validators{}, Validators{}
	}
	if p.Gap != nil && !b.time.Before(p.Gap.Until) {
		s.log.InfoContext(ctx, "gap healed", "source", s.key(), "reason", p.Gap.Reason, "records", res.Healed)
		p.Gap = nil
	}
	return errors.Join(s.save(ctx, p), d.remove())
}

// fetchBaseline brings the archive here and holds it to its digest. A part that was continued and then fails its
// digest may be mended by a fetch from the beginning; one that was fetched in one piece may not.
func (s *Sync) fetchBaseline(ctx context.Context, d *download, b *baseline) error {
	most := s.Importer.Limits.withDefaults().Archive
	if b.sha256 == nil {
		stated, err := digestOf(ctx, s.Fetch, b.url)
		if err != nil {
			return err
		}
		b.sha256 = stated
	}
	if d.note.Done && b.sha256 != nil && d.check(*b.sha256) == nil {
		return nil // complete since the last run
	}
	for again := false; ; again = true {
		if err := d.fetch(ctx, s.Fetch, most); err != nil {
			return err
		}
		if b.sha256 == nil {
			return nil
		}
		err := d.check(*b.sha256)
		if !errors.Is(err, ErrDigest) {
			return err
		}
		if gone := d.remove(); gone != nil || again {
			return errors.Join(fmt.Errorf("%s: %w", PublicName(b.url), err), gone)
		}
		d.note = partNote{URL: d.note.URL, Size: -1}
	}
}

// notice reads what changed since the cursor and queues it. The queue is saved with the new cursor, so nothing
// noticed is ever forgotten.
func (s *Sync) notice(ctx context.Context, p *progress, res *Result) error {
	newest, err := s.Fetch.get(ctx, s.Mirror.Base+"/cves/delta.json", p.Delta, mostDelta)
	switch {
	case errors.Is(err, ErrAbsent):
		newest = reply{} // some mirrors carry the log only
	case err != nil:
		return err
	case newest.notModified:
		return nil
	default:
		d, err := ParseDelta(newest.body)
		if err != nil {
			return fmt.Errorf("%s/cves/delta.json: %w", PublicName(s.Mirror.Base), err)
		}
		if !d.FetchTime.After(p.Cursor) {
			p.Delta = newest.validators
			return s.save(ctx, p)
		}
	}
	r, err := s.Fetch.get(ctx, s.Mirror.Base+"/cves/deltaLog.json", p.DeltaLog, mostDeltaLog)
	if err != nil {
		return err
	}
	if r.notModified {
		return nil // delta.json is ahead of its log: the next round sees both
	}
	all, err := ParseDeltaLog(r.body)
	if err != nil {
		return fmt.Errorf("%s/cves/deltaLog.json: %w", PublicName(s.Mirror.Base), err)
	}
	s.enqueue(p, all, res)
	p.DeltaLog = r.validators
	// delta.json may be newer than the log that a cache gave out; only when the cursor has reached it is it settled.
	if len(newest.body) > 0 {
		if d, err := ParseDelta(newest.body); err == nil && !d.FetchTime.After(p.Cursor) {
			p.Delta = newest.validators
		}
	}
	return s.save(ctx, p)
}

// enqueue takes change sets, newest first, into the queue, and notes where the chain has a hole.
func (s *Sync) enqueue(p *progress, all []Delta, res *Result) {
	now := s.now()
	if len(all) == 0 {
		return
	}
	if oldest := all[len(all)-1].FetchTime; oldest.After(p.Cursor) {
		p.widen("the source's log begins at "+oldest.Format(time.RFC3339)+", after what is here", oldest, now)
	}
	for _, d := range slices.Backward(all) {
		if !d.FetchTime.After(p.Cursor) {
			continue
		}
		res.Deltas++
		if !d.Complete() {
			p.widen(fmt.Sprintf("the change set of %s says %d changes and names %d", d.FetchTime.Format(time.RFC3339), d.Count, len(d.Changes)), d.FetchTime, now)
		}
		for _, c := range d.Changes {
			known, ok := p.Pending[c.ID]
			if !ok {
				known.Since = now
			}
			if c.Updated.After(known.Updated) {
				known.Updated = c.Updated
			}
			p.Pending[c.ID] = known
		}
	}
	if newest := all[0].FetchTime; newest.After(p.Cursor) {
		p.Cursor = newest
	}
}

// inOrder is the queue by identifier: the log then does not depend on the order of a map.
func (p *progress) inOrder() []cve.ID {
	ids := make([]cve.ID, 0, len(p.Pending))
	for id := range p.Pending {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, cve.ID.Compare)
	return ids
}
