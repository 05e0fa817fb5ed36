package main

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkMirrorBootstrap is how fast a new mirror takes in the archive over loopback, from its operator's node on the same machine, against folding the
// same log again in place. The floor of the issue is half the rate of the latter.
func BenchmarkMirrorBootstrap(b *testing.B) {
	operator := openKit(b, kitOptions{level: "error"})
	operator.bring(b, theList(b))
	if _, err := operator.signed(b.Context()); err != nil {
		b.Fatal(err)
	}
	size, err := operator.size(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	url := operator.at(b)
	for b.Loop() {
		replay, replaying := measured(func() {
			if _, err := operator.gate.Replay(b.Context(), true, nil); err != nil {
				b.Fatal(err)
			}
		})

		copied := openKit(b, kitOptions{level: "error", mirror: &mirrorRole{List: operator.chain.ListID(), Sources: []string{url}}})
		var stop func()
		took, following := measured(func() {
			stop = copied.run(b)
			soon(b, 20*time.Minute, func() string {
				if got, err := copied.size(b.Context()); err != nil || got < size {
					return "not there"
				}
				return ""
			})
		})
		table(b, []string{"replay", seconds(replay), "", fmt.Sprintf("%.0f leaves/s, processor %s", float64(size)/replay.Seconds(), seconds(replaying))},
			[]string{"bootstrap", seconds(took), fmt.Sprintf("%.2f × the replay's rate", replay.Seconds()/took.Seconds()),
				fmt.Sprintf("budget 0.5; %.0f leaves/s, processor %s, the operator's serving in it", float64(size)/took.Seconds(), seconds(following))})
		b.ReportMetric(replay.Seconds()/took.Seconds(), "×replay")
		b.ReportMetric(following.Seconds(), "cpu-s")
		stop()
		copied.close(b)
	}
}

// measured is how long fn took, and how much of the processor.
func measured(fn func()) (took, busy time.Duration) {
	u0, s0 := processor()
	began := time.Now()
	fn()
	took = time.Since(began)
	u1, s1 := processor()
	return took, u1 - u0 + s1 - s0
}
