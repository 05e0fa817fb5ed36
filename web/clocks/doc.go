// Package clocks shows the deadlines that run, the overdue ones first, and how each organisation keeps its own.
package clocks
