package crashtest

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

const (
	sampleTrace = `7 openat(AT_FDCWD, "\x2f\x72\x2f\x61", O_RDWR|O_CREAT|O_CLOEXEC, 0600) = 3
7 pwrite64(3, "\x61\x62\x0a\x2c\x22", 5, 3 <unfinished ...>
8 fsync(3 <unfinished ...>
7 <... pwrite64 resumed>)                 = 5
8 <... fsync resumed>)                    = 0
8 unlink("\x2f\x72\x2f\x62")              = -1 ENOENT (No such file or directory)
7 mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED, 3, 0) = 0x7f0000001000
8 write(1, "\x68\x69", 2 <unfinished ...>
7 +++ killed by SIGKILL +++
`
)

func TestReadTrace(t *testing.T) {
	got, err := ReadTrace(strings.NewReader(sampleTrace))
	if err != nil {
		t.Fatal(err)
	}
	want := []Call{
		{0, 0, "openat", []string{"AT_FDCWD", "/r/a", "O_RDWR|O_CREAT|O_CLOEXEC", "0600"}, 3},
		{1, 3, "pwrite64", []string{"3", "ab\n,\"", "5", "3"}, 5},
		{2, 4, "fsync", []string{"3"}, 0},
		{5, 5, "unlink", []string{"/r/b"}, -1},
		{6, 6, "mmap", []string{"NULL", "4096", "PROT_READ|PROT_WRITE", "MAP_SHARED", "3", "0"}, 0x7f0000001000},
		{7, never, "write", []string{"1", "hi", "2"}, -1},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("read\n%+v, want\n%+v", got, want)
	}
}

func TestReadTraceRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"no thread":         "openat(3) = 1\n",
		"a string cut":      `7 write(3, "\x61"..., 900) = 900` + "\n",
		"a string in clear": `7 write(3, "ab", 2) = 2` + "\n",
		"no result":         "7 fsync(3)\n",
		"no end":            "7 fsync(3\n",
		"two calls at once": "7 fsync(3 <unfinished ...>\n7 fsync(3) = 0\n",
		"a stray end":       "7 <... fsync resumed>) = 0\n",
	} {
		if _, err := ReadTrace(strings.NewReader(text)); !errors.Is(err, ErrTrace) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A call that strace prints in two parts reads like one that it prints in one, but for when it ended.
func FuzzReadTrace(f *testing.F) {
	for line := range strings.Lines(sampleTrace) {
		if !strings.Contains(line, "<") && !strings.Contains(line, "+++") {
			f.Add(strings.TrimPrefix(strings.TrimSuffix(line, "\n"), "7 "), 9)
		}
	}
	f.Add(`pwritev(3, [{iov_base="\x61", iov_len=1}], 1, 0) = 1`, 20)
	f.Fuzz(func(t *testing.T, call string, at int) {
		if strings.ContainsAny(call, "\n\r") {
			return
		}
		whole, err := ReadTrace(strings.NewReader("7 " + call + "\n"))
		if err != nil || len(whole) != 1 {
			return
		}
		name := whole[0].Name
		if at <= len(name) || at > len(call) || strings.Contains(call, "unfinished") || strings.HasPrefix(call, " ") {
			return
		}
		if strings.ContainsAny(name, " <>") || strings.HasSuffix(call[:at], " ") || strings.Contains(call, "resumed>") {
			return // names of no call
		}
		parts := "7 " + call[:at] + " <unfinished ...>\n8 fsync(9) = 0\n7 <... " + name + " resumed>" + call[at:] + "\n"
		split, err := ReadTrace(strings.NewReader(parts))
		if err != nil || len(split) != 2 {
			t.Fatalf("%q in two parts: %v", call, err)
		}
		want := whole[0]
		want.End = 2
		if !reflect.DeepEqual(split[0], want) {
			t.Fatalf("%q in two parts: %+v, want %+v", call, split[0], want)
		}
	})
}
