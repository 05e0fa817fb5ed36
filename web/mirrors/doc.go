// Package mirrors is the page that says who keeps the list beside its operator, how far each of them is, and when a checkpoint counts.
package mirrors
