/* SPDX-License-Identifier: MIT */
#include "cache/room.h"

#include <sys/statvfs.h>

#define RESERVE ((int64_t)256 << 20)

bool room_for(int dir, int64_t bytes)
{
	struct statvfs fs;
	int64_t unit, reserve, available;

	if (fstatvfs(dir, &fs) < 0)
		return false;
	unit = (int64_t)fs.f_frsize;
	reserve = (int64_t)(fs.f_blocks / 10) * unit;
	if (reserve > RESERVE)
		reserve = RESERVE;
	available = (int64_t)fs.f_bavail * unit;
	return bytes <= available - reserve;
}
