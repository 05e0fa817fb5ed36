// Package history is what became of one record: its versions, newest first, each with when, who, why and what changed, and
// the page that compares two of them by meaning.
package history
