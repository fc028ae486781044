package store

import "sync/atomic"

// waits counts who waits for a connection, and who did so in vain.
type waits struct{ now, refused atomic.Int64 }

// Load is how busy this node's connections to the database are.
type Load struct {
	Max     int   // transactions at a time
	InUse   int   // now
	Waiting int   // callers who wait for a connection now
	Refused int64 // callers who waited in vain, since the start
}

// Load tells how busy the connections are; it asks nobody.
func (db *DB) Load() Load {
	return Load{
		Max: cap(db.slots), InUse: len(db.slots),
		Waiting: int(db.waits.now.Load()), Refused: db.waits.refused.Load(),
	}
}
