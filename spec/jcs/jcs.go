// Package jcs is the restricted canonical JSON of Tasuki's log and charters: the subset of RFC 8785 (JCS) with keys
// [a-z0-9_]+ in sorted order, no white space, no null, no floats, integers |n| < 2^53, depth ≤ 8 and no duplicate
// keys. One meaning has one encoding, so a parser re-serialises and compares bytes.
package jcs
