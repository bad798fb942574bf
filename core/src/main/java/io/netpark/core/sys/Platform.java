package io.netpark.core.sys;

import io.netpark.core.linux.Architecture;
import io.netpark.core.linux.EpollEvent;
import io.netpark.core.linux.Linux;
import io.netpark.core.memory.NativeMemory;
import java.nio.ByteBuffer;

/** Where Netpark runs: Linux on a 64-bit x86 or ARM processor. Anywhere else it says so at start. */
public final class Platform {

    private Platform() {}

    /**
     * Checks the operating system and the processor.
     *
     * @throws UnsupportedOperationException if Netpark cannot run here; the message says what is missing
     */
    public static void requireSupported() {
        String system = System.getProperty("os.name", "unknown");
        if (!system.equalsIgnoreCase("Linux")) {
            throw new UnsupportedOperationException(
                    "Netpark is built on Linux epoll and cannot run on " + system + "; run it in a Linux container or VM");
        }
        if (!Architecture.isX86() && !Architecture.isArm()) {
            throw new UnsupportedOperationException(
                    "Netpark knows the system call layouts of x86-64 and aarch64, not of " + Architecture.NAME);
        }
    }

    /**
     * Proves the binding and the layout of {@link EpollEvent} on the running kernel: registers an eventfd under a
     * token of which every byte differs and expects to read the same token back. A wrong struct size would
     * otherwise show up as events for the wrong descriptors.
     *
     * @throws UnsupportedOperationException if the token does not come back, or epoll refuses
     */
    static void selfTest(LibC libc) {
        final long token = 0x0123456789ABCDEFL;
        int epfd = check(libc.epollCreate(Linux.EPOLL_CLOEXEC), "epoll_create1");
        int fd = -1;
        try {
            fd = check(libc.eventfd(1, Linux.EFD_CLOEXEC | Linux.EFD_NONBLOCK), "eventfd");
            NativeMemory memory = NativeMemory.allocate(2 * EpollEvent.SIZE);
            ByteBuffer events = memory.buffer();
            EpollEvent.write(events, 0, Linux.EPOLLIN, token);
            check(libc.epollCtl(epfd, Linux.EPOLL_CTL_ADD, fd, memory.address()), "epoll_ctl");
            EpollEvent.write(events, 0, 0, 0);
            int ready;
            do {
                ready = libc.epollWait(epfd, memory.address(), 2, 0);
            } while (ready == -Errno.EINTR);
            check(ready, "epoll_wait");
            if (ready != 1 || EpollEvent.readiness(events, 0) != Linux.EPOLLIN || EpollEvent.data(events, 0) != token) {
                throw new UnsupportedOperationException(
                        "Netpark's layout of struct epoll_event (" + EpollEvent.SIZE + " bytes) is not that of this"
                                + " kernel on " + Architecture.NAME + ": an eventfd's token came back as "
                                + Long.toHexString(EpollEvent.data(events, 0)));
            }
        } finally {
            if (fd >= 0) {
                libc.close(fd);
            }
            libc.close(epfd);
        }
    }

    private static int check(int result, String call) {
        if (result < 0) {
            throw new UnsupportedOperationException(
                    "The start-up self-test of Netpark failed: " + call + ": " + Errno.describe(-result) + wayOut(-result));
        }
        return result;
    }

    private static String wayOut(int errno) {
        return errno == Errno.EPERM || errno == Errno.ENOSYS
                ? "; a filter of system calls (seccomp) forbids it, or the kernel is without it: allow it in the seccomp profile of the"
                        + " container, or by SystemCallFilter= of the service" : "";
    }
}
