#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

int clinux_enter_network_namespace(int fd) { return setns(fd, CLONE_NEWNET) == 0 ? 0 : errno; }

int clinux_make_network_namespace(void) { return unshare(CLONE_NEWNET) == 0 ? 0 : errno; }

int clinux_make_user_namespace(void) { return unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0 ? 0 : errno; }

int clinux_network_namespace_cookie(int socket, uint64_t *cookie) {
    socklen_t length = sizeof *cookie;
    return getsockopt(socket, SOL_SOCKET, SO_NETNS_COOKIE, cookie, &length) == 0 ? 0 : errno;
}

int clinux_has_interface(int socket, const char *name) {
    struct ifreq request = {0};
    if (strlen(name) >= IFNAMSIZ) return 0;
    strcpy(request.ifr_name, name);
    if (ioctl(socket, SIOCGIFINDEX, &request) != 0) return errno == ENODEV ? 0 : -errno;
    if (ioctl(socket, SIOCGIFNAME, &request) != 0) return errno == ENODEV ? 0 : -errno;
    return strcmp(request.ifr_name, name) == 0;
}

int clinux_signal_descriptor(const int *numbers, size_t count) {
    sigset_t set;
    sigemptyset(&set);
    for (size_t index = 0; index < count; index++) sigaddset(&set, numbers[index]);
    int error = pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (error) return -error;
    int descriptor = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return descriptor < 0 ? -errno : descriptor;
}

int clinux_take_signal(int descriptor) {
    struct signalfd_siginfo information;
    return read(descriptor, &information, sizeof information) == sizeof information ? (int)information.ssi_signo : 0;
}

int clinux_event_descriptor(void) {
    int descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return descriptor < 0 ? -errno : descriptor;
}
