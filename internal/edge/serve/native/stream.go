package native

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/go-json-experiment/json"

	"tasuki/client"
	"tasuki/internal/catalogue"
	"tasuki/internal/edge/serve/pace"
	"tasuki/internal/query"
)

type streamInput struct {
	Since string `query:"since" doc:"A cursor to begin at: next of list-changes. 0 is the beginning; without it: from now." pattern:"^[0-9]+$" example:"73110"`
	Q     string `query:"q" doc:"Only changes of records that this query finds as they were before the change or as they are after it, and erasures."`
	Last  string `header:"Last-Event-ID" doc:"The id of the last event that was seen; wins over since." pattern:"^(-1|[0-9]+)$"`
}

const (
	// heartbeat is how often a stream says that it lives. Proxies cut what is silent for a minute.
	heartbeat = 15 * time.Second
	// streamPiece is how many changes are read at a time: what a slow reader can make the node hold.
	streamPiece = 100
	// comeBack is how long a browser waits before it connects again, in milliseconds.
	comeBack = 2000
)

// follower is one open stream.
type follower struct {
	*api
	tree *query.Query
	next int64 // cursor: leaves that the reader has been told of
	out  *pace.Writer
	ctl  *http.ResponseController
	buf  bytes.Buffer
}

func (a *api) stream(ctx context.Context, in *streamInput) (*huma.StreamResponse, error) {
	tree, err := query.Parse(in.Q)
	if err != nil {
		return nil, err
	}
	head, err := a.Catalogue.Resolve(ctx, catalogue.At{})
	if err != nil {
		return nil, err
	}
	f := &follower{api: a, tree: tree, next: head.Head}
	name, given := "since", in.Since
	if in.Last != "" {
		name, given = "Last-Event-ID", in.Last
	}
	if given != "" {
		if f.next, err = strconv.ParseInt(given, 10, 64); err != nil {
			return nil, wrong(name, "The cursor is too large.")
		}
		if in.Last != "" {
			f.next++ // the id is the last leaf that was seen
		}
		if f.next > head.Head {
			return nil, beyond(name, f.next, head.Head)
		}
	}
	select {
	case a.streams <- struct{}{}:
	default:
		return nil, huma.ErrorWithHeaders(refuse(codeBusy, ""), http.Header{"Retry-After": {"30"}})
	}
	return &huma.StreamResponse{Body: func(hctx huma.Context) {
		defer func() { <-a.streams }()
		r, w := humago.Unwrap(hctx)
		f.out, f.ctl = pace.New(w), http.NewResponseController(w)
		h := w.Header()
		h.Set("Content-Type", "text/event-stream")
		h.Set("Cache-Control", "no-store")
		h.Set("X-Accel-Buffering", "no") // a proxy that collects would hold events back
		if r.Method == http.MethodHead {
			return
		}
		if err := f.run(r.Context()); err != nil && !errors.Is(err, errGone) && r.Context().Err() == nil {
			a.Log.WarnContext(r.Context(), "stream broken off", "err", err)
		}
	}}, nil
}

// errGone means a reader who went away or stood still for too long.
var errGone = errors.New("native: the reader is gone")

// run tells what happened and waits for more, until the reader leaves or the node does. However it ends, the reader's last id
// is where the next connection goes on.
func (f *follower) run(ctx context.Context) error {
	fmt.Fprintf(&f.buf, "retry: %d\n\n", comeBack)
	f.position()
	for {
		news := f.News() // asked for before looking, so that nothing falls in between
		if err := f.catchUp(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-f.Stopping:
			return nil
		case <-news:
		case <-time.After(heartbeat):
			f.buf.WriteString(": still here\n")
			f.position()
		}
	}
}

// catchUp tells everything up to the head of the log, piece by piece: the next piece is read when the reader has taken the
// one before.
func (f *follower) catchUp(ctx context.Context) error {
	for {
		list, next, err := f.Catalogue.Since(ctx, f.next, streamPiece)
		if err != nil {
			return err
		}
		if list, err = f.concerning(ctx, f.tree, list); err != nil {
			return err
		}
		changes, err := f.shown(ctx, list)
		if err != nil {
			return err
		}
		told := f.next
		for _, c := range changes {
			if err := f.event(c); err != nil {
				return err
			}
			told = c.Index + 1
		}
		moved := next > f.next
		if f.next = next; told != next && moved {
			f.position()
		}
		if err := f.flush(); err != nil || !moved {
			return err
		}
		select {
		case <-f.Stopping:
			return nil
		default:
		}
	}
}

// event writes one change.
func (f *follower) event(c client.Change) error {
	data, err := json.Marshal(c, json.Deterministic(true))
	if err != nil {
		return err
	}
	fmt.Fprintf(&f.buf, "id: %d\nevent: change\ndata: %s\n\n", c.Index, data)
	return nil
}

// position moves the reader's last id without telling anything: what was looked at and not meant for it is not looked at again.
func (f *follower) position() { fmt.Fprintf(&f.buf, "id: %d\n\n", f.next-1) }

func (f *follower) flush() error {
	if f.buf.Len() == 0 {
		return nil
	}
	_, err := f.out.Write(f.buf.Bytes())
	f.buf.Reset()
	if err == nil {
		err = f.ctl.Flush()
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errGone, err)
	}
	return nil
}
