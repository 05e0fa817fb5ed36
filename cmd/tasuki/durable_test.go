package main

import (
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"modernc.org/sqlite"

	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

// Every connection to SQLite that the program opens and that could commit does so with synchronous=FULL: the writer's, the one
// that migrations have for themselves, and whatever else comes to be. The driver shows them to the worker, which refuses the others.
func TestCommittingConnectionsSync(t *testing.T) {
	var all, committing int
	for _, line := range undisturbed(t, crashJob{Dir: filepath.Join(t.TempDir(), "data"), Run: 1, Writes: 1}) {
		_, _ = fmt.Sscanf(line, "connections %d %d", &all, &committing)
		if strings.HasPrefix(line, "error") {
			t.Error(line)
		}
	}
	if committing < 2 || all <= committing {
		t.Errorf("%d connections were seen, %d of them committing: the writer, the migrations and a reader are at least three", all, committing)
	}
}

func TestRequireFullSyncRefuses(t *testing.T) {
	var d sqlite.Driver
	d.RegisterConnectionHook(requireFullSync)
	sql.Register("sqlite-durable-test", &d)
	name := filepath.Join(t.TempDir(), "a.db")
	for source, refused := range map[string]bool{
		"?_pragma=synchronous(FULL)":                             false,
		"?_pragma=synchronous(EXTRA)":                            false,
		"?_pragma=synchronous(NORMAL)":                           true,
		"?_pragma=synchronous(OFF)":                              true,
		"?_pragma=synchronous(NORMAL)&_pragma=query_only(1)":     false,
		"?_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)": true,
	} {
		db, err := sql.Open("sqlite-durable-test", "file:"+name+source)
		if err != nil {
			t.Fatal(err)
		}
		if err := db.PingContext(t.Context()); (err != nil) != refused {
			t.Errorf("%s: %v", source, err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

// On PostgreSQL a commit returns after its log record is on the server's disk.
func TestPostgresCommitsSync(t *testing.T) {
	db := storetest.Open(t, storetest.Postgres(t))
	var mode string
	err := db.Update(t.Context(), func(tx *store.Tx) error {
		return tx.QueryRow(t.Context(), store.Inline("mode", "SHOW synchronous_commit")).Scan(&mode)
	})
	if err != nil || mode == "off" {
		t.Errorf("synchronous_commit is %q: %v", mode, err)
	}
}

// A database, role or connection that does not wait is refused before anything is written.
func TestPostgresThatDoesNotSyncIsRefused(t *testing.T) {
	dsn := storetest.Postgres(t)
	for mode, refused := range map[string]bool{"off": true, "local": true, "remote_write": false, "on": false} {
		db, err := store.Open(t.Context(), dsn+"&synchronous_commit="+mode, store.Options{})
		if errors.Is(err, store.ErrNotDurable) != refused {
			t.Errorf("synchronous_commit=%s: %v", mode, err)
		}
		if err == nil {
			err = db.Close()
		}
		if err != nil && !refused {
			t.Errorf("synchronous_commit=%s: %v", mode, err)
		}
	}
}
