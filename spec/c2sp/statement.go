package c2sp

import (
	"fmt"
	"time"
)

// State signs a note's text that is not a checkpoint, in the form of a cosignature: the same key, the same bytes before the
// text, the same time. Because a checkpoint is refused here and anything else by Cosign, no line of one can pass for the other.
// CosignatureVerifier checks both.
func (c *Cosigner) State(text string, at time.Time) (Line, error) {
	if _, err := ParseCheckpoint(text); err == nil {
		return Line{}, fmt.Errorf("%w: a statement must not be a checkpoint", ErrCosignature)
	}
	return c.line(text, at)
}
