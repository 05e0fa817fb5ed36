// Package chart draws counts on the server: a line of small bars, a chart of bars over time, a mix of severities. Each is SVG
// that takes its colours from the style sheet, and each has its figures as text beside it or in a table behind it. Nothing
// in them carries meaning by colour alone.
package chart
