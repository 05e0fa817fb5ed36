package main

import (
	"fmt"

	"golang.org/x/mod/sumdb/note"

	"tasuki/internal/charter"
)

// AllowTest is the flag of commands that read a list which is not their own: they refuse test lists without it.
type AllowTest struct {
	AllowTest bool `help:"Take a test list too: nothing in it counts."`
}

var errTestList = fmt.Errorf("%w; give --allow-test if that is what you want", charter.ErrTest)

// trustChain makes a charter chain the judge of a proof.
func (a AllowTest) trustChain(charters [][]byte) (string, note.Verifiers, error) {
	chain, err := charter.ParseChain(charters...)
	if err != nil {
		return "", nil, err
	}
	if chain.Test() && !a.AllowTest {
		return "", nil, errTestList
	}
	return chain.ListID(), chain.Verifiers(), nil
}
