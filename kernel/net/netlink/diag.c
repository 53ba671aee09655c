#include "kernel/net/netlink/netlink.h"
int diag_request(struct nl_request *r) { return -EOPNOTSUPP; }
