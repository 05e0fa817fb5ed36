package lane

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
)

const (
	outboxFolder  = "outbox"
	sentFolder    = "sent"
	droppedFolder = "dropped"
)

// ErrNotSent means an event that no outbox holds.
var ErrNotSent = errors.New("lane: no such event in the outbox")

// Outbox holds signed events until the list has them durably. Nothing leaves it because an operator said yes: an operator may lose
// what it said yes to. It leaves when a proof below a checkpoint with the charter's quorum is held, and that proof is kept.
// It is safe for concurrent use; an Outbox is not copied.
type Outbox struct {
	Disk Disk

	mu sync.Mutex // a list sees each event once: before it moves, or after
}

// Item is an event that waits, or has arrived.
type Item struct {
	Hash       [32]byte // of the event
	Submission []byte   // as it is handed in
	Receipt    []byte   // an operator's promise; nil while there is none
	Proof      []byte   // nil while it waits
}

// Name is the item's name on disk and on the screen.
func (i Item) Name() string { return hex.EncodeToString(i.Hash[:]) }

// Put keeps a signed event. It is on disk when Put returns. The same event again changes nothing.
func (o *Outbox) Put(hash [32]byte, submission []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	name := hex.EncodeToString(hash[:])
	for _, at := range []string{outboxFolder, sentFolder} {
		if _, err := o.Disk.Read(at + "/" + name + ".json"); err == nil {
			return nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return o.Disk.Replace(outboxFolder+"/"+name+".json", submission)
}

// Submission is an event that waits or has arrived: ErrNotSent for one that was never put here.
func (o *Outbox) Submission(hash [32]byte) ([]byte, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, at := range []string{outboxFolder, sentFolder} {
		raw, err := o.Disk.Read(at + "/" + hex.EncodeToString(hash[:]) + ".json")
		if !errors.Is(err, fs.ErrNotExist) {
			return raw, err
		}
	}
	return nil, ErrNotSent
}

// Waiting lists what waits, in the order of names.
func (o *Outbox) Waiting() ([]Item, error) { return o.list(outboxFolder) }

// Sent lists what has arrived.
func (o *Outbox) Sent() ([]Item, error) { return o.list(sentFolder) }

// Dropped lists what was set aside.
func (o *Outbox) Dropped() ([]Item, error) { return o.list(droppedFolder) }

// Drop sets aside an event that waits: it is handed in no more, and nothing follows it. The signed event stays what it is; whoever
// has it could still publish it, so only one that the operator refuses is to be dropped.
func (o *Outbox) Drop(hash [32]byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	name := hex.EncodeToString(hash[:])
	submission, err := o.Disk.Read(outboxFolder + "/" + name + ".json")
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", name, ErrNotSent)
	}
	if err != nil {
		return err
	}
	if err := o.Disk.Replace(droppedFolder+"/"+name+".json", submission); err != nil {
		return err
	}
	return o.forget(name)
}

// forget takes an event out of what waits.
func (o *Outbox) forget(name string) error {
	for _, suffix := range []string{".json", ".receipt"} {
		if err := o.Disk.Remove(outboxFolder + "/" + name + suffix); err != nil {
			return err
		}
	}
	return nil
}

func (o *Outbox) list(folder string) (items []Item, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	names, err := o.Disk.List(folder)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		base, ok := strings.CutSuffix(name, ".json")
		hash, err := hex.DecodeString(base)
		if !ok || err != nil || len(hash) != 32 {
			continue // a receipt, a proof
		}
		item := Item{Hash: [32]byte(hash)}
		for suffix, into := range map[string]*[]byte{".json": &item.Submission, ".receipt": &item.Receipt, ".proof": &item.Proof} {
			*into, err = o.Disk.Read(folder + "/" + base + suffix)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, err
			}
		}
		items = append(items, item)
	}
	return items, nil
}

// Promised keeps an operator's receipt beside an event that waits. The event goes on waiting.
func (o *Outbox) Promised(hash [32]byte, receipt []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.Disk.Replace(outboxFolder+"/"+hex.EncodeToString(hash[:])+".receipt", receipt)
}

// Arrived takes an event out, once durable says that proof shows it in the list below a checkpoint with a quorum. The proof is on
// disk before the event leaves.
func (o *Outbox) Arrived(hash [32]byte, proof []byte, durable func(hash [32]byte, submission, proof []byte) error) error {
	name := hex.EncodeToString(hash[:])
	submission, err := o.Disk.Read(outboxFolder + "/" + name + ".json")
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", name, ErrNotSent)
	}
	if err != nil {
		return err
	}
	if err := durable(hash, submission, proof); err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, f := range []struct {
		suffix string
		data   []byte
	}{{".proof", proof}, {".json", submission}} {
		if err := o.Disk.Replace(sentFolder+"/"+name+f.suffix, f.data); err != nil {
			return err
		}
	}
	return o.forget(name)
}
