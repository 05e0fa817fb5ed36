package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"time"

	"tasuki/internal/edge/serve/front"
	"tasuki/internal/edge/serve/front/metrics"
)

// ServeCmd is `tasuki serve`.
type ServeCmd struct {
	Network
	DevSeed string `placeholder:"NAME" help:"Fill a new data directory with a small world for tests of clients (conformance), whose users all have the secret in TASUKI_DEV_KEY. Its list is a test list for good."`
}

// Run serves until it is asked to stop.
func (c *ServeCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	seed, err := seedOf(c.DevSeed, p.Getenv(devKeyEnv), p.Now())
	if err == nil {
		err = seed.check(s.Config)
	}
	if err != nil {
		return err
	}
	return p.serve(ctx, s, life{seed: seed})
}

// UpCmd is `tasuki up`: serve, with a sample of real records for a store that is empty.
type UpCmd struct {
	Network
}

// Run serves until it is asked to stop.
func (c *UpCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	return p.serve(ctx, s, life{sample: true})
}

// life says what an empty node begins with.
type life struct {
	sample bool        // real records that the program carries
	seed   *Seed       // a world for tests, nil for none
	mirror *mirrorRole // somebody else's list, nil for one's own
}

// door is the front door with everything a node serves behind it.
func (p *Program) door(s *Settings, node Node) (*front.Front, error) {
	proxies, err := networks(s.TrustedProxy)
	if err != nil {
		return nil, err
	}
	scrapers, err := networks(s.MetricsFrom)
	if err != nil {
		return nil, err
	}
	names := s.Hosts
	if u, err := url.Parse(s.BaseURL); err == nil && u.Host != "" {
		names = append([]string{u.Hostname()}, names...)
	}
	count := metrics.New()
	for _, g := range node.Gauges() {
		count.Gauge(g.Name, g.Help, g.Value)
	}
	door := front.New(front.Options{
		Log: p.logger(s.Config), Now: p.Now, Rand: p.Rand, Hosts: names, Proxies: proxies,
		BodyLimit: int64(s.Limits.Body), ReadTimeout: time.Duration(s.Limits.Read), WriteTimeout: time.Duration(s.Limits.Write),
		Observe: count, Mark: node.Mark,
	})
	for _, space := range node.Spaces() {
		door.Handle(space)
	}
	door.HandleHealth(front.Health{Ready: node.Ready, Status: node.Status})
	door.Handle(count.Space(scrapers))
	door.Handle(newControl(node, p.Rand).space())
	return door, nil
}

// serve is the life of a running node. The order matters: the address is taken before the store is touched, so that a second
// start fails at once; the sample is in before anybody is answered; the node's own work stops only after the door has closed.
func (p *Program) serve(ctx context.Context, s *Settings, begin life) (err error) {
	log := p.logger(s.Config)
	dir, err := openDataDir(s.Data, true)
	if err != nil {
		if errors.Is(err, ErrRunning) {
			err = fmt.Errorf("%w; other commands work beside it, a second node does not", err)
		}
		return err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	ln, err := front.Listening{Address: s.Listen, CertFile: s.TLS.Cert, KeyFile: s.TLS.Key,
		BehindProxy: len(s.TrustedProxy) > 0, Insecure: s.Insecure}.Open(ctx, p.Now)
	if err != nil {
		return err
	}
	defer ln.Close() // the door closes it too; this is for the ways out before that
	if s.BaseURL == "" {
		s.BaseURL = baseURL(ln.Addr(), s.TLS.Cert != "")
	}
	if p.Backend.Open == nil {
		return errors.New("this build has no node in it")
	}
	setup := p.setup(s, dir, true)
	setup.Seed, setup.Mirror = begin.seed, begin.mirror
	node, err := p.Backend.Open(ctx, setup)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, node.Close()) }()
	door, err := p.door(s, node)
	if err != nil {
		return err
	}
	if begin.sample {
		if err := p.takeSample(ctx, node); err != nil {
			return err
		}
	}
	listeners := []net.Listener{ln}
	if sock, err := listenSocket(dir); err == nil {
		listeners = append(listeners, sock)
	} else {
		// The node is whole without it; only second processes are shut out.
		log.WarnContext(ctx, "no socket for other commands", "err", err)
	}

	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	door1, closeDoor := context.WithCancel(ctx)
	defer closeDoor()
	worked := make(chan error, 1)
	go func() {
		werr := node.Run(work)
		if work.Err() == nil {
			closeDoor() // the node cannot work on its own any more: it must not look as if it did
		}
		worked <- werr
	}()
	if err := p.announce(ctx, s, node, log); err != nil {
		return errors.Join(err, stop(stopWork, worked))
	}
	err = door.Serve(door1, time.Duration(s.Limits.Grace), listeners...)
	err = errors.Join(err, stop(stopWork, worked))
	log.InfoContext(ctx, "node stopped")
	return err
}

// stop ends the node's own work and returns what it came to.
func stop(cancel func(), done <-chan error) error {
	cancel()
	if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// takeSample imports the records that the program carries into a store that has none.
func (p *Program) takeSample(ctx context.Context, node Node) error {
	empty, err := node.Empty(ctx)
	if err != nil || !empty {
		return err
	}
	report := p.reporter()
	defer report.Close()
	got, err := node.Import(ctx, ImportRequest{Sample: true}, nil, report)
	if err != nil {
		return fmt.Errorf("import the sample: %w", err)
	}
	report.Step(fmt.Sprintf("imported the sample: %s records in %s", thousands(got.Added), round(got.Took)))
	return nil
}

// announce prints the one URL to open and what is behind it.
func (p *Program) announce(ctx context.Context, s *Settings, node Node, log *slog.Logger) error {
	summary, err := node.Summary(ctx)
	if err != nil {
		return err
	}
	if text := node.Banner(); text != "" {
		line := strings.Repeat("*", displayWidth(text)+4)
		fmt.Fprintf(p.Stderr, "%s\n* %s *\n%s\n", line, text, line)
	}
	fmt.Fprintf(p.Stdout, "%s\n%s\n", s.BaseURL, summary)
	log.InfoContext(ctx, "node started", "url", s.BaseURL, "holds", summary)
	return nil
}

// baseURL is the address to open when nobody configured one. A node that listens everywhere is shown under its loopback name.
func baseURL(a net.Addr, tls bool) string {
	host := a.String()
	if t, ok := a.(*net.TCPAddr); ok && t.IP.IsUnspecified() {
		host = fmt.Sprintf("localhost:%d", t.Port)
	}
	if tls {
		return "https://" + strings.TrimSuffix(host, ":443")
	}
	return "http://" + strings.TrimSuffix(host, ":80")
}
