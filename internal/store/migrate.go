package store

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
	"github.com/pressly/goose/v3/lock"
)

// Migrate brings the schema forward. Each source holds NNNN_name.sql files at its root (numbers are unique over all
// sources); NNNN_name.postgres.sql, where present, replaces that file on PostgreSQL. Each file is one transaction.
// A store in which any other file was applied is left alone and answers ErrNewer. Several nodes may call it at once.
func (db *DB) Migrate(ctx context.Context, sources ...fs.FS) error {
	files, err := migrationFiles(db.engine, sources)
	if err != nil {
		return err
	}
	if db.write == nil {
		return ErrReadOnly
	}
	dialect := database.DialectSQLite3
	if db.engine == Postgres {
		dialect = database.DialectPostgres
	}
	var all []*goose.Migration
	for _, f := range files {
		all = append(all, goose.NewGoMigration(f.number, &goose.GoFunc{RunTx: func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, f.text)
			return err
		}}, nil))
	}
	// Migrations run on a handle of their own: the writer's only connection may be in use by whoever opened the store.
	driver, source := "pgx", db.dsn
	if db.engine == SQLite {
		driver, source = "sqlite", sqliteSource(db.dsn, true)
	}
	handle, err := sql.Open(driver, source)
	if err != nil {
		return fmt.Errorf("migrate %s: %w", db.Name(), err)
	}
	defer handle.Close() //nolint:errcheck // nothing is pending on it
	handle.SetMaxOpenConns(1)
	if db.engine == Postgres {
		// Nodes that start together take turns: an empty store is everybody's to migrate. goose's own session lock covers
		// only Up, and reading what is applied creates its table. The lock belongs to a session of its own and ends with it.
		handle.SetMaxOpenConns(2)
		turn, err := handle.Conn(ctx)
		if err != nil {
			return fmt.Errorf("migrate %s: %w", db.Name(), err)
		}
		defer turn.Close() //nolint:errcheck // closing the handle ends the session
		if _, err := turn.ExecContext(ctx, "SELECT pg_advisory_lock($1)", lock.DefaultLockID); err != nil {
			return fmt.Errorf("migrate %s: wait for another node: %w", db.Name(), err)
		}
	}
	// Numbers are blocks, one per package, so a later file of one package stands below earlier ones of another.
	p, err := goose.NewProvider(dialect, handle, nil, goose.WithGoMigrations(all...), goose.WithDisableGlobalRegistry(true),
		goose.WithAllowOutofOrder(true))
	if err != nil {
		return fmt.Errorf("migrate %s: %w", db.Name(), err)
	}
	have, err := p.GetDBVersion(ctx) // creates goose's table where it is missing
	if err != nil {
		return fmt.Errorf("migrate %s: %w", db.Name(), err)
	}
	if err := foreign(ctx, dialect, handle, files); err != nil {
		return fmt.Errorf("migrate %s: %w", db.Name(), err)
	}
	done, err := p.Up(ctx)
	if err != nil {
		return fmt.Errorf("migrate %s: %w", db.Name(), err)
	}
	if len(done) > 0 && have > 0 {
		var names []string
		for _, d := range done {
			i := slices.IndexFunc(files, func(f migration) bool { return f.number == d.Source.Version })
			names = append(names, files[i].name)
		}
		db.log.InfoContext(ctx, "store migrated", "files", names)
	}
	return nil
}

// foreign answers ErrNewer when a migration was applied that is not among files. Comparing the highest numbers would
// overlook a new file in the block of one package.
func foreign(ctx context.Context, dialect database.Dialect, handle *sql.DB, files []migration) error {
	st, err := database.NewStore(dialect, goose.DefaultTablename)
	if err != nil {
		return err
	}
	applied, err := st.ListMigrations(ctx, handle)
	if err != nil {
		return err
	}
	for _, a := range applied {
		known := slices.ContainsFunc(files, func(f migration) bool { return f.number == a.Version })
		if a.Version != 0 && !known { // goose itself enters 0
			return fmt.Errorf("%w: migration %d is applied, which this program does not know", ErrNewer, a.Version)
		}
	}
	return nil
}

type migration struct {
	number int64
	name   string
	text   string
}

func migrationFiles(e Engine, sources []fs.FS) ([]migration, error) {
	byName := map[string]*migration{}
	override := map[string]string{}
	for _, src := range sources {
		names, err := fs.Glob(src, "*.sql")
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			raw, err := fs.ReadFile(src, name)
			if err != nil {
				return nil, err
			}
			if base, ok := strings.CutSuffix(name, ".postgres.sql"); ok {
				override[base] = string(raw)
				continue
			}
			base := strings.TrimSuffix(name, ".sql")
			digits, _, _ := strings.Cut(base, "_")
			n, err := strconv.ParseInt(digits, 10, 64)
			if err != nil || n <= 0 {
				return nil, fmt.Errorf("store: migration %s has no number", name)
			}
			byName[base] = &migration{number: n, name: base, text: string(raw)}
		}
	}
	var out []migration
	seen := map[int64]string{}
	for base, m := range byName {
		if other, ok := seen[m.number]; ok {
			return nil, fmt.Errorf("store: migrations %s and %s share a number", other, base)
		}
		seen[m.number] = base
		if text, ok := override[base]; ok && e == Postgres {
			m.text = text
		}
		out = append(out, *m)
	}
	for base := range override {
		if byName[base] == nil {
			return nil, fmt.Errorf("store: %s.postgres.sql overrides nothing", base)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("store: no migrations given")
	}
	slices.SortFunc(out, func(a, b migration) int { return int(a.number - b.number) })
	return out, nil
}
