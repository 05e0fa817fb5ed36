// Package changes is the page that compares the list at two moments: which records were added, changed and withdrawn.
package changes
