package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
)

// Settings are the configuration in force and where each value came from.
type Settings struct {
	Config
	// From maps a setting's key ("log.level") to its origin: "default", a file and line, an environment variable, a flag.
	From map[string]string
}

// storeEnv holds the DSN of the database when it contains a secret.
const storeEnv = "TASUKI_STORE"

// mailEnv holds the password of the mail server.
const mailEnv = "TASUKI_SMTP_PASSWORD"

// oidcEnv holds the secret that the portal's identity provider knows this node by.
const oidcEnv = "TASUKI_OIDC_SECRET"

// settings puts the configuration together: defaults, then the file, then the environment (secrets only), then flags; and
// validates the whole before anything opens.
func (p *Program) settings(g Globals, flags []override) (*Settings, error) {
	s := &Settings{Config: defaultConfig(), From: map[string]string{}}
	if g.ConfigFile != "" {
		if err := s.readFile(g.ConfigFile); err != nil {
			return nil, err
		}
	}
	if dsn := p.Getenv(storeEnv); dsn != "" {
		s.Store, s.StoreFile = dsn, ""
		s.From["store"] = "environment " + storeEnv
	}
	for _, o := range flags {
		s.field(o.key).Set(reflect.ValueOf(o.value))
		s.From[o.key] = "flag " + o.flag
		if o.key == "store" {
			s.StoreFile = ""
		}
	}
	if s.StoreFile != "" {
		dsn, err := os.ReadFile(s.StoreFile)
		if err != nil {
			return nil, fmt.Errorf("store_file: %w", err)
		}
		s.Store = strings.TrimSpace(string(dsn))
		s.From["store"] = "file " + s.StoreFile
	}
	if s.Mail.password = p.Getenv(mailEnv); s.Mail.password == "" && s.Mail.PasswordFile != "" {
		password, err := os.ReadFile(s.Mail.PasswordFile)
		if err != nil {
			return nil, fmt.Errorf("mail.password_file: %w", err)
		}
		s.Mail.password = strings.TrimSpace(string(password))
	}
	if s.OIDC.secret = p.Getenv(oidcEnv); s.OIDC.secret == "" && s.OIDC.SecretFile != "" {
		secret, err := os.ReadFile(s.OIDC.SecretFile)
		if err != nil {
			return nil, fmt.Errorf("oidc.secret_file: %w", err)
		}
		s.OIDC.secret = strings.TrimSpace(string(secret))
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	return s, nil
}

// forCommand is the settings of a command that opens the node for itself: what a serving node logs about every request and
// import would only stand between the person and the answer, unless they asked for it.
func (s *Settings) forCommand() *Settings {
	if _, asked := s.From["log.level"]; asked {
		return s
	}
	quiet := *s
	quiet.Log.Level = "warn"
	return &quiet
}

// readFile reads the TOML file over the defaults. Unknown keys are errors: a misspelt setting must not be silently absent.
func (s *Settings) readFile(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	defer f.Close()
	d := toml.NewDecoder(f)
	d.DisallowUnknownFields()
	err = d.Decode(&s.Config)
	var strict *toml.StrictMissingError
	var bad *toml.DecodeError
	switch {
	case errors.As(err, &strict):
		var lines []error
		for _, e := range strict.Errors {
			row, _ := e.Position()
			lines = append(lines, fmt.Errorf("%s:%d: no such setting: %s", name, row, strings.Join(e.Key(), ".")))
		}
		return fmt.Errorf("configuration:\n%w", errors.Join(lines...))
	case errors.As(err, &bad):
		row, col := bad.Position()
		return fmt.Errorf("configuration:\n%s:%d:%d: %s", name, row, col, strings.TrimPrefix(bad.Error(), "toml: "))
	case err != nil:
		return fmt.Errorf("%s: %w", name, err)
	}
	return s.noteFile(name)
}

// noteFile notes which keys the file gave.
func (s *Settings) noteFile(name string) error {
	raw, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	var given map[string]any
	if err := toml.Unmarshal(raw, &given); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	for _, f := range fields(reflect.ValueOf(&s.Config).Elem(), "") {
		at := any(given)
		for part := range strings.SplitSeq(f.key, ".") {
			m, ok := at.(map[string]any)
			if !ok {
				at = nil
				break
			}
			at = m[part]
		}
		if at != nil {
			s.From[f.key] = "file " + name
		}
	}
	return nil
}

// field is one setting: its key in the file, its place in Config, its Go name "Type.Field".
type field struct {
	key, name string
	value     reflect.Value
}

// fields lists the settings in the order of the declaration.
func fields(v reflect.Value, prefix string) []field {
	var out []field
	for i := range v.NumField() {
		sf := v.Type().Field(i)
		if !sf.IsExported() {
			continue // a secret, which no file and no page shows
		}
		f := field{key: prefix + sf.Tag.Get("toml"), name: v.Type().Name() + "." + sf.Name, value: v.Field(i)}
		if f.value.Kind() == reflect.Struct {
			out = append(out, fields(f.value, f.key+".")...)
			continue
		}
		out = append(out, f)
	}
	return out
}

func (s *Settings) field(key string) reflect.Value {
	for _, f := range fields(reflect.ValueOf(&s.Config).Elem(), "") {
		if f.key == key {
			return f.value
		}
	}
	panic("no setting " + key) // the keys are constants of cli.go
}

var slugShape = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$`)

// check validates the settings and returns every problem at once, each with its key.
func (s *Settings) check() error {
	var bad []error
	no := func(key, format string, args ...any) {
		bad = append(bad, fmt.Errorf("%s: %s", key, fmt.Sprintf(format, args...)))
	}
	if s.Data == "" {
		no("data", "a directory is needed")
	}
	if _, port, err := net.SplitHostPort(s.Listen); err != nil {
		no("listen", "%q is not host:port", s.Listen)
	} else if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		no("listen", "port %q is not a number from 0 to 65535", port)
	}
	for key, value := range map[string]string{"base_url": s.BaseURL, "sync.cvelist": s.Sync.CVEList, "oidc.issuer": s.OIDC.Issuer} {
		if u, err := url.Parse(value); value != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "") {
			no(key, "%q is not an http or https URL without query", value)
		} else if key == "base_url" && value != "" && strings.Trim(u.Path, "/") != "" {
			no(key, "%q has a path: the node's protocols are at fixed paths and need a host of their own", value)
		}
	}
	for key, list := range map[string][]string{"trusted_proxy": s.TrustedProxy, "metrics_from": s.MetricsFrom} {
		if _, err := networks(list); err != nil {
			no(key, "%v", err)
		}
	}
	if (s.TLS.Cert == "") != (s.TLS.Key == "") {
		no("tls", "cert and key belong together")
	}
	switch s.Log.Level {
	case "debug", "info", "warn", "error":
	default:
		no("log.level", "%q is none of debug, info, warn, error", s.Log.Level)
	}
	if s.Log.Format != "text" && s.Log.Format != "json" {
		no("log.format", "%q is neither text nor json", s.Log.Format)
	}
	if s.Limits.Body <= 0 {
		no("limits.body", "a size above zero is needed")
	}
	for key, d := range map[string]Duration{"limits.read": s.Limits.Read, "limits.write": s.Limits.Write, "limits.grace": s.Limits.Grace, "sync.every": s.Sync.Every,
		"clock_leap": s.ClockLeap, "cve_services.rate_window": s.CVEServices.RateWindow, "gcve.every": s.GCVE.Every} {
		if d <= 0 {
			no(key, "a duration above zero is needed, like 30s or 10m")
		}
	}
	if s.CVEServices.RateLimit < 0 {
		no("cve_services.rate_limit", "a number of requests is needed, or 0 for no limit")
	}
	if s.Portal.TOTP != "optional" && s.Portal.TOTP != "required" {
		no("portal.totp", "%q is neither optional nor required", s.Portal.TOTP)
	}
	if why := s.Mail.wrong(); why != "" {
		no("mail", "%s", why)
	}
	if err := checkKeep(s.Publish.Keep); err != nil {
		no("publish.keep", "%v", err)
	}
	if len(s.Publish.Push) > 0 && s.Publish.Git == "" {
		no("publish.push", "publish.git has to name the repository that is pushed")
	}
	for key, why := range s.GCVE.wrong() {
		no("gcve."+key, "%s", why)
	}
	if s.Governance.Remind < 0 {
		no("governance.remind", "it is negative")
	}
	if s.OIDC.Issuer != "" && (s.OIDC.ClientID == "" || s.BaseURL == "") {
		no("oidc", "issuer needs client_id and base_url")
	}
	for key, name := range map[string]string{"list.slug": s.List.Slug, "list.name": s.List.Name} {
		if !slugShape.MatchString(name) {
			no(key, "%q is not made of lower-case letters, digits and inner hyphens (at most 32)", name)
		}
	}
	if len(bad) > 0 {
		return fmt.Errorf("configuration:\n%w", errors.Join(bad...))
	}
	return nil
}

// networks reads addresses and CIDR networks.
func networks(list []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, s := range list {
		if a, err := netip.ParseAddr(s); err == nil {
			out = append(out, netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()))
			continue
		}
		n, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, fmt.Errorf("%q is neither an address nor a network", s)
		}
		out = append(out, n.Masked())
	}
	return out, nil
}

// DSN is where the database is: the configured one, or the file in the data directory.
func (c Config) DSN() string {
	if c.Store != "" {
		return c.Store
	}
	return filepath.Join(c.Data, "tasuki.db")
}

// HighWaterFile is the path of the high-water file, or "" when it is turned off.
func (c Config) HighWaterFile() string {
	switch c.HighWater {
	case "off":
		return ""
	case "":
		return filepath.Clean(c.Data) + ".highwater"
	}
	return c.HighWater
}

// hidden is the DSN as it may be shown: without a password.
func hidden(dsn string) string {
	const unreadable = "(unreadable DSN)"
	u, err := url.Parse(dsn)
	switch {
	case err != nil && strings.Contains(dsn, "://"):
		return unreadable
	case err != nil || u.Scheme == "" || u.Host == "":
		if strings.Contains(dsn, "password=") {
			return unreadable
		}
		return dsn
	}
	if q := u.Query(); q.Has("password") {
		q.Set("password", "xxxxx")
		u.RawQuery = q.Encode()
	}
	return u.Redacted()
}

// Duration is a time.Duration written as text: "30s", "10m".
type Duration time.Duration

// UnmarshalText reads what time.ParseDuration reads.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is not a duration like 30s or 10m", text)
	}
	*d = Duration(v)
	return nil
}

// MarshalText is the inverse of UnmarshalText.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// String writes 10m where time.Duration writes 10m0s.
func (d Duration) String() string {
	s := time.Duration(d).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// Size is a number of bytes written as text: "512KiB", "4MiB", "1GiB", or a plain number.
type Size int64

// UnmarshalText reads a whole number with an optional unit of B, KiB, MiB or GiB.
func (z *Size) UnmarshalText(text []byte) error {
	s := string(text)
	for _, unit := range sizeUnits {
		if number, ok := strings.CutSuffix(s, unit.name); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
			if err != nil || n < 0 || n > (1<<62)/unit.bytes {
				break
			}
			*z = Size(n * unit.bytes)
			return nil
		}
	}
	return fmt.Errorf("%q is not a size like 512KiB or 4MiB", s)
}

// MarshalText is the inverse of UnmarshalText.
func (z Size) MarshalText() ([]byte, error) { return []byte(z.String()), nil }

func (z Size) String() string {
	for _, unit := range sizeUnits {
		if z != 0 && int64(z)%unit.bytes == 0 {
			return strconv.FormatInt(int64(z)/unit.bytes, 10) + unit.name
		}
	}
	return "0"
}

// sizeUnits from the largest; the empty name stands last because every text ends in it.
var sizeUnits = []struct {
	name  string
	bytes int64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}, {"", 1}}
