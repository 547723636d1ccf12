/*
 * builtins_float.c - numbers with fractions, as SystemTap's tapset "floatingpoint" has them: a long
 * holds the bits of a double (IEEE 754 binary64). The machine's own arithmetic does the rest, in
 * user space only: BPF has none.
 */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scriptlang/runtime/interp_parts.h"

#define DIGITS_MAX 18  /* of a fraction that a long can hold */
#define WHOLE_MAX 1e18 /* larger numbers are printed with an exponent */

static double double_of(s64 bits)
{
	double d;

	memcpy(&d, &bits, sizeof(d));
	return d;
}

static struct ft_value bits_of(double d)
{
	s64 bits;

	memcpy(&bits, &d, sizeof(bits));
	return ft_interp_number(bits);
}

#define FLOAT(NAME, VALUE)                                                                    \
	static struct ft_value run_##NAME(struct ft_interp *x __attribute__((unused)),        \
					  const struct ft_expr *call __attribute__((unused)), \
					  const struct ft_value *v) {                         \
		double a = double_of(v[0].number), b = double_of(v[1].number);                \
                                                                                              \
		return VALUE;                                                                 \
	}

FLOAT(fp_add, bits_of(a + b))
FLOAT(fp_sub, bits_of(a - b))
FLOAT(fp_mul, bits_of(a *b))
FLOAT(fp_div, bits_of(a / b))
FLOAT(fp_rem, bits_of(remainder(a, b)))
FLOAT(fp_eq, ft_interp_number(a == b))
FLOAT(fp_le, ft_interp_number(a <= b))
FLOAT(fp_lt, ft_interp_number(a < b))

static struct ft_value run_fp_sqrt(struct ft_interp *x, const struct ft_expr *call,
				   const struct ft_value *v)
{
	(void)x;
	(void)call;
	return bits_of(sqrt(double_of(v[0].number)));
}

static struct ft_value run_fp32_to_fp64(struct ft_interp *x, const struct ft_expr *call,
					const struct ft_value *v)
{
	u32 bits = (u32)v[0].number;
	float f;

	(void)x;
	(void)call;
	memcpy(&f, &bits, sizeof(f));
	return bits_of((double)f);
}

static struct ft_value run_long_to_fp(struct ft_interp *x, const struct ft_expr *call,
				      const struct ft_value *v)
{
	(void)x;
	(void)call;
	return bits_of((double)v[0].number);
}

/* As many tens as an exponent says, one by one; no more than leave a number different. */
#define TENS_MAX 1100

/*
 * Digit by digit, as SystemTap reads it: all digits as one number, then divided by the tens behind
 * the point. That rounds more often than strtod() does, and what is printed of it shows that.
 */
static bool read_decimal(const char *text, double *number)
{
	double d = 0, power = 1;
	bool negative = *text == '-';
	long tens = 0;
	char *end;

	text += *text == '-' || *text == '+';
	if (!isdigit((unsigned char)*text) && *text != '.')
		return false;
	for (; isdigit((unsigned char)*text); text++)
		d = d * 10 + (*text - '0');
	if (*text == '.')
		for (text++; isdigit((unsigned char)*text); text++) {
			d = d * 10 + (*text - '0');
			power *= 10;
		}
	if (*text == 'e' || *text == 'E') {
		tens = strtol(text + 1, &end, 10);
		if (end == text + 1)
			return false;
		text = end;
	}
	for (long i = 0; i < tens && i < TENS_MAX; i++)
		power /= 10;
	for (long i = 0; i > tens && i > -TENS_MAX; i--)
		power *= 10;
	*number = negative ? -(d / power) : d / power;
	return !*text;
}

static struct ft_value run_string_to_fp(struct ft_interp *x, const struct ft_expr *call,
					const struct ft_value *v)
{
	double d = 0;

	if (!read_decimal(v[0].text, &d))
		ft_interp_fail(x, call, "string_to_fp(): no number");
	return bits_of(d);
}

/* The ways to round that the tapset numbers: to even, to zero, down, up, away from zero at half. */
static double rounded(double d, s64 mode)
{
	switch (mode) {
	case 1:
		return trunc(d);
	case 2:
		return floor(d);
	case 3:
		return ceil(d);
	case 4:
		return round(d);
	default:
		return nearbyint(d);
	}
}

static struct ft_value run_fp_to_long(struct ft_interp *x, const struct ft_expr *call,
				      const struct ft_value *v)
{
	double d = rounded(double_of(v[0].number), v[1].number);

	(void)x;
	(void)call;
	/* What does not fit becomes the nearest that does; what is no number, the largest. */
	if (isnan(d) || d >= 0x1p63)
		return ft_interp_number(INT64_MAX);
	return ft_interp_number(d < -0x1p63 ? INT64_MIN : (s64)d);
}

/* "-12.3400"; from 1e18 on with as many tens as it takes: "898982983234234624.00e17". */
static struct ft_value run_fp_to_string(struct ft_interp *x, const struct ft_expr *call,
					const struct ft_value *v)
{
	double d = double_of(v[0].number), rest;
	s64 precision = v[1].number < 0 ? 0 : v[1].number > DIGITS_MAX ? DIGITS_MAX : v[1].number;
	u64 whole, scale = 1, fraction;
	const char *text;
	char tail[16] = "", digits[32] = "";
	u32 tens = 0;

	(void)call;
	if (!isfinite(d)) {
		text = isnan(d) ? "NaN" : d < 0 ? "-Infinity" : "Infinity";
		return ft_interp_string(x, text, strlen(text));
	}
	rest = fabs(d);
	while (rest >= WHOLE_MAX) {
		rest /= 10;
		tens++;
	}
	for (s64 i = 0; i < precision; i++)
		scale *= 10;
	whole = (u64)rest;
	fraction = (u64)nearbyint((rest - (double)whole) * (double)scale);
	if (fraction >= scale) {
		whole++;
		fraction -= scale;
	}
	if (precision)
		snprintf(digits, sizeof(digits), ".%0*llu", (int)precision,
			 (unsigned long long)fraction);
	if (tens)
		snprintf(tail, sizeof(tail), "e%u", tens);
	text = ft_arena_printf(x->arena, "%s%llu%s%s", signbit(d) ? "-" : "",
			       (unsigned long long)whole, digits, tail);
	return ft_interp_string(x, text ? text : "", text ? strlen(text) : 0);
}

#define ROW(NAME)                 \
	{                         \
#NAME, run_##NAME \
	}

static const struct {
	const char *name;
	ft_builtin_run *run;
} rows[] = {
	ROW(fp_add),	 ROW(fp_sub),	    ROW(fp_mul),     ROW(fp_div),	ROW(fp_rem),
	ROW(fp_eq),	 ROW(fp_le),	    ROW(fp_lt),	     ROW(fp_sqrt),	ROW(fp32_to_fp64),
	ROW(long_to_fp), ROW(string_to_fp), ROW(fp_to_long), ROW(fp_to_string),
};

ft_builtin_run *ft_builtin_float_find(const char *name)
{
	for (size_t i = 0; i < FT_ARRAY_LEN(rows); i++)
		if (!strcmp(rows[i].name, name))
			return rows[i].run;
	return NULL;
}
