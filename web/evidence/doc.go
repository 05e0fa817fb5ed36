// Package evidence is the page of what somebody signed and should not have: what it means, what it proves, and the file to take along.
package evidence
