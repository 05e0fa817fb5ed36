package gate_test

import (
	"tasuki/internal/event"
	"tasuki/internal/gate"
)

// The services know a turn by event.Turn alone.
var _ event.Turn = (*gate.Turn)(nil)
