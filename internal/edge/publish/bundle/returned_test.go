package bundle_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"tasuki/internal/edge/publish/bundle"
	"tasuki/internal/store/storetest"
)

func TestReturn(t *testing.T) {
	events := [][]byte{[]byte(`{"a":1}`), {}, bytes.Repeat([]byte("x"), 100_000)}
	var out bytes.Buffer
	if err := bundle.WriteReturn(&out, events); err != nil {
		t.Fatal(err)
	}
	var got [][]byte
	if err := bundle.ReadReturn(bytes.NewReader(out.Bytes()), func(s []byte) error { got = append(got, s); return nil }); err != nil || !slices.EqualFunc(got, events, bytes.Equal) {
		t.Errorf("%d events (%v)", len(got), err)
	}
	stop := errors.New("stop")
	if err := bundle.ReadReturn(bytes.NewReader(out.Bytes()), func([]byte) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("%v", err)
	}
	for cut := range 40 {
		plain := unpack(t, out.Bytes())
		err := bundle.ReadReturn(bytes.NewReader(pack(t, plain[:cut])), func([]byte) error { return nil })
		if whole := cut == 16 || cut == 27 || cut == 31; (err == nil) != whole || err != nil && !errors.Is(err, bundle.ErrFormat) {
			t.Errorf("cut at %d: %v", cut, err)
		}
	}
	if err := bundle.WriteReturn(&out, [][]byte{make([]byte, 1<<24)}); !errors.Is(err, bundle.ErrFormat) {
		t.Errorf("an event that is too long: %v", err)
	}
	l := newList(t, storetest.Open(t, storetest.SQLite(t)), 1)
	for want, raw := range map[bundle.Kind][]byte{bundle.Returned: pack(t, unpack(t, out.Bytes())[:31]), bundle.Leaves: l.export(t, 0, 1), bundle.Other: []byte("PK\x03\x04")} {
		if got, err := bundle.KindOf(file(raw)); got != want || err != nil {
			t.Errorf("kind %d, want %d (%v)", got, want, err)
		}
	}
}

// FuzzReturn: what is read gives the same file when it is written again.
func FuzzReturn(f *testing.F) {
	f.Add([]byte("tasuki-return/1\n\x00\x00\x00\x02{}"))
	f.Add([]byte("tasuki-return/1\n"))
	f.Fuzz(func(t *testing.T, plain []byte) {
		var events [][]byte
		if err := bundle.ReadReturn(bytes.NewReader(pack(t, plain)), func(s []byte) error { events = append(events, s); return nil }); err != nil {
			return
		}
		var out bytes.Buffer
		if err := bundle.WriteReturn(&out, events); err != nil {
			t.Fatal(err)
		}
		if again := unpack(t, out.Bytes()); !bytes.Equal(again, plain) {
			t.Fatalf("%q became %q", plain, again)
		}
	})
}
