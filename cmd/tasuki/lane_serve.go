package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tasuki/internal/edge/serve/cveservices"
	"tasuki/internal/edge/serve/front"
	servelane "tasuki/internal/edge/serve/lane"
	"tasuki/internal/lane"
	"tasuki/spec/cve/schema"
)

// NodeServeCmd is `tasuki node serve`.
type NodeServeCmd struct {
	Dir     string        `arg:"" type:"existingdir" help:"The node's folder."`
	Listen  string        `default:"127.0.0.1:0" placeholder:"HOST:PORT" help:"Address of this machine alone; port 0 takes a free one (default ${default})."`
	Origin  []string      `placeholder:"URL" help:"Origin of web pages that may ask, such as that of your own editor of records. Others may not."`
	Every   time.Duration `default:"1m" placeholder:"TIME" help:"How often to hand in what waits, and to look for charters and numbers (default ${default})."`
	Offline bool          `help:"Ask and tell nobody; what is signed waits."`
}

// Run answers until it is asked to stop.
func (c *NodeServeCmd) Run(ctx context.Context, p *Program, s *Settings) (err error) {
	if c.Every < time.Second {
		return errors.New("--every: a second at least")
	}
	address, err := localAddress(c.Listen)
	if err != nil {
		return err
	}
	n, err := p.openLane(c.Dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	log := p.logger(s.Config)
	var l net.ListenConfig
	ln, err := l.Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer ln.Close() // the door closes it too
	url := "http://" + ln.Addr().String()
	if err := n.Hold(fmt.Sprintf("\"tasuki node serve\" at %s, process %d; stop it first", url, os.Getpid())); err != nil {
		return err
	}
	syncing := newLaneSync(n, p, log, c.Every, c.Offline)
	handler, err := n.services(p, syncing, log)
	if err != nil {
		return err
	}
	door := front.New(front.Options{Log: log, Now: p.Now, Rand: p.Rand})
	door.Handle(front.Space{Prefix: cveservices.Prefix, Surface: "cve-services", AnyCase: true, BodyLimit: -1, Refuse: cveservices.Refuse,
		Handler: servelane.Guard{Next: handler, Origins: c.Origin, Refuse: cveservices.Refuse}})

	work, stopWork := context.WithCancel(ctx)
	worked := make(chan error, 1)
	go func() { worked <- syncing.run(work) }()
	fmt.Fprintln(p.Stdout, url)
	if all, lerr := n.people().List(); lerr == nil && len(all) == 0 {
		p.hint("Nobody has a key yet: tasuki node key "+c.Dir+" USERNAME", "まだ誰も鍵を持っていません: tasuki node key "+c.Dir+" ユーザー名")
	}
	err = door.Serve(ctx, time.Duration(s.Limits.Grace), ln)
	return errors.Join(err, stop(stopWork, worked))
}

// errNotHere means an address that others reach.
var errNotHere = errors.New("--listen: a loopback address, such as 127.0.0.1:8090: keys travel in clear text, and who has one assigns in the authority's name")

// localAddress is an address that only this machine reaches, else errNotHere.
func localAddress(address string) (string, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", fmt.Errorf("--listen: %w", err)
	}
	if !loopback(host) {
		return "", errNotHere
	}
	if strings.EqualFold(host, "localhost") { // whatever a resolver says
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port), nil
}

func (n *laneNode) people() lane.People { return lane.People{Dir: n.Path()} }

// services is the protocol over this node.
func (n *laneNode) services(p *Program, author servelane.Author, log *slog.Logger) (http.Handler, error) {
	checks, err := schema.NewValidator()
	if err != nil {
		return nil, err
	}
	about, err := os.Stat(filepath.Join(n.Path(), laneAbout))
	if err != nil {
		return nil, err
	}
	acts, err := servelane.Open(servelane.Options{Journal: n.journal, Outbox: n.outbox, Disk: n.Folder, People: n.people(), Author: author,
		Org: n.Org, Short: n.Short, Since: about.ModTime(), Schema: checks, Now: p.Now, Log: log})
	if err != nil {
		return nil, err
	}
	return cveservices.HandlerOf(cveservices.OwnOptions{Acts: acts, Records: acts, Schema: checks}, cveservices.Options{Now: p.Now, Log: log}), nil
}

// NodeKeyCmd is `tasuki node key`.
type NodeKeyCmd struct {
	Dir    string `arg:"" type:"existingdir" help:"The node's folder."`
	User   string `arg:"" optional:"" name:"username" help:"Who is to ask, such as ann@acme.example. Without it, those who have a key are listed."`
	Remove bool   `help:"Take the key back. It is bad at once."`
}

// Run works beside a running server: neither needs the other's lock.
func (c *NodeKeyCmd) Run(p *Program) error {
	if _, err := os.Stat(filepath.Join(c.Dir, laneAbout)); err != nil {
		return fmt.Errorf("%s: no node of an authority is here; begin one with \"tasuki node init\"", c.Dir)
	}
	people := lane.People{Dir: c.Dir}
	switch {
	case c.User == "" && c.Remove:
		return errors.New("whose key? give a username")
	case c.User == "":
		all, err := people.List()
		if err != nil {
			return err
		}
		for _, who := range all {
			fmt.Fprintln(p.Stdout, who.Username)
		}
		return nil
	case c.Remove:
		return people.Remove(c.User)
	}
	key, err := people.Add(p.Rand, p.Now(), c.User)
	if err != nil {
		return err
	}
	fmt.Fprintln(p.Stdout, key)
	p.hint("This key is shown this once; the node keeps a hash of it. It is for \"tasuki node serve\" alone, "+
		"with the organisation's short name and this username.",
		"この鍵は今だけ表示されます（ノードはハッシュだけを保存します）。組織の短縮名とこのユーザー名で、tasuki node serve にだけ使えます。")
	return nil
}
