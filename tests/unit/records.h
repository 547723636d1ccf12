/*
 * records.h - perf's records as the kernel writes them for events that ft_procs_identify prepared.
 */
#ifndef FT_TESTS_RECORDS_H
#define FT_TESTS_RECORDS_H

#include <linux/perf_event.h>
#include <string.h>
#include <sys/mman.h>

#include "base/types.h"

struct record {
	struct perf_event_header header;
	u8 rest[512];
};

static inline void record_put(struct record *r, const void *bytes, size_t len)
{
	memcpy((u8 *)r + r->header.size, bytes, len);
	r->header.size = (u16)(r->header.size + len);
}

static inline void record_u32(struct record *r, u32 value)
{
	record_put(r, &value, sizeof(value));
}

static inline void record_u64(struct record *r, u64 value)
{
	record_put(r, &value, sizeof(value));
}

static inline struct record record_begin(u32 type, u16 misc)
{
	return (struct record){
		.header = {.type = type, .misc = misc, .size = sizeof(struct perf_event_header)}};
}

/* sample_id: PERF_SAMPLE_TID, TIME, CPU. */
static inline void record_end(struct record *r, u32 pid, u32 tid, u64 time_ns)
{
	record_u32(r, pid);
	record_u32(r, tid);
	record_u64(r, time_ns);
	record_u32(r, 0);
	record_u32(r, 0);
}

struct record_map {
	u64 start, bytes, offset, inode;
	const char *path;
	u32 prot; /* 0: PROT_READ | PROT_EXEC */
	u16 misc;
};

static inline struct record record_mmap2(u32 pid, const struct record_map *map, u64 time_ns)
{
	struct record r = record_begin(PERF_RECORD_MMAP2, map->misc);
	char path[256] = "";

	strcpy(path, map->path);
	record_u32(&r, pid);
	record_u32(&r, pid);
	record_u64(&r, map->start);
	record_u64(&r, map->bytes);
	record_u64(&r, map->offset);
	record_u32(&r, 8); /* the device */
	record_u32(&r, 1);
	record_u64(&r, map->inode);
	record_u64(&r, 0); /* the inode's generation */
	record_u32(&r, map->prot ? map->prot : PROT_READ | PROT_EXEC);
	record_u32(&r, MAP_PRIVATE);
	record_put(&r, path, (strlen(path) + 8) & ~(size_t)7);
	record_end(&r, pid, pid, time_ns);
	return r;
}

/* FORK or EXIT. */
static inline struct record record_task(u32 type, u32 pid, u32 ppid, u32 tid, u32 ptid, u64 time_ns)
{
	struct record r = record_begin(type, 0);

	record_u32(&r, pid);
	record_u32(&r, ppid);
	record_u32(&r, tid);
	record_u32(&r, ptid);
	record_u64(&r, time_ns);
	record_end(&r, ppid, ptid, time_ns);
	return r;
}

static inline struct record record_fork(u32 parent, u32 child, u64 time_ns)
{
	return record_task(PERF_RECORD_FORK, child, parent, child, parent, time_ns);
}

static inline struct record record_comm(u32 pid, u16 misc, u64 time_ns)
{
	struct record r = record_begin(PERF_RECORD_COMM, misc);
	char name[16] = "newname";

	record_u32(&r, pid);
	record_u32(&r, pid);
	record_put(&r, name, sizeof(name));
	record_end(&r, pid, pid, time_ns);
	return r;
}

static inline struct record record_exec(u32 pid, u64 time_ns)
{
	return record_comm(pid, PERF_RECORD_MISC_COMM_EXEC, time_ns);
}

#endif
