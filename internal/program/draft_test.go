package program_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"tasuki/internal/authority"
	"tasuki/internal/program"
	"tasuki/internal/registry"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
	"tasuki/spec/cve"
)

var (
	byADP      = jsontext.Value(`{"title":"seen","references":[{"url":"https://adp.test/1"}]}`)
	asRejected = jsontext.Value(`{"rejectedReasons":[{"lang":"en","value":"A duplicate."}]}`)
)

// between lets something happen after a submission was read and judged, before its transaction begins.
func (w *world) between(happens func()) {
	calls := 0
	now := w.Service.Now
	w.Service.Now = func() time.Time {
		if calls++; calls == 3 { // who asks, what is there, how it would be: from then on nothing is read before the transaction
			w.Service.Now = now
			happens()
		}
		return now()
	}
}

// What came in between a submission's preparation and its transaction counts as if it had been there before.
func TestSomethingCameInBetween(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx, acme, adp, sec := t.Context(), w.callers["acme"], w.callers["adp"], w.callers["secretariat"]
		must := func(what string, err error) {
			t.Helper()
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
		}
		ids := w.reserve(t, "acme", 4)
		first := func(id string) program.Submission {
			return program.Submission{ID: id, Container: jsontext.Value(container)}
		}
		update := func(id string) program.Submission {
			return program.Submission{ID: id, Container: jsontext.Value(container), Want: program.WantOne}
		}
		putADP := func(id string) error {
			_, _, err := w.PutADP(ctx, adp, program.Submission{ID: id, Container: byADP})
			return err
		}

		// Somebody else published.
		w.between(func() { _, err := w.Publish(ctx, sec, first(ids[0])); must("publish", err) })
		if _, err := w.Publish(ctx, acme, first(ids[0])); !errors.Is(err, program.ErrRecordExists) {
			t.Errorf("published meanwhile: %v", err)
		}
		// An ADP added a container: it stays.
		w.between(func() { must("adp", putADP(ids[0])) })
		raw, err := w.Publish(ctx, acme, update(ids[0]))
		if err != nil || !strings.Contains(string(raw), "https://adp.test/1") {
			t.Errorf("enriched meanwhile: %s (%v)", raw, err)
		}
		// The organisation was renamed: the record names it as it is.
		w.between(func() {
			short := "acme-2"
			_, err := w.ChangeOrg(ctx, sec, "acme", authority.OrgChange{Short: &short})
			must("rename", err)
		})
		if raw, err = w.Publish(ctx, acme, update(ids[0])); err != nil || !strings.Contains(string(raw), `"shortName":"acme-2"`) {
			t.Errorf("renamed meanwhile: %s (%v)", raw, err)
		}
		// The record was rejected: it takes no more of an ADP.
		w.between(func() {
			_, err := w.Reject(ctx, acme, program.Submission{ID: ids[0], Container: asRejected, Want: program.WantOne})
			must("reject", err)
		})
		if err := putADP(ids[0]); !errors.Is(err, registry.ErrRejected) {
			t.Errorf("rejected meanwhile: %v", err)
		}
		// The identifier was transferred.
		size := w.Size(t)
		w.between(func() {
			to := "other"
			_, err := w.ChangeID(ctx, acme, ids[1], program.IDChange{Org: &to})
			must("transfer", err)
		})
		if _, err := w.Publish(ctx, acme, first(ids[1])); !errors.Is(err, program.ErrNotOwner) || w.Size(t) != size+1 {
			t.Errorf("transferred meanwhile: %v, %d leaves more", err, w.Size(t)-size)
		}
		if out, err := w.Gate.Replay(ctx, false, nil); err != nil {
			t.Errorf("%v: %+v", err, out)
		}
	})
}

// Many who write to one record at once leave one that holds the last of each.
func TestManyWriteOneRecord(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		id := w.reserve(t, "acme", 1)[0]
		if _, err := w.Publish(ctx, w.callers["acme"], program.Submission{ID: id, Container: jsontext.Value(container)}); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for n := range 12 {
			all.Go(func() {
				text := fmt.Sprintf(`{"title":"number %d","references":[{"url":"https://adp.test/%d"}]}`, n, n)
				who := []string{"adp", "secretariat"}[n%2]
				if _, _, err := w.PutADP(ctx, w.callers[who], program.Submission{ID: id, Container: jsontext.Value(text)}); err != nil {
					t.Error(err)
				}
			})
			all.Go(func() {
				text := strings.Replace(container, `"T"`, fmt.Sprintf(`"T %d"`, n), 1)
				if _, err := w.Publish(ctx, w.callers["acme"], program.Submission{ID: id, Container: jsontext.Value(text), Want: program.WantOne}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		v, err := w.Catalogue.Get(ctx, id)
		if err != nil || len(v.Record.Containers.ADP) != 2 || v.State != cve.Published {
			t.Errorf("%+v (%v)", v, err)
		}
		if out, err := w.Gate.Replay(ctx, false, nil); err != nil {
			t.Errorf("%v: %+v", err, out)
		}
	})
}
