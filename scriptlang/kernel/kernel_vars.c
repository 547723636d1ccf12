/*
 * kernel_vars.c - variables that live in maps, as user space uses them; see interp.h for what a
 * store does, and abi.h for what maps hold.
 *
 * What user space feeds into statistics it keeps for itself and adds when it reads: an update of
 * the map would overwrite what programs feed at that moment.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "scriptlang/kernel/kernel_parts.h"

#define PREALLOC_MAX 65536 /* elements; to allocate more beforehand takes too long */
#define BATCH 1024	   /* elements that are read at once */

static bool is_scalar(const struct ft_var *v)
{
	return v->key_count <= 0;
}

static bool is_stats(const struct ft_var *v)
{
	return v->type == FT_TYPE_STATS;
}

u32 ft_kernel_stats_bytes(const struct ft_var *v)
{
	u32 bytes = sizeof(struct ft_stats_wire);

	if (v->stats.log)
		bytes += FT_STATS_LOG_BUCKETS * 8;
	if (v->stats.linear)
		bytes += (ft_stats_linear_buckets(&v->stats) + 2) * 8;
	return bytes;
}

void ft_kernel_layout(struct ft_kernel *k)
{
	u32 at = sizeof(struct ft_session);
	bool log = false;

	for (u32 i = 0; i < k->program->program->global_count; i++) {
		struct ft_var *v = k->program->program->globals[i];

		v->map_fd = v->front_fd = -1;
		log |= v->in_kernel && v->stats.log;
		if (!v->in_kernel || !is_scalar(v) || is_stats(v))
			continue;
		v->offset = at;
		at += v->value_bytes;
	}
	k->maps.log_table = log ? at : 0;
	k->maps.globals_bytes = at + (log ? FT_LOG_TABLE : 0);
}

/* ---- elements and their bytes ---- */

/* A string as maps have it: the text of a stack is a reference there. False: it is too long. */
static bool pack_text(const struct ft_kernel_var *kv, const struct ft_value *text, char *at,
		      u32 bytes)
{
	struct ft_stack_ref ref = {.mark = FT_STACK_REF_MARK, .kinds = FT_STACK_USER};
	const struct ft_element *seen = ft_array_find(&kv->kernel->refs, text);

	if (seen && seen->value.len <= bytes) {
		memcpy(at, seen->value.text, seen->value.len);
		return true;
	}

	ref.number = kv->kernel->stacks ? ft_stacks_number(kv->kernel->stacks, text->text,
							   text->len, &ref.kinds)
					: 0;
	if (ref.number && bytes >= sizeof(ref)) {
		memcpy(at, &ref, sizeof(ref));
		return true;
	}
	if (text->len >= bytes)
		return false;
	memcpy(at, text->text, text->len);
	return true;
}

/* A key as the map has it. False: no key of the map can be that long. */
static bool pack_key(const struct ft_kernel_var *kv, const struct ft_value *keys)
{
	char *at = kv->key;

	memset(kv->key, 0, kv->key_bytes);
	for (int i = 0; i < kv->var->key_count; i++) {
		u32 bytes = kv->var->key_bytes[i];

		if (!keys[i].text) {
			memcpy(at, &keys[i].number, sizeof(keys[i].number));
		} else {
			if (!pack_text(kv, &keys[i], at, bytes))
				return false;
		}
		at += bytes;
	}
	return true;
}

/* Notes which reference a text was made of; stacks know it themselves. */
static void remember_ref(struct ft_kernel *k, const struct ft_value *text, const char *at,
			 u32 bytes)
{
	const struct ft_value ref = {.text = at, .len = bytes};
	struct ft_element *e;

	if (*at == FT_STACK_REF_MARK && ft_array_at(&k->refs, text, &e) == FT_ARRAY_OK &&
	    !e->value.text)
		ft_element_set(e, &ref);
}

static void unpack_key(const struct ft_kernel_var *kv, const char *at, struct ft_value *keys)
{
	const struct ft_var *v = kv->var;

	for (int i = 0; i < v->key_count; i++) {
		keys[i] = (struct ft_value){0};
		if (v->keys[i] == FT_TYPE_STRING) {
			keys[i] = ft_kernel_text(kv->kernel, at, v->key_bytes[i]);
			if (v->key_refs[i])
				remember_ref(kv->kernel, &keys[i], at, v->key_bytes[i]);
		} else {
			memcpy(&keys[i].number, at, sizeof(keys[i].number));
		}
		at += v->key_bytes[i];
	}
}

/* Adds the statistics of one CPU. */
static bool add_stats(struct ft_stats *stats, const struct ft_var *v, const char *from)
{
	u64 *buckets;
	struct ft_stats_wire w;
	struct ft_stats part;

	memcpy(&w, from, sizeof(w));
	buckets = (u64 *)(uintptr_t)(from + sizeof(w)); /* merging only reads them */
	part = (struct ft_stats){
		.count = w.count,
		.sum = w.sum,
		.min = w.min,
		.max = w.max,
		.mean = w.mean,
		.deviations = w.deviations,
		.log = v->stats.log ? buckets : NULL,
		.linear = v->stats.linear ? buckets + v->stats.log * FT_STATS_LOG_BUCKETS : NULL};
	if (w.count > 1)
		part.variance = w.deviations / (s64)(w.count - 1);
	return ft_stats_merge(stats, &part, &v->stats);
}

/* Gives an element of the copy the value that the map has, or adds that to it. */
static int load_element(const struct ft_kernel_var *kv, struct ft_element *e, const char *value,
			bool adds)
{
	const struct ft_var *v = kv->var;
	struct ft_value one = {0};

	if (!is_stats(v)) {
		value += sizeof(struct ft_element_head);
		if (v->type == FT_TYPE_STRING) {
			one = ft_kernel_text(kv->kernel, value, v->value_bytes);
		} else {
			memcpy(&one.number, value, sizeof(one.number));
			one.number = (s64)((u64)one.number + (adds ? (u64)e->value.number : 0));
		}
		return ft_element_set(e, &one) ? 0 : -ENOMEM;
	}
	if (!adds)
		ft_stats_fini(&e->stats);
	for (u32 cpu = 0; cpu < kv->kernel->cpu_count; cpu++)
		if (!add_stats(&e->stats, v, value + (size_t)cpu * kv->value_bytes))
			return -ENOMEM;
	return 0;
}

/* Gives an element what the map has for it, with what user space has fed itself. */
static int fill_element(struct ft_variable *variable, struct ft_element *e, const char *value,
			bool adds)
{
	const struct ft_kernel_var *kv = variable->state;
	const struct ft_element *fed;
	int code = load_element(kv, e, value, adds);

	fed = is_stats(kv->var) && !adds && kv->fed.count ? ft_array_find(&kv->fed, e->keys) : NULL;
	if (!code && fed && !ft_stats_merge(&e->stats, &fed->stats, &kv->var->stats))
		code = -ENOMEM;
	return code;
}

static int add_element(struct ft_variable *variable, const struct ft_value *keys, const char *value)
{
	struct ft_element *e;

	if (ft_array_at(&variable->array, keys, &e) != FT_ARRAY_OK)
		return -ENOMEM;
	return fill_element(variable, e, value, false);
}

/* Whether a part of a key is a stack, or something else that only has a text here. */
static bool names_stack(const struct ft_kernel_var *kv, const struct ft_value *keys)
{
	u8 kinds;

	for (int i = 0; i < kv->var->key_count; i++)
		if (keys[i].text && kv->var->key_refs[i])
			return true;
	for (int i = 0; kv->kernel->stacks && i < kv->var->key_count; i++)
		if (keys[i].text &&
		    ft_stacks_number(kv->kernel->stacks, keys[i].text, keys[i].len, &kinds))
			return true;
	return false;
}

/*
 * All elements come one after the other. Several may have keys that are one in user space: stacks
 * of the same text; keys without stacks are new, each of them.
 */
static int add_all(struct ft_variable *variable, const struct ft_value *keys, const char *value)
{
	bool adds = names_stack(variable->state, keys) && ft_array_find(&variable->array, keys);
	struct ft_element *e;
	enum ft_array_result result = adds ? ft_array_at(&variable->array, keys, &e)
					   : ft_array_append(&variable->array, keys, &e);

	return result == FT_ARRAY_OK ? fill_element(variable, e, value, adds) : -ENOMEM;
}

/* ---- reading ---- */

static u32 value_room(const struct ft_kernel_var *kv)
{
	return is_stats(kv->var) ? kv->value_bytes * kv->kernel->cpu_count : kv->value_bytes;
}

static int pull_scalar(struct ft_variable *variable)
{
	const struct ft_kernel_var *kv = variable->state;
	const char *at = (const char *)kv->kernel->session + kv->var->offset;
	struct ft_value value = {0};
	struct ft_element *e;
	u32 zero = 0;

	if (is_stats(kv->var)) {
		if (bpf_map_lookup_elem(kv->var->map_fd, &zero, kv->value))
			return -errno;
		return add_element(variable, NULL, kv->value);
	}
	if (ft_array_at(&variable->array, NULL, &e) != FT_ARRAY_OK)
		return -ENOMEM;
	if (kv->var->type == FT_TYPE_STRING) {
		value = ft_kernel_text(kv->kernel, at, kv->var->value_bytes);
	} else {
		value.number = __atomic_load_n((const s64 *)(const void *)at, __ATOMIC_RELAXED);
	}
	return ft_element_set(e, &value) ? 0 : -ENOMEM;
}

static int pull_one(struct ft_variable *variable, const struct ft_value *keys)
{
	const struct ft_kernel_var *kv = variable->state;
	struct ft_element *e;

	if (ft_array_find(&variable->array, keys))
		return 0; /* it stays what it is for as long as the handler runs */
	if (!pack_key(kv, keys))
		return 0;
	if (bpf_map_lookup_elem(kv->var->map_fd, kv->key, kv->value)) {
		if (errno != ENOENT)
			return -errno;
		e = ft_array_find(&variable->array, keys);
		if (e)
			ft_array_delete(&variable->array, e);
		return 0;
	}
	return add_element(variable, keys, kv->value);
}

/* Elements as they come from the map, to be put in order. */
struct haul {
	const struct ft_kernel_var *kv;
	char *keys, *values;
	size_t count, keys_cap, values_cap;
};

static u64 order_of(const struct haul *h, size_t at)
{
	const struct ft_kernel_var *kv = h->kv;
	const char *value = h->values + at * value_room(kv);
	u64 order = 0, one;

	for (u32 cpu = 0; cpu < (is_stats(kv->var) ? kv->kernel->cpu_count : 1); cpu++) {
		memcpy(&one, value + (size_t)cpu * kv->value_bytes, sizeof(one));
		if (one && (!order || one < order))
			order = one;
	}
	return order;
}

static int read_batches(struct haul *h)
{
	const struct ft_kernel_var *kv = h->kv;
	u32 batch = BATCH, count;
	/* The place to go on at is opaque; hash maps want at least 4 bytes. */
	u64 from = 0, to = 0;
	bool first = true;

	for (;;) {
		if (ft_grow_raw(&h->keys, &h->keys_cap, (h->count + batch) * kv->key_bytes, 1) ||
		    ft_grow_raw(&h->values, &h->values_cap, (h->count + batch) * value_room(kv), 1))
			return -ENOMEM;
		count = batch;
		if (!bpf_map_lookup_batch(kv->var->map_fd, first ? NULL : &from, &to,
					  h->keys + h->count * kv->key_bytes,
					  h->values + h->count * value_room(kv), &count, NULL)) {
			h->count += count;
			from = to;
			first = false;
			continue;
		}
		if (errno == ENOSPC) { /* one bucket holds more than that */
			batch *= 2;
			continue;
		}
		if (errno != ENOENT)
			return -errno;
		h->count += count;
		return 0;
	}
}

struct ordered {
	u64 order;
	size_t at;
};

static int by_order(const void *a, const void *b)
{
	const struct ordered *x = a, *y = b;

	return (x->order > y->order) - (x->order < y->order);
}

static int pull_all(struct ft_variable *variable)
{
	struct haul h = {.kv = variable->state};
	struct ft_value keys[FT_KEYS_MAX] = {{0}};
	struct ordered *list = NULL;
	int code = read_batches(&h);

	if (!code) {
		ft_array_clear(&variable->array);
		if (!variable->array.walks)
			ft_array_sweep(&variable->array);
		list = ft_try_alloc(h.count + 1, sizeof(*list));
		code = list && ft_array_reserve(&variable->array, h.count) ? 0 : -ENOMEM;
	}
	for (size_t i = 0; !code && i < h.count; i++)
		list[i] = (struct ordered){.order = order_of(&h, i), .at = i};
	if (!code)
		qsort(list, h.count, sizeof(*list), by_order);
	for (size_t i = 0; !code && i < h.count; i++) {
		unpack_key(h.kv, h.keys + list[i].at * h.kv->key_bytes, keys);
		code = add_all(variable, keys, h.values + list[i].at * value_room(h.kv));
	}
	variable->whole = !code;
	free(list);
	free(h.keys);
	free(h.values);
	return code;
}

static int pull(struct ft_variable *variable, const struct ft_value *keys)
{
	const struct ft_kernel_var *kv = variable->state;

	ft_kernel_front_flush(kv);
	if (is_scalar(kv->var))
		return pull_scalar(variable);
	/* A text may stand for several stacks. */
	return keys && !names_stack(kv, keys) ? pull_one(variable, keys) : pull_all(variable);
}

/* ---- writing ---- */

static u64 next_order(const struct ft_kernel_var *kv)
{
	return __atomic_add_fetch(&kv->kernel->session->order, 1, __ATOMIC_RELAXED);
}

/* Writes an element's value, or adds to it, with the order that it has, or a new one. */
static int put(const struct ft_kernel_var *kv, const struct ft_element *e, const s64 *more)
{
	const struct ft_var *v = kv->var;
	bool there = !bpf_map_lookup_elem(v->map_fd, kv->key, kv->value);
	char *at = kv->value + sizeof(struct ft_element_head);
	s64 number;

	if (!there) {
		u64 order = next_order(kv);

		memset(kv->value, 0, kv->value_bytes);
		memcpy(kv->value, &order, sizeof(order));
	}
	if (v->type == FT_TYPE_STRING) {
		memset(at, 0, v->value_bytes);
		memcpy(at, e->value.text,
		       e->value.len < v->value_bytes ? e->value.len : v->value_bytes - 1);
	} else {
		memcpy(&number, at, sizeof(number));
		number = more ? (s64)((u64)number + (u64)*more) : e->value.number;
		memcpy(at, &number, sizeof(number));
	}
	return bpf_map_update_elem(v->map_fd, kv->key, kv->value, BPF_ANY) ? -errno : 0;
}

static int set(struct ft_variable *variable, const struct ft_element *e)
{
	const struct ft_kernel_var *kv = variable->state;
	char *at = (char *)kv->kernel->session + kv->var->offset;

	if (!is_scalar(kv->var))
		return pack_key(kv, e->keys) ? put(kv, e, NULL) : -E2BIG;
	if (kv->var->type == FT_TYPE_STRING) {
		u32 most = kv->var->value_bytes - 1,
		    len = e->value.len < most ? e->value.len : most;

		memset(at, 0, kv->var->value_bytes);
		memcpy(at, e->value.text, len);
	} else {
		__atomic_store_n((s64 *)(void *)at, e->value.number, __ATOMIC_RELAXED);
	}
	return 0;
}

static int increase(struct ft_variable *variable, const struct ft_element *e, s64 value)
{
	const struct ft_kernel_var *kv = variable->state;
	char *at = (char *)kv->kernel->session + kv->var->offset;

	if (!is_scalar(kv->var))
		return pack_key(kv, e->keys) ? put(kv, e, &value) : -E2BIG;
	__atomic_add_fetch((s64 *)(void *)at, value, __ATOMIC_RELAXED);
	return 0;
}

static int feed(struct ft_variable *variable, const struct ft_element *e, s64 value)
{
	struct ft_kernel_var *kv = variable->state;
	struct ft_element *fed;
	u64 order;

	if (!is_scalar(kv->var)) {
		if (!pack_key(kv, e->keys))
			return -E2BIG;
		if (bpf_map_lookup_elem(kv->var->map_fd, kv->key, kv->value)) {
			order = next_order(kv);
			memset(kv->value, 0, value_room(kv));
			memcpy(kv->value, &order, sizeof(order));
			if (bpf_map_update_elem(kv->var->map_fd, kv->key, kv->value, BPF_NOEXIST) &&
			    errno != EEXIST)
				return -errno;
		}
	}
	if (ft_array_at(&kv->fed, e->keys, &fed) != FT_ARRAY_OK ||
	    !ft_stats_add(&fed->stats, &kv->var->stats, value))
		return -ENOMEM;
	return 0;
}

static int clear_map(struct ft_kernel_var *kv)
{
	u32 zero = 0;

	if (is_scalar(kv->var)) {
		memset(kv->value, 0, value_room(kv));
		return bpf_map_update_elem(kv->var->map_fd, &zero, kv->value, BPF_ANY) ? -errno : 0;
	}
	/* From the beginning each time: what it had led to is gone. */
	while (!bpf_map_get_next_key(kv->var->map_fd, NULL, kv->key))
		if (bpf_map_delete_elem(kv->var->map_fd, kv->key) && errno != ENOENT)
			return -errno;
	return 0;
}

static int remove_some(struct ft_variable *variable, const struct ft_element *e)
{
	struct ft_kernel_var *kv = variable->state;
	struct ft_element *fed;

	ft_kernel_front_flush(kv);
	if (is_scalar(kv->var) && !is_stats(kv->var)) {
		memset((char *)kv->kernel->session + kv->var->offset, 0, kv->var->value_bytes);
		return 0;
	}
	if (!e || is_scalar(kv->var)) {
		ft_array_clear(&kv->fed);
		ft_array_sweep(&kv->fed);
		return clear_map(kv);
	}
	fed = ft_array_find(&kv->fed, e->keys);
	if (fed)
		ft_array_delete(&kv->fed, fed);
	ft_array_sweep(&kv->fed);
	if (!pack_key(kv, e->keys))
		return 0;
	return bpf_map_delete_elem(kv->var->map_fd, kv->key) && errno != ENOENT ? -errno : 0;
}

static const struct ft_variable_store store = {
	.pull = pull, .set = set, .increase = increase, .feed = feed, .remove = remove_some};

/* ---- life ---- */

static int open_map(struct ft_kernel *k, struct ft_kernel_var *kv, u32 limit, struct ft_err *err)
{
	struct bpf_map_create_opts opts = {.sz = sizeof(opts)};
	struct ft_var *v = kv->var;
	enum bpf_map_type type =
		is_stats(v) ? is_scalar(v) ? BPF_MAP_TYPE_PERCPU_ARRAY : BPF_MAP_TYPE_PERCPU_HASH
		: v->global && v->global->forgets ? BPF_MAP_TYPE_LRU_HASH
						  : BPF_MAP_TYPE_HASH;

	/* Per-CPU memory beforehand would take longer than most scripts need. */
	if (type != BPF_MAP_TYPE_PERCPU_ARRAY && (is_stats(v) || limit > PREALLOC_MAX))
		opts.map_flags = BPF_F_NO_PREALLOC;
	kv->key_bytes = 0;
	for (int i = 0; i < v->key_count; i++)
		kv->key_bytes += v->key_bytes[i];
	if (is_scalar(v))
		kv->key_bytes = 4;
	kv->value_bytes = is_stats(v) ? ft_kernel_stats_bytes(v)
				      : (u32)sizeof(struct ft_element_head) + v->value_bytes;
	kv->key = ft_try_alloc(kv->key_bytes, 1);
	kv->value = ft_try_alloc(value_room(kv), 1);
	if (!kv->key || !kv->value)
		return ft_err_set(err, -ENOMEM, "out of memory");
	ft_array_init(&kv->fed, is_scalar(v) ? 0 : (u32)v->key_count, limit, false);
	v->map_fd = bpf_map_create(type, "ft_var", kv->key_bytes, kv->value_bytes,
				   is_scalar(v) ? 1 : limit, &opts);
	if (v->map_fd >= 0)
		return 0;
	if (errno == E2BIG || errno == EINVAL)
		return ft_err_set(
			err, -errno,
			"'%s' is too large for a map of the kernel: %u bytes of key, %u of "
			"value, %u elements; fewer buckets, or a smaller -D MAXSTRINGLEN or "
			"MAXMAPENTRIES help",
			v->name, kv->key_bytes, kv->value_bytes, limit);
	if (errno == EPERM)
		return ft_err_set(
			err, -EPERM,
			"not permitted to use BPF: run as root, or give the program CAP_BPF "
			"and CAP_PERFMON");
	(void)k;
	return ft_err_set(err, -errno, "cannot make a map for '%s': %s", v->name, strerror(errno));
}

int ft_kernel_vars_open(struct ft_kernel *k, struct ft_interp *x, struct ft_err *err)
{
	const struct ft_program *program = k->program->program;
	int code = 0;

	k->vars = ft_try_alloc(program->global_count + 1, sizeof(*k->vars));
	if (!k->vars)
		return ft_err_set(err, -ENOMEM, "out of memory");
	k->var_count = program->global_count;
	for (u32 i = 0; i < program->global_count && !code; i++) {
		struct ft_variable *variable = &x->globals[i];
		struct ft_kernel_var *kv = &k->vars[i];
		struct ft_element *e;

		if (!program->globals[i]->in_kernel)
			continue;
		kv->kernel = k;
		kv->var = program->globals[i];
		kv->flush = -1;
		if (!is_scalar(kv->var) || is_stats(kv->var))
			code = open_map(k, kv, variable->array.limit, err);
		if (code)
			break;
		variable->state = kv;
		variable->store = &store;
		e = is_scalar(kv->var) ? ft_array_find(&variable->array, NULL) : NULL;
		if (e)
			code = set(variable, e);
	}
	return code;
}

void ft_kernel_vars_close(struct ft_kernel *k)
{
	for (u32 i = 0; k->vars && i < k->var_count; i++) {
		struct ft_kernel_var *kv = &k->vars[i];

		if (!kv->var)
			continue;
		if (kv->var->map_fd >= 0)
			close(kv->var->map_fd);
		if (kv->var->front_fd >= 0)
			close(kv->var->front_fd);
		ft_kernel_front_close(kv);
		ft_array_fini(&kv->fed);
		free(kv->key);
		free(kv->value);
	}
	free(k->vars);
}
