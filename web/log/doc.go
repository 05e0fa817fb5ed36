// Package log is the pages of the transparency log: its checkpoint with the newest entries, and one entry.
package log
