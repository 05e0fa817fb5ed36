package main

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestDataDirIsFoundedOnceAndHeldByOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "data")
	if _, err := openDataDir(path, false); !errors.Is(err, ErrNoData) {
		t.Fatalf("opening nothing: %v", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Fatal("a refused opening left a directory")
	}
	d, err := openDataDir(path, true)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o700 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if _, err := openDataDir(path, true); !errors.Is(err, ErrRunning) {
		t.Errorf("a second holder: %v", err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if d, err = openDataDir(path, false); err != nil {
		t.Fatal(err)
	}
	d.Close()
}

func TestForeignAndNewerDirectoriesAreLeftAlone(t *testing.T) {
	for _, tc := range []struct {
		name  string
		files map[string]string
		want  error
	}{
		{"somebody's papers", map[string]string{"thesis.txt": "…"}, ErrForeign},
		{"a format that is no number", map[string]string{"format": "sqlite"}, ErrForeign},
		{"tomorrow's", map[string]string{"format": "2\n", "tasuki.db": ""}, ErrNewer},
		{"today's", map[string]string{"format": "1\n", "tasuki.db": ""}, nil},
		{"empty", nil, nil},
		{"a first start that died", map[string]string{"lock": "", "format.tmp": ""}, nil},
	} {
		dir := t.TempDir()
		for name, text := range tc.files {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		d, err := openDataDir(dir, true)
		if !errors.Is(err, tc.want) || (err == nil) != (tc.want == nil) {
			t.Errorf("%s: %v, want %v", tc.name, err, tc.want)
		}
		if d != nil {
			d.Close()
			continue
		}
		if left, _ := os.ReadDir(dir); len(left) != len(tc.files) {
			t.Errorf("%s: the refusal left %v", tc.name, left)
		}
	}
}
