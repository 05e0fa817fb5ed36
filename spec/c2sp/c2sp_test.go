package c2sp

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

func TestTilePath(t *testing.T) {
	for _, tc := range []struct {
		level int
		n     int64
		width int
		want  string
	}{
		{0, 0, 256, "tile/0/000"},
		{0, 273, 112, "tile/0/273.p/112"},
		{1, 1, 17, "tile/1/001.p/17"},
		{Entries, 1234067, 256, "tile/entries/x001/x234/067"},
		{63, 1<<63 - 1, 255, "tile/63/x009/x223/x372/x036/x854/x775/807.p/255"},
		{2, 1000, 1, "tile/2/x001/000.p/1"},
	} {
		if got := TilePath(tc.level, tc.n, tc.width); got != tc.want {
			t.Errorf("TilePath(%d, %d, %d) = %s, want %s", tc.level, tc.n, tc.width, got, tc.want)
		}
		level, n, width, err := ParseTilePath(tc.want)
		if err != nil || level != tc.level || n != tc.n || width != tc.width {
			t.Errorf("ParseTilePath(%s) = %d, %d, %d, %v", tc.want, level, n, width, err)
		}
	}
}

func TestParseTilePathRefuses(t *testing.T) {
	for _, path := range []string{
		"", "tile", "tile/0", "tile/0/", "tile/00/000", "tile/64/000", "tile/-1/000", "tile/+1/000", "tile/0/0", "tile/0/0000",
		"tile/0/x000/000", "tile/0/001/000", "tile/0/x001", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01",
		"tile/0/000.p/", "tile/0/000.p/1.p/1", "tile/0/+01", "tile/0/x009/x223/x372/x036/x854/x775/808", "tile/8/0/000",
		"tile/entries/x001/x002/x003/x004/x005/x006/x007/008", "/tile/0/000", "tile/0/000/", "tile/0/../000",
	} {
		if l, n, w, err := ParseTilePath(path); !errors.Is(err, ErrPath) {
			t.Errorf("ParseTilePath(%q) = %d, %d, %d, %v; want ErrPath", path, l, n, w, err)
		}
	}
}

func FuzzTilePath(f *testing.F) {
	f.Add("tile/0/x001/234.p/7")
	f.Add("tile/entries/000")
	f.Fuzz(func(t *testing.T, path string) {
		level, n, width, err := ParseTilePath(path)
		if err == nil && TilePath(level, n, width) != path {
			t.Fatalf("%q parses as %d, %d, %d, which is %q", path, level, n, width, TilePath(level, n, width))
		}
	})
}

func TestBundle(t *testing.T) {
	var bundle []byte
	want := [][]byte{[]byte("a"), {}, bytes.Repeat([]byte("x"), MaxEntry)}
	for _, e := range want {
		var err error
		if bundle, err = AppendEntry(bundle, e); err != nil {
			t.Fatal(err)
		}
	}
	got, err := ParseBundle(bundle)
	if err != nil || len(got) != len(want) {
		t.Fatalf("%d entries, %v", len(got), err)
	}
	for i := range want {
		if !bytes.Equal(got[i], want[i]) {
			t.Errorf("entry %d differs", i)
		}
	}
	if _, err := AppendEntry(nil, make([]byte, MaxEntry+1)); !errors.Is(err, ErrBundle) {
		t.Errorf("entry beyond 65,535 bytes: %v", err)
	}
	for _, bad := range [][]byte{nil, {0}, {0, 2, 1}, make([]byte, 2*257)} {
		if _, err := ParseBundle(bad); !errors.Is(err, ErrBundle) {
			t.Errorf("%d bytes: %v", len(bad), err)
		}
	}
}

func FuzzBundle(f *testing.F) {
	f.Add([]byte{0, 1, 'a', 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		entries, err := ParseBundle(b)
		if err != nil {
			return
		}
		var again []byte
		for _, e := range entries {
			again, _ = AppendEntry(again, e)
		}
		if !bytes.Equal(again, b) {
			t.Fatal("entries do not encode to the bundle they came from")
		}
	})
}

// specCheckpoint and specProof are the examples of the specifications; the proof's signatures are shortened there,
// so its note is only parsed, not opened.
const specCheckpoint = `example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
`

const specProof = `c2sp.org/tlog-proof@v1
extra YWdlLXYxLjIuMS1kYXJ3aW4tYXJtNjQudGFyLmd6
index 73894
gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=
B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=

example.com/fancylog
109482
sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=

— example.com/fancylog hI2DJw==
— witness1.example mJirIklj
`

func TestCheckpoint(t *testing.T) {
	c, err := ParseCheckpoint(specCheckpoint)
	if err != nil {
		t.Fatal(err)
	}
	if c.Origin != "example.com/behind-the-sofa" || c.Size != 20852163 || c.String() != specCheckpoint {
		t.Errorf("%+v", c)
	}
	for _, bad := range []string{
		"", "a\n1\n", strings.TrimSuffix(specCheckpoint, "\n"), "\n" + specCheckpoint, specCheckpoint + "\n",
		strings.Replace(specCheckpoint, "208", "0208", 1), strings.Replace(specCheckpoint, "208", "-208", 1),
		strings.Replace(specCheckpoint, "q2I=", "q2J=", 1), strings.Replace(specCheckpoint, "q2I=", "q2I", 1),
		strings.Replace(specCheckpoint, "20852163", "99999999999999999999", 1), strings.Replace(specCheckpoint, "sofa", "so\rfa", 1),
	} {
		if c, err := ParseCheckpoint(bad); !errors.Is(err, ErrCheckpoint) {
			t.Errorf("%q: %+v, %v", bad, c, err)
		}
	}
}

func FuzzCheckpoint(f *testing.F) {
	f.Add(specCheckpoint)
	f.Add(specCheckpoint + "extension\n")
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := ParseCheckpoint(text); err == nil && c.String() != text {
			t.Fatalf("%q formats as %q", text, c.String())
		}
	})
}

func TestProofsConcatenate(t *testing.T) {
	first, err := ParseProofs([]byte(specProof), 1)
	if err != nil {
		t.Fatal(err)
	}
	if string(first[0].Extra) != "age-v1.2.1-darwin-arm64.tar.gz" || first[0].Index != 73894 || len(first[0].Path) != 2 {
		t.Errorf("%+v", first[0])
	}
	bare := Proof{Index: 0, Checkpoint: first[0].Checkpoint}
	empty := Proof{Extra: []byte{}, Index: 1, Path: []tlog.Hash{{1}}, Checkpoint: first[0].Checkpoint}
	want := []Proof{first[0], bare, empty}
	var file []byte
	for _, p := range want {
		file = p.Append(file)
	}
	got, err := ParseProofs(file, 3)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v\n%+v", err, got)
	}
	if _, err := ParseProofs(file, 2); !errors.Is(err, ErrProof) {
		t.Errorf("three parts where two are allowed: %v", err)
	}
}

func TestParseProofsRefuses(t *testing.T) {
	swap := func(old, new string) string { return strings.Replace(specProof, old, new, 1) }
	for name, file := range map[string]string{
		"empty": "", "header": swap("@v1", "@v2"), "index": swap("index 7", "index 07"), "no index": swap("index 73894\n", ""),
		"negative": swap("index 7", "index -7"), "padding bits": swap("PlQ=", "PlR="), "short hash": swap("gSKy", ""),
		"extra": swap("extra Y", "extra !"), "no signatures": specProof[:strings.Index(specProof, "— ")],
		"cut": specProof[:len(specProof)-1], "trailing": specProof + "x", "blank line between": specProof + "\n" + specProof,
		"cut in path": specProof[:120], "header only": ProofHeader, "no checkpoint": specProof[:strings.Index(specProof, "\n\n")+2],
	} {
		if _, err := ParseProofs([]byte(file), 9); !errors.Is(err, ErrProof) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzProofs(f *testing.F) {
	f.Add([]byte(specProof))
	f.Add([]byte(specProof + specProof))
	f.Fuzz(func(t *testing.T, file []byte) {
		proofs, err := ParseProofs(file, 16)
		if err != nil {
			return
		}
		var again []byte
		for _, p := range proofs {
			again = p.Append(again)
		}
		if !bytes.Equal(again, file) {
			t.Fatalf("%q formats as %q", file, again)
		}
	})
}
