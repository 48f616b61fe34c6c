/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "executor/docker.h"
#include "lang/lang.h"

static int override_one(struct lang_table *langs, char *word, struct err *e)
{
	char *image = strchr(word, '=');
	struct lang *lang;

	if (!image || image == word || image[1] == '\0')
		return err_field(e, ERR_INVALID, "DOCKER_IMAGES",
				 "\"%.100s\" is not language=image, as in python=python:3.12-slim", word);
	*image++ = '\0';
	lang = lang_find(langs, word);
	if (!lang)
		return err_field(e, ERR_INVALID, "DOCKER_IMAGES", "there is no language \"%.100s\"", word);
	image = strdup(image);
	if (!image)
		return err_set(e, ERR_IO, ENOMEM, "set the image of %s", lang->name);
	free(lang->image);
	lang->image = image;
	return 0;
}

int docker_override_images(struct lang_table *langs, const char *text, struct err *e)
{
	AUTO_FREE char *copy = strdup(text);
	char *rest = copy, *word;

	if (!copy)
		return err_set(e, ERR_IO, ENOMEM, "read the images");
	while ((word = strsep(&rest, ",")) != NULL) {
		word += strspn(word, " ");
		if (word[0] && override_one(langs, word, e) < 0)
			return -1;
	}
	return 0;
}
