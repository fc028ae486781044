package models

import "time"

// DeploymentStatus is where a deployment stands.
type DeploymentStatus string

// The states of a deployment.
const (
	DeploymentQueued    DeploymentStatus = "queued"
	DeploymentRunning   DeploymentStatus = "running"
	DeploymentPaused    DeploymentStatus = "paused"
	DeploymentWatching  DeploymentStatus = "watching"
	DeploymentSucceeded DeploymentStatus = "succeeded"
	DeploymentRolled    DeploymentStatus = "rolled_back"
	DeploymentAborted   DeploymentStatus = "aborted"
	DeploymentFailed    DeploymentStatus = "failed"
)

// Deployment is an approved change on its way to being live.
type Deployment struct {
	TenantID    string
	ID          string
	ChangeID    string
	Environment string
	Strategy    Strategy
	Status      DeploymentStatus
	Step        int
	Percent     int
	Reason      string
	StartedAt   time.Time
	EndedAt     *time.Time
}
