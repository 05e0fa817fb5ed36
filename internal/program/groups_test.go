package program_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"tasuki/internal/authority"
	"tasuki/internal/gate"
	"tasuki/internal/gate/gatetest"
	"tasuki/internal/program"
	"tasuki/internal/registry"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
	"tasuki/spec/cve"
)

var errChanged = errors.New("changed their mind")

// Commands of one group share what they remember. What many at once did, some of them undone half way, and an import between them that
// takes numbers away, is what the log says when it is folded by a transaction that remembers nothing.
func TestGroupsRememberRight(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		var mu sync.Mutex
		given := map[string]bool{}
		pick := func(r *rand.Rand) string {
			mu.Lock()
			defer mu.Unlock()
			n := r.IntN(len(given) + 1)
			for id := range given {
				if n--; n <= 0 {
					return id
				}
			}
			return "CVE-2026-0001"
		}
		act := func(r *rand.Rand) (string, error) {
			short := []string{"acme", "other", "secretariat"}[r.IntN(3)]
			c, id := w.callers[short], pick(r)
			sub := program.Submission{ID: id, Container: jsontext.Value(container), Want: program.Want(r.IntN(2))}
			switch k := r.IntN(9); k {
			case 0, 1, 2:
				batch := []*string{nil, new("sequential"), new("nonsequential")}[k]
				amount := int64(1)
				if batch != nil {
					amount += r.Int64N(4)
				}
				out, err := w.Reserve(t.Context(), c, program.Reservation{Owner: short, Year: 2026, Amount: amount, Batch: batch})
				mu.Lock()
				defer mu.Unlock()
				for _, i := range out.IDs {
					if given[i.ID] {
						t.Errorf("%s was given out twice", i.ID)
					}
					given[i.ID] = true
				}
				return "reserve", err
			case 3, 4:
				_, err := w.Publish(t.Context(), c, sub)
				return "publish", err
			case 5:
				to := cve.Rejected
				if r.IntN(2) == 0 {
					to = cve.Reserved
				}
				_, err := w.ChangeID(t.Context(), c, id, program.IDChange{State: &to})
				return "state", err
			case 6:
				_, err := w.ChangeID(t.Context(), c, id, program.IDChange{Org: new([]string{"acme", "other"}[r.IntN(2)])})
				return "transfer", err
			case 7: // emits, and is undone
				return "undo", w.Gate.Do(t.Context(), operator, gate.Command{Action: authority.Act, Decide: func(ctx context.Context, turn *gate.Turn) error {
					_, err := registry.Reserve(ctx, turn.Tx, turn, registry.Reservation{Year: 2026, Amount: 2, Batch: registry.Sequential, Owner: c.Org,
						ByOrg: c.Org, ByUser: c.User})
					if err != nil {
						return err
					}
					return errChanged
				}})
			default: // a number that comes next, or soon
				number := r.IntN(80) + 1
				if r.IntN(2) == 0 {
					number += registry.PriorityEnd
				}
				raw := fmt.Sprintf(`{"dataType":"CVE_RECORD","dataVersion":"5.2","cveMetadata":{"cveId":"CVE-2026-%04d","assignerOrgId":%q,"state":"PUBLISHED"},`+
					`"containers":{"cna":%s}}`, number, gatetest.Operator, container)
				doc, err := w.Gate.Pack("record.imported", []byte(raw))
				if err != nil {
					return "pack", err
				}
				return "import", w.Gate.Do(t.Context(), gatetest.Importer, gate.Command{Action: authority.Import, Bulk: true,
					Decide: func(ctx context.Context, turn *gate.Turn) error {
						_, _, err := registry.Import(ctx, turn.Tx, doc, false, turn.Now(), turn.Emit)
						return err
					}})
			}
		}
		done := map[string]int{}
		var people sync.WaitGroup
		for n := range uint64(12) {
			people.Go(func() {
				r := rand.New(rand.NewPCG(n, 1))
				for range 30 {
					what, err := act(r)
					mu.Lock()
					switch {
					case err == nil:
						done[what]++
					case !errors.Is(err, errChanged) && !errors.Is(err, authority.ErrDenied) && !errors.Is(err, program.ErrRecordExists) &&
						!errors.Is(err, registry.ErrNoRecord) && !errors.Is(err, registry.ErrHasRecord):
						t.Errorf("%s: %v", what, err)
					}
					mu.Unlock()
				}
			})
		}
		people.Wait()
		for _, what := range []string{"reserve", "publish", "state", "transfer", "import"} {
			if done[what] == 0 {
				t.Errorf("nobody came through with %s: %v", what, done)
			}
		}
		if out, err := w.Gate.Replay(t.Context(), false, nil); err != nil {
			t.Errorf("%+v: %v", out, err)
		}
	})
}
