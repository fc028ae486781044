package models

import "time"

// Config is one key of one layer in one environment.
type Config struct {
	TenantID    string
	ID          string // UUID; kept over deletion and a later set
	Environment string
	Key         string
	Value       Value // live value
	Type        ValueType
	Version     int64 // live version
	Sensitive   bool
	Locked      bool
	Description string
	UpdatedAt   time.Time
	UpdatedBy   ActorRef
}

// Version is an immutable value of a config with the interval in which it was live.
type Version struct {
	Number     int64
	Value      Value
	Masked     bool // the value is not shown to who asked
	ChangeID   string
	Title      string // of the change
	Reason     string // of the change
	Author     ActorRef
	ApprovedBy []ActorRef // who approved the change
	LiveFrom   time.Time
	LiveTo     *time.Time // nil while it is live
}

// Masked is what people see in place of a sensitive value, as JSON text.
const Masked Value = `"********"`
