// Package when writes points in time: the date for the eye, the age in words for the pointer, the exact instant for
// programs. All in UTC.
package when
