// Package web is the room for everything a browser is sent: one folder per page (home, search, record, sources,
// notice) or component (layout, severity, when), the assets, and the glossary that feeds both languages (i18n).
//
// Pages are templ components over plain view structs that each folder declares. They know nothing of the catalogue, of
// HTTP or of the database: internal/edge/serve/web fills the structs and sends the result. Nothing here needs a script
// to work: keys ("/" and the arrows) and the completion of the search box are added where scripts run.
package web

//go:generate go run github.com/a-h/templ/cmd/templ@v0.3.977 generate -path .
