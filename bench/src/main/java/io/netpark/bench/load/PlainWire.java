package io.netpark.bench.load;

import io.netpark.core.linux.Linux;
import io.netpark.core.memory.NativeMemory;

/** Bytes as they are. */
final class PlainWire implements Wire {

    private final Traffic traffic;
    private final int fd;
    private boolean more;

    PlainWire(Traffic traffic, int fd) {
        this.traffic = traffic;
        this.fd = fd;
    }

    @Override
    public boolean established() {
        return true;
    }

    @Override
    public long send(NativeMemory memory, int offset, int length) {
        return traffic.libc.send(fd, memory.address() + offset, length, Linux.MSG_NOSIGNAL);
    }

    @Override
    public void flush() {}

    @Override
    public long receive() {
        int room = traffic.received.size();
        long result = traffic.libc.recv(fd, traffic.received.address(), room, 0);
        more = result == room;
        return result;
    }

    @Override
    public boolean hasMore() {
        return more;
    }

    @Override
    public void close() {}
}
