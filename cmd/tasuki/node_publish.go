package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"tasuki/internal/catalogue"
	outward "tasuki/internal/edge/publish/cvelist"
	"tasuki/internal/edge/serve/front"
	"tasuki/internal/jobs"
	"tasuki/internal/ledger"
	"tasuki/internal/store"
)

// outwardList is the list as its publications ask for it.
type outwardList struct {
	*catalogue.Service
	n *node
}

// ID is the list's id.
func (l outwardList) ID() string { return l.n.chain.ListID() }

// Test says that it is a test list.
func (l outwardList) Test() bool { return l.n.chain.Test() }

// Published is the newest checkpoint that counts; the zero value while there is none.
func (l outwardList) Published(ctx context.Context) (outward.Checkpoint, error) {
	c, err := l.n.published(ctx)
	if errors.Is(err, ledger.ErrNotFound) {
		return outward.Checkpoint{}, nil
	}
	return outward.Checkpoint{Size: c.Size, Root: c.Root, Note: c.Note}, err
}

// At is the log at a size.
func (l outwardList) At(ctx context.Context, size int64) (outward.Moment, error) {
	m := outward.Moment{Size: size}
	if size > 0 { // catalogue.At takes 0 for now
		at, err := l.Resolve(ctx, catalogue.At{Size: size})
		if err != nil {
			return m, err
		}
		m.Time = at.Time
	}
	err := l.n.db.View(ctx, func(tx *store.Tx) error {
		root, err := l.n.ledger.RootAt(ctx, tx, size)
		m.Root = root
		return err
	})
	return m, err
}

// SizeAt is how many leaves the log had at a time.
func (l outwardList) SizeAt(ctx context.Context, at time.Time) (int64, error) {
	m, err := l.Resolve(ctx, catalogue.At{Time: at})
	return m.Size, err
}

func (n *node) outward() outwardList { return outwardList{n.catalogue, n} }

// publishedLinks are the addresses that delta files name: under the node's own, or the one that the charter names.
func (n *node) publishedLinks() outward.Links {
	base := n.cfg.BaseURL
	if base == "" {
		base = n.chain.Head().Charter().Operator.URL
	}
	base = strings.TrimSuffix(base, "/")
	return outward.Links{Record: base + "/cve/", File: base + outward.FilePrefix}
}

// gitOutlet is a repository that the list is published in.
func (n *node) gitOutlet(dir string, push []string) *outward.Git {
	return &outward.Git{Source: n.outward(), Dir: dir, Links: n.publishedLinks(), Push: push, Now: n.now, Lock: lockFolder}
}

// zipOutlet is a folder of releases.
func (n *node) zipOutlet(dir string, keep time.Duration) *outward.Zips {
	z := &outward.Zips{Source: n.outward(), Dir: dir, Keep: keep, Lock: lockFolder}
	if n.keyed {
		z.Sign = n.signManifest
	}
	return z
}

// signManifest signs a text as the list does its checkpoints. The text's first line keeps it from being taken for one.
func (n *node) signManifest(text string) ([]byte, error) {
	key, err := readLogKey(n.dir.Path, n.chain)
	if err != nil {
		return nil, err
	}
	signer, err := key.Signer()
	if err != nil {
		return nil, err
	}
	return note.Sign(&note.Note{Text: text}, signer)
}

// lockFolder keeps a second publication out of a folder until release is called, or until this process dies.
func lockFolder(dir string) (release func(), err error) {
	f, err := os.OpenFile(filepath.Join(dir, "tasuki.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := flock(f); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: somebody else publishes into it: %w", dir, err), f.Close())
	}
	return func() { _ = f.Close() }, nil // with it goes the lock
}

// outwardRequest asks for publications. Folders are absolute.
type outwardRequest struct {
	Git    string    `json:"git,omitzero"`
	Push   []string  `json:"push,omitzero"`
	Zips   string    `json:"zips,omitzero"`
	At     time.Time `json:"at,omitzero"` // of the releases; zero is now
	Keep   Duration  `json:"keep,omitzero"`
	Follow bool      `json:"follow,omitzero"`
}

// outwardAnswer is what one round did.
type outwardAnswer struct {
	Git  *outward.GitResult  `json:"git,omitzero"`
	Zips *outward.ZipsResult `json:"zips,omitzero"`
}

// publishOutward publishes the list once, or until somebody ends it.
func (n *node) publishOutward(ctx context.Context, q outwardRequest, report Reporter) (outwardAnswer, error) {
	var out outwardAnswer
	if _, err := n.signed(ctx); err != nil && !errors.Is(err, ledger.ErrNotFound) { // what was committed just now is published too
		return out, err
	}
	if q.Follow {
		return out, n.followOutward(ctx, q, report)
	}
	if q.Git != "" {
		got, err := n.gitOutlet(q.Git, q.Push).Publish(ctx)
		out.Git = &got
		if err != nil {
			return out, err
		}
		report.Step(q.Git + ": " + got.String())
	}
	if q.Zips != "" {
		at := q.At
		if at.IsZero() {
			at = n.now()
		}
		got, err := n.zipOutlet(q.Zips, time.Duration(q.Keep)).Publish(ctx, at)
		out.Zips = &got
		if err != nil {
			return out, err
		}
		report.Step(q.Zips + ": " + got.String())
	}
	return out, nil
}

// followOutward goes on until ctx ends. What cannot be reached now is tried again.
func (n *node) followOutward(ctx context.Context, q outwardRequest, report Reporter) error {
	type follower interface {
		Follow(ctx context.Context, told func(fmt.Stringer)) error
	}
	outlets := map[string]follower{}
	if q.Git != "" {
		outlets[q.Git] = n.gitOutlet(q.Git, q.Push)
	}
	if q.Zips != "" {
		outlets[q.Zips] = n.zipOutlet(q.Zips, time.Duration(q.Keep)).Clocked(n.now)
	}
	said, ended := make(chan string), make(chan error, len(outlets))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	say := func(text string) {
		select {
		case said <- text:
		case <-ctx.Done():
		}
	}
	for dir, outlet := range outlets {
		go func() {
			for {
				err := outlet.Follow(ctx, func(got fmt.Stringer) { say(dir + ": " + got.String()) })
				switch {
				case ctx.Err() != nil:
					ended <- nil
					return
				case errors.Is(err, outward.ErrForeign) || errors.Is(err, outward.ErrFork):
					ended <- err // time does not mend it
					return
				}
				say(dir + ": " + err.Error() + "; tried again in half a minute")
				_ = pause(ctx, 30*time.Second) // the next round sees that ctx ended
			}
		}()
	}
	for left := len(outlets); left > 0; {
		select {
		case text := <-said:
			report.Step(text) // from one goroutine, as reporters ask for
		case err := <-ended:
			left--
			if err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// outwardTurn is how long a run of the job that keeps the repository current lasts: the list of jobs then says how it went.
const outwardTurn = 10 * time.Minute

// outwardJobs keep current what the configuration names.
func (n *node) outwardJobs() []jobs.Job {
	var list []jobs.Job
	if c := n.cfg.Publish; c.Git != "" {
		g := n.gitOutlet(c.Git, c.Push)
		list = append(list, jobs.Job{Name: "publish git", Every: time.Minute, Run: func(ctx context.Context) (string, error) {
			turn, cancel := context.WithTimeout(ctx, outwardTurn)
			defer cancel()
			commits, last := 0, "nothing new"
			err := g.Follow(turn, func(got fmt.Stringer) { commits, last = commits+1, got.String() })
			return fmt.Sprintf("%d commits; %s", commits, last), errors.Join(err, ctx.Err())
		}})
	}
	if c := n.cfg.Publish; c.Zips != "" {
		z := n.zipOutlet(c.Zips, time.Duration(c.Keep))
		list = append(list, jobs.Job{Name: "publish zips", Every: time.Minute, Run: func(ctx context.Context) (string, error) {
			got, err := z.Publish(ctx, n.now().Add(-outward.Settle))
			return got.String(), err
		}})
	}
	return list
}

// outwardSpaces serve what the configuration names.
func (n *node) outwardSpaces() []front.Space {
	c := n.cfg.Publish
	if c.Git == "" && c.Zips == "" {
		return nil
	}
	var h http.Handler = outward.Handler(outward.Served{Git: c.Git, Zips: c.Zips, Log: n.log})
	space := front.Space{Surface: "publication", Handler: h, Refuse: outward.Refuse, Plain: true, BodyLimit: 8 << 20, WriteTimeout: -1}
	git, files := space, space
	git.Prefix, files.Prefix, files.Plain = outward.GitPrefix, outward.FilePrefix, false
	return []front.Space{git, files}
}
