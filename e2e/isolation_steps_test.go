package e2e_test

import (
	"fmt"
	"net/url"

	"github.com/hotswap/hotswap/web/webtest"
)

// request is one step of the walk.
type request struct {
	method, path string
	body         any
}

// step makes a request about the names, in the words of the walker's own side.
type step struct {
	weight int
	make   func(n names, w *walker) request
}

// get reads a path that the names fill in.
func get(format string, pick func(names) []any) func(names, *walker) request {
	return func(n names, _ *walker) request { return request{"GET", fmt.Sprintf(format, pick(n)...), nil} }
}

func tenantOf(n names) []any { return []any{n.tenant} }

// steps are the calls of the API, the more often the cheaper.
func steps() []step {
	return append(readSteps(), writeSteps()...)
}

func readSteps() []step {
	return []step{
		{30, get("/configs/tenant/%s?environment=Development&include=metadata", tenantOf)},
		{30, get("/configs/tenant/%s?environment=Production", tenantOf)},
		{10, get("/configs?environment=Development&tenantId=%s", tenantOf)},
		{10, get("/configs/%s", func(n names) []any { return []any{n.config} })},
		{10, get("/configs/%s/versions", func(n names) []any { return []any{n.config} })},
		{5, get("/configs/%s/versions/1", func(n names) []any { return []any{n.config} })},
		{5, get("/configs/%s/diff?from=1&to=1", func(n names) []any { return []any{n.config} })},
		{5, get("/configs/compare?from=Development&to=Production&tenantId=%s", tenantOf)},
		{10, get("/changes?limit=20", func(names) []any { return nil })},
		{5, get("/changes?limit=5&cursor=%s", func(n names) []any { return []any{n.cursor} })},
		{10, get("/changes?limit=20&tenantId=%s", tenantOf)},
		{10, get("/changes/%s", func(n names) []any { return []any{n.change} })},
		{5, get("/approvals?limit=5", func(names) []any { return nil })},
		{5, get("/deployments?limit=20", func(names) []any { return nil })},
		{5, get("/instances?limit=20", func(names) []any { return nil })},
		{5, get("/instances?tenantId=%s", tenantOf)},
		{5, get("/deployments?changeId=%s", func(n names) []any { return []any{n.change} })},
		{10, get("/deployments/%s", func(n names) []any { return []any{n.deployment} })},
		{10, get("/audit?limit=20", func(names) []any { return nil })},
		{5, get("/audit?limit=20&tenantId=%s", tenantOf)},
		{5, get("/audit?limit=20&resource=config/%s", func(n names) []any { return []any{n.config} })},
		{5, get("/audit/%s", func(n names) []any { return []any{n.entry} })},
		{5, get("/definitions?tenantId=%s", tenantOf)},
		{5, get("/definitions?tenantId=%s&search=zq", tenantOf)},
		{5, get("/tenants?search=zq", func(names) []any { return nil })},
		{5, get("/tenants?layers=true&search=%s", tenantOf)},
		{5, get("/tenants/%s", tenantOf)},
		{3, get("/tiers", func(names) []any { return nil })},
		{3, get("/policies", func(names) []any { return nil })},
		{3, get("/environments", func(names) []any { return nil })},
		{5, get("/api-keys?tenantId=%s", tenantOf)},
		{5, get("/role-bindings?limit=100", func(names) []any { return nil })},
		{2, get("/me", func(names) []any { return nil })},
	}
}

func writeSteps() []step {
	return []step{
		{10, func(n names, w *walker) request {
			return request{"POST", "/configs", webtest.Body{
				"tenantId": n.tenant, "environment": w.environment(), "key": w.key(), "value": w.word(), "reason": w.word(),
			}}
		}},
		{8, func(n names, w *walker) request {
			return request{"PUT", "/configs/" + n.config, webtest.Body{"value": w.word()}}
		}},
		{2, func(n names, _ *walker) request { return request{"DELETE", "/configs/" + n.config, nil} }},
		{5, func(n names, _ *walker) request {
			return request{"POST", "/configs/" + n.config + "/promote", webtest.Body{"targetEnvironment": "Production"}}
		}},
		{8, func(n names, w *walker) request {
			return request{"POST", "/changes", webtest.Body{
				"tenantId": n.tenant, "environment": w.environment(), "title": w.word(), "reason": w.word(),
				"items": []webtest.Body{{"key": w.key(), "op": "set", "value": w.word()}, {"key": "x" + w.key(), "op": "set", "value": w.word()}},
			}}
		}},
		{8, func(n names, w *walker) request {
			return request{"PATCH", "/changes/" + n.change, webtest.Body{"title": w.word()}}
		}},
		{3, func(n names, _ *walker) request { return request{"POST", "/changes/" + n.change + "/cancel", nil} }},
		{3, func(n names, _ *walker) request { return request{"POST", "/changes/" + n.change + "/rebase", nil} }},
		{10, func(n names, w *walker) request {
			verdict := []string{"approve", "approve", "approve", "reject"}[w.r.IntN(4)]
			return request{"POST", "/approvals/" + n.change + "/" + verdict, webtest.Body{"digest": n.digest, "comment": w.word()}}
		}},
		{3, func(n names, w *walker) request {
			return request{"PATCH", "/tenants/" + n.tenant, webtest.Body{"name": w.word(), "metadata": webtest.Body{"note": w.word()}}}
		}},
		{2, func(n names, w *walker) request {
			return request{"POST", "/definitions?tenantId=" + n.tenant, webtest.Body{"key": "d" + w.key(), "type": "string", "description": w.word()}}
		}},
		{5, func(n names, w *walker) request {
			return request{"PUT", "/instances/" + url.PathEscape(w.word()), webtest.Body{
				"tenantId": n.tenant, "environment": w.environment(), "revision": w.key(), "client": w.word(),
			}}
		}},
		{3, func(n names, w *walker) request {
			return request{"POST", "/definitions/validate", webtest.Body{"tenantId": n.tenant, "key": w.key(), "value": w.word()}}
		}},
		{1, func(n names, w *walker) request {
			return request{"POST", "/api-keys", webtest.Body{"name": w.word(), "role": "reader", "tenantId": n.tenant}}
		}},
		{1, func(n names, _ *walker) request { return request{"DELETE", "/api-keys/" + n.key, nil} }},
		{1, func(n names, w *walker) request {
			return request{"POST", "/role-bindings", webtest.Body{"role": "viewer", "tenantId": n.tenant, "group": w.word()}}
		}},
		{1, func(n names, w *walker) request {
			return request{"POST", "/role-bindings", webtest.Body{"role": "viewer", "tenantId": w.own.tenant, "keyId": n.key}}
		}},
		{1, func(n names, _ *walker) request { return request{"DELETE", "/role-bindings/" + n.binding, nil} }},
	}
}

func (w *walker) environment() string {
	return []string{"Development", "QA", "Staging", "Production"}[w.r.IntN(4)]
}

func (w *walker) key() string  { return fmt.Sprintf("%s.k%d", w.own.canary, w.r.IntN(40)) }
func (w *walker) word() string { return fmt.Sprintf("%s %d", w.own.canary, w.r.IntN(1000)) }
