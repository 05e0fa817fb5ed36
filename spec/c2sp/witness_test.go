package c2sp

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

const specRequest = `old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=
`

func TestAddCheckpoint(t *testing.T) {
	a, c, err := ParseAddCheckpoint([]byte(specRequest))
	if err != nil {
		t.Fatal(err)
	}
	if a.Old != 20852014 || len(a.Proof) != 4 || c.Origin != "example.com/behind-the-sofa" || c.Size != 20852163 {
		t.Errorf("%+v, %+v", a, c)
	}
	if got := a.Append(nil); string(got) != specRequest {
		t.Errorf("written as\n%s", got)
	}
	n, err := ParseNote(a.Checkpoint)
	if err != nil || len(n.Lines) != 2 {
		t.Errorf("%+v, %v", n, err)
	}
}

func TestAddCheckpointRefuses(t *testing.T) {
	swap := func(old, replacement string) string { return strings.Replace(specRequest, old, replacement, 1) }
	line := "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n"
	for name, body := range map[string]string{
		"empty": "", "no old": swap("old 20852014\n", ""), "leading zero": swap("old 2", "old 02"), "negative": swap("old 2", "old -2"),
		"no number": swap("20852014", ""), "two spaces": swap("old ", "old  "), "short hash": swap("PlRN", ""), "carriage return": swap("kaw=\n", "kaw=\r\n"),
		"64 lines": swap(line, strings.Repeat(line, 61)), "a proof from nothing": swap("old 20852014", "old 0"), "no checkpoint": specRequest[:strings.Index(specRequest, "example")],
		"no signature": specRequest[:strings.Index(specRequest, "—")], "not a checkpoint": swap("20852163", "many"), "cut": specRequest[:len(specRequest)-1],
		"no empty line": swap("j/0=\n\n", "j/0=\n"),
	} {
		if a, _, err := ParseAddCheckpoint([]byte(body)); !errors.Is(err, ErrAddCheckpoint) {
			t.Errorf("%s: %+v, %v", name, a, err)
		}
	}
	if _, _, err := ParseAddCheckpoint([]byte(swap(line, strings.Repeat(line, 60)))); err != nil {
		t.Errorf("63 lines: %v", err)
	}
}

// FuzzAddCheckpoint: a request that is read is written as it was, and holds a checkpoint.
func FuzzAddCheckpoint(f *testing.F) {
	f.Add([]byte(specRequest))
	f.Add([]byte("old 0\n\n" + specCheckpoint + "\n" + peerLine))
	f.Fuzz(func(t *testing.T, body []byte) {
		a, c, err := ParseAddCheckpoint(body)
		if err != nil {
			if !errors.Is(err, ErrAddCheckpoint) {
				t.Fatal(err)
			}
			return
		}
		if got := a.Append(nil); !bytes.Equal(got, body) {
			t.Fatalf("written as %q", got)
		}
		if !bytes.HasPrefix(a.Checkpoint, []byte(c.String())) || len(a.Proof) > 63 || a.Old < 0 {
			t.Fatalf("%+v, %+v", a, c)
		}
	})
}

// FuzzSize: the size of a conflict is written as it was read.
func FuzzSize(f *testing.F) {
	f.Add([]byte("0\n"))
	f.Add([]byte("9223372036854775807\n"))
	f.Add([]byte("07\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		n, err := ParseSize(body)
		if err == nil && (FormatSize(n) != string(body) || n < 0) {
			t.Fatalf("%d is written as %q", n, FormatSize(n))
		}
		if err != nil && !errors.Is(err, ErrAddCheckpoint) {
			t.Fatal(err)
		}
	})
}
