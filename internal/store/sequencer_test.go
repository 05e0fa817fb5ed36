package store_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

var (
	insert = store.Inline("insert", `INSERT INTO kv (k, n) VALUES (?, ?)`)
	read   = store.Inline("read", `SELECT n FROM kv WHERE k = ?`)
)

// Commands of any shape, many at once: writes that are waited for and writes that nobody waits for, keys that are taken, refusals at any point,
// more writes than wait at a time. Each has the outcome that it would have alone, and the tables and the state hold what the kept ones did.
func TestOutcomesAreEachCommandsOwn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		migrated(t, db)
		s, commits := counting(db)
		defer s.Close()
		if err := db.Update(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), insert, "taken", 0)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		boom := errors.New("refused")
		var mu sync.Mutex
		written, kept, refused, again := 1, 0, 0, 0
		var wg sync.WaitGroup
		for w := range 24 {
			random := rand.New(rand.NewPCG(7, uint64(w)))
			wg.Go(func() {
				for i := range 60 {
					// What the command does is drawn beforehand: it may run twice.
					steps := make([]int, random.IntN(6))
					rows, fails := 0, false
					for j := range steps {
						steps[j] = random.IntN(12)
						if i%20 == 3 && steps[j] == 4 {
							steps[j] = 300
						}
						switch n := steps[j]; {
						case n >= 10 && n < 300:
							fails = true
						case n >= 4 && n < 10:
							rows++
						case n == 300:
							rows += n
						}
					}
					runs := 0
					err := s.Do(t.Context(), func(ctx context.Context, tx *store.Tx, n *int64) error {
						runs++
						*n++
						for j, step := range steps {
							key := fmt.Sprintf("%d/%d/%d", w, i, j)
							var err error
							switch {
							case step < 4:
								var had int64
								if err = tx.QueryRow(ctx, read, "taken").Scan(&had); err == nil && had != 0 {
									err = errors.New("it reads what was refused")
								}
							case step < 10:
								_, err = tx.Exec(ctx, insert, key, 1)
							case step == 10:
								_, err = tx.Exec(ctx, insert, "taken", 1)
							case step == 300:
								for k := range step {
									if _, err = tx.Exec(ctx, insert, fmt.Sprint(key, "/", k), 1); err != nil {
										break
									}
								}
							default:
								err = boom
							}
							if err != nil {
								return err
							}
						}
						return nil
					})
					mu.Lock()
					if err == nil {
						written += rows
						kept++
					} else {
						refused++
					}
					again += runs - 1
					if (err != nil) != fails || runs == 0 || runs > 1 && db.Engine() != store.Postgres {
						t.Errorf("%v: %v after %d runs", steps, err, runs)
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		state, groups := commits()
		if n := rows(t, db); n != written || state != int64(kept) {
			t.Errorf("%d rows and state %d, want %d and %d", n, state, written, kept)
		}
		if db.Engine() == store.Postgres && again == 0 {
			t.Error("nobody had to run again: no write failed late")
		}
		if kept < 200 || refused < 200 || groups >= kept {
			t.Errorf("%d kept, %d refused, %d commits say little", kept, refused, groups)
		}
	})
}
