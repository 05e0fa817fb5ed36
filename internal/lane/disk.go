package lane

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
)

// Disk is the folder of a node. What was appended is on disk only after Sync; Replace and Remove are on disk when they return.
// Names have no slash but between "outbox", "sent" or "dropped" and a file.
type Disk interface {
	Read(name string) ([]byte, error) // fs.ErrNotExist when there is none
	Append(name string, data []byte) error
	Sync(name string) error
	Replace(name string, data []byte) error // all of it or nothing of it
	Remove(name string) error
	List(folder string) ([]string, error) // names without the folder, sorted; none where there is no folder
}

// Place says where a journal is, and remembers beside it how far it has come.
type Place interface {
	// ID names the machine and folder: it is another for a copy of the folder. At most 64 characters, letters and digits.
	ID() (string, error)
	// Mark is what SetMark last kept; ok is false when nothing was. It is not among the folder's files.
	Mark() (m Mark, ok bool, err error)
	// SetMark is on disk when it returns.
	SetMark(m Mark) error
}

// Mark is how far a journal has come: its number of lines, and the check that its last line ends with.
type Mark struct {
	Lines int64
	Check string
}

func (m Mark) String() string { return fmt.Sprintf("tasuki-lane-mark/1 %d %s\n", m.Lines, m.Check) }

func parseMark(raw []byte) (m Mark, err error) {
	if _, err := fmt.Sscanf(string(raw), "tasuki-lane-mark/1 %d %s\n", &m.Lines, &m.Check); err != nil || m.String() != string(raw) {
		return Mark{}, fmt.Errorf("%w: the mark beside the folder is malformed", ErrDamaged)
	}
	return m, nil
}

// Folder is a Disk and its Place on this machine. It is this process's until Close, and safe for concurrent use.
type Folder struct {
	path string
	lock *os.File

	mu   sync.Mutex
	file map[string]*os.File // open for appending
}

// OpenFolder takes a folder, and makes it when make is set: ErrLocked, fs.ErrNotExist.
func OpenFolder(path string, make bool) (*Folder, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if make {
		if err := os.MkdirAll(path, 0o700); err != nil {
			return nil, err
		}
		if err := syncFolder(filepath.Dir(path)); err != nil {
			return nil, err
		}
	}
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(path, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := flock(lock); err != nil {
		if errors.Is(err, ErrLocked) {
			err = &HeldError{By: holder(path)}
		}
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), lock.Close())
	}
	f := &Folder{path: path, lock: lock, file: map[string]*os.File{}}
	if err := f.Hold(""); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// heldFile says who holds the lock, for who waits for it. It is beside the lock, which not every system lets others read.
const heldFile = "held"

// HeldError is an ErrLocked that says who holds the folder.
type HeldError struct {
	By string // as they said it with Hold; "" when they said nothing, as commands that are soon done
}

func (e *HeldError) Error() string {
	if e.By == "" {
		return ErrLocked.Error()
	}
	return fmt.Sprintf("%v: %s", ErrLocked, e.By)
}

// Unwrap is ErrLocked.
func (e *HeldError) Unwrap() error { return ErrLocked }

// Hold says to others who holds the folder, for somebody who will do so for long.
func (f *Folder) Hold(who string) error {
	if who == "" { // what a process that died left behind
		if err := os.Remove(f.at(heldFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	return replace(f.at(heldFile), []byte(who))
}

func holder(path string) string {
	raw, err := os.ReadFile(filepath.Join(path, heldFile))
	if err != nil || len(raw) > 200 {
		return ""
	}
	return strings.ToValidUTF8(strings.Map(func(r rune) rune {
		if r < ' ' {
			return -1
		}
		return r
	}, string(raw)), "")
}

// Path is where the folder is.
func (f *Folder) Path() string { return f.path }

// Close gives the folder back.
func (f *Folder) Close() error {
	var errs []error
	for _, file := range f.file {
		errs = append(errs, file.Close())
	}
	return errors.Join(append(errs, f.lock.Close())...)
}

func (f *Folder) at(name string) string { return filepath.Join(f.path, filepath.FromSlash(name)) }

// Read reads a file.
func (f *Folder) Read(name string) ([]byte, error) { return os.ReadFile(f.at(name)) }

// Append writes at the end of a file, which it makes.
func (f *Folder) Append(name string, data []byte) error {
	file, err := f.open(name)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	return err
}

func (f *Folder) open(name string) (*os.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if file := f.file[name]; file != nil {
		return file, nil
	}
	_, err := os.Stat(f.at(name))
	file, oerr := os.OpenFile(f.at(name), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if oerr != nil {
		return nil, oerr
	}
	f.file[name] = file
	if err != nil { // its name is new
		return file, syncFolder(filepath.Dir(f.at(name)))
	}
	return file, nil
}

// Sync makes what was appended durable.
func (f *Folder) Sync(name string) error {
	file, err := f.open(name)
	if err != nil {
		return err
	}
	return file.Sync()
}

// Replace writes a file anew.
func (f *Folder) Replace(name string, data []byte) error {
	f.mu.Lock()
	file := f.file[name]
	delete(f.file, name) // it is open on the file that goes
	f.mu.Unlock()
	if file != nil {
		if err := file.Close(); err != nil {
			return err
		}
	}
	return replace(f.at(name), data)
}

// Remove deletes a file.
func (f *Folder) Remove(name string) error {
	if err := os.Remove(f.at(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return syncFolder(filepath.Dir(f.at(name)))
}

// List names the files of a folder inside.
func (f *Folder) List(folder string) ([]string, error) {
	entries, err := os.ReadDir(f.at(folder))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	sort.Strings(names)
	return names, nil
}

func (f *Folder) markPath() string { return f.path + ".highwater" }

// Mark reads the file beside the folder.
func (f *Folder) Mark() (Mark, bool, error) {
	raw, err := os.ReadFile(f.markPath())
	if errors.Is(err, fs.ErrNotExist) {
		return Mark{}, false, nil
	}
	if err != nil {
		return Mark{}, false, err
	}
	m, err := parseMark(raw)
	return m, err == nil, err
}

// SetMark writes the file beside the folder.
func (f *Folder) SetMark(m Mark) error { return replace(f.markPath(), []byte(m.String())) }

// replace writes a file beside and moves it into place: after a crash there is the old one or the new one.
func replace(path string, data []byte) (err error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(tmp.Name()))
		}
	}()
	_, werr := tmp.Write(data)
	if err := errors.Join(werr, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return err
	}
	return syncFolder(dir)
}
