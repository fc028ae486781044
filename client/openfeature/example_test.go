package openfeature_test

import (
	"context"
	"fmt"

	of "github.com/open-feature/go-sdk/openfeature"

	hotswap "github.com/hotswap/hotswap/client"
	"github.com/hotswap/hotswap/client/openfeature"
)

func ExampleNew() {
	use := func(ctx context.Context, client *hotswap.Client) error {
		err := of.SetProviderWithContextAndWait(ctx, openfeature.New(client))
		flags := of.NewDefaultClient()
		on := flags.Boolean(ctx, "feature.new_dashboard", false, of.EvaluationContext{})
		fmt.Println(on)
		return err
	}
	_ = use
}
