package cvelist

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"tasuki/internal/catalogue"
	"tasuki/internal/gate/gatetest"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
	"tasuki/spec/cve"
)

// listed is a real list behind its gate, as publications ask for it.
type listed struct {
	*catalogue.Service
	w *gatetest.World
}

func (l listed) ID() string { return gatetest.List }
func (l listed) Test() bool { return true }

func (l listed) Published(ctx context.Context) (c Checkpoint, err error) {
	err = l.w.DB.View(ctx, func(tx *store.Tx) error {
		h, err := l.w.Log.Head(ctx, tx)
		c = Checkpoint{Size: h.Size, Root: h.Root(), Note: fmt.Appendf(nil, "test\n%d\n", h.Size)}
		return err
	})
	return c, err
}

func (l listed) At(ctx context.Context, size int64) (Moment, error) {
	m := Moment{Size: size}
	if size > 0 {
		at, err := l.Resolve(ctx, catalogue.At{Size: size})
		if err != nil {
			return m, err
		}
		m.Time = at.Time
	}
	err := l.w.DB.View(ctx, func(tx *store.Tx) error {
		root, err := l.w.Log.RootAt(ctx, tx, size)
		m.Root = root
		return err
	})
	return m, err
}

func (l listed) SizeAt(ctx context.Context, at time.Time) (int64, error) {
	m, err := l.Resolve(ctx, catalogue.At{Time: at})
	return m.Size, err
}

// The catalogue, on both engines, gives what the properties' world gives: repositories and archives of real lists hold what the list
// says record by record, whatever was imported, corrected, rejected, brought back and erased.
func TestRealLists(t *testing.T) {
	needGit(t)
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := gatetest.New(t, db)
		l := listed{w.Catalogue, w}
		dice := rand.New(rand.NewPCG(11, 11))
		g := newGit(t, l)
		z := &Zips{Source: l, Dir: t.TempDir(), volatile: true}
		leaves := map[string]int64{} // the newest of each record
		dates := 0
		document := func(id string) []byte {
			dates++
			state, body := "PUBLISHED", `"descriptions":[{"lang":"en","value":"A flaw."}]`
			if dice.IntN(4) == 0 {
				state, body = "REJECTED", `"rejectedReasons":[{"lang":"en","value":"None."}]`
			}
			at := cve.FormatTime(time.Date(2026, 1, 1, 0, dates, 0, 0, time.UTC))
			return fmt.Appendf(nil, "{\n \"dataType\":\"CVE_RECORD\",\"dataVersion\":\"5.1\",\"cveMetadata\":{\"cveId\":%q,\"assignerOrgId\":%q,\"state\":%q,\"dateUpdated\":%q},"+
				"\"containers\":{\"cna\":{\"providerMetadata\":{\"orgId\":%q},%s}}}", id, "22222222-2222-4222-8222-222222222222", state, at, "22222222-2222-4222-8222-222222222222", body)
		}
		rewritten, proofs := 0, 0
		var baselines []string
		rounds := 16
		if testing.Short() {
			rounds = 10
		}
		for range rounds {
			for range 1 + dice.IntN(6) {
				w.Clock.Add(time.Duration(dice.Int64N(int64(3 * time.Hour))))
				id := fmt.Sprintf("CVE-2026-%04d", 985+dice.IntN(30))
				if leaf, ok := leaves[id]; ok && dice.IntN(4) == 0 {
					w.Erase(t, leaf)
					delete(leaves, id)
					continue
				}
				leaves[id] = w.Size(t)
				w.Import(t, document(id))
			}
			size := w.Size(t)
			if got := publishGit(t, g); got.Rewritten {
				rewritten++
			}
			want := map[string]string{}
			for n := range 30 {
				id := cve.ID{Year: 2026, Number: uint64(985 + n)}
				v, err := w.Catalogue.GetAt(t.Context(), id.String(), catalogue.At{Size: size})
				if errors.Is(err, catalogue.ErrNotFound) || errors.Is(err, catalogue.ErrErased) {
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				raw, err := v.Raw()
				if err != nil {
					t.Fatal(err)
				}
				want[id.Path()] = string(raw)
			}
			if d := differs(tree(t, g.Dir, Branch), want); d != "" {
				t.Fatalf("size %d: %s", size, d)
			}
			if _, err := z.Publish(t.Context(), w.Clock.Now()); err != nil {
				t.Fatal(err)
			}
			hour := w.Clock.Now().Truncate(time.Hour)
			today := hour.Truncate(day)
			now := filepath.Join(z.Dir, hourTag(hour), baselineName(today))
			if n := len(baselines); n == 0 || filepath.Base(baselines[n-1]) != filepath.Base(now) {
				if n > 0 && filepath.Base(baselines[n-1]) == baselineName(today.Add(-day)) {
					v := Verification{Baseline: baselines[n-1], Deltas: []string{filepath.Join(z.Dir, endTag(today.Add(-day)), endName(today.Add(-day)))}, Next: now}
					if got, err := v.Run(t.Context()); err != nil || !got.Proved || len(got.Erased) > 0 {
						t.Fatalf("%+v %v", got, err)
					}
					proofs++
				}
				baselines = append(baselines, now)
			}
		}
		fsck(t, g.Dir)
		if rewritten == 0 || proofs == 0 {
			t.Errorf("%d rewritten, %d proofs: the history was too poor to show much", rewritten, proofs)
		}
	})
}
