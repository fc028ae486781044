package console_test

import (
	"testing"

	"github.com/hotswap/hotswap/web/webtest"
)

func TestApprovals(t *testing.T) {
	t.Parallel()
	site := webtest.New(t)
	engineer2 := site.Browse("engineer2")
	engineer2.Get("/approvals").Want(200).Shows(".empty-state", "Nothing waits for you")
	id := propose(site, webtest.Acme, "Raise the limit", set("limit", 5))

	mine := engineer2.Get("/approvals").Want(200).Shows(".queued", "Raise the limit").Shows(".queued", "expires in 6 days").
		Shows(".diff", "5").Shows("a[aria-current]", "Waiting for me").Has("form[action='/changes/"+id+"/approve']", 1)
	site.Browse("manager").Get("/approvals").Want(200).Shows(".empty-state", "Nothing waits for you")
	site.Browse("manager").Get("/approvals?tab=others").Want(200).Shows(".queued", "This stage needs the role engineer here.").Has("form[action$=approve]", 0)
	site.Browse("engineer").Get("/approvals?tab=others").Want(200).Shows(".queued", "You wrote some of it")
	site.Browse("globex-engineer").Get("/approvals?tab=others").Want(200).Shows(".empty-state", "Nothing waits for others")
	engineer2.Get("/approvals?tab=decided").Want(200).Shows(".empty-state", "You have decided nothing yet")
	engineer2.Get("/approvals?tab=nonsense").Want(422)

	engineer2.Post("/changes/"+id+"/approve", "digest", mine.Input("digest"), "return", mine.Input("return")).Leads("/approvals")
	engineer2.Get("/approvals").Want(200).Shows("#notice", "Approved. It now waits for manager.").Shows(".empty-state", "Nothing waits for you")
	engineer2.Get("/approvals?tab=decided").Want(200).Shows(".change-row", "You approved it")
	site.Browse("manager").Get("/approvals").Want(200).Has("form[action$=approve]", 1)
	site.Browse("manager").Post("/changes/"+id+"/approve", "digest", mine.Input("digest"), "return", "//evil.example.com").Leads("/")
	site.Stranger().Get("/approvals").Leads("/login")
}
