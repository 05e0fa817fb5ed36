package crashtest

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// hexed writes a string as strace -xx does.
func hexed(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(s) {
		fmt.Fprintf(&b, `\x%02x`, s[i])
	}
	b.WriteByte('"')
	return b.String()
}

// script is a recording in short hand: one line per call, text in single quotes.
func script(t *testing.T, text string) *Disk {
	t.Helper()
	d, err := Record("/r", calls(t, text), func(p string) bool { return strings.HasSuffix(p, "-shm") })
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func calls(t *testing.T, text string) []Call {
	t.Helper()
	var out strings.Builder
	for line := range strings.Lines(strings.TrimSpace(text)) {
		parts := strings.Split(strings.TrimSpace(line), "'")
		for i := 1; i < len(parts); i += 2 {
			parts[i] = hexed(parts[i])
		}
		fmt.Fprintln(&out, strings.Join(parts, ""))
	}
	c, err := ReadTrace(strings.NewReader(out.String()))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// held is an image as one line.
func held(t *testing.T, im *Image) string {
	t.Helper()
	dir := t.TempDir()
	if err := im.WriteTo(dir); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		if e.IsDir() {
			files[name] = "/"
			return nil
		}
		raw, err := os.ReadFile(path)
		files[name] = "=" + string(raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(files)) {
		out = append(out, name+strings.ReplaceAll(files[name], "\x00", "0"))
	}
	return strings.Join(out, " ")
}

func TestWhatIsCertain(t *testing.T) {
	d := script(t, `
		7 mkdirat(AT_FDCWD, '/r/d', 0700) = 0
		7 openat(AT_FDCWD, '/r/d/a', O_RDWR|O_CREAT, 0600) = 3
		7 pwrite64(3, 'hello', 5, 0) = 5
		7 fsync(3) = 0
		7 write(1, 'said', 4) = 4
		7 openat(AT_FDCWD, '/r', O_RDONLY|O_DIRECTORY) = 4
		7 fsync(4) = 0
		7 openat(AT_FDCWD, '/r/d', O_RDONLY|O_DIRECTORY) = 5
		7 fsync(5) = 0
		7 pwrite64(3, 'J', 1, 0) = 1
		7 ftruncate(3, 2) = 0
		7 fdatasync(3) = 0
		7 close(3) = 0
		7 openat(AT_FDCWD, '/elsewhere', O_RDWR|O_CREAT, 0600) = 3
		7 write(3, 'xxx', 3) = 3
		7 renameat(AT_FDCWD, '/r/d/a', AT_FDCWD, '/r/d/b') = 0
		7 unlinkat(AT_FDCWD, '/r/d/b', 0) = 0
		7 openat(AT_FDCWD, '/r/d/c-shm', O_RDWR|O_CREAT, 0600) = 9
		7 write(9, 'shared', 6) = 6`)
	for _, tc := range []struct {
		cut       int
		none, all string
	}{
		{0, "", ""},
		{3, "", "d/ d/a=hello"},
		{6, "", "d/ d/a=hello"}, // synced, but no name leads to it
		{7, "d/", "d/ d/a=hello"},
		{9, "d/ d/a=hello", "d/ d/a=hello"},
		{10, "d/ d/a=hello", "d/ d/a=Jello"},
		{11, "d/ d/a=hello", "d/ d/a=Je"},
		{12, "d/ d/a=Je", "d/ d/a=Je"},
		{16, "d/ d/a=Je", "d/ d/b=Je"},
		{19, "d/ d/a=Je", "d/"},
	} {
		if got := held(t, d.Image(tc.cut, None)); got != tc.none {
			t.Errorf("cut %d, only what is certain: %q, want %q", tc.cut, got, tc.none)
		}
		if got := held(t, d.Image(tc.cut, All)); got != tc.all {
			t.Errorf("cut %d, everything: %q, want %q", tc.cut, got, tc.all)
		}
	}
	if got := string(d.SaidBefore(4)) + "|" + string(d.SaidBefore(5)); got != "|said" {
		t.Errorf("said %q", got)
	}
	if got := []int{d.Unsynced(3), d.Unsynced(9), d.Unsynced(11), d.Unsynced(12)}; !slices.Equal(got, []int{1, 0, 2, 0}) {
		t.Errorf("unsynced: %v", got)
	}
}

// A sync covers what had returned when it began, not what went on beside it; it counts when it has returned.
func TestCallsOverlap(t *testing.T) {
	d := script(t, `
		7 openat(AT_FDCWD, '/r/a', O_RDWR|O_CREAT, 0600) = 3
		7 openat(AT_FDCWD, '/r', O_RDONLY) = 4
		7 fsync(4) = 0
		7 pwrite64(3, '1', 1, 0) = 1
		7 pwrite64(3, '2', 1, 1 <unfinished ...>
		8 fsync(3 <unfinished ...>
		7 <... pwrite64 resumed>) = 1
		7 pwrite64(3, '3', 1, 2) = 1
		8 <... fsync resumed>) = 0
		7 close(3) = 0`)
	for cut, want := range map[int]string{5: "a=", 8: "a=", 9: "a=1", 10: "a=1"} {
		if got := held(t, d.Image(cut, None)); got != want {
			t.Errorf("cut %d: %q, want %q", cut, got, want)
		}
	}
}

// What a torn write leaves is made of whole sectors, old or new, and every mixture of them is met.
func TestTornWrites(t *testing.T) {
	a, b := strings.Repeat("a", 3*sector), strings.Repeat("b", 2*sector)
	d := script(t, `
		7 openat(AT_FDCWD, '/r/a', O_RDWR|O_CREAT, 0600) = 3
		7 pwrite64(3, '`+a+`', 1536, 0) = 1536
		7 fsync(3) = 0
		7 openat(AT_FDCWD, '/r', O_RDONLY) = 4
		7 fsync(4) = 0
		7 pwrite64(3, '`+b+`', 1024, 256) = 1024`)
	seen := map[string]bool{}
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		got := strings.TrimPrefix(held(t, d.Image(6, Dice(rnd, false))), "a=")
		var shape strings.Builder
		for from := 0; from < len(got); from += 256 {
			part := got[from : from+256]
			if strings.Trim(part, "a") != "" && strings.Trim(part, "b") != "" {
				t.Fatalf("a sector that is neither old nor new: %q", part)
			}
			shape.WriteByte(part[0])
		}
		seen[shape.String()] = true
	}
	// 256 bytes into the first sector, all of the second, half of the third.
	want := []string{"aaaaaa", "aaaaba", "aabbaa", "aabbba", "abaaaa", "abaaba", "abbbaa", "abbbba"}
	if got := slices.Sorted(maps.Keys(seen)); !slices.Equal(got, want) {
		t.Errorf("seen %v, want %v", got, want)
	}
}

// A second name for a file is as uncertain as a new file's.
func TestLinks(t *testing.T) {
	d := script(t, `
		7 openat(AT_FDCWD, '/r/a', O_RDWR|O_CREAT, 0600) = 3
		7 write(3, '1', 1) = 1
		7 openat(AT_FDCWD, '/r', O_RDONLY) = 4
		7 fsync(3) = 0
		7 fsync(4) = 0
		7 linkat(AT_FDCWD, '/r/a', AT_FDCWD, '/r/b', 0) = 0
		7 unlink('/r/a') = 0
		7 write(3, '2', 1) = 1`)
	for cut, want := range map[int]string{5: "a=1", 6: "a=1 b=1", 7: "b=1", 8: "b=12"} {
		if got := held(t, d.Image(cut, All)); got != want {
			t.Errorf("cut %d: %q, want %q", cut, got, want)
		}
		if got := held(t, d.Image(cut, None)); got != "a=1" {
			t.Errorf("cut %d, only what is certain: %q", cut, got)
		}
	}
}

// Names reach the disk in their order where the file system keeps a journal, and in any order where it does not.
func TestNamesInOrder(t *testing.T) {
	d := script(t, `
		7 openat(AT_FDCWD, '/r/a', O_RDWR|O_CREAT, 0600) = 3
		7 openat(AT_FDCWD, '/r/b', O_RDWR|O_CREAT, 0600) = 4
		7 rename('/r/b', '/r/c') = 0`)
	for ordered, want := range map[bool][]string{true: {"", "a=", "a= b=", "a= c="}, false: {"", "a=", "a= b=", "a= c=", "b=", "c="}} {
		seen := map[string]bool{}
		rnd := rand.New(rand.NewPCG(3, 4))
		for range 400 {
			seen[held(t, d.Image(3, Dice(rnd, ordered)))] = true
		}
		if got := slices.Sorted(maps.Keys(seen)); !slices.Equal(got, want) {
			t.Errorf("ordered %v: seen %q, want %q", ordered, got, want)
		}
	}
}

func TestRecordRefusesWhatItDoesNotKnow(t *testing.T) {
	const file = "7 openat(AT_FDCWD, '/r/a', O_RDWR|O_CREAT, 0600) = 3\n"
	for name, text := range map[string]string{
		"a file from before":   "7 openat(AT_FDCWD, '/r/a', O_RDWR) = 3",
		"a relative path":      "7 openat(AT_FDCWD, 'a', O_RDWR|O_CREAT, 0600) = 3",
		"writing by memory":    file + "7 mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED, 3, 0) = 0x7f00",
		"a call of its own":    file + "7 fallocate(3, 0, 0, 4096) = 0",
		"a name for another's": file + "7 linkat(AT_FDCWD, '/elsewhere', AT_FDCWD, '/r/b', 0) = 0",
		"a name that is text":  file + "7 symlink('/r/a', '/r/b') = 0",
		"more written than is": file + "7 write(3, 'a', 2) = 2",
	} {
		if _, err := Record("/r", calls(t, text), nil); !errors.Is(err, ErrTrace) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
