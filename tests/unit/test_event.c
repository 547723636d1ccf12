/*
 * test_event.c - names of events, and what is said about those that do not exist or cannot be had.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "sampler/event.h"

#define UNUSED __attribute__((unused))

static int parse(const char *name, u64 freq_hz, u64 period, struct ft_event *event,
		 struct ft_err *err)
{
	memset(event, 0x5a, sizeof(*event));
	memset(err, 0, sizeof(*err));
	return ft_event_parse(name, freq_hz, period, event, err);
}

/* The name is refused with that code and a message that holds the text; event stays as it was. */
static void assert_refused(const char *name, u64 freq_hz, u64 period, int code, const char *says)
{
	struct ft_event event, before;
	struct ft_err err;
	int got;

	memset(&before, 0x5a, sizeof(before));
	got = parse(name, freq_hz, period, &event, &err);
	if (got != code)
		fail_msg("%s: %d instead of %d (%s)", name, got, code, err.text);
	assert_int_equal(err.code, code);
	if (!strstr(err.text, says))
		fail_msg("%s: '%s' does not say '%s'", name, err.text, says);
	assert_memory_equal(&event, &before, sizeof(event));
}

/*
 * The name is known. Whether the machine has it is another matter: then the error names it and what
 * there is instead. Returns whether it has.
 */
static bool known(const char *name, struct ft_event *event)
{
	struct ft_err err;
	int code = parse(name, 0, 0, event, &err);

	if (!code) {
		assert_string_equal(event->name, name);
		return true;
	}
	assert_int_not_equal(code, -EINVAL);
	assert_non_null(strstr(err.text, name));
	if (code != -EACCES && code != -EPERM) {
		assert_non_null(strstr(err.text, "it has: "));
		assert_non_null(strstr(err.text, "cpu-clock"));
	}
	return false;
}

static void test_every_name(void **state UNUSED)
{
	static const struct {
		const char *name;
		enum ft_event_kind kind;
		u32 type;
		u64 config;
	} all[] = {
		{"cycles", FT_EVENT_HARDWARE, PERF_TYPE_HARDWARE, 0},
		{"cpu-cycles", FT_EVENT_HARDWARE, PERF_TYPE_HARDWARE, 0},
		{"instructions", FT_EVENT_HARDWARE, PERF_TYPE_HARDWARE, 1},
		{"cache-references", FT_EVENT_HARDWARE, PERF_TYPE_HARDWARE, 2},
		{"cache-misses", FT_EVENT_HARDWARE, PERF_TYPE_HARDWARE, 3},
		{"branches", FT_EVENT_HARDWARE, PERF_TYPE_HARDWARE, 4},
		{"branch-instructions", FT_EVENT_HARDWARE, PERF_TYPE_HARDWARE, 4},
		{"branch-misses", FT_EVENT_HARDWARE, PERF_TYPE_HARDWARE, 5},
		{"bus-cycles", FT_EVENT_HARDWARE, PERF_TYPE_HARDWARE, 6},
		{"stalled-cycles-frontend", FT_EVENT_HARDWARE, PERF_TYPE_HARDWARE, 7},
		{"stalled-cycles-backend", FT_EVENT_HARDWARE, PERF_TYPE_HARDWARE, 8},
		{"ref-cycles", FT_EVENT_HARDWARE, PERF_TYPE_HARDWARE, 9},
		{"r1a8", FT_EVENT_HARDWARE, PERF_TYPE_RAW, 0x1a8},
		{"rC0", FT_EVENT_HARDWARE, PERF_TYPE_RAW, 0xc0},
		{"cpu-clock", FT_EVENT_CLOCK, PERF_TYPE_SOFTWARE, 0},
		{"task-clock", FT_EVENT_CLOCK, PERF_TYPE_SOFTWARE, 1},
		{"page-faults", FT_EVENT_SOFTWARE, PERF_TYPE_SOFTWARE, 2},
		{"faults", FT_EVENT_SOFTWARE, PERF_TYPE_SOFTWARE, 2},
		{"context-switches", FT_EVENT_SOFTWARE, PERF_TYPE_SOFTWARE, 3},
		{"cs", FT_EVENT_SOFTWARE, PERF_TYPE_SOFTWARE, 3},
		{"cpu-migrations", FT_EVENT_SOFTWARE, PERF_TYPE_SOFTWARE, 4},
		{"migrations", FT_EVENT_SOFTWARE, PERF_TYPE_SOFTWARE, 4},
		{"minor-faults", FT_EVENT_SOFTWARE, PERF_TYPE_SOFTWARE, 5},
		{"major-faults", FT_EVENT_SOFTWARE, PERF_TYPE_SOFTWARE, 6},
		{"alignment-faults", FT_EVENT_SOFTWARE, PERF_TYPE_SOFTWARE, 7},
		{"emulation-faults", FT_EVENT_SOFTWARE, PERF_TYPE_SOFTWARE, 8},
	};
	u32 have = 0;

	for (size_t i = 0; i < FT_ARRAY_LEN(all); i++) {
		struct ft_event event;

		if (!known(all[i].name, &event))
			continue;
		have++;
		assert_int_equal(event.kind, all[i].kind);
		assert_int_equal(event.type, all[i].type);
		assert_int_equal(event.config, all[i].config);
		/* Clocks and counters by frequency, occurrences one by one. */
		if (all[i].kind == FT_EVENT_SOFTWARE) {
			assert_int_equal(event.freq_hz, 0);
			assert_int_equal(event.period, 1);
		} else {
			assert_int_equal(event.freq_hz, 99);
			assert_int_equal(event.period, 0);
		}
	}
	if (!have)
		skip(); /* not permitted to open any event */
}

static void test_default(void **state UNUSED)
{
	struct ft_event event, cycles;
	struct ft_err err;
	int code = parse(NULL, 0, 0, &event, &err);

	if (code == -EACCES || code == -EPERM)
		skip();
	assert_int_equal(code, 0);
	assert_string_equal(event.name, known("cycles", &cycles) ? "cycles" : "cpu-clock");
	assert_int_equal(event.freq_hz, 99);
}

static void test_wrong_names(void **state UNUSED)
{
	static const char *const names[] = {
		"",
		"nonsense",
		"Cycles",
		"cycles ",
		" cycles",
		"cycle",
		"r",
		"rxyz",
		"r-1",
		"r+1",
		"r 1",
		"r0x10",
		"r12g",
		"r1:u",
		"R1A8",
		"tracepoint",
		"sched:sched_switch",
		"r12345678901234567",
	};
	char name[300];

	for (size_t i = 0; i < FT_ARRAY_LEN(names); i++) {
		assert_refused(names[i], 0, 0, -EINVAL, "no event is named");
		assert_refused(names[i], 0, 0, -EINVAL, names[i]);
		assert_refused(names[i], 0, 0, -EINVAL, "tracepoint:CATEGORY:NAME");
	}
	memset(name, 'r', sizeof(name));
	name[255] = '\0';
	assert_refused(name, 0, 0, -EINVAL, "no event is named");
	name[255] = 'r';
	name[256] = '\0';
	assert_refused(name, 0, 0, -EINVAL, "too long");
	name[299] = '\0';
	assert_refused(name, 0, 0, -EINVAL, "too long");
}

static void test_wrong_places(void **state UNUSED)
{
	static const char *const probes[] = {
		"usdt:", "usdt:x", "usdt:/x", "usdt:/x:y", "usdt:x:y:z", "usdt:/x::z", "usdt:/x:y:",
	};
	static const char *const functions[] = {"uprobe:", "uprobe:/x", "uprobe:x:y", "uprobe:/x:"};

	for (size_t i = 0; i < FT_ARRAY_LEN(probes); i++)
		assert_refused(probes[i], 0, 0, -EINVAL, "usdt:/PATH:PROVIDER:NAME");
	for (size_t i = 0; i < FT_ARRAY_LEN(functions); i++)
		assert_refused(functions[i], 0, 0, -EINVAL, "uprobe:/PATH:FUNCTION");
	assert_refused("usdt:/no/such/file:y:z", 0, 0, -ENOENT, "/no/such/file");
	assert_refused("usdt:/etc/passwd:y:z", 0, 0, -ENOEXEC, "not an ELF file");
}

static void test_wrong_tracepoints(void **state UNUSED)
{
	static const char *const names[] = {
		"tracepoint:",		"tracepoint:sched",	  "tracepoint::sched_switch",
		"tracepoint:sched:",	"tracepoint:a:b:c:d",	  "tracepoint:sched:sched_switch:",
		"tracepoint:../../x:y", "tracepoint:sched:../..", "tracepoint:::",
	};
	char name[128] = "tracepoint:";

	for (size_t i = 0; i < FT_ARRAY_LEN(names); i++) {
		assert_refused(names[i], 0, 0, -EINVAL, "tracepoint:CATEGORY:NAME");
		assert_refused(names[i], 0, 0, -EINVAL, names[i]);
	}
	/* A category and a name of 64 bytes are longer than any. */
	memset(name + 11, 'c', 64);
	strcpy(name + 11 + 64, ":x");
	assert_refused(name, 0, 0, -EINVAL, "tracepoint:CATEGORY:NAME");
	memset(name + 11, 'c', 80);
	strcpy(name + 11, "c:");
	memset(name + 13, 'n', 64);
	name[13 + 64] = '\0';
	assert_refused(name, 0, 0, -EINVAL, "tracepoint:CATEGORY:NAME");
}

static void test_tracepoints(void **state UNUSED)
{
	struct ft_event event;
	struct ft_err err;
	s64 id;

	if (!ft_event_tracefs()) {
		assert_refused("tracepoint:sched:sched_switch", 0, 0, -ENOENT, "mount -t tracefs");
		skip();
	}
	assert_refused("tracepoint:sched:no_such", 0, 0, -ENOENT, "no tracepoint sched:no_such");
	assert_refused("tracepoint:no_such:sched_switch", 0, 0, -ENOENT, "available_events");
	assert_refused("tracepoint:sched:sched_switch", 99, 0, -EINVAL, "-c N");
	if (ft_file_read_s64("/sys/kernel/tracing/events/sched/sched_switch/id", &id))
		skip();
	assert_int_equal(parse("tracepoint:sched:sched_switch", 0, 0, &event, &err), 0);
	assert_int_equal(event.kind, FT_EVENT_TRACEPOINT);
	assert_int_equal(event.type, PERF_TYPE_TRACEPOINT);
	assert_int_equal(event.config, id);
	assert_string_equal(event.category, "sched");
	assert_string_equal(event.tracepoint, "sched_switch");
	assert_int_equal(event.period, 1);
	assert_int_equal(event.freq_hz, 0);
	assert_int_equal(ft_event_unit(&event), FT_UNIT_EVENTS);
	assert_int_equal(parse("tracepoint:sched:sched_switch", 0, 100, &event, &err), 0);
	assert_int_equal(event.period, 100);
	/* One sample stands for a hundred events. */
	assert_int_equal(ft_event_unit(&event), FT_UNIT_SAMPLES);
}

static void test_frequency_limit(void **state UNUSED)
{
	struct ft_event event;
	struct ft_err err;
	char text[64];
	s64 max;

	if (ft_file_read_s64("/proc/sys/kernel/perf_event_max_sample_rate", &max) ||
	    !known("cpu-clock", &event))
		skip();
	assert_int_equal(parse("cpu-clock", (u64)max, 0, &event, &err), 0);
	assert_int_equal(event.freq_hz, max);
	snprintf(text, sizeof(text), "use -F %lld or less", (long long)max);
	assert_refused("cpu-clock", (u64)max + 1, 0, -EINVAL, text);
	assert_refused("cpu-clock", (u64)max + 1, 0, -EINVAL, "kernel.perf_event_max_sample_rate");
	assert_refused("page-faults", (u64)max + 1, 0, -EINVAL, text);
	assert_refused("cpu-clock", UINT64_MAX, 0, -EINVAL, text);
	assert_int_equal(parse("page-faults", 10, 0, &event, &err), 0);
	assert_int_equal(event.freq_hz, 10);
	assert_int_equal(event.period, 0);
	assert_int_equal(ft_event_unit(&event), FT_UNIT_SAMPLES);
}

static void test_period_limit(void **state UNUSED)
{
	struct ft_event event;
	struct ft_err err;

	if (!known("cpu-clock", &event))
		skip();
	assert_refused("cpu-clock", 0, 1, -EINVAL, "use -c 10000 or more");
	assert_refused("cpu-clock", 0, 9999, -EINVAL, "-F");
	assert_refused("task-clock", 0, 9999, -EINVAL, "use -c 10000 or more");
	assert_int_equal(parse("cpu-clock", 0, 10000, &event, &err), 0);
	assert_int_equal(event.period, 10000);
	assert_int_equal(event.freq_hz, 0);
	assert_int_equal(ft_event_unit(&event), FT_UNIT_SAMPLES);
	assert_int_equal(parse("page-faults", 0, 1, &event, &err), 0);
	assert_int_equal(ft_event_unit(&event), FT_UNIT_EVENTS);
	assert_int_equal(parse("page-faults", 0, 7, &event, &err), 0);
	assert_int_equal(event.period, 7);
	assert_int_equal(ft_event_unit(&event), FT_UNIT_SAMPLES);
}

/* Each failure of the system call has its own sentence with what to do. */
static void test_explanations(void **state UNUSED)
{
	static const struct {
		int code;
		const char *says;
	} all[] = {
		{-EACCES, "CAP_PERFMON"},	 {-EPERM, "kernel.perf_event_paranoid"},
		{-EMFILE, "ulimit -n"},		 {-ENFILE, "ulimit -n"},
		{-ENOSYS, "CONFIG_PERF_EVENTS"}, {-EBUSY, "-e cpu-clock"},
		{-ENODEV, "No such device"},
	};

	for (size_t i = 0; i < FT_ARRAY_LEN(all); i++) {
		struct ft_err err = {0};

		assert_int_equal(ft_event_explain("the thing", all[i].code, &err), all[i].code);
		assert_int_equal(err.code, all[i].code);
		if (!strstr(err.text, all[i].says))
			fail_msg("'%s' does not say '%s'", err.text, all[i].says);
		assert_true(all[i].code == -ENOSYS || strstr(err.text, "the thing"));
		assert_int_equal(ft_event_explain("the thing", all[i].code, NULL), all[i].code);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_name),	  cmocka_unit_test(test_default),
		cmocka_unit_test(test_wrong_names),	  cmocka_unit_test(test_wrong_places),
		cmocka_unit_test(test_wrong_tracepoints), cmocka_unit_test(test_tracepoints),
		cmocka_unit_test(test_frequency_limit),	  cmocka_unit_test(test_period_limit),
		cmocka_unit_test(test_explanations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
