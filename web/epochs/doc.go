// Package epochs is the page of the list's epochs: who operated it under which name of the log, from where to where, and by what each began.
package epochs
