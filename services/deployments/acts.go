package deployments

import "github.com/hotswap/hotswap/models"

// acts are one entry for each definition that a first value made and each key that moved, and one for the
// deployment's only step.
func acts(c *models.Change, f models.Facts) []models.Act {
	out := make([]models.Act, 0, 2*len(c.Items)+1)
	for _, i := range c.Items {
		if i.Op.Reaches() {
			continue
		}
		if i.Makes(f) {
			out = append(out, made(c, i))
		}
		live := f.Live[i.Key]
		act := models.Act{Action: "config." + string(i.Op), Resource: "config/" + i.ConfigID}
		if i.BaseVersion > 0 {
			act.Before = cell(c, i, i.Previous, i.BaseVersion, live.Locked)
		}
		if i.Op != models.OpDelete {
			act.After = cell(c, i, i.Value, live.Last+1, i.NextLock(live))
		}
		out = append(out, act)
	}
	return append(out, models.Act{
		Action: "deployment.step", Resource: "deployment/" + c.DeploymentID,
		After: models.Object(map[string]models.Value{
			"changeId": models.Text(c.ID), "percent": "100", "status": models.Text(string(models.DeploymentSucceeded)),
		}),
	})
}

// made tells of the definition that a first value makes.
func made(c *models.Change, i models.Item) models.Act {
	return models.Act{
		Action: "definition.create", Resource: "definition/" + i.Key,
		After: models.Object(map[string]models.Value{
			"changeId": models.Text(c.ID), "description": models.Text(i.Defines.Description), "key": models.Text(i.Key),
			"sensitive": models.Bool(i.Defines.Sensitive), "type": models.Text(string(i.Defines.Type)), "version": "1",
		}),
	}
}

// cell is one key's value in one environment as the log keeps it; of a secret the commitment.
func cell(c *models.Change, i models.Item, v models.Value, version int64, locked bool) models.Value {
	members := map[string]models.Value{
		"changeId": models.Text(c.ID), "environment": models.Text(c.Environment), "key": models.Text(i.Key),
		"value": v, "version": models.Int(version),
	}
	if sealed, ok := v.Sealed(); ok {
		members["value"], members["commitment"] = models.Masked, models.Text(sealed.Commitment)
	} else if i.Sensitive {
		members["value"] = models.Masked
	}
	if locked {
		members["locked"] = models.Bool(true)
	}
	return models.Object(members)
}
