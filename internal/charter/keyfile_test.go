package charter

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestKeyFiles(t *testing.T) {
	c, board := found(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "board.key")
	if err := board.WriteFile(path); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	again, err := ReadBoardKey(path)
	if err != nil {
		t.Fatal(err)
	}
	if again.List != c.ListID() || again.ID != "b1" || !again.Private.Equal(board.Private) {
		t.Errorf("read back %s %s", again.List, again.ID)
	}
	if err := board.WriteFile(path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a key file was overwritten: %v", err)
	}

	log := &LogKey{Origin: c.Head().Origin(), Private: key(firstLog)}
	path = filepath.Join(dir, "log.key")
	if err := log.WriteFile(path); err != nil {
		t.Fatal(err)
	}
	back, err := ReadLogKey(path)
	if err != nil {
		t.Fatal(err)
	}
	if back.Origin != log.Origin || !back.Private.Equal(log.Private) {
		t.Errorf("read back %s", back.Origin)
	}
	if _, err := ReadBoardKey(path); !errors.Is(err, ErrKeyFile) {
		t.Errorf("the log key as a board key: %v", err)
	}
	if _, err := ReadLogKey(filepath.Join(dir, "board.key")); !errors.Is(err, ErrKeyFile) {
		t.Errorf("the board key as a log key: %v", err)
	}
	if _, err := ReadBoardKey(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

func TestKeyFilesRefuse(t *testing.T) {
	_, board := found(t)
	good := string(board.Marshal())
	line := good[strings.Index(good, "\n"+boardKeyTag)+1:]
	log, err := (&LogKey{Origin: "tasuki/x/1-y", Private: key(1)}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for name, in := range map[string]string{
		"empty": "", "only the header": strings.TrimSuffix(good, line), "two keys": line + line, "cut": line[:len(line)-5],
		"another list form": strings.Replace(line, board.List, strings.ToUpper(board.List), 1), "a longer line": strings.TrimSpace(line) + " x\n",
		"tab": strings.Replace(line, " ", "\t", 1), "log seat": strings.Replace(line, " b1 ", " log ", 1), "binary": "\x00\xff",
	} {
		if _, err := ParseBoardKey([]byte(in)); !errors.Is(err, ErrKeyFile) {
			t.Errorf("board key, %s: %v", name, err)
		}
	}
	for name, in := range map[string]string{
		"empty": "", "renamed": strings.Replace(string(log), "tasuki/x", "tasuki/z", 1), "no hash": "PRIVATE+KEY+a+b", "short": "PRIVATE+KEY+a+00000000+AQ==",
	} {
		if _, err := ParseLogKey([]byte(in)); !errors.Is(err, ErrKeyFile) {
			t.Errorf("log key, %s: %v", name, err)
		}
	}
	// A key must not travel in an error message to a log.
	broken := strings.Replace(line, "=", "!", 1)
	if _, err := ParseBoardKey([]byte(broken)); err == nil || strings.Contains(err.Error(), strings.Fields(broken)[3][:20]) {
		t.Errorf("error %v", err)
	}
}

// FuzzKeyFiles: a key that is read can be written and read again as the same key.
func FuzzKeyFiles(f *testing.F) {
	_, board := found(f)
	f.Add(board.Marshal())
	log, err := (&LogKey{Origin: "tasuki/x/1-y", Private: key(1)}).Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(log)
	f.Add([]byte("PRIVATE+KEY+a+b+c"))
	roleFiles := []Role{RoleMirror, RoleWitness, RoleNode}
	for _, role := range roleFiles {
		raw, err := (&RoleKey{Role: role, Name: "m1.example", Private: key(1)}).Marshal()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add((&BoardKey{ID: "b2", Private: key(2)}).Marshal())
	f.Fuzz(func(t *testing.T, raw []byte) {
		if k, err := ParseBoardKey(raw); err == nil {
			again, err := ParseBoardKey(k.Marshal())
			if err != nil || again.List != k.List || again.ID != k.ID || !bytes.Equal(again.Private, k.Private) {
				t.Fatalf("read back %v, %v", again, err)
			}
		}
		for _, role := range roleFiles {
			if k, err := ParseRoleKey(raw, role); err == nil {
				out, err := k.Marshal()
				if err != nil {
					t.Fatal(err)
				}
				if again, err := ParseRoleKey(out, role); err != nil || again.Name != k.Name || !bytes.Equal(again.Private, k.Private) {
					t.Fatalf("read back %v, %v", again, err)
				}
			}
		}
		if k, err := ParseLogKey(raw); err == nil {
			out, err := k.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			again, err := ParseLogKey(out)
			if err != nil || again.Origin != k.Origin || !bytes.Equal(again.Private, k.Private) || len(k.Private) != ed25519.PrivateKeySize {
				t.Fatalf("read back %v, %v", again, err)
			}
		}
	})
}
