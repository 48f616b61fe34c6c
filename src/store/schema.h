/* SPDX-License-Identifier: MIT */
/* The tables of the embedded database. Store and queue share one file, and a file has one version. */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

extern const char *const schema_migrations[];
extern const int n_schema_migrations;

#endif
