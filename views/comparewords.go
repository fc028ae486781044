package views

import "github.com/hotswap/hotswap/models"

// Crosses tells whether two tenants are compared.
func (c Comparison) Crosses() bool { return c.Other.ID != "" }

// to is the tenant or layer of the other side.
func (c Comparison) to() models.Tenant {
	if c.Crosses() {
		return c.Other
	}
	return c.Tenant
}

// FromName tells one side from the other: by its environment, and by the tenant and the time where those may differ.
func (c Comparison) FromName() string {
	return c.name(c.Tenant, c.Query.From, c.Query.FromWhen, c.Crosses())
}

// ToName is FromName of the other side.
func (c Comparison) ToName() string { return c.name(c.to(), c.Query.To, c.Query.ToWhen, c.Crosses()) }

func (c Comparison) name(tenant models.Tenant, environment string, when Moment, whose bool) string {
	name := environment
	if whose {
		name += " of " + tenantTitle(tenant)
	}
	switch {
	case when.Past():
		return name + " as of " + when.words()
	case c.Query.Timed():
		return name + " now"
	default:
		return name
	}
}

// Compared says in full what stands beside what.
func (c Comparison) Compared() string {
	return c.name(c.Tenant, c.Query.From, c.Query.FromWhen, true) + " beside " + c.name(c.to(), c.Query.To, c.Query.ToWhen, true) +
		", inherited values included."
}

// same tells whether both sides are one and the same.
func (c Comparison) same() bool {
	return !c.Crosses() && c.Query.From == c.Query.To && c.Query.FromWhen.param() == c.Query.ToWhen.param()
}

// none says that neither side has a value.
func (c Comparison) none() string {
	if c.Crosses() || c.Query.Timed() {
		return "Neither side has a value."
	}
	return "Neither environment has a value for this tenant or above it. Set the first one on the tenant's page."
}

// keyURL is the page of a key, on the side that has it.
func (c Comparison) keyURL(r CompareRow) string {
	if !r.From.Set() {
		return KeyURL(c.to().ID, r.Key)
	}
	return KeyURL(c.Tenant.ID, r.Key)
}

// fromMoment is the field that chooses the time of the first side, toMoment that of the other.
func (c Comparison) fromMoment() MomentField {
	return c.moment("fromAt", "the first side", c.Query.FromWhen, func(q *CompareQuery, m Moment) { q.FromWhen = m })
}

func (c Comparison) toMoment() MomentField {
	return c.moment("toAt", "the other side", c.Query.ToWhen, func(q *CompareQuery, m Moment) { q.ToWhen = m })
}

func (c Comparison) moment(name, of string, when Moment, set func(*CompareQuery, Moment)) MomentField {
	return MomentField{
		Name: name, Of: of, Moment: when, Problem: Capital(c.Faults["/"+name]), Now: c.Now, Target: "differences",
		URL: func(m Moment) string {
			q := c.Query
			q.All = false
			set(&q, m)
			return c.URL(q)
		},
	}
}

// Choose is the address of the page that finds a tenant for the other side.
func (c Comparison) choose() string { return TenantURL(c.Tenant.ID) + "/compare/with" }

// beside is the comparison with another tenant.
func (c Comparison) beside(other models.Tenant) string {
	q := c.Query
	q.With, q.All = other.ID, false
	return c.URL(q)
}

// alone is the comparison without another tenant.
func (c Comparison) alone() string { return c.beside(models.Tenant{}) }
