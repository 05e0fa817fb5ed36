package cveservices

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"
)

// Page is a part of a list. The numbers are there only when the list is long (500 entries or more); Next is 0 on the last page.
type Page[T any] struct {
	Items                             []T
	Total, PerPage, Pages, This, Next int64
}

// paging is what the API says beside the entries of a list.
type paging struct {
	Total   int64  `json:"totalCount"`
	PerPage int64  `json:"itemsPerPage"`
	Pages   int64  `json:"pageCount"`
	This    int64  `json:"currentPage"`
	Next    *int64 `json:"nextPage"`
}

// readPage reads a list from under its name.
func readPage[T any](raw []byte, field string) (p Page[T], err error) {
	var numbers paging
	if err := json.Unmarshal(raw, &numbers); err != nil {
		return p, err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return p, err
	}
	list, ok := fields[field]
	if !ok {
		return p, fmt.Errorf("it has no %s", field)
	}
	if err := json.Unmarshal(list, &p.Items); err != nil {
		return p, err
	}
	p.Total, p.PerPage, p.Pages, p.This = numbers.Total, numbers.PerPage, numbers.Pages, numbers.This
	if numbers.Next != nil {
		p.Next = *numbers.Next
	}
	return p, nil
}

// list is a question that is answered in pages.
type list[T any] struct {
	client *Client
	path   string
	query  url.Values
	field  string
}

// page asks for one page, from 1.
func (l list[T]) page(ctx context.Context, n int64) (Page[T], error) {
	v := url.Values{}
	for k, values := range l.query {
		v[k] = values
	}
	if n > 1 {
		v.Set("page", strconv.FormatInt(n, 10))
	}
	var raw json.RawMessage
	if _, err := l.client.do(ctx, call{method: http.MethodGet, path: l.path, query: v}, &raw); err != nil {
		return Page[T]{}, err
	}
	p, err := readPage[T](raw, l.field)
	if err != nil {
		return p, fmt.Errorf("GET %s: %w: %s", l.path, ErrAnswer, oneLine(err.Error(), 200))
	}
	return p, nil
}

// all walks the pages. It ends at the first error, and at a server that would lead it in a circle.
func (l list[T]) all(ctx context.Context) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		for n := int64(1); ; {
			p, err := l.page(ctx, n)
			if err != nil {
				yield(zero, err)
				return
			}
			for _, item := range p.Items {
				if !yield(item, nil) {
					return
				}
			}
			switch {
			case p.Next == 0:
				return
			case p.Next <= n:
				yield(zero, fmt.Errorf("GET %s: %w: after page %d comes page %d", l.path, ErrAnswer, n, p.Next))
				return
			}
			n = p.Next
		}
	}
}
