// Package charter is the page that says who runs the list, until when, who can replace them and what would be lost with them; and the
// links between the pages about how a list outlives its operator.
package charter
