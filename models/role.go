package models

import "slices"

// Role is a named set of permissions, bound to a person, a group or an API key.
type Role string

// The roles of the product. Engineer, manager and compliance decide stages; admins decide none.
const (
	RoleViewer        Role = "viewer"
	RoleEngineer      Role = "engineer"
	RoleManager       Role = "manager"
	RoleCompliance    Role = "compliance"
	RoleAuditor       Role = "auditor"
	RoleTenantAdmin   Role = "tenant-admin"
	RolePlatformAdmin Role = "platform-admin"
	RoleReader        Role = "reader"
)

// Permission is one thing an actor may do, written noun:verb.
type Permission string

// The permissions that routes and services ask for.
const (
	PermResolve        Permission = "configs:resolve" // resolved reads, streams, OFREP
	PermViewConfigs    Permission = "configs:view"    // a layer's own values, versions, definitions
	PermEditConfigs    Permission = "configs:edit"    // write values, submit, edit and cancel changes
	PermViewChanges    Permission = "changes:view"
	PermDecide         Permission = "changes:decide" // plus the role that the stage asks for
	PermControlDeploy  Permission = "deploy:control"
	PermRollback       Permission = "deploy:rollback"
	PermPreview        Permission = "deploy:preview"
	PermSignals        Permission = "signals:write"
	PermViewTenants    Permission = "tenants:view"
	PermManageTenants  Permission = "tenants:manage"
	PermManagePlatform Permission = "platform:manage" // environments, tiers, policies, freezes, strategies, settings
	PermBreakGlass     Permission = "changes:break-glass"
	PermViewAccess     Permission = "access:view" // bindings and keys
	PermManageAccess   Permission = "access:manage"
	PermReveal         Permission = "secrets:reveal"
	PermReadSecrets    Permission = "secrets:read"
	PermViewAudit      Permission = "audit:view"
	PermExportAudit    Permission = "audit:export"
	PermViewReports    Permission = "reports:view"
)

// rolePermissions is the one table that maps a role to what it may do.
var rolePermissions = func() map[Role][]Permission {
	viewer := []Permission{PermResolve, PermViewConfigs, PermViewChanges, PermViewTenants}
	with := func(base []Permission, more ...Permission) []Permission {
		return append(slices.Clone(base), more...)
	}
	tenantAdmin := with(viewer, PermEditConfigs, PermControlDeploy, PermRollback, PermReveal,
		PermViewAccess, PermManageAccess, PermViewAudit)
	return map[Role][]Permission{
		RoleViewer:        viewer,
		RoleEngineer:      with(viewer, PermEditConfigs, PermControlDeploy, PermRollback, PermPreview, PermDecide),
		RoleManager:       with(viewer, PermControlDeploy, PermDecide),
		RoleCompliance:    with(viewer, PermControlDeploy, PermDecide),
		RoleAuditor:       with(viewer, PermViewAudit, PermExportAudit, PermViewReports),
		RoleTenantAdmin:   tenantAdmin,
		RolePlatformAdmin: with(tenantAdmin, PermManageTenants, PermManagePlatform, PermBreakGlass),
		RoleReader:        {PermResolve, PermSignals},
	}
}()

// Roles lists every role, in the order people read them.
func Roles() []Role {
	return []Role{
		RoleViewer, RoleEngineer, RoleManager, RoleCompliance,
		RoleAuditor, RoleTenantAdmin, RolePlatformAdmin, RoleReader,
	}
}

// Valid tells whether the role exists.
func (r Role) Valid() bool { return slices.Contains(Roles(), r) }

// Allows tells whether the role carries the permission.
func (r Role) Allows(p Permission) bool { return slices.Contains(rolePermissions[r], p) }

// Within tells whether the other role carries all that this one does.
func (r Role) Within(other Role) bool {
	return !slices.ContainsFunc(rolePermissions[r], func(p Permission) bool { return !other.Allows(p) })
}

// Decides tells whether stages may ask for the role.
func (r Role) Decides() bool {
	return r == RoleEngineer || r == RoleManager || r == RoleCompliance
}
