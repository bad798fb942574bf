package io.netpark.samples.tail;

import io.netpark.callback.poller.CallbackPoller;
import io.netpark.callback.poller.Watch;
import io.netpark.core.linux.Linux;
import io.netpark.core.memory.NativeMemory;
import io.netpark.core.sys.Errno;
import io.netpark.core.sys.FileName;
import io.netpark.core.sys.LibC;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.OpenDescriptor;
import java.nio.file.Path;

/**
 * inotify(7) for one file or folder: a descriptor that becomes readable when something happens to it. One for each, so that
 * closing it is all it takes to stop. What has happened is not read: an event is a reason to look, and looking tells the truth,
 * also when the kernel had too many events to keep.
 */
final class Inotify implements AutoCloseable {

    private static final int ROOM = 16 * 1024;

    private final CallbackPoller poller;
    private final LibC libc;
    private final OpenDescriptor descriptor;
    private final NativeMemory events = NativeMemory.allocate(ROOM);

    /**
     * Starts watching.
     *
     * @param mask what is an event, of the {@code IN_} constants of {@link Linux}
     * @param changed called on the poller's loop after events
     */
    Inotify(CallbackPoller poller, Path path, int mask, Runnable changed) throws NetparkException {
        this.poller = poller;
        this.libc = poller.loop().libc();
        int number = libc.inotifyInit(Linux.IN_CLOEXEC | Linux.IN_NONBLOCK);
        if (number == -Errno.EMFILE) {
            throw new NetparkException.LimitExceeded("watch " + path + ": too many descriptors of this process (ulimit -n), or"
                    + " too many inotify instances of its user (sysctl fs.inotify.max_user_instances); raise the limit");
        }
        if (number < 0) {
            throw NetparkException.of(-number, "watch " + path);
        }
        descriptor = OpenDescriptor.of(libc, number);
        try {
            add(path, mask);
            poller.start(descriptor, Watch.READ, (handle, found) -> {
                if (!found.isPollerClosed()) {
                    drain();
                    changed.run();
                }
            });
        } catch (NetparkException | RuntimeException e) {
            descriptor.close();
            throw e;
        }
    }

    private void add(Path path, int mask) throws NetparkException {
        byte[] name = FileName.bytes(path);
        NativeMemory terminated = NativeMemory.allocate(name.length + 1);
        terminated.buffer().put(0, name);
        int watch = libc.inotifyAddWatch(descriptor.number(), terminated.address(), mask);
        if (watch == -Errno.ENOSPC) {
            throw new NetparkException.LimitExceeded("watch " + path
                    + ": too many inotify watches of this user; raise sysctl fs.inotify.max_user_watches");
        }
        if (watch < 0) {
            throw NetparkException.of(-watch, "watch " + path);
        }
    }

    private void drain() {
        long count;
        do {
            count = libc.read(descriptor.number(), events.address(), ROOM);
        } while (count > 0 || count == -Errno.EINTR);
    }

    /** Stops watching; the callback is not entered again. */
    @Override
    public void close() {
        poller.stop(descriptor); // first: the number may soon be another's
        descriptor.close();
    }
}
