package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"tasuki/client"
	"tasuki/internal/edge/serve/front"
)

// session is a command's way to a node: one opened in this process, the one that runs in the data directory, or one
// elsewhere on the network. The public surfaces are asked over HTTP in all three, so a command has one code path.
type session struct {
	client *http.Client
	base   string // of the URLs to ask
	jobs   Jobs   // nil on a server elsewhere
	node   Node   // nil unless opened here
	close  []func() error
}

// access says what a command wants of a session.
type access struct {
	// Create permits to found a new list.
	Create bool
	// Host opens the socket, so that other commands can come in while this one works.
	Host bool
	// Mirror makes a directory that is new a copy of somebody else's list; nil leaves it what it is.
	Mirror *mirrorRole
}

// session opens the node in the data directory, or joins the process that holds it.
func (p *Program) session(ctx context.Context, s *Settings, want access) (*session, error) {
	if s.From["log.level"] == "" {
		// A command says itself what it did; the log of the node it opened for that would only say it again.
		quiet := *s
		quiet.Log.Level = "warn"
		s = &quiet
	}
	var dir *DataDir
	for wait := 10 * time.Millisecond; ; wait *= 2 {
		var err error
		if dir, err = openDataDir(s.Data, want.Create); err == nil {
			break
		}
		if !errors.Is(err, ErrRunning) {
			if errors.Is(err, ErrNoData) {
				err = fmt.Errorf("%w: begin with \"tasuki up\" or \"tasuki import cvelist\"", err)
			}
			return nil, err
		}
		if x := p.join(ctx, s); x != nil {
			return x, nil
		}
		// Held, but nobody answers: a short command, or one that is just starting. Both pass.
		if wait > 3*time.Second {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(wait):
		}
	}
	x := &session{base: "http://tasuki", close: []func() error{dir.Close}}
	if err := x.open(ctx, p, s, dir, want); err != nil {
		return nil, errors.Join(err, x.Close())
	}
	return x, nil
}

// join returns a session with the process behind the data directory's socket, or nil when none answers.
func (p *Program) join(ctx context.Context, s *Settings) *session {
	client := dialSocket(s.Data)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://tasuki/healthz", nil)
	if err != nil {
		return nil
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil
	}
	resp.Body.Close()
	return &session{client: client, base: "http://tasuki", jobs: remoteJobs{client}}
}

// open makes the node in this process.
func (x *session) open(ctx context.Context, p *Program, s *Settings, dir *DataDir, want access) error {
	s = s.forCommand()
	if p.Backend.Open == nil {
		return errors.New("this build has no node in it")
	}
	setup := p.setup(s, dir, want.Create)
	setup.Mirror = want.Mirror
	node, err := p.Backend.Open(ctx, setup)
	if err != nil {
		return err
	}
	x.node, x.jobs = node, node
	x.close = append([]func() error{node.Close}, x.close...)
	door, err := p.door(s, node)
	if err != nil {
		return err
	}
	x.client = &http.Client{Transport: inProcess{door.Local()}}
	if want.Host {
		return x.host(ctx, door, dir, s)
	}
	return nil
}

// host serves the socket for as long as the session lasts.
func (x *session) host(ctx context.Context, door *front.Front, dir *DataDir, s *Settings) error {
	ln, err := listenSocket(dir)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	served := make(chan error, 1)
	go func() { served <- door.Serve(ctx, time.Duration(s.Limits.Grace), ln) }()
	x.close = append([]func() error{func() error { cancel(); return <-served }}, x.close...)
	return nil
}

func (p *Program) setup(s *Settings, dir *DataDir, create bool) Setup {
	return Setup{Config: s.Config, Dir: dir, Create: create, Log: p.logger(s.Config), Now: p.Now, Rand: p.Rand}
}

// Close ends the session in the reverse order of its opening.
func (x *session) Close() error {
	var all error
	for _, c := range x.close {
		all = errors.Join(all, c())
	}
	return all
}

// elsewhere is a session with a server on the network.
func elsewhere(server string) (*session, error) {
	u, err := url.Parse(server)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("--server: %q is not an http or https URL", server)
	}
	return &session{client: &http.Client{}, base: strings.TrimSuffix(server, "/")}, nil
}

// errNotFound is the answer 404.
var errNotFound = errors.New("not found")

// get asks the node. The caller closes the body. Any answer but 200 is an error with the server's own words.
func (x *session) get(ctx context.Context, path string, query url.Values) (*http.Response, error) {
	target := x.base + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", path, err)
	}
	resp, err := x.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", path, err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	var problem client.Problem
	if json.Unmarshal(text, &problem) == nil && problem.Span != nil {
		return nil, &problem
	}
	err = fmt.Errorf("%s: %s", resp.Status, complaint(text))
	if resp.StatusCode == http.StatusNotFound {
		err = fmt.Errorf("%w: %s", errNotFound, complaint(text))
	}
	return nil, err
}
