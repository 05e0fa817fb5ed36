package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"tasuki/internal/edge/serve/front"
)

// fakeNode has just enough of a node to see what the commands make of one.
type fakeNode struct {
	started chan string // told when a job begins; nil when nobody waits
	spaces  []front.Space
}

func (n *fakeNode) Spaces() []front.Space                   { return n.spaces }
func (n *fakeNode) Ready(context.Context) error             { return nil }
func (n *fakeNode) Status(context.Context) any              { return map[string]int{"size": 7} }
func (n *fakeNode) Mark(http.Header)                        {}
func (n *fakeNode) Gauges() []Gauge                         { return nil }
func (n *fakeNode) Summary(context.Context) (string, error) { return "7 records", nil }
func (n *fakeNode) Banner() string                          { return "" }
func (n *fakeNode) Empty(context.Context) (bool, error)     { return false, nil }
func (n *fakeNode) Close() error                            { return nil }
func (n *fakeNode) Run(ctx context.Context) error           { <-ctx.Done(); return ctx.Err() }
func (n *fakeNode) space(path, contentType, body string) *fakeNode {
	n.spaces = append(n.spaces, front.Space{Prefix: path, Surface: "fake", Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", contentType)
		io.WriteString(w, body)
	})})
	return n
}

// Import counts the lines of standard input. With the path "forever" it works until it is stopped, and says how far it came.
func (n *fakeNode) Import(ctx context.Context, q ImportRequest, stdin io.Reader, r Reporter) (ImportSummary, error) {
	r.Progress(Progress{Step: "import", Done: 1, Total: 2, Unit: "records"})
	if q.Paths[0] == "forever" {
		n.started <- "import"
		<-ctx.Done()
		return ImportSummary{Files: 2, Added: 1}, fmt.Errorf("import: %w", ctx.Err())
	}
	raw, err := io.ReadAll(stdin)
	if err != nil {
		return ImportSummary{}, err
	}
	lines := int64(strings.Count(string(raw), "\n"))
	r.Item(Item{Outcome: "refused", Name: "a/b.json", Code: "wrong-id", Reason: "for a reason"})
	r.Step("read standard input")
	return ImportSummary{Files: lines, Added: lines - 1, Refused: 1}, nil
}

func (n *fakeNode) Refused(_ context.Context, _ RefusedRequest, r Reporter) (RefusedSummary, error) {
	r.Item(Item{Outcome: "refused", Name: "a/b.json", Code: "wrong-id", Reason: "for a reason"})
	return RefusedSummary{Kept: 1}, nil
}

func (n *fakeNode) Sync(context.Context, SyncRequest, Reporter) (ImportSummary, error) {
	return ImportSummary{}, errors.New("cvelist: the source is away")
}

func (n *fakeNode) Replay(context.Context, ReplayRequest, Reporter) (ReplaySummary, error) {
	return ReplaySummary{Leaves: 7, Tables: []TableCompare{{"catalogue", "aa", "aa"}, {"registry", "bb", "cc"}}}, nil
}

func (n *fakeNode) Fsck(_ context.Context, _ FsckRequest, r Reporter) (FsckSummary, error) {
	r.Item(Item{Outcome: "problem", Name: "leaf 3", Reason: "its hash is not in the tile"})
	return FsckSummary{Leaves: 7, Problems: 1}, nil
}

func (n *fakeNode) Backup(_ context.Context, q BackupRequest, _ Reporter) (BackupSummary, error) {
	return BackupSummary{File: q.To, Bytes: 3 << 20, Size: 7}, nil
}

// Operate says its arguments back.
func (n *fakeNode) Operate(_ context.Context, q OperateRequest, _ Reporter) (jsontext.Value, error) {
	return q.Args, nil
}
