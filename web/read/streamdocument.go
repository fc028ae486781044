package read

import (
	"github.com/danielgtaylor/huma/v2"
)

// documentStreams puts the streams into the API document.
func documentStreams(api huma.API) {
	describeStream(api, "resolved.stream", "/configs/tenant/{tenantId}/stream", "An application's configuration, pushed",
		"Begins with an event snapshot, whose data is the body of the read; then an event change with revision, set and unset "+
			"for all that moves, comments as heartbeats, and an event end with reason and code before the server closes.",
		parameter("tenantId", "path", true), parameter("environment", "query", true), unit())
	describeStream(api, "resolved.notices", "/configs/stream", "Which tenants moved, pushed",
		"For keys of all tenants. Begins with an event ready; then an event change with tenantId and revision for each tenant that moves. "+
			"When tenantId is a layer (@platform, @tier.…) every tenant below it may have moved.",
		parameter("environment", "query", true))
}

func describeStream(api huma.API, id, path, summary, description string, parameters ...*huma.Param) {
	last := parameter("Last-Event-ID", "header", false)
	last.Description = "The id of the last event seen: only what moved since is told, if the node still knows it"
	add(api, &huma.Operation{
		OperationID: id, Path: path, Summary: summary, Description: description,
		Parameters: append(parameters, last),
		Responses: map[string]*huma.Response{
			"200": {Description: "Server-sent events, until one side closes", Content: content("text/event-stream", &huma.Schema{Type: huma.TypeString})},
		},
	})
}
