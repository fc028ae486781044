// Package tenants keeps tenants, tiers, environments and policies, and a directory of all tenants in memory.
package tenants
