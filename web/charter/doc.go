// Package charter is the page that says who runs the list, until when, and what would be lost with them.
package charter
