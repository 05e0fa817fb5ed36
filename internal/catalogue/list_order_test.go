package catalogue

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// The order of an identifier's text is that of its place.
func TestTextOrder(t *testing.T) {
	dice := rand.New(rand.NewPCG(8, 9))
	id := func() string {
		n := dice.Int64N(int64(math.Pow10(1 + dice.IntN(13))))
		return fmt.Sprintf("CVE-%04d-%04d", 1999+dice.IntN(3), n)
	}
	for range 100_000 {
		a, b := id(), id()
		if (a < b) != (textOrder(a) < textOrder(b)) {
			t.Fatalf("%s and %s", a, b)
		}
	}
}
