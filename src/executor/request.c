/* SPDX-License-Identifier: MIT */
#include "executor/request.h"

#include <errno.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sandbox/spec.h"
#include "sandbox/spec_format.h"

int request_spec(const struct exec_spec *spec, struct err *e)
{
	AUTO_FREE struct spec_file *files = calloc(spec->n_files + 1, sizeof(*files));
	struct spec s = {
		.argv = spec->argv,
		.env = spec->env,
		.files = files,
		.n_files = spec->n_files,
		.collect = spec->collect,
	};

	if (!files)
		return err_set(e, ERR_IO, ENOMEM, "write the files of a run");
	for (size_t i = 0; i < spec->n_files; i++) {
		files[i].name = spec->files[i].name;
		files[i].data = spec->files[i].data;
		files[i].len = spec->files[i].len;
	}
	return spec_memfd(&s, e);
}

bool request_set_is_empty(int fd)
{
	struct spec_head head;

	return pread(fd, &head, sizeof(head), 0) == (ssize_t)sizeof(head) && head.n_files == 0;
}
