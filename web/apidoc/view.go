package apidoc

import "tasuki/web/layout"

// View is what the page shows. Texts of the document are English, whatever the page's language.
type View struct {
	Page       layout.Page
	Title      string
	Version    string
	About      string
	Document   string // address of the document itself
	Groups     []Group
	Problems   []Problem
	Schemas    []Schema
	Unreadable bool // the document could not be read
}

// Group is the operations under one tag.
type Group struct {
	Name       string
	About      string
	Anchor     string
	Operations []Operation
}

// Operation is one method of one path.
type Operation struct {
	Anchor     string
	Method     string
	Path       string
	Summary    string
	About      string
	Parameters []Parameter
	Answers    []Answer
	Curl       string
	Try        string // an address that a browser can open; "" when a value would have to be made up
}

// Problem is a kind of problem details (RFC 9457). Its place on the page is what the problem's type refers to.
type Problem struct {
	Code   string `json:"code"`
	Status int    `json:"status"` // 0 when it varies
	Title  string `json:"title"`
	Text   string `json:"text"`
}

// Parameter is a value that a request may carry.
type Parameter struct {
	Name     string
	In       string // path, query, header
	Type     Type
	Required bool
	Default  string
	About    string
}

// Answer is what may come back.
type Answer struct {
	Status string
	About  string
	Bodies []Body
}

// Body is one media type of an answer.
type Body struct {
	Media string
	Type  Type
}

// Type is a schema in a few words, with the place of the whole if it has a name.
type Type struct {
	Words string // "integer 1–1000", "array of"
	Name  string // of a named schema
	Href  string
}

// Schema is a named object.
type Schema struct {
	Name    string
	Anchor  string
	About   string
	Members []Member
}

// Member is one of an object's members.
type Member struct {
	Name     string
	Type     Type
	Required bool
	About    string
}
