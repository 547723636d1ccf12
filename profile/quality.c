/* quality.c - see quality.h. */
#include "profile/quality.h"

u64 ft_quality_lost(const struct ft_quality *q)
{
	return q->lost_table_full + q->lost_store_full + q->lost_scratch + q->lost_kernel +
	       q->lost_user + q->lost_targets + q->lost_waits + q->lost_chains + q->lost_allocs +
	       q->lost_events + q->throttled;
}
