package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/mod/sumdb/tlog"
	"golang.org/x/sync/errgroup"
)

// realArchive finds an archive of real records beside the checkout, or skips.
func realArchive(t testing.TB, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
	}
	file := filepath.Join(dir, "..", "shared", "data", "cvelist", name)
	if _, err := os.Stat(file); err != nil {
		t.Skipf("the real records of %s are not beside this checkout", name)
	}
	return file
}

// recordFiles are the files of an archive by CVE id.
type recordFiles map[string]*zip.File

func openRecords(t testing.TB, name string) recordFiles {
	t.Helper()
	z, err := zip.OpenReader(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { z.Close() })
	return recordsIn(&z.Reader)
}

// openSample is the records that the program carries.
func openSample(t testing.TB) recordFiles {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(sampleZip), int64(len(sampleZip)))
	if err != nil {
		t.Fatal(err)
	}
	return recordsIn(z)
}

func recordsIn(z *zip.Reader) recordFiles {
	files := recordFiles{}
	for _, f := range z.File {
		if id, ok := strings.CutSuffix(path.Base(f.Name), ".json"); ok && strings.HasPrefix(id, "CVE-") {
			files[id] = f
		}
	}
	return files
}

func (r recordFiles) read(id string) ([]byte, error) {
	f, err := r[id].Open()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// updated is a record's dateUpdated; a date without a zone is UTC.
func updated(raw []byte) (time.Time, error) {
	var rec struct {
		Metadata struct {
			Updated string `json:"dateUpdated"`
		} `json:"cveMetadata"`
	}
	if err := json.Unmarshal(raw, &rec, jsontext.AllowDuplicateNames(true)); err != nil {
		return time.Time{}, err
	}
	if t, err := time.Parse(time.RFC3339Nano, rec.Metadata.Updated); err == nil {
		return t, nil
	}
	return time.Parse("2006-01-02T15:04:05.999999999", rec.Metadata.Updated)
}

// sameJSON says whether two texts are the same JSON: the same tokens in the same order, numbers letter by letter.
func sameJSON(a, b []byte) error {
	// Most replies are the file without its white space, which is quicker to see than its tokens.
	if v := jsontext.Value(bytes.Clone(b)); v.Compact() == nil && bytes.Equal(a, v) {
		return nil
	}
	x, y := jsontext.NewDecoder(bytes.NewReader(a)), jsontext.NewDecoder(bytes.NewReader(b))
	for {
		s, errA := x.ReadToken()
		t, errB := y.ReadToken()
		if errA == io.EOF && errB == io.EOF {
			return nil
		}
		if err := errors.Join(errA, errB); err != nil {
			return err
		}
		if s.Kind() != t.Kind() || s.String() != t.String() {
			return fmt.Errorf("%s: %s instead of %s", x.StackPointer(), s, t)
		}
	}
}

func TestSameJSON(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		same bool
	}{
		{`{"a":[1.0,"x\u0041"]}`, "{ \"a\" : [1.0, \"xA\"]}\n", true},
		{`{"a":1.0}`, `{"a":1}`, false},
		{`{"a":1,"b":2}`, `{"b":2,"a":1}`, false},
		{`[1]`, `[1,2]`, false},
		{`["1"]`, `[1]`, false},
		{`[1`, `[1]`, false},
	} {
		if err := sameJSON([]byte(tc.a), []byte(tc.b)); (err == nil) != tc.same {
			t.Errorf("%s and %s: %v", tc.a, tc.b, err)
		}
	}
}

// The whole real archive goes in, comes out as it was, and is proved to a stranger.
func TestArchive(t *testing.T) {
	if testing.Short() {
		t.Skip("42,107 records, in and out and proved, are too many for -short")
	}
	const count, newer, older, fresh = 42107, 12, 7, 51
	list, extra := realArchive(t, "vulnrichment-cve5.zip"), realArchive(t, "cve5-extra-newer.zip")
	files, extraFiles := openRecords(t, list), openRecords(t, extra)
	if len(files) != count {
		t.Fatalf("the archive has %d records", len(files))
	}
	k := openKit(t, kitOptions{})
	k.run(t)
	step := time.Now()
	lap := func(what string) { t.Logf("%-45s %6.1f s", what, time.Since(step).Seconds()); step = time.Now() }

	sum, _ := k.bring(t, list)
	if sum.Added != count || sum.Files != count || sum.Refused+sum.Updated+sum.Unchanged+sum.Stale+sum.Divergent != 0 {
		t.Fatalf("first import: %+v", sum)
	}
	lap("import")

	o := k.stranger(t)
	// each asks for every record as one of files holds it, and has it proved.
	each := func(files recordFiles) {
		ids := make(chan string, 64)
		var group errgroup.Group
		group.SetLimit(runtime.GOMAXPROCS(0) + 1)
		for range runtime.GOMAXPROCS(0) {
			group.Go(func() error {
				for id := range ids {
					raw, err := files.read(id)
					if err == nil {
						err = k.compare(o, id, raw)
					}
					if err != nil {
						t.Errorf("%s: %v", id, err)
					}
				}
				return nil
			})
		}
		for id := range files {
			ids <- id
		}
		close(ids)
		_ = group.Wait() // its functions report to t
	}
	each(files)
	lap("every record and its proof")
	first := k.overHTTP(t, o, files)
	lap("the log from its entries, tiles and bodies")

	before, err := k.size(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if sum, _ = k.bring(t, list); sum.Unchanged != count || sum.Files != count || sum.Size != before {
		t.Errorf("second import: %+v, the log had %d leaves", sum, before)
	}
	lap("second import")

	want, merged := map[string]string{}, maps.Clone(files)
	for id := range extraFiles {
		want[id] = "added"
		after, err := extraFiles.read(id)
		if err != nil {
			t.Fatal(err)
		}
		if files[id] != nil {
			had, err := files.read(id)
			if err != nil {
				t.Fatal(err)
			}
			x, errX := updated(had)
			y, errY := updated(after)
			if err := errors.Join(errX, errY); err != nil {
				t.Fatal(err)
			}
			want[id] = "updated"
			if y.Before(x) {
				want[id] = "stale"
			}
		}
		if want[id] != "stale" {
			merged[id] = extraFiles[id]
		}
	}
	sum, got := k.bring(t, extra)
	if sum.Updated != newer || sum.Stale != older || sum.Added != fresh || sum.Refused != 0 || !maps.Equal(got, want) {
		t.Errorf("newer records: %+v\n%v\nwant %v", sum, got, want)
	}
	// What the second archive touched, and what it must not have.
	touched := recordFiles{}
	for id := range want {
		touched[id] = merged[id]
	}
	each(touched)
	second, err := o.newest()
	if err != nil {
		t.Fatal(err)
	}
	if second.N != sum.Size || second.N <= first.N {
		t.Errorf("the checkpoint covers %d of %d leaves", second.N, sum.Size)
	}
	if err := o.extends(first, second); err != nil {
		t.Errorf("the second checkpoint does not extend the first: %v", err)
	}
	if forged := (tlog.Tree{N: first.N, Hash: second.Hash}); o.extends(forged, second) == nil {
		t.Error("a forged first checkpoint is extended too")
	}
	lap("newer records")
	k.sound(t)
	lap("fsck, with the tables folded again")
}

// compare holds what the node says of a record against its file.
func (k *kitNode) compare(o *outsider, id string, raw []byte) error {
	w := k.ask("/api/cve/" + id)
	if w.Code != http.StatusOK {
		return fmt.Errorf("%d %s", w.Code, w.Body)
	}
	if err := sameJSON(w.Body.Bytes(), raw); err != nil {
		return err
	}
	proof, err := o.get("/proof/" + id)
	if err != nil {
		return err
	}
	_, _, err = o.prove(proof, id, raw)
	return err
}

// overHTTP rebuilds the whole log from what is served, and holds every body in it against its file.
func (k *kitNode) overHTTP(t *testing.T, o *outsider, files recordFiles) tlog.Tree {
	tree, err := o.newest()
	if err != nil {
		t.Fatal(err)
	}
	log, err := o.fetch(tree)
	if err != nil {
		t.Fatal(err)
	}
	indexes := make([]int64, tree.N)
	for i := range indexes {
		indexes[i] = tlog.StoredHashIndex(0, int64(i))
	}
	want, err := log.ReadHashes(indexes)
	if err != nil {
		t.Fatal(err)
	}
	// TileHashReader proves each tile before it believes it.
	got, err := tlog.TileHashReader(tree, o).ReadHashes(indexes)
	if err != nil {
		t.Fatal(err)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("leaf %d has another hash in its tile", i)
		}
	}
	seen := 0
	err = o.bodies(tree.N, func(index int64, salt, raw []byte) error {
		var leaf outsiderLeaf
		if err := json.Unmarshal(log.leaves[index], &leaf); err != nil {
			return err
		}
		if leaf.E.Body == nil || leaf.E.Body.Hash != saltedHash(salt, raw) {
			return errors.New("not the one that the leaf commits to")
		}
		file, err := files.read(leaf.E.ID)
		if err == nil && sha256.Sum256(file) != sha256.Sum256(raw) {
			err = fmt.Errorf("%s is not the file", leaf.E.ID)
		}
		seen++
		return err
	})
	if err != nil || seen != len(files) {
		t.Errorf("%d of %d bodies: %v", seen, len(files), err)
	}
	return tree
}
