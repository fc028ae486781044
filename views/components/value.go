package components

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/hotswap/hotswap/models"
)

// Indent is the text of a value for reading: objects and arrays take a line for each member, numbers stay exact.
func Indent(v models.Value) string {
	var out bytes.Buffer
	if err := json.Indent(&out, v.Raw(), "", "  "); err != nil {
		return string(v)
	}
	return out.String()
}

// LayerName is how people call a layer: "platform", "tier enterprise", or the tenant's id.
func LayerName(layer string) string {
	if slug, ok := strings.CutPrefix(layer, "@tier."); ok {
		return "tier " + slug
	}
	return strings.TrimPrefix(layer, "@")
}

// layerIcon tells the kinds of layers apart: defaults for all, those of a tier, a customer.
func layerIcon(layer string) string {
	switch {
	case layer == models.Platform:
		return "world"
	case models.IsLayer(layer):
		return "stack-2"
	default:
		return "building"
	}
}

// StatusName is a status in words.
func StatusName(s models.ChangeStatus) string { return strings.ReplaceAll(string(s), "_", " ") }

func statusTone(s models.ChangeStatus) Tone {
	switch s {
	case models.ChangeDeployed, models.ChangeApproved:
		return Good
	case models.ChangeRejected, models.ChangeFailed, models.ChangeRolled:
		return Bad
	case models.ChangePending, models.ChangeScheduled, models.ChangeDeploying:
		return Waiting
	default:
		return Neutral
	}
}

func tenantTone(s models.TenantStatus) Tone {
	switch s {
	case models.TenantActive:
		return Good
	case models.TenantSuspended:
		return Waiting
	default:
		return Bad
	}
}
