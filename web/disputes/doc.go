// Package disputes shows the Program's cases: disputes, refusals, directions, transfers, notices to inactive CNAs, with their steps
// and where the log says so.
package disputes
