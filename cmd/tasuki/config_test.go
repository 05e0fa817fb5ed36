package main

import (
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
)

// settingsOf loads a configuration as the command line would.
func settingsOf(t *testing.T, file string, env map[string]string, flags ...override) (*Settings, error) {
	t.Helper()
	p := &Program{Getenv: func(k string) string { return env[k] }}
	return p.settings(Globals{ConfigFile: file}, flags)
}

func write(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "tasuki.toml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestEverySettingIsDocumented(t *testing.T) {
	docs := configDocs()
	c := defaultConfig()
	for _, f := range fields(reflect.ValueOf(&c).Elem(), "") {
		if len(docs[f.name]) < 20 {
			t.Errorf("%s (%s) has no comment an operator could use", f.key, f.name)
		}
		if strings.HasSuffix(f.key, ".") || f.key == "" {
			t.Errorf("%s has no key", f.name)
		}
	}
}

func TestTheFilesOfTheManualLoad(t *testing.T) {
	for _, name := range []string{"minimal", "full", "next"} {
		if _, err := settingsOf(t, "testdata/config/"+name+".toml", nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	s, err := settingsOf(t, "testdata/config/full.toml", nil)
	if err != nil {
		t.Fatal(err)
	}
	base := defaultConfig()
	defaults := fields(reflect.ValueOf(&base).Elem(), "")
	for i, f := range fields(reflect.ValueOf(&s.Config).Elem(), "") {
		if !strings.HasSuffix(f.key, "_file") && reflect.DeepEqual(f.value.Interface(), defaults[i].value.Interface()) {
			t.Errorf("full.toml does not change %s", f.key)
		}
		if !strings.HasSuffix(s.From[f.key], "full.toml") {
			t.Errorf("%s comes from %q", f.key, s.From[f.key])
		}
	}
}

func TestFlagsOverEnvironmentOverFileOverDefault(t *testing.T) {
	file := write(t, "store = 'from-file'\nlisten = '127.0.0.1:1'\n[log]\nlevel = 'warn'\n")
	s, err := settingsOf(t, file, map[string]string{storeEnv: "from-env"}, override{"log.level", "--log-level", "debug"})
	if err != nil {
		t.Fatal(err)
	}
	if s.Store != "from-env" || s.Listen != "127.0.0.1:1" || s.Log.Level != "debug" || s.Log.Format != "text" {
		t.Errorf("%+v", s.Config)
	}
	for key, want := range map[string]string{"store": "environment TASUKI_STORE", "listen": "file " + file, "log.level": "flag --log-level", "log.format": ""} {
		if s.From[key] != want {
			t.Errorf("%s comes from %q, want %q", key, s.From[key], want)
		}
	}
	s, err = settingsOf(t, file, map[string]string{storeEnv: "from-env"}, override{"store", "--store", "from-flag"})
	if err != nil || s.DSN() != "from-flag" {
		t.Errorf("%v, %v", s, err)
	}
}

func TestStoreFile(t *testing.T) {
	secret := write(t, "postgres://tasuki:hunter2@db/tasuki\n")
	s, err := settingsOf(t, write(t, "store_file = '"+secret+"'"), nil)
	if err != nil || s.DSN() != "postgres://tasuki:hunter2@db/tasuki" {
		t.Errorf("%v, %v", s, err)
	}
}

func TestOIDCSecret(t *testing.T) {
	file := write(t, "base_url = 'https://cve.test'\n[oidc]\nissuer = 'https://id.test'\nclient_id = 'x'\nsecret_file = '"+write(t, "hunter2\n")+"'")
	s, err := settingsOf(t, file, nil)
	if err != nil || s.OIDC.secret != "hunter2" {
		t.Errorf("%v, %v", s, err)
	}
	if s, err = settingsOf(t, file, map[string]string{oidcEnv: "hunter3"}); err != nil || s.OIDC.secret != "hunter3" {
		t.Errorf("%v, %v", s, err)
	}
}

func TestMistakesAreNamed(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"unknown key", "listen = ':1'\nlisen = ':2'\n", ":2: no such setting: lisen"},
		{"unknown key in a table", "[log]\nlevel = 'info'\ncolour = true\n", ":3: no such setting: log.colour"},
		{"wrong type", "\nhosts = 3\n", ":2:"},
		{"not TOML", "a = = b", ":1:"},
		{"duration", "[limits]\nread = 'soon'\n", `:2:8: "soon" is not a duration`},
		{"size", "[limits]\nbody = 'big'\n", `:2:8: "big" is not a size`},
		{"no time", "[limits]\nread = '0s'\n", "limits.read: a duration above zero"},
		{"port", "listen = 'localhost:http'", "listen: port \"http\""},
		{"base URL with a path", "base_url = 'https://example.jp/tasuki'", "base_url:"},
		{"base URL of another kind", "base_url = 'ftp://example.jp'", "base_url:"},
		{"proxy", "trusted_proxy = ['10.0.0.0/8', 'proxy.local']", `trusted_proxy: "proxy.local"`},
		{"half a certificate", "[tls]\ncert = 'x'", "tls: cert and key"},
		{"level", "[log]\nlevel = 'loud'", "log.level:"},
		{"one-time codes", "[portal]\ntotp = 'always'", `portal.totp: "always"`},
		{"provider without base URL", "[oidc]\nissuer = 'https://id.test'\nclient_id = 'x'", "oidc: issuer needs"},
		{"provider's secret", "[oidc]\nsecret_file = '/nowhere/at/all'", "oidc.secret_file:"},
		{"slug", "[list]\nslug = 'Example JP'", "list.slug:"},
	} {
		_, err := settingsOf(t, write(t, tc.text), nil)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want it to say %q", tc.name, err, tc.want)
		}
	}
}

func TestAllMistakesAreNamedAtOnce(t *testing.T) {
	_, err := settingsOf(t, write(t, "listen = 'x'\n[log]\nlevel = 'loud'\nformat = 'xml'\n"), nil)
	for _, key := range []string{"listen:", "log.level:", "log.format:"} {
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%v does not name %s", err, key)
		}
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	for dsn, want := range map[string]string{
		"tasuki.db":                         "tasuki.db",
		`C:\data\tasuki.db`:                 `C:\data\tasuki.db`,
		"postgres://u@h/d":                  "postgres://u@h/d",
		"postgres://u:hunter2@h/d":          "postgres://u:xxxxx@h/d",
		"postgres://u@h/d?password=hunter2": "postgres://u@h/d?password=xxxxx",
		"postgres://u:hun%ter2@h/d":         "(unreadable DSN)",
		"host=db user=u password=hunter2":   "(unreadable DSN)",
	} {
		if got := hidden(dsn); got != want {
			t.Errorf("hidden(%q) = %q, want %q", dsn, got, want)
		}
	}
}

// What explain prints is a configuration file that means what was in force.
func TestExplainIsAConfigurationFile(t *testing.T) {
	s, err := settingsOf(t, "testdata/config/full.toml", nil, override{"listen", "--listen", ":9"})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := new(ExplainCmd).Run(&Program{Stdout: &out, Stderr: io.Discard}, s); err != nil {
		t.Fatal(err)
	}
	back, err := settingsOf(t, write(t, out.String()), nil)
	if err != nil {
		t.Fatalf("%v in\n%s", err, out.String())
	}
	if !reflect.DeepEqual(back.Config, s.Config) {
		t.Errorf("read back:\n%+v\nwant:\n%+v", back.Config, s.Config)
	}
}

func FuzzSize(f *testing.F) {
	for _, s := range []string{"0", "512KiB", "4MiB", "1GiB", "7B", "7", "9223372036854775807", "8589934592GiB", "-1", "MiB", "1 KiB"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var z, again Size
		if z.UnmarshalText([]byte(s)) != nil {
			return
		}
		if z < 0 {
			t.Fatalf("%q is read as %d", s, int64(z))
		}
		if err := again.UnmarshalText([]byte(z.String())); err != nil || again != z {
			t.Errorf("%q is %d, written %s, read back %d (%v)", s, int64(z), z, int64(again), err)
		}
	})
}

func FuzzDuration(f *testing.F) {
	for _, s := range []string{"30s", "10m", "1h", "1h30m", "1h0m1s", "100ms", "0s", "-5m", "20m0.5s"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var d, again Duration
		if d.UnmarshalText([]byte(s)) != nil {
			return
		}
		if err := again.UnmarshalText([]byte(d.String())); err != nil || again != d {
			t.Errorf("%q is %d, written %s, read back %d (%v)", s, int64(d), d, int64(again), err)
		}
	})
}

// FuzzConfig states that no file makes the program panic, and that what loads also validates or says why not.
func FuzzConfig(f *testing.F) {
	for _, name := range []string{"minimal", "full", "next"} {
		raw, err := os.ReadFile("testdata/config/" + name + ".toml")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(raw))
	}
	f.Add("store = 'postgres://%zz'")
	f.Add("base_url = 'http://[::1'")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		c := defaultConfig()
		if toml.Unmarshal([]byte(text), &c) == nil && c.StoreFile+c.OIDC.SecretFile+c.Mail.PasswordFile != "" {
			t.Skip("would read a file of the fuzzer's choice")
		}
		name := filepath.Join(dir, "c.toml")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := settingsOf(t, name, nil)
		if (s == nil) == (err == nil) {
			t.Errorf("settings %v, error %v", s, err)
		}
	})
}
