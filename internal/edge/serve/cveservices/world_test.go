package cveservices

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"

	"tasuki/internal/authority"
	"tasuki/internal/event"
	"tasuki/internal/gate"
	"tasuki/internal/gate/gatetest"
	"tasuki/internal/program"
	"tasuki/internal/registry"
	"tasuki/internal/store"
	"tasuki/spec/cve/schema"
)

// sharedKey is the secret of everybody in a world.
const sharedKey = "correct-horse-battery-staple"

// cheap is its hash, at the lowest cost that is still one: a world has many people.
var cheap = sync.OnceValue(func() string {
	salt := []byte("a salt for tests")
	b64 := base64.RawStdEncoding.EncodeToString
	return "$argon2id$v=19$m=8,t=1,p=1$" + b64(salt) + "$" + b64(argon2.IDKey([]byte(sharedKey), salt, 1, 8, 1, 32))
})

// people are the organisations of a world with their roles and users; the second user of each is its administrator. The columns of
// the reference's table of endpoints and roles (§12) are these.
var people = []struct {
	short  string
	column string // of the plain user; "" where the table has none
	roles  []authority.OrgRole
	user   string
	admin  string
}{
	{"sec", "sec", []authority.OrgRole{authority.Secretariat, authority.CNA}, "root", "chief"},
	{"acme", "cna-user", []authority.OrgRole{authority.CNA}, "ann", "adam"},
	{"other", "", []authority.OrgRole{authority.CNA}, "bob", "olga"},
	{"enrich", "adp", []authority.OrgRole{authority.ADP}, "eve", "edna"},
	{"bulk", "bulk", []authority.OrgRole{authority.BulkDownload}, "ben", "beth"},
	{"none", "none", nil, "nia", "nora"},
	{"both", "", []authority.OrgRole{authority.CNA, authority.ADP}, "cat", "cyd"},
}

// column is where a caller ("acme/ann", "-") stands in the table.
func column(caller string) string {
	for _, p := range people {
		switch caller {
		case "-":
			return "anon"
		case p.short + "/" + p.user:
			return p.column
		case p.short + "/" + p.admin:
			if p.column == "cna-user" {
				return "cna-admin"
			}
			return p.column
		}
	}
	return ""
}

// world is a list that takes part in the Program, behind a server.
type world struct {
	*gatetest.World
	acts *program.Service
	url  string
	log  *said // what the surface could not answer
}

// said is what a server wrote into its log.
type said struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *said) Write(p []byte) (int, error) { s.mu.Lock(); defer s.mu.Unlock(); return s.text.Write(p) }

func (s *said) String() string { s.mu.Lock(); defer s.mu.Unlock(); return s.text.String() }

func newWorld(t testing.TB, db *store.DB, limit RateLimit) *world {
	t.Helper()
	w := &world{World: gatetest.New(t, db), log: &said{}}
	v, err := authority.NewVerifier(db, w.Gate.Rand, w.Clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	s, err := schema.NewValidator()
	if err != nil {
		t.Fatal(err)
	}
	w.acts = program.New(program.Config{Gate: w.Gate, DB: db, Log: w.Log, Verifier: v, Schema: s, Now: w.Clock.Now})
	w.do(t, func(ctx context.Context, turn *gate.Turn) error {
		for _, p := range people {
			o, err := authority.Register(ctx, turn.Tx, turn, authority.NewOrg{Short: p.short, Name: strings.ToUpper(p.short) + " Inc", Roles: p.roles})
			if err != nil {
				return err
			}
			for _, name := range []string{p.user, p.admin} {
				n := authority.NewUser{Org: o.ID, Username: name, PHC: cheap(), Name: authority.PersonName{First: "First", Last: "Last", Middle: "M", Suffix: "S"}}
				if name == p.admin {
					n.Roles = []string{authority.Admin}
				}
				if _, err := authority.AddUser(ctx, turn.Tx, turn, n); err != nil {
					return err
				}
			}
		}
		return errors.Join(registry.OpenRange(ctx, turn.Tx, turn, 2025, event.Skip{}), registry.OpenRange(ctx, turn.Tx, turn, 2026, event.Skip{}))
	})
	srv := httptest.NewServer(Handler(Options{Acts: w.acts, Catalogue: w.Catalogue, Now: w.Clock.Now, Log: slog.New(slog.NewTextHandler(w.log, nil)), RateLimit: limit}))
	t.Cleanup(srv.Close)
	w.url = srv.URL
	return w
}

// do is a command of the operator.
func (w *world) do(t testing.TB, decide func(ctx context.Context, turn *gate.Turn) error) {
	t.Helper()
	if err := w.Gate.Do(context.Background(), gatetest.Importer, gate.Command{Action: authority.Act, Decide: decide}); err != nil {
		t.Fatal(err)
	}
}

// as signs a request: "acme/ann", "acme/ann wrong-key", "-" for nobody.
func as(r *http.Request, caller string) {
	name, key, given := strings.Cut(caller, " ")
	org, user, ok := strings.Cut(name, "/")
	if !ok {
		return
	}
	if !given {
		key = sharedKey
	}
	r.Header.Set("CVE-API-ORG", org)
	r.Header.Set("CVE-API-USER", user)
	r.Header.Set("CVE-API-KEY", key)
}

// stages are what a transcript may ask of the world besides HTTP, by the first word of the line.
var stages = map[string]func(t *testing.T, w *world, words []string){
	// clock 2h: turns the clock.
	"clock": func(t *testing.T, w *world, words []string) {
		d, err := time.ParseDuration(words[0])
		if err != nil {
			t.Fatal(err)
		}
		w.Clock.Add(d)
	},
	// left 2019 1 3: opens a year in which so many numbers are left of the priority and of the general block.
	"left": func(t *testing.T, w *world, words []string) {
		var year, priority, general int64
		if _, err := fmt.Sscan(strings.Join(words, " "), &year, &priority, &general); err != nil {
			t.Fatal(err)
		}
		w.do(t, func(ctx context.Context, turn *gate.Turn) error {
			return registry.OpenRange(ctx, turn.Tx, turn, year,
				event.Skip{Priority: registry.PriorityEnd - priority, General: registry.GeneralEnd - general})
		})
	},
	// users acme 97: adds so many users.
	"users": func(t *testing.T, w *world, words []string) {
		var n int
		if _, err := fmt.Sscan(words[1], &n); err != nil {
			t.Fatal(err)
		}
		w.do(t, func(ctx context.Context, turn *gate.Turn) error {
			o, err := authority.GetOrg(ctx, turn.Tx, turn.Now(), words[0])
			for i := 0; i < n && err == nil; i++ {
				_, err = authority.AddUser(ctx, turn.Tx, turn, authority.NewUser{Org: o.ID, Username: fmt.Sprintf("extra-%03d", i), PHC: cheap()})
			}
			return err
		})
	},
	// orgs 500: registers so many organisations.
	"orgs": func(t *testing.T, w *world, words []string) {
		var n int
		if _, err := fmt.Sscan(words[0], &n); err != nil {
			t.Fatal(err)
		}
		w.do(t, func(ctx context.Context, turn *gate.Turn) error {
			for i := range n {
				if _, err := authority.Register(ctx, turn.Tx, turn, authority.NewOrg{Short: fmt.Sprintf("zz-%04d", i), Name: "Filler"}); err != nil {
					return err
				}
			}
			return nil
		})
	},
	// import FILE…: brings documents of testdata in, as from another list.
	"import": func(t *testing.T, w *world, words []string) {
		for _, name := range words {
			w.Import(t, readFile(t, "testdata/"+name))
		}
	},
}
