//go:build race

package store

import (
	"bytes"
	"runtime"
	"sync"
)

// held are the stores that goroutines have a transaction of.
var held sync.Map // holder to true

type holder struct {
	db        *DB
	goroutine string
}

// hold panics where a goroutine opens a transaction of a store inside another. A reader holds a connection while it waits for one more:
// as many of them at once as there are connections would wait for ever, which no test of one at a time sees. A writer waits for itself.
func (db *DB) hold() (leave func()) {
	var stack [64]byte
	text := stack[:runtime.Stack(stack[:], false)] // "goroutine 18 [running]:…"
	number, _, _ := bytes.Cut(bytes.TrimPrefix(text, []byte("goroutine ")), []byte(" "))
	h := holder{db: db, goroutine: string(number)}
	if _, twice := held.LoadOrStore(h, true); twice {
		panic("store: a transaction inside another: pass the Tx on")
	}
	return func() { held.Delete(h) }
}
