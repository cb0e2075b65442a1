#include <netinet/in.h>
#include <sys/types.h>
#include <stdint.h>
#include <libmnl/libmnl.h>
