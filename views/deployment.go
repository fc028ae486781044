package views

import (
	"strings"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/views/components"
)

func deploymentTone(s models.DeploymentStatus) components.Tone {
	switch s {
	case models.DeploymentSucceeded:
		return components.Good
	case models.DeploymentRolled, models.DeploymentAborted, models.DeploymentFailed:
		return components.Bad
	default:
		return components.Waiting
	}
}

func deploymentSaid(s models.DeploymentStatus) string { return strings.ReplaceAll(string(s), "_", " ") }
