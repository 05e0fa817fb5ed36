package cvelist

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// directory lists a folder or a git checkout in lexical order, then queues what it found: the list comes first so that
// progress knows its end. Files are opened through an os.Root, so that nothing outside the folder can be read through
// it; links are refused without being followed.
func (w *walk) directory(dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	w.cleanup = append(w.cleanup, func() { root.Close() }) //nolint:errcheck // only read from
	tasks, bytes, err := w.list(root)
	if err != nil {
		return err
	}
	w.totals(int64(len(tasks)), bytes)
	for i, t := range tasks {
		tasks[i] = nil // the content travels with the task: keep none that has left
		if t.role == roleArchive {
			err = w.archiveIn(root, t.file.Path)
		} else {
			err = w.put(t)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) list(root *os.Root) (tasks []*task, bytes int64, err error) {
	refused := func(p, name string, r *Refusal) {
		tasks = append(tasks, &task{file: File{Path: p, Name: name, Refused: r}})
	}
	err = fs.WalkDir(root.FS(), ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case w.ctx.Err() != nil:
			return w.ctx.Err()
		case err != nil && p == ".":
			return err
		case err != nil:
			refused(p, "", refuse(CodeRead, "%v", plain(err)))
			return nil
		case d.IsDir() && p != "." && ignoredFolders[d.Name()]:
			return fs.SkipDir
		case d.IsDir():
			return nil
		case len(tasks) >= w.l.Entries:
			return fmt.Errorf("the folder holds more than %d files", w.l.Entries)
		}
		role, name := roleOf(p)
		if role == roleIgnored {
			w.ignored++
			return nil
		}
		if bad := checkPath(p); bad != nil {
			refused(p, name, bad)
			return nil
		}
		info, err := d.Info()
		switch {
		case err != nil:
			refused(p, name, refuse(CodeRead, "%v", plain(err)))
		case !d.Type().IsRegular():
			refused(p, name, refuse(CodeNotRegular, "it is a %s, expected a file", kindOf(d.Type())))
		default:
			if role != roleArchive {
				bytes += info.Size()
			}
			tasks = append(tasks, &task{role: role, file: File{Path: p, Name: name, Size: info.Size()},
				read: func(*scratch) ([]byte, *Refusal) { return w.readIn(root, p) }})
		}
		return nil
	})
	return tasks, bytes, err
}

// readIn reads one file of the folder. It may have grown or been swapped since it was listed: both are looked at again.
func (w *walk) readIn(root *os.Root, p string) ([]byte, *Refusal) {
	f, err := root.Open(p)
	if err != nil {
		return nil, refuse(CodeRead, "%v", plain(err))
	}
	defer f.Close() //nolint:errcheck // only read from
	info, err := f.Stat()
	if err != nil {
		return nil, refuse(CodeRead, "%v", plain(err))
	}
	if !info.Mode().IsRegular() {
		return nil, refuse(CodeNotRegular, "it is a %s, expected a file", kindOf(info.Mode()))
	}
	raw := make([]byte, 0, min(info.Size(), w.l.Record)+1)
	for int64(len(raw)) <= w.l.Record {
		if len(raw) == cap(raw) {
			raw = append(raw, 0)[:len(raw)]
		}
		n, err := f.Read(raw[len(raw):min(int64(cap(raw)), w.l.Record+1)])
		raw = raw[:len(raw)+n]
		if errors.Is(err, io.EOF) {
			return raw, nil
		}
		if err != nil {
			return nil, refuse(CodeRead, "%v", plain(err))
		}
	}
	return nil, refuse(CodeTooLarge, "the file has more than %d bytes", w.l.Record)
}

// archiveIn reads a zip that lies in a folder, as downloads do.
func (w *walk) archiveIn(root *os.Root, p string) error {
	f, err := root.Open(p)
	if err != nil {
		return w.refuse("", p, refuse(CodeRead, "%v", plain(err)))
	}
	w.cleanup = append(w.cleanup, func() { f.Close() }) //nolint:errcheck // only read from
	info, err := f.Stat()
	if err != nil {
		return w.refuse("", p, refuse(CodeRead, "%v", plain(err)))
	}
	return w.zip(p, p, f, info.Size(), 1)
}

// plain drops the path from a file error: the refusal names it already.
func plain(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}

// kindOf names what is no regular file.
func kindOf(m fs.FileMode) string {
	switch {
	case m&fs.ModeSymlink != 0:
		return "link"
	case m.IsDir():
		return "folder"
	case m&fs.ModeNamedPipe != 0:
		return "pipe"
	case m&fs.ModeSocket != 0:
		return "socket"
	default:
		return "device"
	}
}
