package devstack

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// attributes let the child die with us, and run as another user where we are root. That user gets
// CAP_DAC_OVERRIDE, for the data may lie below a home that is closed to it.
func attributes(user *account, death syscall.Signal) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: death}
	if user != nil {
		attr.Credential = &syscall.Credential{Uid: user.uid, Gid: user.gid}
		attr.AmbientCaps = []uintptr{unix.CAP_DAC_OVERRIDE}
	}
	return attr
}
