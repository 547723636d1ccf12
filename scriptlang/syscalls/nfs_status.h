/*
 * nfs_status.h - what a server of NFS answers, by name.
 */
#ifndef FT_SCRIPTLANG_NFS_STATUS_H
#define FT_SCRIPTLANG_NFS_STATUS_H

#include "base/out.h"

/* The text of a status in the order of bytes that it has on the network, as nfsd returns it. */
void ft_nfs_status_text(s64 value, struct ft_out *out);

#endif
