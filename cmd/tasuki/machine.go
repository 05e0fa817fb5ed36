package main

// MirrorCmd is `tasuki mirror`.
type MirrorCmd struct {
	Keygen MirrorKeygenCmd `cmd:"" help:"Make the key of a mirror, and print what the charter names."`
	Follow MirrorFollowCmd `cmd:"" help:"Keep and serve a validated copy of a list."`
	Status MirrorStatusCmd `cmd:"" help:"Say how far a mirror is, and why it goes no further."`
}

// WitnessCmd is `tasuki witness`.
type WitnessCmd struct {
	Keygen WitnessKeygenCmd `cmd:"" help:"Make the key of a witness, and print what the charter's policy names."`
}

// NodeCmd is `tasuki node`: an authority's own node.
type NodeCmd struct {
	Keygen NodeKeygenCmd `cmd:"" help:"Make the key of an authority's own node."`
}
