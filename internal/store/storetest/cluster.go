package storetest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // driver "pgx"
)

// cluster is one private PostgreSQL server.
type cluster struct {
	dir   string
	user  string
	admin *sql.DB
	hold  *os.File // the write end of the server's standard input: when this process ends, so does the server
}

var theCluster = sync.OnceValues(startCluster)

// serverScript runs the server until its standard input closes, then stops it and removes its folder: a test process
// that is killed leaves neither a server nor files behind.
const serverScript = `
cd "$1" || exit 1
"$2/initdb" -N -D data -U tasuki -A trust -E UTF8 --locale=C.UTF-8 --locale-provider=icu --icu-locale=en >initdb.log 2>&1 ||
{ rm -rf data; "$2/initdb" -N -D data -U tasuki -A trust -E UTF8 >initdb.log 2>&1; } || { echo failed >ready; exit 1; }
"$2/postgres" -D data -k "$1" -c listen_addresses= -c fsync=off -c max_connections=200 -c shared_buffers=64MB >server.log 2>&1 &
pid=$!
echo up >ready
read -r _
kill -INT $pid
wait $pid
rm -rf "$1"
`

func startCluster() (*cluster, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "tasuki-pg-")
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("sh", "-c", serverScript, "sh", dir, bin)
	if os.Geteuid() == 0 {
		// initdb refuses to run as root.
		if err := runAs(cmd, dir); err != nil {
			return nil, err
		}
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdin = r
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	_ = r.Close()
	c := &cluster{dir: dir, user: "tasuki", hold: w}
	if c.admin, err = sql.Open("pgx", c.dsn("postgres")); err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		ready, _ := os.ReadFile(filepath.Join(dir, "ready"))
		if string(ready) == "failed\n" {
			log, _ := os.ReadFile(filepath.Join(dir, "initdb.log"))
			return nil, fmt.Errorf("initdb: %s", log)
		}
		if len(ready) > 0 && c.admin.PingContext(context.Background()) == nil {
			return c, nil
		}
		if time.Now().After(deadline) {
			log, _ := os.ReadFile(filepath.Join(dir, "server.log"))
			return nil, fmt.Errorf("the server did not come up: %s", log)
		}
	}
}

// binaries finds the newest installed server.
func binaries() (string, error) {
	dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.Sort(dirs)
	for _, d := range slices.Backward(dirs) {
		if _, err := os.Stat(filepath.Join(d, "initdb")); err == nil {
			return d, nil
		}
	}
	if p, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(p), nil
	}
	return "", errors.New("no initdb found (Debian: apt-get install postgresql)")
}

// unprivileged finds a system user to run the server as.
func unprivileged() (uid, gid int, err error) {
	for _, name := range []string{"postgres", "nobody"} {
		u, lerr := user.Lookup(name)
		if lerr != nil {
			continue
		}
		if uid, err = strconv.Atoi(u.Uid); err != nil {
			return 0, 0, err
		}
		gid, err = strconv.Atoi(u.Gid)
		return uid, gid, err
	}
	return 0, 0, errors.New("no user postgres or nobody to run the server as")
}

func (c *cluster) dsn(database string) string {
	u := url.URL{Scheme: "postgres", User: url.User(c.user), Path: "/" + database,
		RawQuery: url.Values{"host": {c.dir}, "sslmode": {"disable"}}.Encode()}
	return u.String()
}

func (c *cluster) create(name string) error {
	_, err := c.admin.Exec("CREATE DATABASE " + name)
	return err
}
