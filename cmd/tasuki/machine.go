package main

// MirrorCmd is `tasuki mirror`.
type MirrorCmd struct {
	Keygen MirrorKeygenCmd `cmd:"" help:"Make the key of a mirror, and print what the charter names."`
	Follow MirrorFollowCmd `cmd:"" help:"Keep and serve a validated copy of a list."`
	Status MirrorStatusCmd `cmd:"" help:"Say how far a mirror is, and why it goes no further."`
	Choose ClientChooseCmd `cmd:"" help:"Decide between two successors, where the board has signed both."`
}

// WitnessCmd is `tasuki witness`.
type WitnessCmd struct {
	Keygen WitnessKeygenCmd `cmd:"" help:"Make the key of a witness, and print what the charter's policy names."`
	Serve  WitnessServeCmd  `cmd:"" help:"Cosign the checkpoints of logs that only grow (c2sp.org/tlog-witness)."`
}

// NodeCmd is `tasuki node`: an authority's own node.
type NodeCmd struct {
	Init    NodeInitCmd    `cmd:"" help:"Make a node's folder: its key, an empty journal."`
	Blocks  NodeBlocksCmd  `cmd:"" help:"Take in numbers that were granted to the node."`
	Assign  NodeAssignCmd  `cmd:"" help:"Assign identifiers, with nobody's help."`
	Publish NodePublishCmd `cmd:"" help:"Sign a record, and hand in what waits in the outbox."`
	Outbox  NodeOutboxCmd  `cmd:"" help:"List signed events that are not durable yet."`
	Serve   NodeServeCmd   `cmd:"" help:"Answer the requests of CVE Services on this machine, while the list is away."`
	Key     NodeKeyCmd     `cmd:"" help:"Give somebody a key for \"tasuki node serve\", or take it back."`
	Status  NodeStatusCmd  `cmd:"" help:"Say what numbers are left, and what waits."`
	Restore NodeRestoreCmd `cmd:"" help:"Go on with a copy of a node's folder, in lanes of its own."`
	Keygen  NodeKeygenCmd  `cmd:"" help:"Make the key of an authority's own node."`
}
