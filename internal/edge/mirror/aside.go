package mirror

// Aside runs fn while the loop takes in and drops nothing: for leaves that come another way, such as a bundle. fn asks the rules through Rules, Offer and
// the Store.
func (f *Follower) Aside(fn func() error) error {
	f.writing.Lock()
	defer f.writing.Unlock()
	return fn()
}
