// Package jobs is the mechanism of work that goes on beside requests: which job runs when and on which node (Runner),
// where a job left off (Cursors), and what a feed could not take in (Refusals). All of it is operational: a store that
// loses these tables runs every job again from the beginning and tells nobody anything false.
package jobs

import (
	"embed"
	"io/fs"

	"tasuki/internal/store"
)

//go:embed schema/*.sql
var schema embed.FS

//go:embed sql/*.sql
var sqlFiles embed.FS

var queries = store.Load(sqlFiles, "sql")

// Schema holds the migrations of this package's tables, for store.DB.Migrate.
func Schema() fs.FS {
	sub, err := fs.Sub(schema, "schema")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return sub
}
