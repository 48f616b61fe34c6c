/* SPDX-License-Identifier: MIT */
/* Force-included everywhere: functions whose use is always a mistake here do not compile (after git's
 * banned.h). */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#pragma GCC poison strcpy strcat sprintf vsprintf strtok gets atoi atol atof localtime gmtime asctime ctime \
	system popen

#endif
