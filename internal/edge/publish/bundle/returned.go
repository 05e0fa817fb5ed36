package bundle

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"

	"tasuki/internal/event"
)

// returned begins a return file: signed events on their way to an operator. Each bears its author's signature, so the file needs none; the
// operator decides about each as if
// it had come by POST /events.
const returned = "tasuki-return/1\n"

// Kind says what a file is.
type Kind int

// The kinds.
const (
	Other    Kind = iota
	Leaves        // a bundle
	Returned      // a return file
)

// KindOf looks at the beginning of a file.
func KindOf(f File) (Kind, error) {
	file, err := f()
	if err != nil {
		return Other, err
	}
	defer file.Close() //nolint:errcheck // only read
	unpack, err := unpacker(file)
	if err != nil {
		return Other, nil //nolint:nilerr // then it is neither
	}
	defer unpack.Close()
	var begin [len(magic)]byte
	n, _ := io.ReadFull(unpack, begin[:]) // what is there decides
	switch string(begin[:n]) {
	case magic:
		return Leaves, nil
	case returned:
		return Returned, nil
	}
	return Other, nil
}

func unpacker(r io.Reader) (*zstd.Decoder, error) {
	return zstd.NewReader(r, zstd.WithDecoderMaxWindow(window), zstd.WithDecoderLowmem(true), zstd.WithDecoderConcurrency(1))
}

// WriteReturn writes signed events (event.Submission) as a return file.
func WriteReturn(w io.Writer, submissions [][]byte) (err error) {
	pack, err := zstd.NewWriter(w, zstd.WithWindowSize(window))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pack.Close()) }()
	if _, err := io.WriteString(pack, returned); err != nil {
		return err
	}
	for _, s := range submissions {
		if len(s) > event.MaxSubmission {
			return fmt.Errorf("%w: an event of %d bytes", ErrFormat, len(s))
		}
		if _, err := pack.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(s))), s...)); err != nil {
			return err
		}
	}
	return nil
}

// ReadReturn gives fn the events of a return file as they are; nothing of them is read or believed here.
func ReadReturn(r io.Reader, fn func(submission []byte) error) error {
	unpack, err := unpacker(r)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	defer unpack.Close()
	in := bufio.NewReader(unpack)
	var begin [len(returned)]byte
	if _, err := io.ReadFull(in, begin[:]); err != nil || string(begin[:]) != returned {
		return fmt.Errorf("%w: it does not begin as a return file", ErrFormat)
	}
	for {
		var word [4]byte
		_, err := io.ReadFull(in, word[:])
		if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err != nil {
			return cut(err)
		}
		n := binary.BigEndian.Uint32(word[:])
		if n > event.MaxSubmission {
			return fmt.Errorf("%w: an event of %d bytes", ErrFormat, n)
		}
		s := make([]byte, n)
		if _, err := io.ReadFull(in, s); err != nil {
			return cut(err)
		}
		if err := fn(s); err != nil {
			return err
		}
	}
}
