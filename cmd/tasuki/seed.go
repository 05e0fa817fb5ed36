package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"tasuki/internal/authority"
	"tasuki/spec/cve"
)

// devKeyEnv holds the one secret of every seeded user.
const devKeyEnv = "TASUKI_DEV_KEY"

// Seed is a whole small world for tests of clients. A list that was founded with one is a test list for good. All of it but keys,
// salts and the names of grants follows from the clock's day, so that two nodes of one day answer alike.
type Seed struct {
	Key      string    // the secret of every user
	Begin    time.Time // of the log; everything in it lies between this and the start of the node
	Operator string    // short name of the organisation that runs the list, the first of Orgs
	Orgs     []seedOrg
	Ranges   []seedRange
	IDs      []seedID
}

type seedOrg struct {
	Short, Name string
	Roles       []authority.OrgRole
	Quota       int64
	Users       []seedUser
}

type seedUser struct {
	Name   string
	Person authority.PersonName
	Roles  []string
}

// seedRange is an open year. Priority is where its counter stands when everything is sown.
type seedRange struct{ Year, Priority int64 }

// seedID is an identifier. One that is PUBLISHED or REJECTED has a record.
type seedID struct {
	ID    string
	Owner string // short name
	State cve.State
}

// operator is the UUID of the seed's operator, "" without a seed.
func (s *Seed) operator() string {
	if s == nil {
		return ""
	}
	return s.uuid("org", s.Operator)
}

// uuid is always the same for the same thing, and in form a random one (version 4), which the record format asks for.
func (s *Seed) uuid(parts ...string) string {
	sum := sha256.Sum256([]byte("tasuki seed\x00" + strings.Join(parts, "\x00")))
	id, err := uuid.NewRandomFromReader(bytes.NewReader(sum[:]))
	if err != nil {
		panic(err) // there are enough bytes
	}
	return id.String()
}

// seedStep is the distance of two looks at a seed's clock.
const seedStep = time.Second

// clock is the clock that a list is founded and sown by: it begins in the past and moves with every look at it. Without a seed it is
// the real one.
func (s *Seed) clock(real func() time.Time) func() time.Time {
	if s == nil {
		return real
	}
	var mu sync.Mutex
	at := s.Begin
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		at = at.Add(seedStep)
		return at
	}
}

// check refuses to let a seed be reached from outside: its secret is meant to be known.
func (s *Seed) check(c Config) error {
	if s == nil {
		return nil
	}
	var bad []error
	no := func(format string, args ...any) { bad = append(bad, fmt.Errorf("--dev-seed: "+format, args...)) }
	if s.Key == "" {
		no("set %s to the secret that all users of the seed have", devKeyEnv)
	}
	if host, _, err := net.SplitHostPort(c.Listen); err != nil || !loopback(host) {
		no("it listens on this machine alone, not on %s", c.Listen)
	}
	if c.BaseURL != "" {
		if u, err := url.Parse(c.BaseURL); err != nil || !loopback(u.Hostname()) {
			no("its base URL is of this machine, not %s", c.BaseURL)
		}
	}
	if len(c.TrustedProxy) > 0 || len(c.Hosts) > 0 {
		no("it takes neither proxies nor other host names")
	}
	return errors.Join(bad...)
}

// loopback says that a host is this machine, whatever a resolver would say.
func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}

// seedOf finds a seed by name.
func seedOf(name, key string, now time.Time) (*Seed, error) {
	switch name {
	case "":
		return nil, nil
	case "conformance":
		return conformanceSeed(key, now), nil
	}
	return nil, fmt.Errorf("--dev-seed: there is no seed %q; there is: conformance", name)
}
