/* What is said of three things that the contract of the C library holds: run by the kernel, and by qemu's user mode for the same processor, it shows
   which of them qemu does otherwise. See .ci/aarch64. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/utsname.h>

/* The flags of a message with three descriptors for which there is room for two. */
static int flags_of_a_cut_message(void) {
    int pair[2];
    char byte = 'x';
    struct iovec bytes = {&byte, 1};
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(3 * sizeof(int))];
    } control;
    struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    int descriptors[3] = {0, 1, 2};

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) {
        return -1;
    }
    memset(&control, 0, sizeof control);
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN(sizeof descriptors);
    memcpy(CMSG_DATA(&control.header), descriptors, sizeof descriptors);
    if (sendmsg(pair[0], &message, 0) != 1) {
        return -1;
    }
    message.msg_controllen = CMSG_LEN(2 * sizeof(int));
    return recvmsg(pair[1], &message, 0) == 1 ? message.msg_flags : -1;
}

int main(void) {
    struct utsname name;
    struct tcp_info info;
    socklen_t length = sizeof info;
    int tcp = socket(AF_INET, SOCK_STREAM, 0);
    int flags = flags_of_a_cut_message();
    int sending = send(eventfd(0, 0), "x", 1, 0) < 0 ? errno : 0;

    uname(&name);
    if (tcp < 0 || getsockopt(tcp, IPPROTO_TCP, TCP_INFO, &info, &length) != 0 || flags < 0) {
        perror("calls");
        return 1;
    }
    printf("%s: TCP_INFO of %u bytes, MSG_CTRUNC %s, a byte sent to an eventfd: %s\n", name.machine, (unsigned) length,
           flags & MSG_CTRUNC ? "set" : "not set", strerror(sending));
    return 0;
}
