// Package record is the page about one CVE. It answers four questions in this order: what it is, how bad, what is
// affected, what to do. Then: who says what, the references, the history, and how to check all of it.
package record
