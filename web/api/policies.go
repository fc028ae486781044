package api

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/tenants"
	"github.com/hotswap/hotswap/web/wire"
)

// policy says what a change in an environment needs.
type policy struct {
	Environment       string         `json:"environment"`
	Tier              *string        `json:"tier" doc:"The tier's name; null for all that have none of their own"`
	Stages            []models.Stage `json:"stages"`
	DefaultStrategy   string         `json:"defaultStrategy"`
	AllowedStrategies []string       `json:"allowedStrategies"`
	RequirePrevious   bool           `json:"requirePrevious" doc:"The same value must be live in the environment before"`
	MinSoak           string         `json:"minSoak" doc:"For how long, such as 24h"`
	ExpiresIn         string         `json:"expiresIn" doc:"How long a change may wait for its decisions, such as 168h"`
}

type policyRoutes struct{ tenants *tenants.Service }

func (r policyRoutes) register(api huma.API) {
	huma.Register(api, reads("policy.list", "/policies", tagEnvironments, "List what changes need, by environment and tier"), r.list)
	huma.Register(api, acts(http.MethodPut, "policy.put", "/policies/{environment}", tagEnvironments,
		"Set what changes of an environment need, for all or for one tier", http.StatusConflict, http.StatusPreconditionFailed), r.put)
}

type listPolicies struct {
	wire.Paging
	Environment string `query:"environment"`
	Tier        string `query:"tier" doc:"A tier's slug"`
}

func (r policyRoutes) list(ctx context.Context, in *listPolicies) (*paged[policy], error) {
	all, err := r.tenants.Policies(ctx, tenants.PolicyFilter{Environment: in.Environment, Tier: in.Tier})
	if err != nil {
		return nil, err
	}
	found, err := cut(all, in.Paging, "policies", policyKey, in.Environment, in.Tier)
	if err != nil {
		return nil, err
	}
	tiers, err := r.tenants.Tiers(ctx)
	if err != nil {
		return nil, err
	}
	return pageOf(found, func(p models.Policy) policy { return showPolicy(p, tiers) }), nil
}

func policyKey(p models.Policy) string { return p.Environment + " " + p.TenantID }

func showPolicy(p models.Policy, tiers []models.Tenant) policy {
	return policy{
		Environment: p.Environment, Tier: tierName(p.TenantID, tiers),
		Stages: append([]models.Stage{}, p.Stages...), DefaultStrategy: p.DefaultStrategy,
		AllowedStrategies: append([]string{}, p.AllowedStrategies...), RequirePrevious: p.RequirePrevious,
		MinSoak: durationText(p.MinSoak), ExpiresIn: durationText(p.ExpiresIn),
	}
}

// tierName is null for the platform's own policies.
func tierName(layer string, tiers []models.Tenant) *string {
	for _, t := range tiers {
		if t.ID == layer {
			return &t.Name
		}
	}
	return nil
}

type putPolicy struct {
	Match
	Environment string `path:"environment"`
	Tier        string `query:"tier" doc:"A tier's slug; without it the policy is for all that have none of their own"`
	Body        policyBody
}

// policyBody is a policy as it is asked for. What is absent stays as it is.
type policyBody struct {
	Environment       string         `json:"environment,omitempty" doc:"If it is there, the name in the path"`
	Tier              *string        `json:"tier,omitempty" doc:"If it is there, the tier of the query, by name or slug"`
	Stages            []models.Stage `json:"stages,omitempty"`
	DefaultStrategy   *string        `json:"defaultStrategy,omitempty"`
	AllowedStrategies []string       `json:"allowedStrategies,omitempty"`
	RequirePrevious   *bool          `json:"requirePrevious,omitempty"`
	MinSoak           *string        `json:"minSoak,omitempty" doc:"A duration, such as 24h"`
	ExpiresIn         *string        `json:"expiresIn,omitempty" doc:"24h to 720h"`
}

func (r policyRoutes) put(ctx context.Context, in *putPolicy) (*single[policy], error) {
	if err := in.agree(); err != nil {
		return nil, err
	}
	now, err := r.present(ctx, in)
	if err != nil {
		return nil, err
	}
	want, err := in.Body.onto(now)
	if err != nil {
		return nil, err
	}
	p, err := r.write(ctx, in, now, want)
	if err != nil {
		return nil, err
	}
	tiers, err := r.tenants.Tiers(ctx)
	if err != nil {
		return nil, err
	}
	return &single[policy]{ETag: p.Tag(), Body: showPolicy(p, tiers)}, nil
}

// write puts the policy in place of the one it was made from. Without If-Match a third one in between is a
// conflict: what the body left out would otherwise be undone.
func (r policyRoutes) write(ctx context.Context, in *putPolicy, now, want models.Policy) (models.Policy, error) {
	ifMatch := in.IfMatch
	if ifMatch == "" && now.TenantID == in.layer() {
		ifMatch = now.Tag()
	}
	p, err := r.tenants.PutPolicy(ctx, in.Environment, in.Tier, want, ifMatch)
	var known *models.Error
	if in.IfMatch == "" && errors.As(err, &known) && known.Code == models.CodePreconditionFailed {
		return p, models.Conflict("the policy is being changed by somebody else")
	}
	return p, err
}

// layer is whose policy is meant.
func (in *putPolicy) layer() string {
	if in.Tier == "" {
		return models.Platform
	}
	return models.TierLayer(in.Tier)
}

// agree tells whether what path and query name is what the body names, where it does.
func (in *putPolicy) agree() error {
	if in.Body.Environment != "" && in.Body.Environment != in.Environment {
		return models.Invalid("/environment", "the path names another environment")
	}
	if named := text(in.Body.Tier); named != "" && models.TierSlug(named) != models.TierSlug(in.Tier) {
		return models.Invalid("/tier", "the query names another tier")
	}
	return nil
}

// present is the policy that holds now, of the tier or else of all; what a new one starts from if there is none.
func (r policyRoutes) present(ctx context.Context, in *putPolicy) (models.Policy, error) {
	all, err := r.tenants.Policies(ctx, tenants.PolicyFilter{Environment: in.Environment})
	if err != nil {
		return models.Policy{}, err
	}
	for _, layer := range []string{in.layer(), models.Platform} {
		i := slices.IndexFunc(all, func(p models.Policy) bool { return p.TenantID == layer })
		if i >= 0 {
			return all[i], nil
		}
	}
	return models.Policy{
		DefaultStrategy: models.StrategyDirect, AllowedStrategies: []string{models.StrategyDirect},
		ExpiresIn: models.DefaultExpiry,
	}, nil
}

// onto puts what the body holds into a policy.
func (b policyBody) onto(p models.Policy) (models.Policy, error) {
	if b.Stages != nil {
		p.Stages = b.Stages
	}
	if b.AllowedStrategies != nil {
		p.AllowedStrategies = b.AllowedStrategies
	}
	if b.DefaultStrategy != nil {
		p.DefaultStrategy = *b.DefaultStrategy
	}
	if b.RequirePrevious != nil {
		p.RequirePrevious = *b.RequirePrevious
	}
	var err error
	if b.MinSoak != nil {
		if p.MinSoak, err = parseDuration(*b.MinSoak, "/minSoak"); err != nil {
			return p, err
		}
	}
	if b.ExpiresIn != nil {
		p.ExpiresIn, err = parseDuration(*b.ExpiresIn, "/expiresIn")
	}
	return p, err
}
