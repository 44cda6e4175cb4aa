/*
 * files: SQLite's files beneath one directory descriptor. The process that
 * keeps the database has an empty root, so no path leads anywhere: what SQLite
 * takes for a file of the root directory, "/state.db", is opened relative to
 * that descriptor, and nothing else can be named at all.
 */
#ifndef HOST_STORE_FILES_H
#define HOST_STORE_FILES_H

#define FILES_VFS "bulkhead"

/*
 * Makes the VFS of that name and the calls that it does relative to dir
 * (borrowed; it must stay open). May be called again with another directory
 * when no database is open. Returns 0, or -EINVAL for a SQLite that does not
 * let its calls be replaced.
 */
[[nodiscard]] int files_init(int dir);

#endif
