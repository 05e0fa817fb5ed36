// Package crashtest is a disk that loses power. It reads a recording of what a process did to its files (strace), keeps
// apart what was forced to the disk and what was not, and builds what a disk may hold after the power went at any moment.
//
// What is promised to a program, and all that is believed here: fsync and fdatasync put a file's bytes and its length on the
// disk, fsync of a folder its entries. Everything else may be there, may be missing, may be there in part (in sectors of 512
// bytes) and in any order. The failure literature: Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014;
// Zheng et al., "Torturing Databases for Fun and Profit", OSDI 2014.
package crashtest

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// ErrTrace means that a recording cannot be read, or that the process did something that this package does not know.
var ErrTrace = errors.New("crashtest: recording not understood")

// Calls are the system calls that a recording must contain, for strace's -e trace=.
const Calls = "open,openat,openat2,creat,close,dup,dup2,dup3,write,pwrite64,writev,pwritev,pwritev2,ftruncate,truncate,fallocate," +
	"fsync,fdatasync,sync_file_range,sync,syncfs,rename,renameat,renameat2,unlink,unlinkat,link,linkat,symlink,symlinkat," +
	"mkdir,mkdirat,rmdir,mmap,copy_file_range,sendfile,splice"

// Options are the rest of strace's command line, before -o FILE PROGRAM: all threads, every byte of writes up to 1 MiB (longer ones are refused).
var Options = []string{"-f", "--seccomp-bpf", "-xx", "-s", "1048576", "-e", "signal=none", "-e", "trace=" + Calls}

// Call is one system call. Start and End are lines of the recording: the call did nothing before Start and had returned
// after End. A call during which the process was killed never ended.
type Call struct {
	Start, End int
	Name       string
	Args       []string // as printed; strings are decoded and stand without quotes
	Ret        int64    // −1: it failed, or never ended
}

// never is the End of a call that did not return.
const never = 1 << 60

// ReadTrace reads what strace wrote with Options. Errors wrap ErrTrace and name the line.
func ReadTrace(r io.Reader) ([]Call, error) {
	var calls []Call
	open := map[string]pendingCall{} // by thread
	in := bufio.NewReaderSize(r, 1<<20)
	for line := 0; ; line++ {
		text, err := in.ReadString('\n')
		if err == io.EOF && text == "" {
			break
		}
		if err != nil && err != io.EOF {
			return nil, err
		}
		if err := readLine(strings.TrimSuffix(text, "\n"), line, open, &calls); err != nil {
			return nil, fmt.Errorf("%w: line %d: %w", ErrTrace, line+1, err)
		}
	}
	for _, p := range open {
		if err := finish(&calls[p.at], p.text+") = -1"); err != nil {
			return nil, fmt.Errorf("%w: line %d: %w", ErrTrace, calls[p.at].Start+1, err)
		}
		calls[p.at].End = never
	}
	return calls, nil
}

// pendingCall is a call whose beginning was read: its index, and its text so far.
type pendingCall struct {
	at   int
	text string
}

func readLine(text string, line int, open map[string]pendingCall, calls *[]Call) error {
	thread, text, ok := strings.Cut(text, " ")
	if _, err := strconv.Atoi(thread); err != nil || !ok {
		return fmt.Errorf("no thread number: %.60q", text)
	}
	text = strings.TrimLeft(text, " ")
	if strings.HasPrefix(text, "+++") || strings.HasPrefix(text, "---") {
		return nil
	}
	if rest, ok := strings.CutPrefix(text, "<... "); ok {
		p, known := open[thread]
		_, rest, ok := strings.Cut(rest, " resumed>")
		if !known || !ok {
			return fmt.Errorf("thread %s resumes nothing", thread)
		}
		delete(open, thread)
		(*calls)[p.at].End = line
		return finish(&(*calls)[p.at], p.text+rest)
	}
	if _, busy := open[thread]; busy {
		return fmt.Errorf("thread %s is inside a call already", thread)
	}
	*calls = append(*calls, Call{Start: line, End: line, Ret: -1})
	at := len(*calls) - 1
	if head, ok := strings.CutSuffix(text, " <unfinished ...>"); ok {
		open[thread] = pendingCall{at, head}
		return nil
	}
	return finish(&(*calls)[at], text)
}

// finish reads a call's whole text: name(arguments) = result.
func finish(c *Call, text string) error {
	name, rest, ok := strings.Cut(text, "(")
	if !ok {
		return fmt.Errorf("no call: %.60q", text)
	}
	c.Name = name
	for rest = strings.TrimLeft(rest, " "); !strings.HasPrefix(rest, ")"); {
		arg, after, err := argument(rest)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		c.Args = append(c.Args, arg)
		var more bool
		if rest, more = strings.CutPrefix(after, ", "); !more && !strings.HasPrefix(rest, ")") {
			return fmt.Errorf("%s: after an argument: %.20q", name, rest)
		}
	}
	_, result, ok := strings.Cut(rest, "= ")
	if !ok {
		return fmt.Errorf("%s: no result: %.60q", name, rest)
	}
	result, _, _ = strings.Cut(result, " ")
	if result == "?" {
		c.Ret = -1 // the process ended inside the call
		return nil
	}
	n, err := strconv.ParseInt(result, 0, 64)
	if err != nil {
		return fmt.Errorf("%s: result %.60q", name, result)
	}
	c.Ret = n
	return nil
}

// argument takes one argument off the front: a string, a nested structure (kept as it stands), or a word.
func argument(s string) (arg, rest string, err error) {
	if strings.HasPrefix(s, `"`) {
		end := strings.IndexByte(s[1:], '"')
		if end < 0 {
			return "", "", errors.New("string without end")
		}
		raw, rest := s[1:1+end], s[2+end:]
		if strings.HasPrefix(rest, "...") {
			return "", "", errors.New("string cut short: -s is too small")
		}
		text, err := unhex(raw)
		return text, rest, err
	}
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			if depth == 0 {
				return strings.TrimRight(s[:i], " "), s[i:], nil
			}
			depth--
		case ',':
			if depth == 0 {
				return s[:i], s[i:], nil
			}
		case '"':
			end := strings.IndexByte(s[i+1:], '"')
			if end < 0 {
				return "", "", errors.New("string without end")
			}
			i += end + 1
		}
	}
	return "", "", errors.New("arguments without end")
}

// unhex decodes \x00\x01….
func unhex(raw string) (string, error) {
	b := make([]byte, len(raw)/4)
	for i := range b {
		if raw[4*i] != '\\' || raw[4*i+1] != 'x' {
			return "", errNotHex
		}
		if _, err := hex.Decode(b[i:i+1], []byte(raw[4*i+2:4*i+4])); err != nil {
			return "", errNotHex
		}
	}
	if len(raw)%4 != 0 {
		return "", errNotHex
	}
	return string(b), nil
}

var errNotHex = errors.New("string not in hexadecimal: -xx is missing")
