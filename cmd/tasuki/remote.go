package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// socketName is the socket in the data directory.
const socketName = "tasuki.sock"

// maxSocketPath keeps below the smallest limit that the systems have for a socket's path (macOS: 104 bytes with the final zero).
const maxSocketPath = 100

// shortPath returns a path of the directory's socket that the system accepts, going through a symbolic link in the
// temporary directory when the real one is too long. release removes the link; the socket does not need it once it is
// bound or connected.
func shortPath(dir string) (path string, release func(), err error) {
	path = filepath.Join(dir, socketName)
	if len(path) <= maxSocketPath {
		return path, func() {}, nil
	}
	tmp, err := os.MkdirTemp("", "tasuki")
	if err != nil {
		return "", nil, fmt.Errorf("socket: %w", err)
	}
	link := filepath.Join(tmp, "d")
	if err := os.Symlink(dir, link); err != nil {
		return "", nil, errors.Join(fmt.Errorf("socket: %w", err), os.RemoveAll(tmp))
	}
	return filepath.Join(link, socketName), func() { os.RemoveAll(tmp) }, nil
}

// listenSocket opens the socket (0600) of a directory that this process holds.
func listenSocket(d *DataDir) (net.Listener, error) {
	// Holding the lock, a socket that is there is a dead process's.
	if err := os.RemoveAll(filepath.Join(d.Path, socketName)); err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	path, release, err := shortPath(d.Path)
	if err != nil {
		return nil, err
	}
	defer release()
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	// The directory is 0700 already, so nobody slips in before this.
	if err := os.Chmod(filepath.Join(d.Path, socketName), 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("socket: %w", err), ln.Close())
	}
	ln.SetUnlinkOnClose(len(path) <= maxSocketPath && path == filepath.Join(d.Path, socketName))
	return ln, nil
}

// dialSocket returns a client for the process that holds the directory.
func dialSocket(dir string) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DisableCompression: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			path, release, err := shortPath(dir)
			if err != nil {
				return nil, err
			}
			defer release()
			return new(net.Dialer).DialContext(ctx, "unix", path)
		},
	}}
}

// remoteJobs gives jobs to the process behind the socket.
type remoteJobs struct{ client *http.Client }

// Import, Refused, Sync, Replay, Fsck, Backup and Operate are Jobs over the socket.
func (r remoteJobs) Import(ctx context.Context, q ImportRequest, stdin io.Reader, report Reporter) (ImportSummary, error) {
	return call[ImportSummary](ctx, r.client, "import", q, stdin, report)
}
func (r remoteJobs) Refused(ctx context.Context, q RefusedRequest, report Reporter) (RefusedSummary, error) {
	return call[RefusedSummary](ctx, r.client, "refused", q, nil, report)
}
func (r remoteJobs) Sync(ctx context.Context, q SyncRequest, report Reporter) (ImportSummary, error) {
	return call[ImportSummary](ctx, r.client, "sync", q, nil, report)
}
func (r remoteJobs) Replay(ctx context.Context, q ReplayRequest, report Reporter) (ReplaySummary, error) {
	return call[ReplaySummary](ctx, r.client, "replay", q, nil, report)
}
func (r remoteJobs) Fsck(ctx context.Context, q FsckRequest, report Reporter) (FsckSummary, error) {
	return call[FsckSummary](ctx, r.client, "fsck", q, nil, report)
}
func (r remoteJobs) Backup(ctx context.Context, q BackupRequest, report Reporter) (BackupSummary, error) {
	return call[BackupSummary](ctx, r.client, "backup", q, nil, report)
}
func (r remoteJobs) Operate(ctx context.Context, q OperateRequest, report Reporter) (jsontext.Value, error) {
	return call[jsontext.Value](ctx, r.client, "operate", q, nil, report)
}

// errLost says that the other process went away in the middle of a job.
var errLost = errors.New("the running tasuki went away before the job was done")

// call runs a job behind the socket and passes its news on. When ctx ends it asks the other side to stop and still waits,
// for a while, for the summary of what was done.
func call[A any](ctx context.Context, client *http.Client, job string, q any, stdin io.Reader, report Reporter) (answer A, err error) {
	head, err := json.Marshal(q)
	if err != nil {
		return answer, fmt.Errorf("%s: %w", job, err)
	}
	var body io.Reader = bytes.NewReader(append(head, '\n'))
	if stdin != nil {
		body = io.MultiReader(body, stdin)
	}
	wire, hangUp := context.WithCancel(context.WithoutCancel(ctx))
	defer hangUp()
	req, err := http.NewRequestWithContext(wire, http.MethodPost, "http://tasuki/control/"+job, body)
	if err != nil {
		return answer, fmt.Errorf("%s: %w", job, err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return answer, fmt.Errorf("%s through the socket: %w", job, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1000))
		return answer, fmt.Errorf("%s through the socket: %s", job, strings.TrimSpace(string(text)))
	}

	lines := bufio.NewReader(resp.Body)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return answer, errors.Join(fmt.Errorf("%s: %w", job, errLost), ctx.Err())
		}
		var m message
		if err := json.Unmarshal(line, &m); err != nil {
			return answer, fmt.Errorf("%s: answer from another version of tasuki: %w", job, err)
		}
		switch {
		case m.Job != "":
			defer context.AfterFunc(ctx, func() { askToStop(wire, client, m.Job, hangUp) })()
		case m.Progress != nil:
			report.Progress(*m.Progress)
		case m.Item != nil:
			report.Item(*m.Item)
		case m.Step != "":
			report.Step(m.Step)
		default:
			if m.Done != nil {
				if err := json.Unmarshal(m.Done, &answer); err != nil {
					return answer, fmt.Errorf("%s: answer from another version of tasuki: %w", job, err)
				}
			}
			switch {
			case m.Interrupted:
				return answer, context.Canceled
			case m.Error != "":
				return answer, errors.New(m.Error)
			}
			return answer, nil
		}
	}
}

// stopWait is how long a job that was asked to stop may take for its last batch and its summary.
const stopWait = 15 * time.Second

func askToStop(ctx context.Context, client *http.Client, job string, hangUp func()) {
	time.AfterFunc(stopWait, hangUp)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://tasuki/control/cancel/"+job, nil)
	if err != nil {
		hangUp()
		return
	}
	resp, err := client.Do(req)
	if err != nil {
		hangUp()
		return
	}
	resp.Body.Close()
}
