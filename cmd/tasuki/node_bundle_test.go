package main

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"tasuki/internal/edge/publish/bundle"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

// exported writes a bundle of a node's list from a leaf on.
func (k *kitNode) exported(t testing.TB, from, to int64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bundle")
	if _, err := k.exportBundle(t.Context(), bundleExportRequest{From: from, To: to, Path: path}, quiet{}); err != nil {
		t.Fatal(err)
	}
	return path
}

func (k *kitNode) brought(path string) (bundleImportAnswer, error) {
	return k.importBundle(context.Background(), bundleImportRequest{Path: path}, quiet{})
}

// island opens a copy that nobody reaches, founded with the charters of a list.
func island(t testing.TB, of *kitNode, dsn string) *kitNode {
	t.Helper()
	return openKit(t, kitOptions{store: dsn, mirror: &mirrorRole{List: of.chain.ListID(), Offline: true, Test: true, charters: of.chain}})
}

// A list is carried in two files to a machine without a network, which then answers like the operator, and proves it.
func TestBundleIntoACopy(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		dsn := ""
		if db.Engine() == store.Postgres {
			dsn = storetest.Postgres(t)
		}
		operator := openSeeded(t, kitOptions{})
		founded, err := operator.size(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		first := operator.exported(t, 0, founded)
		operator.bringSample(t)
		whole := operator.exported(t, 0, 0)
		rest := operator.exported(t, founded, 0)
		copied := island(t, operator, dsn)
		copied.run(t)

		var missing *bundle.Missing
		if _, err := copied.brought(rest); !errors.As(err, &missing) || missing.From != 0 || missing.To != founded {
			t.Errorf("the rest first: %v", err)
		}
		for path, after := range map[string]int64{first: founded} {
			if got, err := copied.brought(path); err != nil || got.After != after {
				t.Fatalf("%+v (%v)", got, err)
			}
		}
		got, err := copied.brought(rest)
		if err != nil || !got.Accepted || got.Before != founded {
			t.Fatalf("%+v (%v)", got, err)
		}
		if got, err = copied.brought(whole); err != nil || got.Before != got.After {
			t.Errorf("again: %+v (%v)", got, err)
		}
		want, err := operator.continuity.Stored(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if have, err := copied.continuity.Stored(t.Context()); err != nil || have != want {
			t.Errorf("%+v, want %+v (%v)", have, want, err)
		}
		for _, path := range []string{"/checkpoint", "/api/cve/CVE-2024-27198", "/proof/CVE-2024-27198", "/rest/json/cves/2.0?cveId=CVE-2024-27198"} {
			a, b := operator.ask(path), copied.ask(path)
			if path != "/rest/json/cves/2.0?cveId=CVE-2024-27198" && !bytes.Equal(a.Body.Bytes(), b.Body.Bytes()) || a.Code != b.Code {
				t.Errorf("%s: %d %.200s\nat the operator %d %.200s", path, b.Code, b.Body, a.Code, a.Body)
			}
		}
		copied.sound(t)
		if _, err := operator.brought(whole); err == nil || !strings.Contains(err.Error(), "a list's own") {
			t.Errorf("into the operator's own: %v", err)
		}
	})
}

// killed runs the program and kills it after a while; it says whether it ended by itself before.
func killed(t *testing.T, after time.Duration, args ...string) (done bool, said string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Args = append([]string{"tasuki"}, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() }) // it may have ended
	err = cmd.Wait()
	timer.Stop()
	return err == nil, out.String()
}

// An import that is killed anywhere goes on where it was, and what it leaves is whole each time.
func TestBundleImportKilled(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("kills by signal")
	}
	kills := 40
	if testing.Short() {
		kills = 2
	}
	operator := openSeeded(t, kitOptions{})
	operator.bringSample(t)
	path := operator.exported(t, 0, 0)
	size, err := operator.size(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "island")
	args := []string{"bundle", "import", path, "--list", operator.chain.ListID(), "--allow-test", "--data", dir}
	dice := rand.New(rand.NewPCG(1, 2))
	began := time.Now()
	if done, said := killed(t, time.Minute, append(args[:len(args)-1:len(args)-1], dir+"-whole")...); !done {
		t.Fatal(said)
	}
	whole := time.Since(began)
	for n := range kills {
		if done, _ := killed(t, time.Duration(dice.Int64N(int64(whole))), args...); done && n%3 == 0 {
			if err := os.RemoveAll(dir); err != nil { // it was done: begin again
				t.Fatal(err)
			}
		}
	}
	if done, said := killed(t, time.Minute, args...); !done {
		t.Fatalf("the last one: %s", said)
	}
	copied := openKit(t, kitOptions{dir: dir})
	if got, err := copied.size(t.Context()); err != nil || got != size {
		t.Errorf("%d leaves of %d (%v)", got, size, err)
	}
	copied.sound(t)
}

// The list id is the one thing that is believed, and a test list is not taken in unasked.
func TestBundleFoundsACopy(t *testing.T) {
	operator := openSeeded(t, kitOptions{})
	path := operator.exported(t, 0, 0)
	dir := filepath.Join(t.TempDir(), "island")
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"no list":      {nil, "no list here"},
		"another list": {[]string{"--list", strings.Repeat("a", 64), "--allow-test"}, "another list"},
		"a test list":  {[]string{"--list", operator.chain.ListID()}, "test list"},
		"no id":        {[]string{"--list", "x"}, "64 hex digits"},
	} {
		done, said := killed(t, time.Minute, append([]string{"bundle", "import", path, "--data", dir}, tc.args...)...)
		if done || name != "no list" && !strings.Contains(said, tc.want) {
			t.Errorf("%s: %s", name, said)
		}
	}
}
