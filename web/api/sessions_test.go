package api_test

import (
	"strings"
	"testing"

	"github.com/hotswap/hotswap/web/webtest"
)

func TestSessions(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	cookie := site.Session("engineer")
	site.Session("engineer")
	site.Session("acme-engineer")

	mine := site.As("engineer").Get("/sessions").Want(200)
	if mine.Len("items") != 2 || mine.Len("items.0") != 8 || mine.Field("nextCursor") != "null" || strings.Contains(mine.Text, cookie.Value) ||
		mine.Field("items.0.person.id") != site.Person("engineer").ID || mine.Field("items.0.person.kind") != "person" ||
		mine.Field("items.0.person.name") != "engineer" || mine.Field("items.0.current") != "false" ||
		mine.Field("items.0.createdAt") > mine.Field("items.0.lastSeenAt") || mine.Field("items.0.lastSeenAt") >= mine.Field("items.0.expiresAt") ||
		mine.Field("items.0.address") != "" || mine.Field("items.0.userAgent") != "" {
		t.Errorf("mine: %s", mine.Text)
	}
	admin := site.As("admin")
	if all := admin.Get("/sessions").Want(200); all.Len("items") != 3 {
		t.Errorf("all: %s", all.Text)
	}
	page := admin.Get("/sessions?limit=2&personId=" + site.Person("engineer").ID).Want(200)
	if page.Len("items") != 2 || page.Field("nextCursor") != "null" {
		t.Errorf("the engineer's: %s", page.Text)
	}
	first := admin.Get("/sessions?limit=2").Want(200)
	if rest := admin.Get("/sessions?limit=2&cursor=" + first.Field("nextCursor")).Want(200); rest.Len("items") != 1 || rest.Field("nextCursor") != "null" {
		t.Errorf("the second page: %s", rest.Text)
	}
	admin.Get("/sessions?cursor=x").Refused(422, "invalid")
	other := "/sessions?personId=" + site.Person("acme-engineer").ID
	site.As("engineer").Get(other).Refused(403, "forbidden")
	site.As("globex-engineer").Get(other).Refused(404, "not_found")
	site.As("app").Get("/sessions").Refused(403, "forbidden")

	id := mine.Field("items.0.id")
	for who, status := range map[string]int{"acme-engineer": 404, "engineer2": 404, "tenant-admin": 404, "auditor": 404, "app": 404} {
		site.As(who).Delete("/sessions/"+id).Refused(status, "not_found")
	}
	site.With("").Delete("/sessions/"+id).Refused(401, "unauthenticated")
	site.With("").Header("Cookie", cookie.Name+"="+cookie.Value).Get("/sessions").Refused(401, "unauthenticated") // no credential here
	site.As("engineer").Delete("/sessions/" + id).Want(204)
	site.As("engineer").Delete("/sessions/"+id).Refused(404, "not_found")
	admin.Delete("/sessions/" + mine.Field("items.1.id")).Want(204)
	if left := admin.Get("/sessions").Want(200); left.Len("items") != 1 || left.Field("items.0.person.id") != site.Person("acme-engineer").ID {
		t.Errorf("left: %s", left.Text)
	}
	admin.Delete("/sessions/not-a-uuid").Refused(404, "not_found")

	log := site.As("auditor").Get("/audit?action=session.revoke").Want(200)
	if log.Len("items") != 2 || log.Field("items.1.resource") != "session/"+id || log.Field("items.1.actor.id") != site.Person("engineer").ID {
		t.Errorf("log: %s", log.Text)
	}
}
