// Package editor is the form over a whole CVE record: its fields, calculators, rows, and what is wrong with them; and the
// pages around it: preview, templates. Everything works by buttons of one form; scripts add that it happens at once.
package editor
