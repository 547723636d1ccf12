/* pack.c - see pack.h. */
#include "output/pack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/alloc.h"

#define LEVEL 6
/* Of columns from so many bytes on: 2 % more bytes in a third less time. */
#define LEVEL_LARGE 4
#define LARGE (256 * 1024)
#define CHUNK (48 * 1024) /* of compressed bytes; a multiple of 3: no padding inside */
#define TEXT (CHUNK / 3 * 4)
#define BETWEEN (1024 * 1024)
#define TRIED (64 * 1024) /* bytes of a column from which on a way is chosen for it */
#define TRIAL (16 * 1024) /* by these bytes from its middle */

struct ft_pack {
	struct ft_out *out;
	const char *between;
	z_stream stream;
	size_t since; /* bytes of text since between */
	bool failed;
	u8 chunk[CHUNK];
	char text[TEXT];
};

struct ft_pack *ft_pack_new(struct ft_out *out, const char *between)
{
	struct ft_pack *pack = ft_try_alloc(1, sizeof(*pack));

	if (!pack)
		return NULL;
	pack->out = out;
	pack->between = between;
	if (deflateInit2(&pack->stream, LEVEL, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY)) {
		free(pack);
		return NULL;
	}
	pack->stream.next_out = pack->chunk;
	pack->stream.avail_out = CHUNK;
	return pack;
}

size_t ft_pack_base64(const u8 *bytes, size_t len, char *text)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *at = text;

	for (size_t i = 0; i < len; i += 3) {
		u32 three = (u32)bytes[i] << 16;

		three |= i + 1 < len ? (u32)bytes[i + 1] << 8 : 0;
		three |= i + 2 < len ? (u32)bytes[i + 2] : 0;
		*at++ = digits[three >> 18];
		*at++ = digits[three >> 12 & 63];
		*at++ = i + 1 < len ? digits[three >> 6 & 63] : '=';
		*at++ = i + 2 < len ? digits[three & 63] : '=';
	}
	return (size_t)(at - text);
}

static void put_chunk(struct ft_pack *pack)
{
	size_t len = ft_pack_base64(pack->chunk, CHUNK - pack->stream.avail_out, pack->text);

	if (pack->between && pack->since && pack->since + len > BETWEEN) {
		ft_out_text(pack->out, pack->between);
		pack->since = 0;
	}
	ft_out_bytes(pack->out, pack->text, len);
	pack->since += len;
	pack->stream.next_out = pack->chunk;
	pack->stream.avail_out = CHUNK;
}

static void run(struct ft_pack *pack, int flush)
{
	int code;

	do {
		code = deflate(&pack->stream, flush);
		if (code == Z_STREAM_ERROR) {
			pack->failed = true;
			return;
		}
		if (pack->stream.avail_out == 0)
			put_chunk(pack);
	} while (flush == Z_FINISH ? code != Z_STREAM_END : pack->stream.avail_in > 0);
}

void ft_pack_bytes(struct ft_pack *pack, const void *data, size_t len)
{
	const u8 *at = data;

	while (len && !pack->failed) {
		u32 part = len > 1u << 30 ? 1u << 30 : (u32)len;

		pack->stream.next_in = (Bytef *)(uintptr_t)at;
		pack->stream.avail_in = part;
		run(pack, Z_NO_FLUSH);
		at += part;
		len -= part;
	}
}

/* How many bytes a sample takes, or SIZE_MAX. */
static size_t try_strategy(const u8 *data, size_t len, int strategy)
{
	z_stream stream = {0};
	size_t size = SIZE_MAX;
	u8 sink[4096];
	int code;

	if (deflateInit2(&stream, LEVEL, Z_DEFLATED, -MAX_WBITS, 9, strategy))
		return SIZE_MAX;
	stream.next_in = (Bytef *)(uintptr_t)data;
	stream.avail_in = (uInt)len;
	do {
		stream.next_out = sink;
		stream.avail_out = sizeof(sink);
		code = deflate(&stream, Z_FINISH);
	} while (code == Z_OK);
	if (code == Z_STREAM_END)
		size = stream.total_out;
	deflateEnd(&stream);
	return size;
}

static int best_strategy(const u8 *data, size_t len)
{
	static const int strategies[] = {Z_DEFAULT_STRATEGY, Z_RLE, Z_HUFFMAN_ONLY};
	int best = Z_DEFAULT_STRATEGY;
	size_t least = SIZE_MAX;

	if (len < TRIED)
		return best;
	for (u32 i = 0; i < FT_ARRAY_LEN(strategies); i++) {
		size_t size = try_strategy(data + (len - TRIAL) / 2, TRIAL, strategies[i]);

		if (size < least) {
			least = size;
			best = strategies[i];
		}
	}
	return best;
}

void ft_pack_column(struct ft_pack *pack, const void *data, size_t len)
{
	int strategy = best_strategy(data, len), level = len < LARGE ? LEVEL : LEVEL_LARGE, code;

	pack->stream.avail_in = 0;
	do {
		code = deflateParams(&pack->stream, level, strategy);
		if (pack->stream.avail_out == 0)
			put_chunk(pack);
	} while (code == Z_BUF_ERROR && pack->stream.avail_out == CHUNK);
	if (code != Z_OK && code != Z_BUF_ERROR)
		pack->failed = true;
	ft_pack_bytes(pack, data, len);
}

int ft_pack_finish(struct ft_pack *pack)
{
	bool failed;

	pack->stream.avail_in = 0;
	if (!pack->failed)
		run(pack, Z_FINISH);
	failed = pack->failed;
	if (!failed && pack->stream.avail_out < CHUNK)
		put_chunk(pack);
	deflateEnd(&pack->stream);
	free(pack);
	return failed ? -ENOMEM : 0;
}
