//go:build unix && !linux

package devstack

import "syscall"

// attributes run the child as another user where we are root. Without a parent-death signal a kill -9 of this
// process leaves the child behind.
func attributes(user *account, _ syscall.Signal) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if user != nil {
		attr.Credential = &syscall.Credential{Uid: user.uid, Gid: user.gid}
	}
	return attr
}
