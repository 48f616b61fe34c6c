/* SPDX-License-Identifier: MIT
 * title: mounts
 * tries: mount, remount, move and take away, with the old calls and the new ones
 * result: * EPERM
 * result: statmount listmount ENOSYS
 */
#include "attack_c.h"
#include <sys/mount.h>
int main(void)
{
	CALL("mount", SYS_mount, "x", "/tmp", "tmpfs", 0, 0);
	CALL("mount-proc", SYS_mount, "x", "/tmp", "proc", 0, 0);
	CALL("remount", SYS_mount, 0, "/", 0, MS_REMOUNT | MS_BIND, 0);
	CALL("bind", SYS_mount, "/tmp", "/box", 0, MS_BIND, 0);
	CALL("propagation", SYS_mount, 0, "/", 0, MS_SHARED | MS_REC, 0);
	CALL("umount", SYS_umount2, "/tmp", MNT_DETACH);
	CALL("umount-proc", SYS_umount2, "/proc", 0);
	CALL("pivot_root", SYS_pivot_root, "/tmp", "/tmp");
	CALL("chroot", SYS_chroot, "/tmp");
	CALL("fsopen", SYS_fsopen, "tmpfs", 0);
	CALL("fspick", SYS_fspick, AT_FDCWD, "/tmp", 0);
	CALL("fsconfig", SYS_fsconfig, 0, 0, 0, 0, 0);
	CALL("fsmount", SYS_fsmount, 0, 0, 0);
	CALL("open_tree", SYS_open_tree, AT_FDCWD, "/tmp", 1);
	CALL("move_mount", SYS_move_mount, AT_FDCWD, "/tmp", AT_FDCWD, "/box", 0);
	CALL("mount_setattr", SYS_mount_setattr, AT_FDCWD, "/tmp", 0, 0, 0);
	CALL("statmount", 457, 0, 0, 0, 0);
	CALL("listmount", 458, 0, 0, 0, 0);
	CALL("swapon", SYS_swapon, "/tmp/x", 0);
	CALL("swapoff", SYS_swapoff, "/tmp/x");
	CALL("quotactl", SYS_quotactl, 0, 0, 0, 0);
	CALL("acct", SYS_acct, "/tmp/x");
	CALL("open_by_handle_at", SYS_open_by_handle_at, AT_FDCWD, 0, 0);
	CALL("name_to_handle_at", SYS_name_to_handle_at, AT_FDCWD, "/", 0, 0, 0);
	return 0;
}
