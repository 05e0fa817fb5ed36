package main

import (
	"errors"
	"slices"
	"testing"

	"tasuki/internal/charter"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

// A list that an older program founded says what this one writes as soon as this one opens it, once; nothing else of it changes.
func TestUpgradeCharter(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := kitOptions{}
		if db.Engine() == store.Postgres {
			o.store = storetest.Postgres(t)
		}
		all := features
		features = features[:1]
		t.Cleanup(func() { features = all })
		k := openKit(t, o)
		k.bringSample(t)
		o.dir = k.dir.Path
		before, err := k.size(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		k.close(t)
		features = all
		for range 2 {
			k = openKit(t, o)
			docs := k.chain.Documents()
			size, err := k.size(t.Context())
			if err != nil || len(docs) != 2 || size != before+1 || !slices.Equal(docs[1].Charter().Features, features) || docs[1].Origin() != docs[0].Origin() {
				t.Fatalf("%d charters, %d leaves after %d, features %v (%v)", len(docs), size, before, docs[len(docs)-1].Charter().Features, err)
			}
			if _, err := k.signed(t.Context()); err != nil {
				t.Error(err)
			}
			k.sound(t)
			k.close(t)
		}
	})
}

// Whoever reads somebody else's list does not take a test list for a real one.
func TestTestListIsRefused(t *testing.T) {
	k := openSeeded(t, kitOptions{})
	var raw [][]byte
	for _, d := range k.chain.Documents() {
		b, err := d.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		raw = append(raw, b)
	}
	if _, _, err := (AllowTest{}).trustChain(raw); !errors.Is(err, charter.ErrTest) {
		t.Errorf("taken: %v", err)
	}
	if id, _, err := (AllowTest{true}).trustChain(raw); err != nil || id != k.chain.ListID() {
		t.Errorf("refused though allowed: %v", err)
	}
}
