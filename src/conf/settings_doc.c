/* SPDX-License-Identifier: MIT */
/* Prints docs/settings.md: `build/src/conf/settings_doc >docs/settings.md` after a change of the table. */
#include <stdio.h>

#include "base/cleanup.h"
#include "conf/conf.h"

int main(void)
{
	AUTO_FREE char *text = conf_markdown();

	return text && fputs(text, stdout) >= 0 && fflush(stdout) == 0 ? 0 : 1;
}
