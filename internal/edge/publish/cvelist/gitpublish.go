package cvelist

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"tasuki/internal/catalogue"
)

// Git keeps a bare repository that holds the list: the branch main, one commit per change set. It is used by one goroutine at a time.
//
// A commit is a function of the log, the commit before it and a size: tree, message, names and dates come from the log alone. Where
// the publication stands is read from the newest commit's own trailers, so a folder can be copied, lost, or taken over by another
// operator, and the next publication goes on.
type Git struct {
	Source Source
	Dir    string
	Links  Links
	Push   []string         // remotes, or their addresses
	Now    func() time.Time // how long a publication takes, for Follow's pace
	// Lock keeps a second publication out of the folder; nil where there cannot be one.
	Lock func(dir string) (release func(), err error)

	// What the newest commit is, as far as this process made it.
	at  commit
	log []byte // its deltaLog.json
}

// GitResult is what one publication did. A zero Commit means that there was nothing to publish.
type GitResult struct {
	Commit    string `json:"commit,omitzero"`
	Size      int64  `json:"size"` // of the log, as published
	New       int    `json:"new"`
	Updated   int    `json:"updated"`
	Deleted   int    `json:"deleted"`
	First     bool   `json:"first,omitzero"`     // the repository began with it
	Records   int    `json:"records,omitzero"`   // of a first commit: the files in it
	Rewritten bool   `json:"rewritten,omitzero"` // an erased body stood in the history, which was written anew
}

func (r GitResult) String() string {
	switch {
	case r.Commit == "":
		return fmt.Sprintf("nothing new at size %d", r.Size)
	case r.First:
		return fmt.Sprintf("%.10s: size %d, %d records", r.Commit, r.Size, r.Records)
	}
	text := fmt.Sprintf("%.10s: size %d, %s", r.Commit, r.Size, changes(r.New, r.Updated, r.Deleted))
	if r.Rewritten {
		text += "; history rewritten without what was erased"
	}
	return text
}

// Publish brings the branch to the newest checkpoint that counts, as one commit, and pushes it. An error of pushing stands beside the
// result.
func (g *Git) Publish(ctx context.Context) (GitResult, error) {
	repo := repository{g.Dir}
	if err := repo.open(ctx); err != nil {
		return GitResult{}, err
	}
	if g.Lock != nil {
		release, err := g.Lock(g.Dir)
		if err != nil {
			return GitResult{}, err
		}
		defer release()
	}
	last, err := g.last(ctx, repo)
	if err != nil {
		return GitResult{}, err
	}
	if err := repo.finishForgetting(ctx); err != nil {
		return GitResult{}, err
	}
	cp, err := g.Source.Published(ctx)
	if err != nil {
		return GitResult{}, err
	}
	got := GitResult{Size: last.size}
	if cp.Size == 0 || cp.Size == last.size {
		return got, g.push(ctx, repo)
	}
	if cp.Size < last.size {
		return got, fmt.Errorf("%w: %s was published up to size %d, the log counts %d leaves", ErrFork, g.Dir, last.size, cp.Size)
	}
	plan, err := g.plan(ctx, repo, last, cp.Size)
	if err != nil {
		return got, err
	}
	if len(plan.tree.entries) == 0 && !plan.rewrite && last.hash != "" {
		return got, g.push(ctx, repo)
	}
	if got, err = g.commit(ctx, repo, plan); err != nil {
		return got, err
	}
	if plan.rewrite {
		if err := repo.finishForgetting(ctx); err != nil {
			return got, err
		}
	}
	return got, errors.Join(repo.tidy(ctx, 2000), g.push(ctx, repo))
}

// last is the newest commit, held to be of this list and of this history of it.
func (g *Git) last(ctx context.Context, repo repository) (commit, error) {
	tip, err := repo.tip(ctx)
	if err != nil || tip == "" {
		g.at, g.log = commit{}, nil
		return commit{}, err
	}
	if g.at.hash == tip {
		return g.at, nil
	}
	list, err := repo.commits(ctx, 1)
	if err != nil {
		return commit{}, err
	}
	c := list[0]
	if c.list != g.Source.ID() {
		return c, fmt.Errorf("%w: %s is of list %.8s", ErrForeign, g.Dir, c.list)
	}
	m, err := g.Source.At(ctx, c.size)
	if errors.Is(err, catalogue.ErrAt) {
		err = fmt.Errorf("%w: %s was published up to size %d, which the log does not have", ErrFork, g.Dir, c.size)
	}
	if err == nil && m.root() != c.root {
		err = fmt.Errorf("%w: at size %d the log has another root than %s says", ErrFork, c.size, g.Dir)
	}
	if err != nil {
		return c, err
	}
	if g.log, err = repo.file(ctx, c.hash, deltaLogPath); err != nil {
		return c, err
	}
	g.at = c
	return c, nil
}

// plan is one commit to be made.
type plan struct {
	parent  commit // zero: the commit begins the branch
	last    commit // what was published before; another than the parent only in a rewriting
	moment  Moment
	tree    set  // from the parent
	news    *set // what to tell of it, where that is another: of a first commit the last weeks, of a rewriting what is new since the publication before
	rewrite bool
}

func (g *Git) plan(ctx context.Context, repo repository, last commit, size int64) (*plan, error) {
	p := &plan{parent: last, last: last}
	if last.hash != "" {
		var err error
		if p.parent, p.rewrite, err = g.untouched(ctx, repo, last, size); err != nil {
			return nil, err
		}
	}
	return p, g.fill(ctx, p, size)
}

// fill finds what the commit has to change.
func (g *Git) fill(ctx context.Context, p *plan, size int64) (err error) {
	if p.moment, err = g.Source.At(ctx, size); err != nil {
		return err
	}
	if p.tree, err = between(ctx, g.Source, p.parent.size, size); err != nil {
		return err
	}
	since := p.last.size
	switch {
	case p.last.hash == "":
		// Whoever follows a baseline of this list by deltaLog.json finds in it what came since, however young the repository is.
		if since, err = g.Source.SizeAt(ctx, p.moment.Time.Add(-LogWindow)); err != nil {
			return err
		}
	case !p.rewrite:
		return nil
	}
	news, err := between(ctx, g.Source, min(since, size), size)
	p.news = &news
	return err
}

// untouched is the newest commit whose history holds no body that was erased since the last publication. A body that was erased has to
// go from the history too, for a repository hands everything out that its commits reach. What follows that commit is made one.
func (g *Git) untouched(ctx context.Context, repo repository, last commit, size int64) (commit, bool, error) {
	list, err := g.Source.Erasures(ctx, last.size, size)
	if err != nil {
		return last, false, err
	}
	list = slices.DeleteFunc(list, func(e catalogue.Erasure) bool { return e.Leaf >= last.size })
	if len(list) == 0 {
		return last, false, nil
	}
	all, err := repo.commits(ctx, 0)
	if err != nil {
		return last, false, err
	}
	stays := clean(all, list)
	if stays == len(all) {
		return commit{}, true, nil
	}
	return all[stays], stays > 0, nil
}

// clean is the index of the newest commit, of those that stand newest first, from which on none holds what was erased.
func clean(all []commit, erased []catalogue.Erasure) (stays int) {
	for _, e := range erased {
		for i, c := range all {
			// The body stands in commits of sizes above its leaf, up to the leaf that took its place.
			if c.size > e.Leaf && c.size <= e.Until {
				stays = max(stays, i+1)
			}
		}
	}
	return stays
}

// commit writes what is planned.
func (g *Git) commit(ctx context.Context, repo repository, p *plan) (GitResult, error) {
	if p.rewrite {
		if err := repo.beginForgetting(ctx, p.last.hash); err != nil {
			return GitResult{}, err
		}
	}
	var got GitResult
	var log []byte
	hash, err := repo.fastImport(ctx, p.rewrite, func(s *stream) (err error) {
		got, log, err = g.write(ctx, s, p)
		return err
	})
	if err != nil {
		return GitResult{}, err
	}
	got.Commit = hash
	g.at, g.log = commit{hash, p.moment.Size, p.moment.root(), g.Source.ID()}, log
	return got, nil
}

// write streams the commit and returns what is in it, and its deltaLog.json.
func (g *Git) write(ctx context.Context, s *stream, p *plan) (GitResult, []byte, error) {
	got := GitResult{Size: p.moment.Size, Rewritten: p.rewrite}
	delta, marks, err := g.blobs(ctx, s, p)
	if err != nil {
		return got, nil, err
	}
	got.New, got.Updated, got.Deleted = len(delta.New), len(delta.Updated), len(delta.Deleted)
	if p.last.hash == "" {
		got.First, got.Records = true, len(marks)
	}
	message := g.message(p, delta, len(marks))
	delta.cut()
	file, err := delta.bytes()
	if err != nil {
		return got, nil, err
	}
	log, err := prepend(g.log, delta)
	if err != nil {
		return got, nil, err
	}
	s.commit(p.parent.hash, g.Source.ID(), p.moment.Time, message)
	if p.parent.hash == "" {
		s.modify(".gitattributes", []byte("# Files are published byte for byte.\n* -text\n"))
		s.modify("README.md", g.readme())
	}
	for i := range p.tree.entries {
		if mark, ok := marks[i]; ok {
			s.text("M 100644 :", strconv.Itoa(mark), " ", p.tree.entries[i].id.Path(), "\n")
		} else {
			s.remove(p.tree.entries[i].id.Path())
		}
	}
	s.modify(deltaPath, file)
	s.modify(deltaLogPath, log)
	return got, log, s.err
}

const (
	deltaPath    = "cves/delta.json"
	deltaLogPath = "cves/deltaLog.json"
)

// blobs streams the files of a commit before the commit itself, whose message counts them: what was erased meanwhile is not among them.
// marks says by which mark an entry's file is known.
func (g *Git) blobs(ctx context.Context, s *stream, p *plan) (*Delta, map[int]int, error) {
	delta, marks := newDelta(p.moment.Time), map[int]int{}
	had := map[string]bool{}
	if p.news != nil {
		for i := range p.news.entries {
			had[p.news.entries[i].id.String()] = p.news.entries[i].had
		}
	}
	i := 0
	err := p.tree.each(ctx, g.Source, func(e *entry, raw []byte) error {
		if raw != nil {
			mark := i + 2 // 1 is the commit
			marks[i] = mark
			s.text("blob\nmark :", strconv.Itoa(mark), "\n")
			s.data(raw)
		}
		i++
		switch {
		case p.news != nil:
			before, changed := had[e.id.String()]
			lost := e.lost && p.rewrite // it stood in the history that goes, and is told to be gone
			if changed || lost {
				told := *e
				told.had = before || lost
				delta.add(&told, raw, g.Links)
			}
		default:
			delta.add(e, raw, g.Links)
		}
		return s.err
	})
	return &delta, marks, err
}

// named is how many identifiers of each kind a commit's message lists.
const named = 20

func (g *Git) message(p *plan, d *Delta, files int) string {
	var b strings.Builder
	switch {
	case p.last.hash == "":
		fmt.Fprintf(&b, "The list at size %d: %d records\n", p.moment.Size, files)
	default:
		fmt.Fprintf(&b, "%s\n", changes(len(d.New), len(d.Updated), len(d.Deleted)))
	}
	if p.rewrite {
		b.WriteString("\nA body was erased that stood in the history; the commits that held it are in this one.\n")
	}
	for _, kind := range []struct {
		name  string
		items []Item
	}{{"New", d.New}, {"Updated", d.Updated}, {"Deleted", d.Deleted}} {
		if len(kind.items) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n%s:\n", kind.name)
		for _, item := range kind.items[:min(named, len(kind.items))] {
			fmt.Fprintf(&b, "  %s\n", item.ID)
		}
		if more := len(kind.items) - named; more > 0 {
			fmt.Fprintf(&b, "  and %d more\n", more)
		}
	}
	fmt.Fprintf(&b, "\n%s: %s\n%s: %d\n%s: %s\n", listTrailer, g.Source.ID(), sizeTrailer, p.moment.Size, rootTrailer, p.moment.root())
	return b.String()
}

func changes(fresh, updated, deleted int) string {
	total := fresh + updated + deleted
	text := fmt.Sprintf("%d changes: %d new, %d updated", total, fresh, updated)
	if total == 1 {
		text = fmt.Sprintf("1 change: %d new, %d updated", fresh, updated)
	}
	if deleted > 0 {
		text += fmt.Sprintf(", %d deleted", deleted)
	}
	return text
}

func (g *Git) readme() []byte {
	test := ""
	if g.Source.Test() {
		test = "**TEST LIST: nothing in it counts.**\n\n"
	}
	return fmt.Appendf(nil, "# CVE List\n\n%sList `%s`, published by Tasuki.\n\n"+
		"- `cves/<year>/<bucket>/<id>.json`: the records; identifiers that are only reserved are not here\n"+
		"- `cves/delta.json`: what the newest commit changed\n"+
		"- `cves/deltaLog.json`: the change sets of 30 days, newest first\n\n"+
		"Each commit names the size and the root of the log that it was made from (`Tasuki-Size`, `Tasuki-Root`), so that it can be compared with\n"+
		"the list's signed checkpoints. When a body is erased, the commits that held it are written anew.\n", test, g.Source.ID())
}

// push brings every remote to the branch. One that cannot be reached keeps none of the others waiting.
func (g *Git) push(ctx context.Context, repo repository) error {
	if len(g.Push) == 0 {
		return nil
	}
	tip, err := repo.tip(ctx)
	if err != nil || tip == "" {
		return err
	}
	for _, remote := range g.Push {
		if perr := repo.push(ctx, remote); perr != nil {
			err = errors.Join(err, fmt.Errorf("push: %w", discreet(perr, remote)))
		}
	}
	return err
}

// discreet is git's complaint about a remote without the name and password that the address may have in it: what jobs complain of is shown
// to everybody.
func discreet(err error, remote string) error {
	u, uerr := url.Parse(remote)
	if uerr != nil || u.User == nil {
		return err
	}
	text := strings.TrimPrefix(err.Error(), ErrGit.Error()+": ")
	secrets := []string{u.User.String()}
	if password, ok := u.User.Password(); ok {
		secrets = append(secrets, password)
	}
	for _, s := range secrets {
		text = strings.ReplaceAll(text, s, "…")
	}
	return fmt.Errorf("%w: %s", ErrGit, text)
}

// pollEvery is how often a follower looks for a newer checkpoint: one row.
const pollEvery = 250 * time.Millisecond

// Follow publishes whenever a newer checkpoint counts, until ctx ends, and tells what it did. The first change after a pause is published
// at once; in a stream of changes a commit takes all that came since the one before, and at most a fifth of the time goes into them.
func (g *Git) Follow(ctx context.Context, told func(fmt.Stringer)) error {
	seen := int64(-1)
	for {
		cp, err := g.Source.Published(ctx)
		if err == nil && cp.Size != seen {
			began := g.Now()
			var got GitResult
			if got, err = g.Publish(ctx); got.Commit != "" {
				told(got)
			}
			seen = cp.Size
			if err == nil {
				pause(ctx, min(4*g.Now().Sub(began), 30*time.Second))
			}
		}
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("publish %s: %w", filepath.Base(g.Dir), err)
		}
		pause(ctx, pollEvery)
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
