//go:build nested

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
	write     bool
}

// hold, in a build with the tag "nested" (make nested), panics where a goroutine that reads opens another transaction of the store, and where one that writes opens another to write.
// A reader holds a connection while it waits for one more: as many of them at once as there are connections would wait for ever, which
// no test of one at a time sees. A writer would wait for itself; it may read beside, what was so before.
func (db *DB) hold(write bool) (leave func()) {
	var stack [64]byte
	text := stack[:runtime.Stack(stack[:], false)] // "goroutine 18 [running]:…"
	number, _, _ := bytes.Cut(bytes.TrimPrefix(text, []byte("goroutine ")), []byte(" "))
	h := holder{db: db, goroutine: string(number)}
	_, reads := held.Load(h)
	h.write = true
	_, writes := held.Load(h)
	if reads || writes && write {
		panic("store: a transaction inside another: pass the Tx on")
	}
	h.write = write
	held.Store(h, true)
	return func() { held.Delete(h) }
}
