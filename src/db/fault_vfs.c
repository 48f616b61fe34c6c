/* SPDX-License-Identifier: MIT */
#include "db/fault_vfs.h"

#include <sqlite3.h>
#include <unistd.h>

_Atomic long fault_kill_in = -1;
_Atomic int fault_full;

static sqlite3_vfs *real;
/* The default VFS has one table of methods for databases and one for logs, which need no locks. */
static struct {
	const sqlite3_io_methods *real;
	sqlite3_io_methods faulty;
} tables[2];

static void count(void)
{
	if (atomic_load(&fault_kill_in) >= 0 && atomic_fetch_sub(&fault_kill_in, 1) == 0)
		kill(getpid(), SIGKILL);
}

static int fault_write(sqlite3_file *f, const void *data, int len, sqlite3_int64 at)
{
	/* The last write of a process may be cut in the middle. */
	if (atomic_load(&fault_kill_in) == 0)
		(void)tables[0].real->xWrite(f, data, len / 2, at);
	count();
	return atomic_load(&fault_full) ? SQLITE_FULL : tables[0].real->xWrite(f, data, len, at);
}

static int fault_sync(sqlite3_file *f, int flags)
{
	int got;

	count();
	got = tables[0].real->xSync(f, flags);
	count();
	return got;
}

static void make_faulty(sqlite3_file *f, int table)
{
	if (!tables[table].real) {
		tables[table].faulty = *f->pMethods;
		tables[table].faulty.xWrite = fault_write;
		tables[table].faulty.xSync = fault_sync;
		tables[table].real = f->pMethods;
	}
	if (f->pMethods == tables[table].real)
		f->pMethods = &tables[table].faulty;
}

static int fault_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *f, int flags, int *ret_flags)
{
	int got = real->xOpen(real, name, f, flags, ret_flags);

	(void)vfs;
	if (got == SQLITE_OK && flags & SQLITE_OPEN_MAIN_DB)
		make_faulty(f, 0);
	else if (got == SQLITE_OK && flags & SQLITE_OPEN_WAL)
		make_faulty(f, 1);
	return got;
}

void fault_vfs_install(void)
{
	static sqlite3_vfs vfs;

	if (real)
		return;
	real = sqlite3_vfs_find(NULL);
	vfs = *real;
	vfs.zName = "fault";
	vfs.xOpen = fault_open;
	sqlite3_vfs_register(&vfs, 1);
}
