/* test_profile.c - frames of a resolved profile, units, the sum of losses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "profile/profile.h"

#define UNUSED __attribute__((unused))

static void test_frame_identity(void **state UNUSED)
{
	struct ft_profile *profile = ft_profile_new();
	const struct ft_frame frames[] = {
		{.name = 1, .module = 2, .kind = FT_FRAME_USER},
		{.name = 2, .module = 1, .kind = FT_FRAME_USER},
		{.name = 1, .module = 2, .kind = FT_FRAME_CXX},
		{.name = 1, .module = 2, .kind = FT_FRAME_USER, .inlined = true},
		{.name = 1, .module = 0, .kind = FT_FRAME_USER},
	};

	assert_int_equal(profile->frame_count, 1);
	for (int pass = 0; pass < 2; pass++) {
		for (u32 i = 0; i < FT_ARRAY_LEN(frames); i++)
			assert_int_equal(ft_profile_frame(profile, &frames[i]), i + 1);
	}
	assert_int_equal(profile->frame_count, FT_ARRAY_LEN(frames) + 1);
	assert_int_equal(profile->frames[3].kind, FT_FRAME_CXX);
	assert_true(profile->frames[4].inlined);
	ft_profile_free(profile);
	ft_profile_free(NULL);
}

/* Padding bytes must not take part in identity. */
static void test_frame_padding(void **state UNUSED)
{
	struct ft_profile *profile = ft_profile_new();
	struct ft_frame zeros, ones;

	memset(&zeros, 0, sizeof(zeros));
	memset(&ones, 0xff, sizeof(ones));
	zeros.name = ones.name = 5;
	zeros.module = ones.module = 6;
	zeros.kind = ones.kind = FT_FRAME_RUST;
	zeros.inlined = ones.inlined = false;
	assert_int_equal(ft_profile_frame(profile, &zeros), ft_profile_frame(profile, &ones));
	ft_profile_free(profile);
}

/* So many that all of them meet others in the table, which differ in one field only. */
static void test_frames_many(void **state UNUSED)
{
	enum { COUNT = 50000 };
	struct ft_profile *profile = ft_profile_new();

	for (int pass = 0; pass < 2; pass++) {
		for (u32 i = 1; i <= COUNT; i++) {
			struct ft_frame frame = {
				.name = i >> 2 & 7,
				.module = i >> 5,
				.kind = i & 2 ? FT_FRAME_CXX : FT_FRAME_USER,
				.inlined = i & 1,
			};

			assert_int_equal(ft_profile_frame(profile, &frame), i);
		}
	}
	assert_int_equal(profile->frame_count, COUNT + 1);
	ft_profile_free(profile);
}

static void test_unit_names(void **state UNUSED)
{
	assert_string_equal(ft_unit_name(FT_UNIT_SAMPLES, 0), "samples");
	assert_string_equal(ft_unit_name(FT_UNIT_SAMPLES, 1), "sample");
	assert_string_equal(ft_unit_name(FT_UNIT_EVENTS, 1), "event");
	assert_string_equal(ft_unit_name(FT_UNIT_EVENTS, 2), "events");
	assert_string_equal(ft_unit_name(FT_UNIT_MICROSECONDS, 1), "us");
	assert_string_equal(ft_unit_name(FT_UNIT_MICROSECONDS, 9), "us");
	assert_string_equal(ft_unit_name(FT_UNIT_NANOSECONDS, 9), "ns");
	assert_string_equal(ft_unit_name(FT_UNIT_BYTES, 1), "byte");
	assert_string_equal(ft_unit_name(FT_UNIT_BYTES, 2), "bytes");
}

static void test_lost(void **state UNUSED)
{
	struct ft_quality quality = {
		.samples = 1 << 20,
		.user_stacks = 1 << 20,
		.frames = 1 << 20,
		.frames_named = 1 << 20,
		.bpf_ns = 1 << 20,
		.user_ns = 1 << 20,
		.duration_ns = 1 << 20,
	};

	assert_int_equal(ft_quality_lost(&quality), 0);
	quality.lost_table_full = 1;
	quality.lost_store_full = 2;
	quality.lost_scratch = 4;
	quality.lost_kernel = 8;
	quality.lost_user = 16;
	quality.lost_targets = 32;
	quality.lost_events = 64;
	quality.throttled = 128;
	assert_int_equal(ft_quality_lost(&quality), 255);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frame_identity), cmocka_unit_test(test_frame_padding),
		cmocka_unit_test(test_frames_many),    cmocka_unit_test(test_unit_names),
		cmocka_unit_test(test_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
