/*
 * columns.h - a whole profile as columns: every frame of it, in the order of a picture. What the
 * script of a picture draws from. docs/svg.md specifies the bytes.
 */
#ifndef FT_OUTPUT_COLUMNS_H
#define FT_OUTPUT_COLUMNS_H

#include "output/order.h"
#include "output/pack.h"

struct ft_columns;

/*
 * Puts a profile of any weight into columns; with_rounds: with when its weights came, too. Takes
 * time linear in the tree and in the rounds. 0 or -ENOMEM.
 */
int ft_columns_new(const struct ft_order *order, bool with_rounds, struct ft_columns **result);
void ft_columns_free(struct ft_columns *columns);

/* Frames with weight, the root not counted. */
u32 ft_columns_count(const struct ft_columns *columns);

void ft_columns_put(const struct ft_columns *columns, struct ft_pack *pack);

#endif
