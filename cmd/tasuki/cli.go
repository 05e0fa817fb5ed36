package main

// CLI is the command line's grammar. Flags that are also settings are pointers: nil leaves the word to the configuration file.
type CLI struct {
	Globals

	Up      UpCmd      `cmd:"" group:"read" help:"Start a complete node; an empty one first takes in a sample of real records."`
	Serve   ServeCmd   `cmd:"" group:"read" help:"Start a node."`
	Import  ImportCmd  `cmd:"" group:"read" help:"Take in records from files."`
	Sync    SyncCmd    `cmd:"" group:"read" help:"Bring the node up to date from a published list."`
	Search  SearchCmd  `cmd:"" group:"ask" help:"Find records."`
	Show    ShowCmd    `cmd:"" group:"ask" help:"Show one record."`
	History HistoryCmd `cmd:"" group:"ask" help:"List the versions of a record and what changed in each."`
	Diff    DiffCmd    `cmd:"" group:"ask" help:"Compare two versions of a record, or the list at two moments."`
	AsOf    AsOfCmd    `cmd:"" group:"ask" name:"as-of" help:"Ask the list as it was known at a moment."`
	Watch   WatchCmd   `cmd:"" group:"ask" help:"Follow the changes of the list live."`
	Export  ExportCmd  `cmd:"" group:"read" help:"Write records out, as JSON lines or as a zip laid out like cvelistV5."`
	Stats   StatsCmd   `cmd:"" group:"read" help:"Say what the node holds."`
	Lint    LintCmd    `cmd:"" group:"ask" help:"Check CVE records: JSON, schema, and rules beyond the schema."`
	Verify  VerifyCmd  `cmd:"" group:"keep" help:"Check proofs offline."`
	Replay  ReplayCmd  `cmd:"" group:"keep" help:"Rebuild all derived tables from the log and compare."`
	Fsck    FsckCmd    `cmd:"" group:"keep" help:"Check the whole store: leaves, bodies, tiles, checkpoint, tables."`
	Doctor  DoctorCmd  `cmd:"" group:"keep" help:"Look at everything that this copy of the list depends on, and say what to do."`
	Backup  BackupCmd  `cmd:"" group:"keep" help:"Write a backup, also while the node runs."`
	Promote PromoteCmd `cmd:"" group:"cont" help:"Open the epoch that a charter gives to this machine: a mirror becomes the operator, or an operator goes on with a new key."`
	Restore RestoreCmd `cmd:"" group:"keep" help:"Bring a backup back, or open a new epoch over a restored directory."`
	Config  ConfigCmd  `cmd:"" group:"read" help:"Explain the configuration."`
	Escrow  EscrowCmd  `cmd:"" group:"cont" help:"Keys that open private facts when the operator is gone."`
	Drill   DrillCmd   `cmd:"" group:"cont" help:"Lose the operator of a list of one's own on this machine, with real processes, and count what is lost with it."`
	Sim     SimCmd     `cmd:"" group:"cont" help:"Try the rules of continuity under faults: thousands of seeded schedules, and each rule left out in turn."`

	Cna       CnaCmd       `cmd:"" group:"auth" help:"Reserve, publish, update and reject on any CVE Services server, as a CNA does."`
	Authority AuthorityCmd `cmd:"" group:"auth" help:"Begin and keep a numbering authority: organisations, users, years, scopes."`

	Charter  CharterCmd  `cmd:"" group:"cont" help:"Who runs the list, and how that changes."`
	Board    BoardCmd    `cmd:"" group:"cont" help:"Sign charters as a member of the board, on a machine without a network."`
	Seal     SealCmd     `cmd:"" group:"cont" help:"End an epoch in good order, and show the statements that ended one."`
	Mirror   MirrorCmd   `cmd:"" group:"cont" help:"Keep a validated copy of a list."`
	Client   ClientCmd   `cmd:"" group:"cont" help:"Read a list that nobody has to be trusted for: a copy of one's own that verifies everything, or single proofs."`
	Evidence EvidenceCmd `cmd:"" group:"cont" help:"What somebody signed and should not have."`
	Witness  WitnessCmd  `cmd:"" group:"cont" help:"Look on that logs only grow."`
	Node     NodeCmd     `cmd:"" group:"auth" help:"An authority's own node, which assigns without the list's."`

	Governance GovernanceCmd `cmd:"" group:"auth" help:"Disputes, refusals, transfers, roles, deadlines: the workflows of the Program."`

	Publish PublishCmd `cmd:"" group:"pub" help:"Publish the list in the forms that the world reads: a git repository, zips."`

	Gcve GcveCmd `cmd:"" group:"auth" name:"gcve" help:"Be a GCVE numbering authority, and read what others say."`

	Bundle BundleCmd `cmd:"" group:"pub" help:"Carry the list where no network goes: signed files of leaves, proven offline."`

	Version VersionCmd `cmd:"" group:"prog" help:"Print the version."`

	Completion CompletionCmd `cmd:"" group:"prog" help:"Print a script that lets a shell complete tasuki's commands."`
	Complete   CompleteCmd   `cmd:"" name:"complete-line" hidden:""`
	Man        ManCmd        `cmd:"" group:"prog" help:"Print the manual page of a command."`
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
