package store_test

import (
	"errors"
	"testing"
	"testing/fstest"

	"golang.org/x/sync/errgroup"

	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

// Packages own blocks of numbers: the second file of one package comes after, and is numbered below, the first of
// another.
func TestMigrationsOfABlockComeLater(t *testing.T) {
	table := func(name string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte("CREATE TABLE " + name + " (n BIGINT PRIMARY KEY)")}
	}
	registry := fstest.MapFS{"0010_registry.sql": table("ten")}
	grown := fstest.MapFS{"0010_registry.sql": table("ten"), "0011_more.sql": table("eleven")}
	audit := fstest.MapFS{"0040_audit.sql": table("forty")}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		if err := db.Migrate(ctx, registry, audit); err != nil {
			t.Fatal(err)
		}
		if err := db.Migrate(ctx, grown, audit); err != nil {
			t.Fatalf("a new file below an applied one: %v", err)
		}
		err := db.Update(ctx, func(tx *store.Tx) error {
			_, err := tx.Exec(ctx, store.Inline("eleven", "INSERT INTO eleven (n) VALUES (1)"))
			return err
		})
		if err != nil {
			t.Fatalf("the new file's table: %v", err)
		}
		if err := db.Migrate(ctx, registry, audit); !errors.Is(err, store.ErrNewer) {
			t.Fatalf("an older program got %v, want ErrNewer", err)
		}
		if err := db.Migrate(ctx, grown, audit); err != nil {
			t.Fatalf("once more: %v", err)
		}
	})
}

// Nodes of one cluster may start together on an empty database.
func TestNodesMigrateTogether(t *testing.T) {
	dsn := storetest.Postgres(t)
	const nodes = 6
	// The pause lets every node that does not wait for its turn see the file as not yet applied.
	slow := fstest.MapFS{"0001_slow.sql": {}, "0001_slow.postgres.sql": {Data: []byte("SELECT pg_sleep(0.3); CREATE TABLE slow (n BIGINT)")}}
	start := make(chan struct{})
	var g errgroup.Group
	for range nodes {
		db := storetest.Open(t, dsn)
		g.Go(func() error {
			<-start
			return db.Migrate(t.Context(), slow)
		})
	}
	close(start)
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
}
