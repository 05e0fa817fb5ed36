package main

// CLI is the command line's grammar. Flags that are also settings are pointers: nil leaves the word to the configuration file.
type CLI struct {
	Globals

	Up      UpCmd      `cmd:"" help:"Start a complete node; an empty one first takes in a sample of real records."`
	Serve   ServeCmd   `cmd:"" help:"Start a node."`
	Import  ImportCmd  `cmd:"" help:"Take in records from files."`
	Sync    SyncCmd    `cmd:"" help:"Bring the node up to date from a published list."`
	Search  SearchCmd  `cmd:"" help:"Find records."`
	Show    ShowCmd    `cmd:"" help:"Show one record."`
	History HistoryCmd `cmd:"" help:"List the versions of a record and what changed in each."`
	Diff    DiffCmd    `cmd:"" help:"Compare two versions of a record, or the list at two moments."`
	AsOf    AsOfCmd    `cmd:"" name:"as-of" help:"Ask the list as it was known at a moment."`
	Watch   WatchCmd   `cmd:"" help:"Follow the changes of the list live."`
	Export  ExportCmd  `cmd:"" help:"Write records out, as JSON lines or as a zip laid out like cvelistV5."`
	Stats   StatsCmd   `cmd:"" help:"Say what the node holds."`
	Lint    LintCmd    `cmd:"" help:"Check CVE records: JSON, schema, and rules beyond the schema."`
	Verify  VerifyCmd  `cmd:"" help:"Check proofs offline."`
	Replay  ReplayCmd  `cmd:"" help:"Rebuild all derived tables from the log and compare."`
	Fsck    FsckCmd    `cmd:"" help:"Check the whole store: leaves, bodies, tiles, checkpoint, tables."`
	Doctor  DoctorCmd  `cmd:"" help:"Look at everything that this copy of the list depends on, and say what to do."`
	Backup  BackupCmd  `cmd:"" help:"Write a backup, also while the node runs."`
	Promote PromoteCmd `cmd:"" help:"Open the epoch that a charter gives to this machine: a mirror becomes the operator, or an operator goes on with a new key."`
	Restore RestoreCmd `cmd:"" help:"Bring a backup back, or open a new epoch over a restored directory."`
	Config  ConfigCmd  `cmd:"" help:"Explain the configuration."`
	Escrow  EscrowCmd  `cmd:"" help:"Keys that open private facts when the operator is gone."`
	Sim     SimCmd     `cmd:"" help:"Try the rules of continuity under faults: thousands of seeded schedules, and each rule left out in turn."`

	Cna       CnaCmd       `cmd:"" help:"Reserve, publish, update and reject on any CVE Services server, as a CNA does."`
	Authority AuthorityCmd `cmd:"" help:"Begin and keep a numbering authority: organisations, users, years, scopes."`

	Charter  CharterCmd  `cmd:"" help:"Who runs the list, and how that changes."`
	Board    BoardCmd    `cmd:"" help:"Sign charters as a member of the board, on a machine without a network."`
	Mirror   MirrorCmd   `cmd:"" help:"Keep a validated copy of a list."`
	Client   ClientCmd   `cmd:"" help:"Read a list that nobody has to be trusted for: a copy of one's own that verifies everything, or single proofs."`
	Evidence EvidenceCmd `cmd:"" help:"What somebody signed and should not have."`
	Witness  WitnessCmd  `cmd:"" help:"Look on that logs only grow."`
	Node     NodeCmd     `cmd:"" help:"An authority's own node, which assigns without the list's."`

	Governance GovernanceCmd `cmd:"" help:"Disputes, refusals, transfers, roles, deadlines: the workflows of the Program."`

	Publish PublishCmd `cmd:"" help:"Publish the list in the forms that the world reads: a git repository, zips."`

	Gcve GcveCmd `cmd:"" name:"gcve" help:"Be a GCVE numbering authority, and read what others say."`

	Bundle BundleCmd `cmd:"" help:"Carry the list where no network goes: signed files of leaves, proven offline."`

	Version VersionCmd `cmd:"" help:"Print the version."`

	Completion CompletionCmd `cmd:"" help:"Print a script that lets a shell complete tasuki's commands."`
	Complete   CompleteCmd   `cmd:"" name:"complete-line" hidden:""`
	Man        ManCmd        `cmd:"" help:"Print the manual page of a command."`
}

// Globals are the flags that every command takes.
type Globals struct {
	ConfigFile string  `name:"config" type:"path" placeholder:"FILE" help:"Configuration file (TOML)."`
	Data       *string `placeholder:"DIR" help:"Data directory (default ./tasuki-data)."`
	Store      *string `placeholder:"DSN" help:"Database: a file, or postgres://… (default: SQLite in the data directory). Give passwords by environment or file."`
	LogLevel   *string `placeholder:"LEVEL" help:"debug, info, warn or error."`
	LogFormat  *string `placeholder:"FORMAT" help:"text or json."`
}

// Network are the flags of commands that open a node to the network.
type Network struct {
	Listen   *string `placeholder:"HOST:PORT" help:"Address to listen on (default 127.0.0.1:8080)."`
	BaseURL  *string `name:"base-url" placeholder:"URL" help:"The address under which people reach this node."`
	Insecure *bool   `help:"Accept clear text from other machines."`
}

// override is one setting given on the command line.
type override struct {
	key   string // as in the configuration file: "log.level"
	flag  string
	value any
}

func (c *CLI) overrides() []override {
	var out []override
	add := func(key, flag string, value any, given bool) {
		if given {
			out = append(out, override{key, flag, value})
		}
	}
	text := func(key, flag string, v *string) {
		if v != nil {
			add(key, flag, *v, true)
		}
	}
	text("data", "--data", c.Data)
	text("store", "--store", c.Store)
	text("log.level", "--log-level", c.LogLevel)
	text("log.format", "--log-format", c.LogFormat)
	for _, n := range []Network{c.Up.Network, c.Serve.Network, c.Mirror.Follow.Network, c.Client.Follow.Network, c.Witness.Serve.Network} {
		text("listen", "--listen", n.Listen)
		text("base_url", "--base-url", n.BaseURL)
		if n.Insecure != nil {
			add("insecure", "--insecure", *n.Insecure, true)
		}
	}
	return out
}
