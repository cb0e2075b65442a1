/* The few calls of Linux that Glibc's module map hides behind _GNU_SOURCE, and the kernel's structures that no library wraps. */
#ifndef DOCKERNFT_CLINUX_H
#define DOCKERNFT_CLINUX_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/inet_diag.h>
#include <linux/neighbour.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netfilter/x_tables.h>
#include <linux/netfilter/xt_CT.h>
#include <linux/netfilter/xt_addrtype.h>
#include <linux/netfilter/xt_conntrack.h>
#include <linux/netfilter/xt_iprange.h>
#include <linux/netfilter/xt_mark.h>
#include <linux/netfilter/xt_multiport.h>
#include <linux/netfilter/xt_sctp.h>
#include <linux/netfilter/xt_state.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/veth.h>

/* Moves the calling thread into the network namespace that the file descriptor stands for (setns(2), CLONE_NEWNET).
   Returns 0, or an errno. */
int clinux_enter_network_namespace(int fd);

/* Gives the calling thread a network namespace of its own, in which there is nothing (unshare(2), CLONE_NEWNET). Returns 0, or an errno. */
int clinux_make_network_namespace(void);

/* Gives the process a user namespace of its own, and a network namespace that belongs to it. It must have one thread only.
   Returns 0, or an errno. */
int clinux_make_user_namespace(void);

/* The calling thread's network namespace, as a number that one boot never gives twice (SO_NETNS_COOKIE, Linux 5.14).
   Returns 0, or an errno. */
int clinux_network_namespace_cookie(int socket, uint64_t *cookie);

/* Whether the network namespace of the socket has an interface of this name: 1, 0, or a negative errno. A socket of any family may ask;
   an alternative name is none. */
int clinux_has_interface(int socket, const char *name);

/* Signals of these numbers end or interrupt nothing any more: they wait at the descriptor (signalfd(2)). Threads that the calling one
   starts later inherit that. Returns the descriptor, or a negative errno. */
int clinux_signal_descriptor(const int *numbers, size_t count);

/* The number of the next signal that waits there, or 0. */
int clinux_take_signal(int descriptor);

/* eventfd(2): readable from a write to the next read, however many writes there were. Returns it, or a negative errno. */
int clinux_event_descriptor(void);

#endif
