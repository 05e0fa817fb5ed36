package main

// backend names the functions that make a node out of the parts. It stands apart from main so that tests start the same node.
func backend() Backend {
	return Backend{}
}
