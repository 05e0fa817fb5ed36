package client_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"

	"tasuki/client"
	"tasuki/internal/store/storetest"
)

// exampleNode is a node to ask; the examples' node of a reader is a URL.
func exampleNode() (c *client.Client, done func()) {
	t := &standIn{}
	n := serve(t, storetest.Open(t, t.dir()+"/store.db"), nil)
	n.tell(t)
	return n.client, t.end
}

func ExampleClient_Search() {
	c, done := exampleNode() // client.New("https://cve.example.org", client.Options{})
	defer done()
	for hit, err := range c.Search(context.Background(), client.Query{Q: "vendor:acme severity>=high"}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(hit.ID, hit.Score, hit.Products)
	}
	// Output: CVE-2024-1001 9.8 [Acme Thing < 3.50]
}

func ExampleClient_SearchPage_problem() {
	c, done := exampleNode()
	defer done()
	_, err := c.SearchPage(context.Background(), client.Query{Q: "flaw vendr:acme"})
	var p *client.Problem
	if errors.As(err, &p) {
		fmt.Println(p.Code, p.Column, p.Suggestions)
	}
	// Output: bad-query 6 [vendor]
}

func ExampleClient_RecordAt() {
	c, done := exampleNode()
	defer done()
	ctx := context.Background()
	then, err := c.RecordAt(ctx, "CVE-2024-1001", client.At{Moment: "2026-11-21"})
	if err != nil {
		fmt.Println(err)
		return
	}
	now, err := c.Record(ctx, "CVE-2024-1001")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(then.Summary.Products, now.Summary.Products)
	// Output: [Acme Thing < 2.50] [Acme Thing < 3.50]
}

func ExampleClient_Diff() {
	c, done := exampleNode()
	defer done()
	d, err := c.Diff(context.Background(), "CVE-2024-1001", "", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, change := range d.Changes {
		if change.Kind == "range" {
			fmt.Println(change.Subject, change.Before, "→", change.After)
		}
	}
	// Output: Thing < 2.50 → < 3.50
}

func ExampleClient_Watch() {
	c, done := exampleNode()
	defer done()
	for change, err := range c.Watch(context.Background(), client.Watch{Since: 0, Q: "vendor:jetbrains"}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(change.Index, change.What, change.ID)
		if change.What == "withdrawn" {
			break // else it waits for more
		}
	}
	// Output:
	// 1 added CVE-2024-1002
	// 5 withdrawn CVE-2024-1002
}

// standIn is the testing.TB of an example, which has none.
type standIn struct {
	testing.TB
	ends []func()
}

func (s *standIn) Helper()            {}
func (s *standIn) Cleanup(end func()) { s.ends = append(s.ends, end) }
func (s *standIn) Fatal(args ...any)  { panic(fmt.Sprint(args...)) }
func (s *standIn) Errorf(format string, args ...any) {
	panic(fmt.Sprintf(format, args...))
}

// dir is a folder that is gone at the end.
func (s *standIn) dir() string {
	dir, err := os.MkdirTemp("", "client-example-")
	if err != nil {
		panic(err)
	}
	s.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func (s *standIn) end() {
	for _, end := range slices.Backward(s.ends) {
		end()
	}
}
