// Command traindict trains the ledger's zstd dictionary on the CC0 sample of the CVE List.
//
// It is run by hand, once per dictionary, and refuses to overwrite one: a dictionary that bodies were written with never
// changes. Training draws on map order, so a second run gives another file of the same quality; there is nothing for
// go generate to reproduce.
package main

import (
	"archive/zip"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/klauspost/compress/dict"
	"github.com/klauspost/compress/zstd"
)

func main() {
	in := flag.String("in", "../../../shared/data/cvelist/cve5-sample-500.zip", "zip of CVE records")
	out := flag.String("out", "dict/cve2.zdict", "dictionary to write")
	id := flag.Uint("id", 0x7a530002, "dictionary id")
	size := flag.Int("size", 112<<10, "most bytes of history")
	hash := flag.Int("hash", 8, "shortest match considered")
	flag.Parse()
	if err := train(*in, *out, uint32(*id), *size, *hash); err != nil {
		fmt.Fprintln(os.Stderr, "traindict:", err)
		os.Exit(1)
	}
}

func train(in, out string, id uint32, size, hash int) error {
	z, err := zip.OpenReader(in)
	if err != nil {
		return err
	}
	defer z.Close()
	var texts [][]byte
	for _, f := range z.File {
		if f.FileInfo().IsDir() {
			continue
		}
		text, err := compact(f)
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		texts = append(texts, text)
	}
	d, err := dict.BuildZstdDict(texts, dict.Options{
		MaxDictSize: size, HashBytes: hash, ZstdDictID: id, ZstdLevel: zstd.SpeedFastest, ZstdDictCompat: true,
	})
	if err != nil {
		return err
	}
	f, err := os.OpenFile(out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(d)
	return errors.Join(err, f.Close())
}

func compact(f *zip.File) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	raw, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	v := jsontext.Value(raw)
	if err := v.Compact(); err != nil {
		return nil, err
	}
	return v, nil
}
