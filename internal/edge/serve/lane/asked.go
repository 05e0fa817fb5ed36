package lane

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
)

// askedFile remembers who asked for which numbers, one line of JSON for each request. Nothing rests on it: a line that the power cut is
// forgotten, and so is who asked.
const askedFile = "asked"

type asked struct {
	User string   `json:"user"`
	IDs  []string `json:"ids"`
}

func (n *Node) noteAsked(user string, ids []string) error {
	line, err := json.Marshal(asked{user, ids})
	if err != nil {
		return err
	}
	return n.Disk.Append(askedFile, append(line, '\n'))
}

func (n *Node) readAsked() error {
	raw, err := n.Disk.Read(askedFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", askedFile, err)
	}
	for line := range bytes.Lines(raw) {
		var a asked
		if json.Unmarshal(line, &a) != nil {
			continue
		}
		for _, id := range a.IDs {
			if i := n.ids[id]; i != nil {
				i.user = a.User
			}
		}
	}
	if len(raw) > 0 && raw[len(raw)-1] != '\n' { // the next line begins on its own
		return n.Disk.Append(askedFile, []byte{'\n'})
	}
	return nil
}
