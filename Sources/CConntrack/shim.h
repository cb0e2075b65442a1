#include <netinet/in.h>
#include <sys/types.h>
#include <stdint.h>
// The kernel's own come first: the library has older ones of the same names, and two modules may not define one thing in two ways.
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
