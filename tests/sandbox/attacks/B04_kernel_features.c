/* SPDX-License-Identifier: MIT
 * title: the kernel's side doors
 * tries: calls with a history of holes, or that reach what no namespace divides
 * result: bpf perf_event_open userfaultfd fanotify_init syslog settimeofday clock_settime adjtimex EPERM
 * result: kexec_load kexec_file_load init_module finit_module delete_module reboot sethostname
 *   setdomainname vhangup EPERM
 * result: io_uring_* io_setup keyctl* add_key request_key splice tee vmsplice memfd_secret ENOSYS
 * result: lookup_dcookie nfsservctl sysfs remap_file_pages process_madvise process_mrelease ENOSYS
 * result: quotactl_fd migrate_pages move_pages mbind set_mempolicy ioprio_set EPERM
 * result: newer-than-any ENOSYS
 */
#include "attack_c.h"
int main(void)
{
	char buf[256] = { 0 };
	unsigned long aio = 0;

	CALL("bpf", SYS_bpf, 0, buf, sizeof(buf));
	CALL("perf_event_open", SYS_perf_event_open, buf, 0, -1, -1, 0);
	CALL("userfaultfd", SYS_userfaultfd, 1);
	CALL("fanotify_init", SYS_fanotify_init, 0, 0);
	CALL("io_uring_setup", SYS_io_uring_setup, 1, buf);
	CALL("io_uring_enter", SYS_io_uring_enter, 0, 1, 0, 0, 0, 0);
	CALL("io_uring_register", SYS_io_uring_register, 0, 0, 0, 0);
	CALL("io_setup", SYS_io_setup, 60000, &aio);
	CALL("keyctl", SYS_keyctl, 0, -4, 1);
	CALL("keyctl-session", SYS_keyctl, 1, 0);
	CALL("add_key", SYS_add_key, "user", "x", "y", 1, -4);
	CALL("request_key", SYS_request_key, "user", "x", 0, -4);
	CALL("kexec_load", SYS_kexec_load, 0, 0, 0, 0);
	CALL("kexec_file_load", SYS_kexec_file_load, 0, 0, 0, 0, 0);
	CALL("init_module", SYS_init_module, buf, 1, "");
	CALL("finit_module", SYS_finit_module, 0, "", 0);
	CALL("delete_module", SYS_delete_module, "x", 0);
	CALL("reboot", SYS_reboot, 0xfee1dead, 672274793, 0, 0);
	CALL("syslog", SYS_syslog, 3, buf, sizeof(buf));
	CALL("settimeofday", SYS_settimeofday, 0, 0);
	CALL("clock_settime", SYS_clock_settime, 0, buf);
	CALL("adjtimex", SYS_adjtimex, buf);
	CALL("sethostname", SYS_sethostname, "x", 1);
	CALL("setdomainname", SYS_setdomainname, "x", 1);
	CALL("vhangup", SYS_vhangup);
	CALL("splice", SYS_splice, 0, 0, 1, 0, 1, 0);
	CALL("tee", SYS_tee, 0, 1, 1, 0);
	CALL("vmsplice", SYS_vmsplice, 1, 0, 0, 0);
	CALL("memfd_secret", 447, 0);
	CALL("process_madvise", 440, 0, 0, 0, 0, 0);
	CALL("process_mrelease", 448, 0, 0);
	CALL("quotactl_fd", 443, 0, 0, 0, 0);
	CALL("migrate_pages", SYS_migrate_pages, 0, 0, 0, 0);
	CALL("move_pages", SYS_move_pages, 0, 0, 0, 0, 0, 0);
	CALL("mbind", SYS_mbind, 0, 0, 0, 0, 0, 0);
	CALL("set_mempolicy", SYS_set_mempolicy, 0, 0, 0);
	CALL("ioprio_set", SYS_ioprio_set, 1, 0, 0x2000);
	CALL("newer-than-any", 1000, 0);
#ifdef __x86_64__
	CALL("lookup_dcookie", SYS_lookup_dcookie, 0, 0, 0);
	CALL("nfsservctl", SYS_nfsservctl, 0, 0, 0);
	CALL("sysfs", SYS_sysfs, 3);
	CALL("remap_file_pages", SYS_remap_file_pages, 0, 0, 0, 0, 0);
#else
	for (size_t i = 0; i < 4; i++) {
		static const char *const absent[] = { "lookup_dcookie", "nfsservctl", "sysfs",
						      "remap_file_pages" };

		CALL(absent[i], 1000, 0);
	}
#endif
	return 0;
}
