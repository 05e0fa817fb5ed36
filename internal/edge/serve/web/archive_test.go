package web

import (
	"archive/zip"
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tasuki/internal/catalogue"
	"tasuki/spec/cve"
	"tasuki/web/i18n"
	"tasuki/web/record"
)

// maxPage is how large a record's page may become, in bytes: the largest real record is 690 kB of JSON.
const maxPage = 400 << 10

// Every 100th record of the real list, and the large ones, become whole pages that keep to themselves.
func TestRealRecords(t *testing.T) {
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			break
		}
		root = filepath.Dir(root)
	}
	z, err := zip.OpenReader(filepath.Join(root, "../shared/data/cvelist/vulnrichment-cve5.zip"))
	if err != nil {
		t.Skip("the big archive of real records is not on this machine: ", err)
	}
	defer z.Close()
	pages, largest, largestID := 0, 0, ""
	for i, f := range z.File {
		if !strings.HasSuffix(f.Name, ".json") || i%100 != 0 && f.UncompressedSize64 < 100_000 {
			continue
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		rec, err := cve.Decode(raw)
		if err != nil {
			t.Fatal(f.Name, err)
		}
		view := describe(i18n.English, &catalogue.View{ID: rec.Metadata.ID, State: rec.Metadata.State, Record: rec}, wanted{1, 1})
		view.Page.Lang = i18n.English
		view.Page.Here = func(string, string) string { return "/" }
		if view.Headline == "" {
			t.Errorf("%s has no headline", view.ID)
		}
		var b bytes.Buffer
		if err := record.Body(view).Render(context.Background(), &b); err != nil {
			t.Fatal(view.ID, err)
		}
		parse(t, view.ID, b.String()).walk(func(n *node) { checkElement(t, n) })
		if t.Failed() {
			t.Fatal("in ", view.ID)
		}
		if pages++; b.Len() > largest {
			largest, largestID = b.Len(), view.ID
		}
	}
	t.Logf("%d pages, the largest %d bytes (%s)", pages, largest, largestID)
	if pages < 400 || largest > maxPage {
		t.Errorf("%d pages, the largest %d bytes (%s)", pages, largest, largestID)
	}
}
