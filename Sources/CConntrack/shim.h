#include <netinet/in.h>
#include <sys/types.h>
#include <stdint.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
