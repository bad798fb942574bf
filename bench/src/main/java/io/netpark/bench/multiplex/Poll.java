package io.netpark.bench.multiplex;

import io.netpark.core.linux.Linux;
import io.netpark.core.linux.PollFd;
import io.netpark.core.memory.NativeMemory;
import io.netpark.core.sys.Binding;
import io.netpark.core.sys.LibC;

/** poll(2): the whole set goes into the kernel and comes back, and both sides walk through it. */
final class Poll implements Multiplexer {

    private final LibC libc = Binding.defaultLibC();
    private final int[] fds;
    private final NativeMemory set;
    private long visited;

    Poll(int[] fds) {
        this.fds = fds;
        set = NativeMemory.allocate(fds.length * PollFd.SIZE);
        for (int i = 0; i < fds.length; i++) {
            PollFd.write(set.buffer(), i, fds[i], Linux.EPOLLIN);
        }
    }

    @Override
    public int look() {
        int found = libc.poll(set.address(), fds.length, 0);
        for (int i = 0, left = found; left > 0; i++) {
            if (PollFd.readiness(set.buffer(), i) != 0) {
                visited += fds[i];
                left--;
            }
        }
        return found;
    }

    @Override
    public String toString() {
        return "poll after " + visited;
    }
}
