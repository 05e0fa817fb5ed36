package program_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"tasuki/internal/authority"
	"tasuki/internal/drafts"
	"tasuki/internal/gate"
	"tasuki/internal/ledger"
	"tasuki/internal/program"
	"tasuki/internal/registry"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

// person is somebody whose every trace carries a mark, and what must be found nowhere once they are erased.
type person struct {
	caller authority.Caller
	marks  []string
}

// settle makes a person with everything that a person can leave behind.
func (w *tree) settle(t *testing.T) person {
	t.Helper()
	ctx := t.Context()
	const name = "zzyzx.marker@acme.example"
	u, key, err := w.AddUser(ctx, operator, "acme", authority.NewUser{Username: name, Name: authority.PersonName{First: "Zzyzx", Last: "Vrtlmarker"},
		Roles: []string{authority.Admin}})
	if err != nil {
		t.Fatal(err)
	}
	p := person{caller: authority.Caller{Role: authority.Member, Org: u.Org, User: u.ID}, marks: []string{"zzyzx", "Zzyzx", "Vrtlmarker", u.ID}}
	if _, err := w.Login(ctx, "acme", name, key, "198.51.100.77"); err != nil {
		t.Fatal(err)
	}
	if err := w.Verifier.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	token, err := w.Sessions().Open(ctx, authority.Credentials{Org: "acme", User: name, Key: key}, authority.Client{Source: "198.51.100.77",
		Agent: "Zzyzxbrowser/7"})
	if err != nil {
		t.Fatal(err)
	}
	p.marks = append(p.marks, "198.51.100.77", token)
	if _, err := w.ResetSecret(ctx, p.caller, "acme", name); err != nil {
		t.Fatal(err)
	}
	middle := "Zzyzxmiddle"
	if _, err := w.ChangeUser(ctx, operator, "acme", name, authority.UserChange{Middle: &middle}, nil); err != nil {
		t.Fatal(err)
	}
	batch := "sequential"
	if _, err := w.Reserve(ctx, p.caller, program.Reservation{Owner: "acme", Year: 2026, Amount: 5, Batch: &batch}); err != nil {
		t.Fatal(err)
	}
	if err := w.OpenRange(ctx, p.caller, 2027); !errors.Is(err, authority.ErrDenied) { // the audit trail
		t.Fatal(err)
	}
	w.turn(t, func(ctx context.Context, t *gate.Turn) error {
		for _, list := range [][]authority.Contact{
			{{Name: "Zzyzx Vrtlmarker", Email: "desk@acme.example"}},
			{{Name: "Desk", Email: "desk@acme.example"}, {Name: "Z.", Email: strings.ToUpper(name), Phone: "+81-3-zzyzx"}},
		} {
			if err := authority.SetContacts(ctx, t.Tx, t, u.Org, list); err != nil {
				return err
			}
		}
		return nil
	})
	if _, err := (&drafts.Service{DB: w.DB, Now: w.Clock.Now}).Save(ctx, u.ID, drafts.Draft{Org: u.Org, Subject: "CVE-2026-1",
		Body: []byte(`{"title":"Zzyzxdraft"}`)}); err != nil {
		t.Fatal(err)
	}
	var phcs []string
	w.rows(t, "SELECT phc FROM authority_secret", &phcs)
	p.marks = append(p.marks, phcs[len(phcs)-1], phcs[len(phcs)-2])
	return p
}

func (w *tree) turn(t *testing.T, do func(ctx context.Context, t *gate.Turn) error) {
	t.Helper()
	if err := w.Gate.Do(t.Context(), operator, gate.Command{Action: authority.Act, Decide: do}); err != nil {
		t.Fatal(err)
	}
}

// rows reads texts.
func (w *tree) rows(t *testing.T, query string, into *[]string) {
	t.Helper()
	err := w.DB.View(t.Context(), func(tx *store.Tx) error {
		rows, err := tx.Query(t.Context(), store.Inline("test", query))
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // Err says
		for rows.Next() {
			var raw []byte
			if err := rows.Scan(&raw); err != nil {
				return err
			}
			*into = append(*into, string(raw))
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
}

// roots are the log's at every size.
func (w *tree) roots(t *testing.T, size int64) (out [][32]byte) {
	t.Helper()
	err := w.DB.View(t.Context(), func(tx *store.Tx) error {
		for n := int64(1); n <= size; n++ {
			root, err := w.Log.RootAt(t.Context(), tx, n)
			if err != nil {
				return err
			}
			out = append(out, [32]byte(root))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// raw is everything that the engine keeps in files, but PostgreSQL's write-ahead log, which the documentation speaks of.
func (w *tree) raw(t *testing.T, dsn string) (out map[string][]byte) {
	t.Helper()
	out = map[string][]byte{}
	if w.DB.Engine() == store.SQLite {
		files, err := filepath.Glob(filepath.Join(filepath.Dir(dsn), "*"))
		if err != nil || len(files) < 2 {
			t.Fatalf("%q (%v)", files, err)
		}
		for _, f := range files {
			if out[f], err = os.ReadFile(f); err != nil {
				t.Fatal(err)
			}
		}
		return out
	}
	var names, files []string
	const relations = " FROM pg_class c WHERE pg_relation_filepath(c.oid) IS NOT NULL AND relkind IN ('r', 'i', 't') ORDER BY c.oid"
	w.rows(t, "SELECT c.oid::regclass::text"+relations, &names)
	w.rows(t, "SELECT pg_read_binary_file(pg_relation_filepath(c.oid))"+relations, &files)
	for i := range names {
		out[names[i]] = []byte(files[i])
	}
	return out
}

func (w *tree) exec(t *testing.T, dsn, statement string) {
	t.Helper()
	outside := storetest.Open(t, dsn)
	if err := outside.Update(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(t.Context(), store.Inline("test", statement))
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// escrowed lets the list have an escrow, and returns what gives the ciphertexts whose bodies name somebody: the last bytes of each.
func (w *tree) escrowed(t *testing.T) func(of string) []string {
	t.Helper()
	k, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	e, err := ledger.NewEscrow([]string{k.Recipient().String()})
	if err != nil {
		t.Fatal(err)
	}
	w.Gate.SetEscrow(e)
	if _, err := w.Log.SealAll(t.Context(), e, nil); err != nil {
		t.Fatal(err)
	}
	return func(of string) (out []string) {
		size := w.Size(t)
		err := w.DB.View(t.Context(), func(tx *store.Tx) error {
			list, err := w.Log.Escrowed(t.Context(), tx, 0, size, 1_000)
			for _, s := range list {
				p, perr := w.Log.Private(t.Context(), tx, s.Leaf)
				if perr != nil {
					t.Fatal(perr)
				}
				got, oerr := ledger.OpenEscrow([]age.Identity{k}, s.Ciphertext, p.Hash())
				if oerr != nil || !bytes.Equal(got.Body, p.Body) {
					t.Fatalf("leaf %d: %v", s.Leaf, oerr)
				}
				if bytes.Contains(got.Body, []byte(of)) || bytes.Contains(bytes.ToLower(got.Body), []byte("zyzx")) {
					out = append(out, string(s.Ciphertext[len(s.Ciphertext)-40:]))
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
}

func find(raw map[string][]byte, marks []string) (out []string) {
	for name, bytesOf := range raw {
		for _, m := range marks {
			if bytes.Contains(bytesOf, []byte(m)) {
				out = append(out, name+" holds "+m)
			}
		}
	}
	return out
}

// Whoever is erased is in no table, no file and no log; the tables equal those of a replay of the erased log, and the root of every
// earlier size is what it was.
func TestErasePerson(t *testing.T) {
	for _, engine := range []struct {
		name string
		dsn  func(testing.TB) string
	}{{"sqlite", storetest.SQLite}, {"postgres", storetest.Postgres}} {
		t.Run(engine.name, func(t *testing.T) {
			dsn := engine.dsn(t)
			w, ctx := newTree(t, storetest.Open(t, dsn)), t.Context()
			var logged bytes.Buffer
			w.Gate.Logger = slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
			opened := w.escrowed(t)
			p := w.settle(t)
			if w.DB.Engine() == store.Postgres {
				w.exec(t, dsn, "ANALYZE") // what the server does by itself, sooner or later: samples of columns go elsewhere
				w.exec(t, dsn, "CHECKPOINT")
			} else if err := w.DB.Scrub(ctx); err != nil { // into the file; what follows goes into the write-ahead log
				t.Fatal(err)
			}
			if _, err := w.ResetSecret(ctx, operator, "acme", "zzyzx.marker@acme.example"); err != nil {
				t.Fatal(err)
			}
			if found := find(w.raw(t, dsn), p.marks); len(found) < 8 {
				t.Fatalf("the search finds too little before: %q", found)
			}
			if engine.name == "postgres" {
				w.exec(t, dsn, "CHECKPOINT")
			}
			ciphertexts := opened(p.caller.User)
			if found := find(w.raw(t, dsn), ciphertexts); len(ciphertexts) < 12 || len(found) < len(ciphertexts) {
				t.Fatalf("%d ciphertexts speak of them, %d of them are found in files", len(ciphertexts), len(found))
			}
			p.marks = append(p.marks, ciphertexts...)
			size := w.Size(t)
			before := w.roots(t, size)
			if _, err := w.ErasePerson(ctx, w.callers["root1"], "acme", "zzyzx.marker@acme.example"); !errors.Is(err, authority.ErrNotSecretariat) {
				t.Fatalf("a Root erases: %v", err)
			}
			got, err := w.ErasePerson(ctx, w.callers["secretariat"], "acme", "zzyzx.marker@acme.example")
			if err != nil {
				t.Fatal(err)
			}
			// Two states, three secrets, two lists of contacts, five requests.
			if got.Leaves != 12 || got.User != p.caller.User || w.Size(t) != size+13 {
				t.Errorf("%+v, %d leaves more", got, w.Size(t)-size)
			}
			if w.DB.Engine() == store.Postgres {
				w.exec(t, dsn, "CHECKPOINT")
			}
			if found := find(w.raw(t, dsn), p.marks); len(found) > 0 {
				t.Errorf("left behind: %q", found)
			}
			if strings.Contains(logged.String(), "zyzx") {
				t.Errorf("logged: %s", logged.String())
			}
			after := w.roots(t, size)
			for n := range before {
				if before[n] != after[n] {
					t.Fatalf("the root at %d changed", n+1)
				}
			}
			w.replayed(t)
			if _, err := w.Standing(ctx, p.caller); !errors.Is(err, authority.ErrUnauthorized) {
				t.Errorf("they can still act: %v", err)
			}
			ids, total, err := w.IDsOf(ctx, w.callers["acme"], "acme", registry.Filter{Limit: 10})
			if err != nil || total != 5 || ids[0].RequesterUser != "" {
				t.Errorf("%d identifiers, %+v (%v)", total, ids, err)
			}
			if err := w.DB.View(ctx, func(tx *store.Tx) error {
				list, err := authority.Contacts(ctx, tx, p.caller.Org)
				if err == nil && (len(list) != 1 || list[0].Name != "Desk") {
					t.Errorf("contacts: %+v", list)
				}
				return err
			}); err != nil {
				t.Fatal(err)
			}
			if _, err := w.ErasePerson(ctx, operator, "acme", "zzyzx.marker@acme.example"); !errors.Is(err, authority.ErrNoUser) {
				t.Errorf("erased again: %v", err)
			}
		})
	}
}
