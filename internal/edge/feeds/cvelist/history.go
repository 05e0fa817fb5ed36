package cvelist

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// history is the run of a history import: which commit is being taken in, and how far is safe.
type history struct {
	state  State
	key    string
	commit string // of the files that are being settled
	saved  time.Time
}

// safeEvery is how much of a history import may have to be read again after it was stopped.
const safeEvery = time.Second

// History imports every version of every record that the git repositories at dirs hold, oldest commit first, along the first
// parents of HEAD: each as it was at the commit's time. Deleted files delete nothing. It goes on behind the last commit that an
// earlier run finished, as state has it; one that HEAD no longer descends from makes it begin anew. A version older than what the
// list holds is stale, as in every import. Errors of git wrap ErrHistory.
func (im *Importer) History(ctx context.Context, state State, dirs ...string) (Summary, error) {
	var all Summary
	for _, dir := range dirs {
		sum, err := im.repository(ctx, state, dir)
		all.add(sum)
		if err != nil {
			return all, fmt.Errorf("import the history of %s: %w", dir, err)
		}
	}
	return all, nil
}

func (im *Importer) repository(ctx context.Context, state State, dir string) (sum Summary, err error) {
	g := repository{dir: dir}
	head, root, err := g.head(ctx)
	if err != nil {
		return sum, err
	}
	im.history = &history{state: state, key: Feed + ":history:" + root}
	defer func() { im.history = nil }()
	was, err := state.Load(ctx, im.history.key)
	if err != nil {
		return sum, err
	}
	since := string(was)
	if since != "" && !g.holds(ctx, since, head) {
		if ctx.Err() != nil {
			return sum, ctx.Err()
		}
		if im.Log != nil {
			im.Log.WarnContext(ctx, "the repository no longer holds the last commit taken in: beginning anew", "commit", since)
		}
		since = ""
	}
	w := newWalk(im.Limits)
	im.partial = true // a file that a later commit does not name is still there
	defer func() { im.partial = false }()
	if sum, err = im.source(ctx, dir, w, func() error { return w.history(g, since, head) }); err != nil || im.DryRun {
		return sum, err
	}
	return sum, im.history.save(ctx, head, im.now())
}

// reached is told of every file before it is settled. When a new commit begins, all before it is made safe, now and then.
func (h *history) reached(ctx context.Context, im *Importer, f *File) error {
	before := h.commit
	if h.commit = f.Commit; before == "" || before == f.Commit || im.DryRun || im.now().Sub(h.saved) < safeEvery {
		return nil
	}
	if err := im.flush(ctx); err != nil {
		return err
	}
	return h.save(ctx, before, im.now())
}

func (h *history) save(ctx context.Context, commit string, now time.Time) error {
	h.saved = now
	if err := h.state.Save(context.WithoutCancel(ctx), h.key, []byte(commit)); err != nil {
		return fmt.Errorf("remember the last commit: %w", err)
	}
	return nil
}

// shortCommit is how much of a commit's name people see.
const shortCommit = 12

// history queues the records of a repository's commits. Contents come from one process in their order, so they are read here
// and not by the workers.
func (w *walk) history(g repository, since, head string) error {
	b, err := g.blobs(w.ctx)
	if err != nil {
		return err
	}
	defer b.close()
	return g.revisions(w.ctx, since, head, func(r revision) error {
		role, name := roleOf(r.path)
		if role != roleNamed {
			w.ignored++
			return nil
		}
		f := File{Archive: r.commit[:shortCommit], Path: r.path, Name: name, Commit: r.commit, Time: r.time}
		if f.Refused = checkPath(r.path); f.Refused == nil && r.mode != "100644" && r.mode != "100755" {
			f.Refused = refuse(CodeNotRegular, "git has it with mode %s, expected a file", short(r.mode))
		}
		if f.Refused == nil {
			if f.Raw, f.Refused, err = b.read(r.blob, w.l.Record); err != nil {
				return err
			}
			f.Size = int64(len(f.Raw))
		}
		w.totals(1, f.Size)
		if err := w.put(&task{role: role, file: f}); err != nil {
			return errors.Join(err, w.ctx.Err())
		}
		return nil
	})
}
