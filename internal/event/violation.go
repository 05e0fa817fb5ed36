package event

import "fmt"

// Violation is a leaf that breaks a rule which public leaves show. A mirror that meets one takes in what stands before it and cosigns nothing that
// covers it.
type Violation struct {
	Leaf   int64
	Rule   string // its name, such as "prev"
	Reason string // in plain words and public: it repeats nothing that somebody chose
}

func (v *Violation) Error() string {
	return fmt.Sprintf("leaf %d breaks a rule (%s): %s", v.Leaf, v.Rule, v.Reason)
}
