// Package storetest runs a storage test on both engines. PostgreSQL comes from Debian's package: a private cluster in a
// temporary folder, started once per test process as a non-root user, reached through a Unix socket only.
package storetest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"tasuki/internal/store"
)

// Each runs fn on a fresh SQLite store and on a fresh PostgreSQL database, as subtests "sqlite" and "postgres". Where
// PostgreSQL is absent the second is skipped, unless CI=true, where absence is a failure.
func Each(t *testing.T, fn func(t *testing.T, db *store.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { fn(t, Open(t, SQLite(t))) })
	t.Run("postgres", func(t *testing.T) { fn(t, Open(t, Postgres(t))) })
}

// SQLite is the path of a store that does not exist yet, in the test's own folder.
func SQLite(t testing.TB) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "store.db")
}

// Open opens the store at dsn and closes it when the test ends.
func Open(t testing.TB, dsn string) *store.DB {
	t.Helper()
	db, err := store.Open(context.Background(), dsn, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return db
}

var databases atomic.Int64

// Postgres is the address of a fresh, empty database.
func Postgres(t testing.TB) string {
	t.Helper()
	c, err := theCluster()
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("PostgreSQL is required in CI: %v", err)
		}
		t.Skipf("PostgreSQL is not available: %v", err)
	}
	name := fmt.Sprintf("t%d", databases.Add(1))
	if err := c.create(name); err != nil {
		t.Fatal(err)
	}
	return c.dsn(name)
}
