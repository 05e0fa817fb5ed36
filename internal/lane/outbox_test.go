package lane

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"
)

// An event waits whatever an operator says, and leaves when a proof shows it; the proof stays.
func TestOutbox(t *testing.T) {
	box := &Outbox{Disk: newDisk("a")}
	hash := [32]byte{1, 2}
	if err := box.Put(hash, []byte("signed")); err != nil {
		t.Fatal(err)
	}
	if err := box.Promised(hash, []byte("a receipt")); err != nil {
		t.Fatal(err)
	}
	items, err := box.Waiting()
	if err != nil || len(items) != 1 || items[0].Hash != hash || string(items[0].Submission) != "signed" || string(items[0].Receipt) != "a receipt" || items[0].Proof != nil {
		t.Fatalf("%+v (%v)", items, err)
	}
	no := errors.New("no quorum")
	if err := box.Arrived(hash, []byte("proof"), func([32]byte, []byte, []byte) error { return no }); !errors.Is(err, no) {
		t.Error(err)
	}
	if items, err = box.Waiting(); err != nil || len(items) != 1 {
		t.Fatalf("it left without a proof: %v", err)
	}
	yes := func(h [32]byte, submission, proof []byte) error {
		if h != hash || string(submission) != "signed" || string(proof) != "proof" {
			t.Errorf("asked about %x, %s, %s", h, submission, proof)
		}
		return nil
	}
	if err := box.Arrived(hash, []byte("proof"), yes); err != nil {
		t.Fatal(err)
	}
	if items, err = box.Waiting(); err != nil || len(items) != 0 {
		t.Errorf("it waits on: %+v (%v)", items, err)
	}
	if items, err = box.Sent(); err != nil || len(items) != 1 || string(items[0].Proof) != "proof" {
		t.Errorf("sent: %+v (%v)", items, err)
	}
	if err := box.Put(hash, []byte("signed")); err != nil {
		t.Error(err)
	}
	if items, err = box.Waiting(); err != nil || len(items) != 0 {
		t.Errorf("what has arrived waits again: %+v (%v)", items, err)
	}
	if err := box.Arrived([32]byte{3}, nil, yes); !errors.Is(err, ErrNotSent) {
		t.Error(err)
	}
}

// What is dropped waits no more, and is kept; the power may go at every write of it.
func TestOutboxDrop(t *testing.T) {
	for _, fuse := range []int{-1, 1, 2, 3} { // −1: no loss
		d := newDisk("a")
		box := &Outbox{Disk: d}
		for _, b := range []byte{1, 2} {
			if err := box.Put([32]byte{b}, []byte{b}); err != nil {
				t.Fatal(err)
			}
		}
		if err := box.Promised([32]byte{1}, []byte("a receipt")); err != nil {
			t.Fatal(err)
		}
		d.inner, d.fuse = rand.New(rand.NewPCG(1, 1)), fuse
		if err := box.Drop([32]byte{1}); (err != nil) != (fuse > 0) {
			t.Fatal(err)
		}
		d.restart(d.inner)
		waiting, err := box.Waiting()
		if err != nil {
			t.Fatal(err)
		}
		dropped, err := box.Dropped()
		if err != nil {
			t.Fatal(err)
		}
		if fuse < 0 && len(waiting) != 1 || len(waiting) == 1 && (len(dropped) != 1 || !bytes.Equal(dropped[0].Submission, []byte{1})) {
			t.Errorf("cut at write %d: %d wait, dropped are %+v", fuse, len(waiting), dropped)
		}
		if err := box.Drop([32]byte{3}); !errors.Is(err, ErrNotSent) {
			t.Error(err)
		}
	}
}

// The power goes at every write of an arrival: the event is waiting or sent with its proof, never gone.
func TestOutboxPowerLoss(t *testing.T) {
	for seed := range uint64(20) {
		for fuse := 1; fuse <= 4; fuse++ {
			d := newDisk("a")
			box := &Outbox{Disk: d}
			if err := box.Put([32]byte{1}, []byte("signed")); err != nil {
				t.Fatal(err)
			}
			d.inner, d.fuse = rand.New(rand.NewPCG(seed, uint64(fuse))), fuse
			if err := box.Arrived([32]byte{1}, []byte("proof"), func([32]byte, []byte, []byte) error { return nil }); !errors.Is(err, errPower) {
				t.Fatal(err)
			}
			d.restart(d.inner)
			waiting, err := box.Waiting()
			if err != nil {
				t.Fatal(err)
			}
			sent, err := box.Sent()
			if err != nil {
				t.Fatal(err)
			}
			if len(waiting) == 0 && (len(sent) != 1 || string(sent[0].Proof) != "proof") {
				t.Fatalf("seed %d, cut at write %d: the event is gone", seed, fuse)
			}
		}
	}
}
