package store

import (
	"strings"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
)

// Within confines a query over tenant_id and environment to places. Every query names its tenants, beside
// what row-level security does, so that it finds its rows by an index. No place: no row.
func Within(q *gorm.DB, places []models.Place) *gorm.DB {
	if len(places) == 0 {
		return q.Where("false")
	}
	var either []string
	var args []any
	for _, p := range places {
		switch {
		case p == models.Place{}:
			return q
		case p.Environment == "":
			either, args = append(either, "tenant_id = ?"), append(args, p.Tenant)
		case p.Tenant == "":
			either, args = append(either, "environment = ?"), append(args, p.Environment)
		default:
			either, args = append(either, "(tenant_id = ? AND environment = ?)"), append(args, p.Tenant, p.Environment)
		}
	}
	return q.Where("("+strings.Join(either, " OR ")+")", args...)
}
