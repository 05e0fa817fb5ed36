package main

import (
	"time"

	"tasuki/internal/gate"
)

// The comments of this file are the operator's manual: `tasuki config explain` prints them from here.

// Config is the node's configuration: one TOML file, overruled by flags. It is useful as it stands without any file.
type Config struct {
	// Data is the directory that holds everything the node must not lose: database, keys, lock. It is created with mode 0700.
	// Relative to the working directory.
	Data string `toml:"data"`

	// Store names the database: a file for the embedded SQLite, or postgres://user@host/name for PostgreSQL. Empty means
	// tasuki.db in the data directory. Keep passwords out of it: put the whole DSN into the environment variable TASUKI_STORE
	// or into store_file, or use PGPASSFILE.
	Store string `toml:"store"`

	// StoreFile is a file whose content is the DSN, for container secrets and systemd credentials. It overrules store.
	StoreFile string `toml:"store_file"`

	// Listen is the address to listen on, host:port. Beyond loopback the node asks for tls, trusted_proxy or insecure.
	Listen string `toml:"listen"`

	// BaseURL is the address under which people and tools reach this node: https://cve.example.jp. It is printed in links and in
	// the charter, and its host is accepted in requests. Empty means the listening address.
	BaseURL string `toml:"base_url"`

	// Hosts are further host names by which this node may be addressed. Requests under any other name are refused (421), so that
	// a stranger's web page cannot reach a private node by pointing its own name at it. Loopback names and the address a
	// connection came in on are always accepted.
	Hosts []string `toml:"hosts"`

	// Insecure lets other machines speak clear text to this node.
	Insecure bool `toml:"insecure"`

	// TrustedProxy are the addresses or networks of reverse proxies ("10.0.0.5", "10.0.0.0/24"). Their X-Forwarded-For,
	// X-Forwarded-Proto and X-Request-Id are believed; everyone else's are dropped.
	TrustedProxy []string `toml:"trusted_proxy"`

	// MetricsFrom are the addresses or networks that may read /metrics, beside this machine itself.
	MetricsFrom []string `toml:"metrics_from"`

	// HighWater is a small file outside the data directory that remembers how far the log was signed. A data directory that was
	// copied back from an older day is recognised by it and refused, because numbers and signatures given since would be given
	// twice. Put it on another disk if you can. Empty means the data directory's name with .highwater beside it; "off" goes without.
	HighWater string `toml:"high_water"`

	// ClockLeap is how far the clock may be ahead of the list's newest entry before writing is refused. Times in the log never
	// decrease, so one entry written while the clock stood in a far year would date everything after it.
	ClockLeap Duration `toml:"clock_leap"`

	// StrictAck answers 503 to every write that not enough mirrors have confirmed within 5 s, not only to reservations. Without it
	// such a write is answered with what the log promises (Tasuki-Ack: local). A list without mirrors waits for nobody.
	StrictAck bool `toml:"strict_ack"`

	// TLS is the certificate; the files are read again when they are renewed.
	TLS TLS `toml:"tls"`
	// Log says how much the node writes to standard error.
	Log Log `toml:"log"`
	// Limits bound what one request may take.
	Limits Limits `toml:"limits"`
	// List is written into the charter of a new list and ignored afterwards.
	List List `toml:"list"`
	// Sync keeps a running node current.
	Sync Sync `toml:"sync"`
	// CVEServices holds the settings of the API that CNAs' tools speak.
	CVEServices CVEServices `toml:"cve_services"`
	// Portal holds the settings of the pages below /portal/, where CNAs, Roots and the Secretariat sign in.
	Portal Portal `toml:"portal"`
	// OIDC is an identity provider (OpenID Connect) by which people may sign in to the portal, beside their keys. It needs base_url;
	// register base_url/portal/oidc/callback there as the address to come back to.
	OIDC OIDC `toml:"oidc"`
	// Governance holds what the node does by itself in the Program's workflows.
	Governance Governance `toml:"governance"`
	// Mail is the server that reminders go out by.
	Mail Mail `toml:"mail"`
	// GCVE holds the node's part in GCVE, the numbering by independent authorities (docs/protocols/gcve.md).
	GCVE GCVE `toml:"gcve"`
	// Publish holds the forms in which the node publishes the list for everybody, beside its APIs (docs/protocols/publication.md).
	Publish Publish `toml:"publish"`
}

// TLS holds the files of the certificate.
type TLS struct {
	// Cert is the certificate chain, PEM.
	Cert string `toml:"cert"`
	// Key is the private key, PEM.
	Key string `toml:"key"`
}

// Log holds the settings of the log.
type Log struct {
	// Level is debug, info, warn or error.
	Level string `toml:"level"`
	// Format is text or json.
	Format string `toml:"format"`
}

// Limits holds the bounds of a request.
type Limits struct {
	// Body is the largest request body: "4MiB". The API below /api/ has a limit of its own, which its protocol fixes: 3.8 MiB.
	Body Size `toml:"body"`
	// Read is how long a request's body may take to arrive.
	Read Duration `toml:"read"`
	// Write is how long a reply may take to leave.
	Write Duration `toml:"write"`
	// Grace is how long requests under way may go on when the node stops.
	Grace Duration `toml:"grace"`
}

// List holds what a new list's charter says of its operator.
type List struct {
	// Slug is the operator's short name: lower-case letters, digits, hyphens. It becomes part of the log's origin line.
	Slug string `toml:"slug"`
	// Name is the list's own name: lower-case letters, digits, hyphens.
	Name string `toml:"name"`
}

// Sync holds the source that the node follows.
type Sync struct {
	// CVEList is the base URL of a published CVE List (docs/protocols/cvelist.md). Empty means that nothing is fetched.
	CVEList string `toml:"cvelist"`
	// Every is the time between two looks at the source.
	Every Duration `toml:"every"`
}

// CVEServices holds the settings of the API below /api/.
type CVEServices struct {
	// RateLimit is how many questions for single identifiers and records are answered in one window, by one counter for everybody.
	// 0 answers them all.
	RateLimit int `toml:"rate_limit"`
	// RateWindow is the span of time that rate_limit counts in.
	RateWindow Duration `toml:"rate_window"`
}

// Portal holds the settings of the portal.
type Portal struct {
	// TOTP is optional or required: whether everybody who signs in by a key has to set up one-time codes first. The API below /api/
	// knows no such codes.
	TOTP string `toml:"totp"`
}

// OIDC holds the identity provider of the portal.
type OIDC struct {
	// Issuer is the provider's address as it stands in its tokens: https://login.example.jp. Empty means that there is none.
	Issuer string `toml:"issuer"`
	// ClientID is the name under which the provider knows this node.
	ClientID string `toml:"client_id"`
	// Name is what people call the provider; it stands on the button. Empty means the issuer's host.
	Name string `toml:"name"`
	// SecretFile is a file whose content is the client's secret. The environment variable TASUKI_OIDC_SECRET overrules it. A client
	// without a secret leaves it empty: the exchange is bound to the browser in any case (PKCE).
	SecretFile string `toml:"secret_file"`

	secret string
}

// Governance holds what the node does by itself in the workflows.
type Governance struct {
	// Remind is how long before a deadline whoever has to act is reminded of it by mail. They hear of it again once it has passed.
	Remind Duration `toml:"remind"`
	// InactiveNotices lets the node send notices to inactive CNAs by itself. Otherwise it lists them, and a Root or the Secretariat
	// sends each.
	InactiveNotices bool `toml:"inactive_notices"`
}

// Mail holds the mail server.
type Mail struct {
	// SMTP is the server's address, host:port. Empty means that no mail is sent.
	SMTP string `toml:"smtp"`
	// From is the address that mail comes from.
	From string `toml:"from"`
	// TLS is starttls, tls (from the first byte, usually port 465), or none, which only a server on this machine may have.
	TLS string `toml:"tls"`
	// User is the name to sign in with at the server. Empty means that it asks for none.
	User string `toml:"user"`
	// PasswordFile is a file whose content is the password. The environment variable TASUKI_SMTP_PASSWORD overrules it.
	PasswordFile string `toml:"password_file"`

	password string
}

// Publish holds the forms in which the node publishes the list.
type Publish struct {
	// Git is a folder in which the node keeps a bare git repository of the list, laid out like cvelistV5, current with every change. It
	// is served at /cvelist.git for cloning, single files at /cvelist/cves/. Of several nodes of one store only one should have it. It
	// needs git on this machine. Empty means none.
	Git string `toml:"git"`
	// Push are the remotes, or their addresses, that the repository is pushed to. Keep passwords out of them: git's own credential
	// helpers and SSH keys are used.
	Push []string `toml:"push"`
	// Zips is a folder in which the node keeps the hourly releases: the day's baseline and deltas with the official names. They are
	// served below /cvelist/releases/, and /cvelist/baseline.json names the newest baseline. Empty means none.
	Zips string `toml:"zips"`
	// Keep is how long releases are kept: at least 48h, or 0s for ever.
	Keep Duration `toml:"keep"`
}

// GCVE holds the node's part in GCVE.
type GCVE struct {
	// GNA is the number of the authority that this node numbers for: "1" to "65535" (65535 is for tests), or "0" for the CVE
	// Program's own list. Empty means that it is none. The first identifier given out binds the list to the number for good.
	GNA string `toml:"gna"`
	// Short is the authority's short name, as the directory has it.
	Short string `toml:"short_name"`
	// Full is the authority's full name.
	Full string `toml:"full_name"`
	// CPEVendor is the authority's vendor name in CPE names, if it is a vendor.
	CPEVendor string `toml:"cpe_vendor_name"`
	// License is the licence of the published records, as an SPDX name.
	License string `toml:"license"`
	// Policy is the address of the authority's public policy.
	Policy string `toml:"policy"`
	// Disclosure is the address of its policy for reports of vulnerabilities.
	Disclosure string `toml:"disclosure"`
	// Contact is a role mailbox or a contact page.
	Contact string `toml:"contact"`
	// OperationalModel says in a word how it works: vendor, coordinator, researcher, aggregator, community. One number has one model.
	OperationalModel string `toml:"operational_model"`
	// VisibilityModel is public or private. The identifiers of a private authority and their states are public all the same.
	VisibilityModel string `toml:"visibility_model"`
	// Directory is the address of the signed directory of authorities, gcve.json; the signature is beside it. Empty means that it
	// is not fetched.
	Directory string `toml:"directory"`
	// KeyFile is a file with the key that the directory is checked with, PEM. Get it by another way than the directory.
	KeyFile string `toml:"key_file"`
	// TXT is the DNS name of a TXT record that has to hold the same key. Empty means that no second channel is asked.
	TXT string `toml:"txt"`
	// Pull are the numbers of the authorities whose records are fetched, or "all".
	Pull []string `toml:"pull"`
	// Every is the time between two looks at the directory and at the authorities.
	Every Duration `toml:"every"`
}

// defaultConfig is the configuration without a file.
func defaultConfig() Config {
	return Config{
		Data:   "./tasuki-data",
		Listen: "127.0.0.1:8080",

		ClockLeap: Duration(gate.DefaultClockLeap),
		Log:       Log{Level: "info", Format: "text"},
		Limits: Limits{
			Body:  4 << 20,
			Read:  Duration(30 * time.Second),
			Write: Duration(time.Minute),
			Grace: Duration(10 * time.Second),
		},
		List: List{Slug: "first", Name: "cve"},
		Sync: Sync{Every: Duration(10 * time.Minute)},

		CVEServices: CVEServices{RateWindow: Duration(time.Second)},
		Portal:      Portal{TOTP: "optional"},
		Governance:  Governance{Remind: Duration(24 * time.Hour)},
		Mail:        Mail{TLS: "starttls"},
		GCVE:        GCVE{License: "CC0-1.0", OperationalModel: "coordinator", VisibilityModel: "public", Every: Duration(time.Hour)},
		Publish:     Publish{Keep: Duration(7 * 24 * time.Hour)},
	}
}
