package native

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tasuki/client"
	"tasuki/internal/catalogue"
	"tasuki/internal/query"
)

// Prefix is the URL space that the handler owns. StreamPath is the one path below it whose answers must be neither compressed
// nor bounded in time.
const (
	Prefix     = client.Prefix
	StreamPath = Prefix + "changes/stream"
)

// Catalogue is what the API reads.
type Catalogue interface {
	catalogue.Times
	Get(ctx context.Context, id string) (*catalogue.View, error)
	Search(ctx context.Context, q catalogue.Query) (*catalogue.Page, error)
	Texts(ctx context.Context, ids []string, fn func(*catalogue.View) error) error
	Holds(ctx context.Context, tree *query.Query, now time.Time, versions []catalogue.Leaf) ([]bool, error)
	Complete(ctx context.Context, text string, cursor, n int) (*catalogue.Completion, error)
}

// Status is what the API says of the list that the catalogue does not know.
type Status struct {
	List       string    // the list's id, in hex
	Checkpoint int64     // leaves that the newest checkpoint covers
	Signed     time.Time // when it was signed; zero when none was
}

// Options are what the API needs of its surroundings. All are required.
type Options struct {
	Catalogue  Catalogue
	Authority  Authority
	Continuity Continuity
	Status     func(ctx context.Context) (Status, error)
	// Proof is the proof file of the newest version of a record that can be proved. older is 0, or the size of the log that the proof is about where
	// there is a newer version. An error that wraps fs.ErrNotExist says that there is no proof.
	Proof func(ctx context.Context, id string) (file []byte, older int64, err error)
	// News gives a channel that is closed when the log has grown after the call. It may close for nothing.
	News func() <-chan struct{}
	// Stopping is closed when the node begins to shut down: streams end then, so that nobody waits for them.
	Stopping <-chan struct{}
	Now      func() time.Time
	BaseURL  string // where the node is reached, without a slash at the end; feeds need whole addresses
	Log      *slog.Logger
}

// maxStreams is how many streams may be open at a time. A stream costs a goroutine and, while it catches up, one piece of the log.
const maxStreams = 512

type api struct {
	Options
	mux     *http.ServeMux
	huma    huma.API
	streams chan struct{} // a token for each open stream

	document, document30 []byte
}

// Handler answers for Prefix.
func Handler(o Options) http.Handler { return build(o) }

// describing is an API that is there only to be described.
var describing = sync.OnceValue(func() *api { return build(Options{}) })

// OpenAPI is the API's description: an OpenAPI 3.1 document in JSON, not to be changed.
func OpenAPI() []byte { return describing().document }

// OpenAPI30 is the same as an OpenAPI 3.0 document, for generators that know no other.
func OpenAPI30() []byte { return describing().document30 }

func build(o Options) *api {
	a := &api{Options: o, mux: http.NewServeMux(), streams: make(chan struct{}, maxStreams)}
	config := huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info:    info(),
			Servers: []*huma.Server{{URL: "/", Description: "this node"}},
			Tags:    tags(),
			Components: &huma.Components{
				Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
			},
			Extensions: map[string]any{"x-problems": problemKinds()},
		},
		Formats:       map[string]huma.Format{"application/json": jsonFormat, "json": jsonFormat},
		DefaultFormat: "application/json",
		Transformers:  []huma.Transformer{ownProblems},
	}
	rawJSON(config.Components.Schemas)
	a.huma = humago.New(a.mux, config)
	a.huma.UseMiddleware(strict, a.whole)
	a.searchOperations()
	a.recordOperations()
	a.changeOperations()
	a.listOperations()
	a.organizationOperations()
	a.governanceOperations()
	a.continuityOperations()
	a.bulkOperations()
	a.metaOperations()
	a.describe()
	return a
}

// jsonFormat writes with the encoder that the rest of the program uses. Records inside an answer are passed on as they were
// published, odd ones too, so names that occur twice and broken characters are not this surface's to judge.
var jsonFormat = huma.Format{
	Marshal: func(w io.Writer, v any) error {
		err := json.MarshalWrite(w, v, json.Deterministic(true), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true),
			jsontext.PreserveRawStrings(true))
		if err == nil {
			_, err = io.WriteString(w, "\n")
		}
		return err
	},
	Unmarshal: func(data []byte, v any) error { return json.Unmarshal(data, v) },
}

// ServeHTTP leads a request to its operation. Everything that this surface gives is public and the same for everybody, and it
// reads no cookie: pages of others may ask too (ADR 0010).
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodOptions:
		h.Set("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS")
		h.Set("Access-Control-Allow-Headers", "If-None-Match, Last-Event-ID")
		h.Set("Access-Control-Max-Age", "86400")
		w.WriteHeader(http.StatusNoContent)
		return
	default:
		h.Set("Allow", "GET, HEAD, OPTIONS")
		write(w, r, refuse(codeMethod, "The list is only read here."))
		return
	}
	h.Set("Access-Control-Expose-Headers", "ETag, Tasuki-Proof-Size, Tasuki-Size, Tasuki-Total, X-Request-Id")
	if _, pattern := a.mux.Handler(r); pattern == "" {
		write(w, r, refuse(codePath, "There is nothing at this path; "+Prefix+"openapi.json lists what there is."))
		return
	}
	a.mux.ServeHTTP(w, r)
}

// get registers an operation that answers GET and HEAD.
func get[I, O any](a *api, o operation, handle func(context.Context, *I) (*O, error)) {
	huma.Register(a.huma, o.huma(a.huma.OpenAPI().Components.Schemas), func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, in)
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		return out, nil
	})
}

// of is a JSON answer.
type of[T any] struct{ Body T }

func reply[T any](v T) (*of[T], error) { return &of[T]{v}, nil }
