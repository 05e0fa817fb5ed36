package c2sp

import (
	"crypto/ed25519"
	"errors"
	"testing"
	"time"
)

func TestStatementsAndCheckpointsDoNotMix(t *testing.T) {
	c, err := NewCosigner("m1", ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	if err != nil {
		t.Fatal(err)
	}
	at := time.Unix(1_700_000_000, 0).UTC()
	checkpoint := Checkpoint{Origin: "o", Size: 3}.String()
	if _, err := c.State(checkpoint, at); !errors.Is(err, ErrCosignature) {
		t.Errorf("a checkpoint as a statement: %v", err)
	}
	text := "a statement\nof two lines\n"
	if _, err := c.Cosign(text, at); err == nil {
		t.Error("a statement was cosigned")
	}
	line, err := c.State(text, at)
	if err != nil {
		t.Fatal(err)
	}
	v, err := NewCosignatureVerifier(c.VKey().String())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := v.Check(text, line); err != nil || !got.Equal(at) {
		t.Errorf("check: %v, %v", got, err)
	}
	if _, err := v.Check("a statement\nof three lines\n", line); err == nil {
		t.Error("the line fits another text")
	}
}
