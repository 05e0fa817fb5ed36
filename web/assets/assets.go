// Package assets serves the style sheet, the mark and the scripts. Each is named by its content
// (/assets/style.1a2b3c4d.css), so that a browser may keep it for ever and a new release is seen at once. The style sheet is
// the files below css/, in the order of their names: one for what all pages share, one per page or component.
package assets

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"path"
	"strings"
)

//go:embed css/*.css *.js mark.svg
var files embed.FS

// Prefix is where Handler expects to be mounted.
const Prefix = "/assets/"

type asset struct {
	content []byte
	kind    string
}

var (
	byURL = make(map[string]asset)
	urls  = name(byURL)
)

func name(byURL map[string]asset) map[string]string {
	kinds := map[string]string{
		".css": "text/css; charset=utf-8",
		".js":  "text/javascript; charset=utf-8",
		".svg": "image/svg+xml",
	}
	urls := make(map[string]string)
	add := func(name string, content []byte) {
		sum := sha256.Sum256(content)
		ext := path.Ext(name)
		url := Prefix + strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:4]) + ext
		urls[name] = url
		byURL[url] = asset{content, kinds[ext]}
	}
	var style []byte
	for _, name := range list("css") {
		style = append(style, read(name)...)
	}
	add("style.css", style)
	for _, name := range list(".") {
		add(name, read(name))
	}
	return urls
}

// list is the files of an embedded folder, without folders in it.
func list(dir string) []string {
	entries, err := files.ReadDir(dir)
	if err != nil {
		panic("assets: " + err.Error())
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() {
			names = append(names, path.Join(dir, e.Name()))
		}
	}
	return names
}

func read(name string) []byte {
	content, err := files.ReadFile(name)
	if err != nil {
		panic("assets: " + err.Error())
	}
	return content
}

// URL is the address of an asset by its file's name. It panics for a name that is none: a mistake in a page, not in data.
func URL(file string) string {
	url, ok := urls[file]
	if !ok {
		panic("assets: no such file: " + file)
	}
	return url
}

// Mark is the mark as SVG text, to stand inside a page where it takes the page's ink.
func Mark() string { return string(byURL[URL("mark.svg")].content) }

// Handler answers GET and HEAD below Prefix.
func Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, ok := byURL[r.URL.Path]
		if !ok {
			w.Header().Set("Cache-Control", "no-store")
			http.Error(w, "no such asset", http.StatusNotFound)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		h := w.Header()
		h.Set("Content-Type", a.kind)
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		h.Set("X-Content-Type-Options", "nosniff")
		// An SVG opened by itself is a document: it may run nothing and fetch nothing.
		h.Set("Content-Security-Policy", "default-src 'none'")
		h.Set("ETag", `"`+r.URL.Path[len(Prefix):]+`"`)
		if r.Header.Get("If-None-Match") == h.Get("ETag") {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = w.Write(a.content) // a reader who went away
	})
}
