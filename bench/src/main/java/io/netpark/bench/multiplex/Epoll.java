package io.netpark.bench.multiplex;

import io.netpark.core.linux.EpollEvent;
import io.netpark.core.linux.Linux;
import io.netpark.core.memory.NativeMemory;
import io.netpark.core.sys.Binding;
import io.netpark.core.sys.LibC;

/** epoll(7): the kernel keeps the set, and copies out the events of those that are ready. Level-triggered here. */
final class Epoll implements Multiplexer {

    private static final int EVENTS = 64;

    private final LibC libc = Binding.defaultLibC();
    private final NativeMemory events = NativeMemory.allocate(EVENTS * EpollEvent.SIZE);
    private final int epfd = libc.epollCreate(Linux.EPOLL_CLOEXEC);
    private long visited;

    Epoll(int[] fds) {
        for (int fd : fds) {
            EpollEvent.write(events.buffer(), 0, Linux.EPOLLIN, fd);
            libc.epollCtl(epfd, Linux.EPOLL_CTL_ADD, fd, events.address());
        }
    }

    @Override
    public int look() {
        int found = libc.epollWait(epfd, events.address(), EVENTS, 0);
        for (int i = 0; i < found; i++) {
            visited += EpollEvent.data(events.buffer(), i);
        }
        return found;
    }

    @Override
    public void close() {
        libc.close(epfd);
    }

    @Override
    public String toString() {
        return "epoll after " + visited;
    }
}
