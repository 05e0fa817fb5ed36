// Package search is the page of results: judged without opening, narrowed by facets, every filter a chip that can be
// taken off again.
package search
