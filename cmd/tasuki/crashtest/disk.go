package crashtest

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// sector is the unit that a disk writes whole.
const sector = 512

// op is one change that the process asked for. It was asked for from start on; from durable on it is on the disk for
// certain. In between it may be there or not, and a write in part.
type op struct {
	start, end, durable int
	kind                opKind
	node                int    // the file, or the folder whose entry changes
	off                 int64  // write: where; resize: the new length
	data                []byte // write
	entries             []entry
}

type opKind int

const (
	opWrite opKind = iota
	opResize
	opEntries
)

// entry says what a name in a folder leads to afterwards: a file or folder, or nothing (−1).
type entry struct {
	folder int
	name   string
	node   int
}

// Said is something the process wrote to its standard output, begun at Start.
type Said struct {
	Start int
	Text  string
}

// Disk is everything that was asked of the part of the file system below a root, and what of it was made durable when.
type Disk struct {
	Said []Said

	ops     []op
	folder  []bool         // by node: is it a folder
	names   map[int]string // by node: its newest path
	largest map[int]int64  // by node: how long it ever was
	synced  []int          // where the certain state changed
	skipped func(path string) bool
}

// recorder follows the calls.
type recorder struct {
	*Disk
	root    string
	paths   map[string]int // what names lead to now, as the process sees it
	fds     map[string]descriptor
	waiting map[int][]int // by node: ops that no fsync covers yet
}

type descriptor struct {
	node int
	pos  int64
	end  bool // O_APPEND
}

// Record follows a process that began with an empty folder at root. Files that skip names (of a path below root) are left
// out of everything: they are not expected to survive. Errors wrap ErrTrace.
func Record(root string, calls []Call, skip func(path string) bool) (*Disk, error) {
	r := &recorder{Disk: &Disk{skipped: skip, folder: []bool{true}, names: map[int]string{0: ""}, largest: map[int]int64{}},
		root: filepath.Clean(root), paths: map[string]int{}, fds: map[string]descriptor{}, waiting: map[int][]int{}}
	r.paths[r.root] = 0
	// Effects are seen when a call returns; what a call acts on is settled when it begins. Calls of different threads overlap.
	type moment struct {
		at    int
		begin bool
		call  *Call
	}
	var moments []moment
	for i := range calls {
		c := &calls[i]
		moments = append(moments, moment{c.Start, true, c})
		moments = append(moments, moment{c.End, false, c})
	}
	slices.SortStableFunc(moments, func(a, b moment) int { return a.at - b.at })
	type begun struct {
		fd   descriptor
		ok   bool
		sync []int
	}
	state := map[*Call]begun{}
	for _, m := range moments {
		c := m.call
		if m.begin {
			fd, ok := descriptor{}, false
			if len(c.Args) > 0 {
				fd, ok = r.fds[c.Args[0]]
			}
			b := begun{fd: fd, ok: ok}
			if ok && (c.Name == "fsync" || c.Name == "fdatasync") {
				b.sync = r.covered(fd.node, c.Start)
			}
			if c.Name == "close" {
				delete(r.fds, c.Args[0])
			}
			if c.Name == "write" && len(c.Args) > 1 && c.Args[0] == "1" && !ok {
				r.Said = append(r.Said, Said{c.Start, c.Args[1]})
			}
			state[c] = b
			continue
		}
		b := state[c]
		if err := r.apply(c, b.fd, b.ok, b.sync); err != nil {
			return nil, fmt.Errorf("%w: line %d: %s: %w", ErrTrace, c.Start+1, c.Name, err)
		}
	}
	slices.SortStableFunc(r.ops, func(a, b op) int { return a.start - b.start })
	slices.Sort(r.synced)
	r.synced = slices.Compact(r.synced)
	return r.Disk, nil
}

// covered are the ops on node that had returned before a sync began.
func (r *recorder) covered(node, start int) []int {
	var out []int
	for _, i := range r.waiting[node] {
		if r.ops[i].end < start {
			out = append(out, i)
		}
	}
	return out
}

// apply notes what a call did that has returned, or may have done when it never returned.
func (r *recorder) apply(c *Call, fd descriptor, known bool, sync []int) error {
	lost := c.End == never // killed inside: a write may still have happened
	if c.Ret < 0 && !lost {
		return nil
	}
	switch c.Name {
	case "open", "openat", "creat":
		if lost {
			return nil
		}
		return r.open(c)
	case "openat2", "dup", "dup2", "dup3", "writev", "pwritev", "pwritev2", "fallocate", "copy_file_range", "sendfile", "splice":
		if known || c.Name == "openat2" {
			return fmt.Errorf("not known here")
		}
	case "mmap":
		return r.mapping(c)
	case "write", "pwrite64":
		if !known || r.ignored(fd.node) {
			return nil
		}
		return r.write(c, fd, lost)
	case "ftruncate":
		if known && !r.ignored(fd.node) {
			size, err := number(c, 1)
			r.add(op{start: c.Start, end: c.End, kind: opResize, node: fd.node, off: size}, fd.node)
			return err
		}
	case "truncate":
		if node, ok := r.paths[filepath.Clean(c.Args[0])]; ok && !r.ignored(node) {
			size, err := number(c, 1)
			r.add(op{start: c.Start, end: c.End, kind: opResize, node: node, off: size}, node)
			return err
		}
	case "fsync", "fdatasync":
		if known && !lost {
			r.settle(fd.node, c.End, sync)
		}
	case "mkdir", "mkdirat", "rename", "renameat", "renameat2", "unlink", "unlinkat", "rmdir", "link", "linkat", "symlink", "symlinkat":
		return r.names2(c)
	}
	return nil // close, sync_file_range (promises nothing), sync and syncfs (nobody here calls them)
}

func (r *recorder) ignored(node int) bool { return r.skipped != nil && r.skipped(r.names[node]) }

// settle makes ops durable.
func (r *recorder) settle(node, end int, ops []int) {
	for _, i := range ops {
		r.ops[i].durable = min(r.ops[i].durable, end+1)
	}
	r.waiting[node] = slices.DeleteFunc(r.waiting[node], func(i int) bool { return r.ops[i].durable <= end+1 })
	r.synced = append(r.synced, end+1)
}

// add notes an op that a sync of node will cover.
func (r *recorder) add(o op, node int) {
	o.durable = math.MaxInt
	if o.kind != opEntries {
		r.largest[o.node] = max(r.largest[o.node], o.off+int64(len(o.data)))
	}
	r.ops = append(r.ops, o)
	r.waiting[node] = append(r.waiting[node], len(r.ops)-1)
}

// below reports whether path lies below the root.
func (r *recorder) below(path string) bool {
	return strings.HasPrefix(path, r.root+"/") || path == r.root
}

func (r *recorder) open(c *Call) error {
	args := c.Args
	if c.Name == "openat" {
		args = args[1:]
	}
	path := filepath.Clean(args[0])
	flags := "O_CREAT|O_TRUNC|O_WRONLY"
	if c.Name != "creat" {
		flags = args[1]
	}
	fd := strconv.FormatInt(c.Ret, 10)
	delete(r.fds, fd)
	if !r.below(path) {
		if !filepath.IsAbs(path) && strings.Contains(flags, "O_CREAT") {
			return fmt.Errorf("a relative path: %s", path)
		}
		return nil
	}
	node, exists := r.paths[path]
	switch {
	case !exists && !strings.Contains(flags, "O_CREAT"):
		return fmt.Errorf("%s was there before the recording", path)
	case !exists:
		node = r.create(path, false)
		r.enter(c, entry{r.parent(path), filepath.Base(path), node})
	case strings.Contains(flags, "O_TRUNC") && !r.ignored(node):
		r.add(op{start: c.Start, end: c.End, kind: opResize, node: node}, node)
	}
	r.fds[fd] = descriptor{node: node, end: strings.Contains(flags, "O_APPEND")}
	return nil
}

func (r *recorder) create(path string, folder bool) int {
	node := len(r.folder)
	r.folder = append(r.folder, folder)
	r.paths[path], r.names[node] = node, path[len(r.root):]
	return node
}

func (r *recorder) parent(path string) int {
	if node, ok := r.paths[filepath.Dir(path)]; ok {
		return node
	}
	return -1
}

// enter notes changed entries: of one folder, or of two for a rename, which then needs both synced.
func (r *recorder) enter(c *Call, entries ...entry) {
	entries = slices.DeleteFunc(entries, func(e entry) bool { return r.skipped != nil && r.skipped("/"+e.name) })
	if len(entries) == 0 {
		return
	}
	r.add(op{start: c.Start, end: c.End, kind: opEntries, node: entries[0].folder, entries: entries}, entries[0].folder)
}

func (r *recorder) write(c *Call, fd descriptor, lost bool) error {
	n := int(c.Ret)
	if lost {
		n = len(c.Args[1])
	}
	if n > len(c.Args[1]) {
		return fmt.Errorf("%d bytes written of %d", n, len(c.Args[1]))
	}
	off := fd.pos
	if c.Name == "pwrite64" {
		var err error
		if off, err = number(c, 3); err != nil {
			return err
		}
	} else {
		if now, ok := r.fds[c.Args[0]]; ok && now.node == fd.node {
			off = now.pos // an earlier write of another thread may have ended meanwhile
			now.pos += int64(n)
			r.fds[c.Args[0]] = now
		}
		if fd.end {
			return fmt.Errorf("a file opened with O_APPEND")
		}
	}
	r.add(op{start: c.Start, end: c.End, kind: opWrite, node: fd.node, off: off, data: []byte(c.Args[1][:n])}, fd.node)
	return nil
}

// mapping refuses what cannot be recorded: files that are written through memory.
func (r *recorder) mapping(c *Call) error {
	if len(c.Args) < 6 || !strings.Contains(c.Args[2], "PROT_WRITE") || !strings.Contains(c.Args[3], "MAP_SHARED") {
		return nil
	}
	if fd, ok := r.fds[c.Args[4]]; ok && !r.ignored(fd.node) {
		return fmt.Errorf("%s is written through memory", r.names[fd.node])
	}
	return nil
}

// names2 follows calls that act on names.
func (r *recorder) names2(c *Call) error {
	var paths []string
	for _, a := range c.Args {
		if strings.HasPrefix(a, "/") {
			paths = append(paths, filepath.Clean(a))
		}
	}
	if len(paths) == 0 || !slices.ContainsFunc(paths, r.below) {
		return nil
	}
	if c.End == never {
		return nil // it may have happened; that it did not is one of the cases anyway, and nothing follows
	}
	path := paths[0]
	switch {
	case strings.HasPrefix(c.Name, "mkdir"):
		r.enter(c, entry{r.parent(path), filepath.Base(path), r.create(path, true)})
	case strings.HasPrefix(c.Name, "unlink"), c.Name == "rmdir":
		if _, ok := r.paths[path]; !ok {
			return nil // a socket
		}
		delete(r.paths, path)
		r.enter(c, entry{r.parent(path), filepath.Base(path), -1})
	case strings.HasPrefix(c.Name, "rename") && len(paths) == 2 && r.parent(path) == r.parent(paths[1]):
		node, ok := r.paths[path]
		if !ok || r.folder[node] {
			return fmt.Errorf("rename of %s", path)
		}
		delete(r.paths, path)
		r.paths[paths[1]], r.names[node] = node, paths[1][len(r.root):]
		r.enter(c, entry{r.parent(path), filepath.Base(path), -1}, entry{r.parent(path), filepath.Base(paths[1]), node})
	case strings.HasPrefix(c.Name, "link") && len(paths) == 2:
		node, ok := r.paths[path]
		if !ok || !r.below(paths[1]) {
			return fmt.Errorf("a second name for %s", path)
		}
		r.paths[paths[1]], r.names[node] = node, paths[1][len(r.root):]
		r.enter(c, entry{r.parent(paths[1]), filepath.Base(paths[1]), node})
	default:
		return fmt.Errorf("not known here")
	}
	return nil
}

func number(c *Call, arg int) (int64, error) {
	if arg >= len(c.Args) {
		return 0, fmt.Errorf("%d arguments", len(c.Args))
	}
	return strconv.ParseInt(c.Args[arg], 10, 64)
}
