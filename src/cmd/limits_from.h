/* SPDX-License-Identifier: MIT */
/* The layers below do not know each other, so each has its own struct for limits; here they meet. */
#ifndef CMD_LIMITS_FROM_H
#define CMD_LIMITS_FROM_H

#include "conf/conf.h"
#include "job/job.h"
#include "lang/lang.h"

struct limits limits_from_conf(const struct conf_limits *c);
struct limits limits_from_lang(const struct lang_limits *l);

#endif
