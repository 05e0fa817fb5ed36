package cvelist

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"tasuki/internal/edge/serve/pace"
	"tasuki/spec/cve"
)

// URL spaces of what is published.
const (
	GitPrefix  = "/cvelist.git/" // git clone http://…/cvelist.git
	FilePrefix = "/cvelist/"     // single files of the newest commit, baseline.json, releases
)

// Served is what a node offers of its publication. Empty folders are not offered.
type Served struct {
	Git  string // the bare repository
	Zips string // the folder of releases
	Log  *slog.Logger
}

// Bounds of serving. A clone costs the node a process and some memory; who comes when all places are taken is asked to come again.
const (
	maxClones  = 8
	maxRequest = 8 << 20 // of what a client asks, unpacked: it names what it has and wants
	cloneTime  = 30 * time.Minute
	// A client that neither reads nor asks for so long is gone.
	cloneIdle = time.Minute
)

type served struct {
	Served
	repo   repository
	places chan struct{}
}

// Handler answers for GitPrefix, read-only, in git's smart HTTP protocol (gitprotocol-http(5)), and for FilePrefix. Nothing that a
// client sends is ever written, and nothing that the repository configures is run.
func Handler(s Served) http.Handler {
	h := &served{Served: s, repo: repository{s.Git}, places: make(chan struct{}, maxClones)}
	mux := http.NewServeMux()
	if s.Git != "" {
		mux.HandleFunc("GET "+GitPrefix+"info/refs", h.refs)
		mux.HandleFunc("POST "+GitPrefix+"git-upload-pack", h.uploadPack)
		mux.HandleFunc(GitPrefix+"git-receive-pack", func(w http.ResponseWriter, r *http.Request) {
			Refuse(w, r, http.StatusForbidden, "the list is only read here")
		})
		mux.HandleFunc("GET "+FilePrefix+"cves/{path...}", h.file)
	}
	if s.Zips != "" {
		mux.HandleFunc("GET "+FilePrefix+IndexName, h.index)
		mux.HandleFunc("GET "+FilePrefix+"releases/{tag}/{name}", h.asset)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern == "" {
			Refuse(w, r, http.StatusNotFound, "nothing is published at this path")
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// Refuse answers with one line of text: git shows it to the person.
func Refuse(w http.ResponseWriter, _ *http.Request, status int, detail string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, detail+"\n") // a reader who went away
}

// protocol is what a client may ask of git's protocol; the rest is not passed on.
var protocol = regexp.MustCompile(`^[a-z0-9=:]{1,100}$`)

// upload is `git upload-pack` for one request.
func (h *served) upload(ctx context.Context, r *http.Request, args ...string) *exec.Cmd {
	// Only what the branches hold may be asked for, filters save a reader the past, and a pack may not take all memory.
	base := []string{"-c", "uploadpack.allowFilter=true", "-c", "uploadpack.allowAnySHA1InWant=false",
		"-c", "pack.windowMemory=64m", "-c", "core.deltaBaseCacheLimit=32m", "upload-pack", "--strict", "--timeout=" + strconv.Itoa(int(cloneIdle.Seconds())), "--stateless-rpc"}
	c := h.repo.command(ctx, append(base, append(args, ".")...)...)
	if p := r.Header.Get("Git-Protocol"); protocol.MatchString(p) {
		c.Env = append(c.Env, "GIT_PROTOCOL="+p)
	}
	return c
}

// refs says which branches there are.
func (h *served) refs(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("service") != "git-upload-pack" {
		Refuse(w, r, http.StatusForbidden, "only git's smart protocol is spoken here, and only for reading")
		return
	}
	if !h.begun(w, r) {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), cloneIdle)
	defer cancel()
	if !h.enter(ctx, w, r) {
		return
	}
	defer h.leave()
	c := h.upload(ctx, r, "--http-backend-info-refs")
	var out, said bytes.Buffer
	c.Stdout, c.Stderr = &out, &said
	if err := c.Run(); err != nil {
		h.fail(w, r, gitError(ctx, err, said.Bytes()))
		return
	}
	head := w.Header()
	head.Set("Content-Type", "application/x-git-upload-pack-advertisement")
	head.Set("Cache-Control", "no-cache")
	_, _ = io.WriteString(w, "001e# service=git-upload-pack\n0000") // a reader who went away
	_, _ = w.Write(out.Bytes())
}

// uploadPack hands out what the client lacks.
func (h *served) uploadPack(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Content-Type") != "application/x-git-upload-pack-request" {
		Refuse(w, r, http.StatusUnsupportedMediaType, "expected application/x-git-upload-pack-request")
		return
	}
	if !h.begun(w, r) {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), cloneTime)
	defer cancel()
	if !h.enter(ctx, w, r) {
		return
	}
	defer h.leave()
	var body io.Reader = r.Body
	switch r.Header.Get("Content-Encoding") {
	case "":
	case "gzip":
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			Refuse(w, r, http.StatusBadRequest, "the request is not gzip")
			return
		}
		body = z
	default:
		Refuse(w, r, http.StatusUnsupportedMediaType, "expected no encoding, or gzip")
		return
	}
	// The whole question comes first: a client that never ends it must not hold a process.
	asked, err := io.ReadAll(io.LimitReader(body, maxRequest+1))
	switch {
	case err != nil:
		Refuse(w, r, http.StatusBadRequest, "the request could not be read")
		return
	case len(asked) > maxRequest:
		Refuse(w, r, http.StatusRequestEntityTooLarge, "the request is too large")
		return
	}
	c := h.upload(ctx, r)
	c.Stdin = bytes.NewReader(asked)
	var said bytes.Buffer
	c.Stderr = &said
	head := w.Header()
	head.Set("Content-Type", "application/x-git-upload-pack-result")
	head.Set("Cache-Control", "no-cache")
	out := &told{out: pace.New(w), ctl: http.NewResponseController(w)}
	c.Stdout = out
	if err := c.Run(); err != nil && ctx.Err() == nil && out.err == nil {
		// The answer has begun; what git had to say of the client's question stands in it.
		h.Log.DebugContext(ctx, "git upload-pack ended early", "err", gitError(ctx, err, said.Bytes()))
	}
}

// told writes to a client that goes on reading, and lets what git says of its progress through at once.
type told struct {
	out *pace.Writer
	ctl *http.ResponseController
	err error
}

func (p *told) Write(b []byte) (n int, err error) {
	if n, err = p.out.Write(b); err == nil {
		_ = p.ctl.Flush() // progress is for people who wait
	}
	p.err = err
	return n, err
}

// paced is a reply that may take as long as its reader goes on taking it.
type paced struct {
	http.ResponseWriter
	out *pace.Writer
}

func (p paced) Write(b []byte) (int, error) { return p.out.Write(b) }

// begun says whether there is a repository yet.
func (h *served) begun(w http.ResponseWriter, r *http.Request) bool {
	_, err := os.Stat(filepath.Join(h.Git, "HEAD"))
	if err != nil {
		Refuse(w, r, http.StatusNotFound, "nothing is published yet")
	}
	return err == nil
}

// enter takes a place among those that are served.
func (h *served) enter(ctx context.Context, w http.ResponseWriter, r *http.Request) bool {
	select {
	case h.places <- struct{}{}:
		return true
	case <-time.After(5 * time.Second):
	case <-ctx.Done():
	}
	w.Header().Set("Retry-After", "30")
	Refuse(w, r, http.StatusServiceUnavailable, "too many are fetching; come again in a moment")
	return false
}

func (h *served) leave() { <-h.places }

// file is one file of the newest commit below cves/.
func (h *served) file(w http.ResponseWriter, r *http.Request) {
	name := "cves/" + r.PathValue("path")
	if !published(name) {
		Refuse(w, r, http.StatusNotFound, "the list has no such file")
		return
	}
	if !h.begun(w, r) {
		return
	}
	tip, err := h.repo.tip(r.Context())
	if err != nil {
		h.fail(w, r, err)
		return
	}
	if tip == "" {
		Refuse(w, r, http.StatusNotFound, "nothing is published yet")
		return
	}
	blob, err := h.repo.ask(r.Context(), "ls-tree", "--format=%(objectname)", tip, "--", name)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	if blob == "" {
		Refuse(w, r, http.StatusNotFound, "the list has no such file")
		return
	}
	raw, err := h.repo.file(r.Context(), tip, name)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	head := w.Header()
	head.Set("Content-Type", "application/json; charset=utf-8")
	head.Set("Cache-Control", "no-cache")
	head.Set("Access-Control-Allow-Origin", "*")
	head.Set("ETag", `"`+blob+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(raw))
}

// published says whether a path can be one of the tree's files.
func published(name string) bool {
	if name == deltaPath || name == deltaLogPath {
		return true
	}
	base := name[strings.LastIndexByte(name, '/')+1:]
	id, err := cve.ParseID(strings.TrimSuffix(base, ".json"))
	return err == nil && id.Path() == name
}

func (h *served) index(w http.ResponseWriter, r *http.Request) {
	h.send(w, r, filepath.Join(h.Zips, IndexName), "application/json; charset=utf-8")
}

// assetForm is what the files of a release are called; parts under way are not offered.
var assetForm = regexp.MustCompile(`^(\d{4}-\d{2}-\d{2}_(all_CVEs_(at_midnight|first)\.zip\.zip|delta_CVEs_at_(\d{2}00Z|end_of_day)\.zip)|manifest\.json(\.note)?|release_notes\.md|SHA256SUMS)$`)

func (h *served) asset(w http.ResponseWriter, r *http.Request) {
	tag, name := r.PathValue("tag"), r.PathValue("name")
	if !tagForm.MatchString(tag) || !assetForm.MatchString(name) {
		Refuse(w, r, http.StatusNotFound, "no such release")
		return
	}
	kind := "application/zip"
	switch filepath.Ext(name) {
	case ".json":
		kind = "application/json; charset=utf-8"
	case ".md", ".note", "":
		kind = "text/plain; charset=utf-8"
	}
	h.send(w, r, filepath.Join(h.Zips, tag, name), kind)
}

func (h *served) send(w http.ResponseWriter, r *http.Request, name, kind string) {
	f, err := os.Open(name) //nolint:gosec // made of parts that were held to their form
	if errors.Is(err, fs.ErrNotExist) {
		Refuse(w, r, http.StatusNotFound, "no such release")
		return
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	defer f.Close() //nolint:errcheck // only read from
	info, err := f.Stat()
	if err != nil {
		h.fail(w, r, err)
		return
	}
	head := w.Header()
	head.Set("Content-Type", kind)
	head.Set("Cache-Control", "no-cache") // an erasure makes it anew
	head.Set("Access-Control-Allow-Origin", "*")
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %d", name, info.Size(), info.ModTime().UnixNano()))
	head.Set("ETag", `"`+hex.EncodeToString(sum[:16])+`"`)
	http.ServeContent(paced{w, pace.New(w)}, r, "", info.ModTime(), f)
}

func (h *served) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		Refuse(w, r, http.StatusServiceUnavailable, "the answer took too long")
		return
	}
	h.Log.ErrorContext(r.Context(), "publication not readable", "err", err)
	Refuse(w, r, http.StatusInternalServerError, "internal error")
}
