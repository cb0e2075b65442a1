#include <netinet/in.h>
#include <sys/types.h>
#include <stdint.h>
#include <yaml.h>
