package cvelist

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tasuki/internal/catalogue"
	"tasuki/spec/cve"
)

// Zips keeps a folder of releases: below it a folder for each tag with the archives of that hour, or of the end of a day, and beside
// them baseline.json, which names the newest baseline for followers (docs/protocols/cvelist.md). It is used by one goroutine at a time.
//
// A station is a moment with the size that the log had then. It is fixed by the first archive that was made for it, and every archive
// begins and ends at a station: that is why a baseline with the deltas after it is the next baseline, whatever clocks do.
type Zips struct {
	Source Source
	Dir    string
	// Sign signs a note's text as the list; nil where nobody here can. The manifests are unsigned then.
	Sign func(text string) ([]byte, error)
	Keep time.Duration // older releases are deleted; 0 keeps all
	// Lock keeps a second publication out of the folder; nil where there cannot be one.
	Lock func(dir string) (release func(), err error)

	deflaters sync.Pool // of *flate.Writer: each takes a megabyte and some time to make

	volatile bool // for tests of a thousand histories: files are not brought to the disk
}

// ZipsResult is what one publication did.
type ZipsResult struct {
	Made    []string `json:"made"`   // tags
	Remade  []string `json:"remade"` // tags whose archives held a body that was erased since
	Deleted []string `json:"deleted"`
	Size    int64    `json:"size"` // of the log at the newest station
}

func (r ZipsResult) String() string {
	var parts []string
	for _, kind := range []struct {
		word string
		tags []string
	}{{"made", r.Made}, {"made anew without what was erased", r.Remade}, {"deleted", r.Deleted}} {
		if len(kind.tags) > 0 {
			parts = append(parts, kind.word+" "+strings.Join(kind.tags, ", "))
		}
	}
	if len(parts) == 0 {
		return "nothing to make"
	}
	return strings.Join(parts, "; ")
}

const (
	dayForm  = "2006-01-02"
	hourForm = "2006-01-02_15"
)

func hourTag(at time.Time) string { return "cve_" + at.Format(hourForm) + "00Z" }

func endTag(day time.Time) string { return "cve_" + day.Format(dayForm) + "_at_end_of_day" }

func baselineName(day time.Time) string {
	return day.Format(dayForm) + "_all_CVEs_at_midnight.zip.zip"
}

func hourName(at time.Time) string {
	return at.Format(dayForm) + "_delta_CVEs_at_" + at.Format("15") + "00Z.zip"
}

func endName(day time.Time) string { return day.Format(dayForm) + "_delta_CVEs_at_end_of_day.zip" }

// A list that is younger than its first midnight has an empty baseline. Until the next one there is a first one beside it, our own
// addition, so that others can follow the list from its first day on.
func firstTag(day time.Time) string { return "cve_" + day.Format(dayForm) + firstSuffix }

func firstName(day time.Time) string { return day.Format(dayForm) + "_all_CVEs_first.zip.zip" }

const firstSuffix = "_first"

var tagForm = regexp.MustCompile(`^cve_\d{4}-\d{2}-\d{2}_(\d{2}00Z|at_end_of_day|first)$`)

const day = 24 * time.Hour

// held are the releases that are there, by tag.
type held map[string]*Manifest

// read lists the releases of the folder. A folder that holds releases of another list, or other files, is ErrForeign.
func (z *Zips) read(ctx context.Context) (held, error) {
	files, err := os.ReadDir(z.Dir)
	if err != nil {
		return nil, err
	}
	all := held{}
	for _, f := range files {
		if !tagForm.MatchString(f.Name()) {
			continue
		}
		raw, err := os.ReadFile(filepath.Join(z.Dir, f.Name(), ManifestName))
		if errors.Is(err, fs.ErrNotExist) {
			continue // it was being made: it is made again
		}
		if err != nil {
			return nil, err
		}
		m, err := ParseManifest(raw)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name(), err)
		}
		if m.List != z.Source.ID() {
			return nil, fmt.Errorf("%w: %s is of list %.8s", ErrForeign, f.Name(), m.List)
		}
		for _, a := range m.Files {
			at, err := z.Source.At(ctx, a.To)
			if errors.Is(err, catalogue.ErrAt) || err == nil && at.root() != a.Root {
				return nil, fmt.Errorf("%w: %s, size %d", ErrFork, f.Name(), a.To)
			}
			if err != nil {
				return nil, err
			}
		}
		all[f.Name()] = m
	}
	return all, nil
}

// station is the size that stands for a moment: what an archive has fixed, else what the log had then, as far as that is published.
func (z *Zips) station(ctx context.Context, all held, at time.Time, published int64) (int64, error) {
	midnight := at.Equal(at.Truncate(day))
	for _, m := range all {
		for _, f := range m.Files {
			switch f.Name {
			case baselineName(at), endName(at.Add(-day)):
				if midnight {
					return f.To, nil
				}
			case hourName(at):
				return f.To, nil
			}
		}
	}
	size, err := z.Source.SizeAt(ctx, at)
	return min(size, published), err
}

// Publish makes the releases of a moment that are not there yet: the end of the day before, and the newest full hour with the day's
// baseline. Releases that hold a body that was erased since are made anew, and those that are too old are deleted.
func (z *Zips) Publish(ctx context.Context, at time.Time) (ZipsResult, error) {
	out := ZipsResult{Made: []string{}}
	if err := os.MkdirAll(z.Dir, 0o755); err != nil { //nolint:gosec // what is published is for everybody
		return out, err
	}
	if z.Lock != nil {
		release, err := z.Lock(z.Dir)
		if err != nil {
			return out, err
		}
		defer release()
	}
	all, err := z.read(ctx)
	if err != nil {
		return out, err
	}
	cp, err := z.Source.Published(ctx)
	if err != nil || cp.Size == 0 {
		return out, err
	}
	// First of all what may not lie there any more: a day's baseline is taken over from one hour to the next.
	if out.Remade, err = z.remake(ctx, all, cp); err != nil {
		return out, err
	}
	hour := at.UTC().Truncate(time.Hour)
	today := hour.Truncate(day)
	begin, err := z.station(ctx, all, today, cp.Size)
	if err != nil {
		return out, err
	}
	before, err := z.station(ctx, all, today.Add(-day), cp.Size)
	if err != nil {
		return out, err
	}
	var due []release
	if begin > 0 {
		due = append(due, release{tag: endTag(today.Add(-day)), time: today, files: []ArchiveFile{{Name: endName(today.Add(-day)), Kind: KindDelta, From: before, To: begin}}})
	}
	if out.Size, err = z.station(ctx, all, hour, cp.Size); err != nil {
		return out, err
	}
	due = append(due, release{tag: hourTag(hour), time: hour, files: []ArchiveFile{{Name: baselineName(today), Kind: KindBaseline, To: begin},
		{Name: hourName(hour), Kind: KindDelta, From: begin, To: max(begin, out.Size)}}})
	for _, r := range due {
		if all[r.tag] != nil {
			continue
		}
		if all[r.tag], err = z.make(ctx, all, r, cp); err != nil {
			return out, fmt.Errorf("%s: %w", r.tag, err)
		}
		out.Made = append(out.Made, r.tag)
	}
	if all[hourTag(hour)].Files[0].Records == 0 && all[firstTag(today)] == nil {
		made, err := z.first(ctx, all, today, cp)
		if err != nil {
			return out, err
		}
		out.Made = append(out.Made, made...)
	}
	if out.Deleted, err = z.prune(all, at); err != nil {
		return out, err
	}
	return out, z.point(all)
}

// first makes the first baseline of a list that has records and none of them at midnight.
func (z *Zips) first(ctx context.Context, all held, today time.Time, cp Checkpoint) ([]string, error) {
	s, err := between(ctx, z.Source, 0, cp.Size)
	if err != nil || len(s.entries) == 0 {
		return nil, err
	}
	moment, err := z.Source.At(ctx, cp.Size)
	if err != nil {
		return nil, err
	}
	tag := firstTag(today)
	all[tag], err = z.make(ctx, all, release{tag: tag, time: moment.Time, files: []ArchiveFile{{Name: firstName(today), Kind: KindBaseline, To: cp.Size}}}, cp)
	return []string{tag}, err
}

// Settle is how long after the hour its release is made: what was committed before the stroke is under a checkpoint then.
const Settle = time.Minute

// Clocked lets the releases be followed by a clock.
func (z *Zips) Clocked(now func() time.Time) *ZipsFollower { return &ZipsFollower{z, now} }

// ZipsFollower makes each hour's release when it is due.
type ZipsFollower struct {
	zips *Zips
	now  func() time.Time
}

// Follow publishes until ctx ends, and tells what it did.
func (f *ZipsFollower) Follow(ctx context.Context, told func(fmt.Stringer)) error {
	for ctx.Err() == nil {
		got, err := f.zips.Publish(ctx, f.now().Add(-Settle))
		if len(got.Made)+len(got.Remade)+len(got.Deleted) > 0 {
			told(got)
		}
		if err != nil && ctx.Err() == nil {
			return err
		}
		pause(ctx, Settle/2)
	}
	return nil
}

// remake writes the releases anew that hold a body that was erased since they were made.
func (z *Zips) remake(ctx context.Context, all held, cp Checkpoint) ([]string, error) {
	var out []string
	for tag, m := range all {
		list, err := z.Source.Erasures(ctx, m.Head, cp.Size)
		if err != nil {
			return out, err
		}
		if !slices.ContainsFunc(m.Files, func(f ArchiveFile) bool { return slices.ContainsFunc(list, f.holds) }) {
			continue
		}
		out = append(out, tag)
	}
	slices.Sort(out)
	stay := held{} // only from these is a baseline linked
	for tag, m := range all {
		if !slices.Contains(out, tag) {
			stay[tag] = m
		}
	}
	for _, tag := range out {
		m := all[tag]
		at, _, err := cve.ParseTime(m.Time)
		if err != nil {
			return out, fmt.Errorf("%s: %w: %w", tag, ErrManifest, err)
		}
		if all[tag], err = z.make(ctx, stay, release{tag: tag, time: at, files: m.Files}, cp); err != nil {
			return out, fmt.Errorf("%s: %w", tag, err)
		}
		stay[tag] = all[tag]
	}
	return out, nil
}

// holds says whether the archive has the body that was erased.
func (f *ArchiveFile) holds(e catalogue.Erasure) bool {
	return e.Leaf < f.To && f.To <= e.Until && e.Leaf >= f.From
}

// prune deletes releases that are too old.
func (z *Zips) prune(all held, now time.Time) ([]string, error) {
	var out []string
	for tag, m := range all {
		at, _, err := cve.ParseTime(m.Time)
		if err != nil || z.Keep <= 0 || now.Sub(at) <= z.Keep {
			continue
		}
		if err := os.RemoveAll(filepath.Join(z.Dir, tag)); err != nil {
			return out, err
		}
		delete(all, tag)
		out = append(out, tag)
	}
	slices.Sort(out)
	return out, nil
}

// point writes baseline.json, which leads followers to the newest baseline.
func (z *Zips) point(all held) error {
	var newest *Manifest
	var file *ArchiveFile
	for _, m := range all {
		for i := range m.Files {
			if f := &m.Files[i]; f.Kind == KindBaseline && f.Records > 0 && (file == nil || f.To > file.To || f.To == file.To && m.Tag > newest.Tag) {
				newest, file = m, f
			}
		}
	}
	if file == nil {
		return nil
	}
	// Everything published before this is inside.
	until := file.Name[:len(dayForm)] + "T00:00:00Z"
	if strings.HasSuffix(newest.Tag, firstSuffix) {
		until = newest.Time
	}
	raw, err := json.Marshal(struct {
		Format string `json:"format"`
		URL    string `json:"url"`
		SHA256 string `json:"sha256"`
		Time   string `json:"fetchTime"`
	}{"tasuki-baseline/1", "releases/" + newest.Tag + "/" + file.Name, file.SHA256, until}, jsontext.WithIndent("  "))
	if err != nil {
		return err
	}
	return z.replace(filepath.Join(z.Dir, IndexName), func(w *os.File) error { _, err := w.Write(append(raw, '\n')); return err })
}

// IndexName is the file that names the newest baseline.
const IndexName = "baseline.json"
