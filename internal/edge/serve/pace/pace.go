// Package pace lets an answer take as long as its reader goes on taking it. The front door bounds the time of a whole
// answer, which is right for all that are short; what streams for minutes is bounded by standstill instead.
package pace

import (
	"net/http"
	"time"
)

// Patience is how long a reader may take for one step of an answer.
const Patience = time.Minute

// step is how many bytes have to be taken within Patience.
const step = 64 << 10

// Writer writes to a reply and moves its deadline on with every step that the reader took.
type Writer struct {
	to       http.ResponseWriter
	control  *http.ResponseController
	patience time.Duration
	moved    time.Time
}

// New paces what is written to w.
func New(w http.ResponseWriter) *Writer { return within(w, Patience) }

func within(w http.ResponseWriter, patience time.Duration) *Writer {
	return &Writer{to: w, control: http.NewResponseController(w), patience: patience}
}

// Write writes p step by step. It fails once the reader stood still.
func (w *Writer) Write(p []byte) (n int, err error) {
	for {
		// Deadlines are the wall clock's; moving one costs a little, so not for every line.
		if now := time.Now(); now.Sub(w.moved) > w.patience/10 {
			w.moved = now
			_ = w.control.SetWriteDeadline(now.Add(w.patience)) // a writer without deadlines needs no moving of them
		}
		part := p[n:min(len(p), n+step)]
		k, err := w.to.Write(part)
		if n += k; err != nil || n == len(p) {
			return n, err
		}
	}
}
