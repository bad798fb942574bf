package io.netpark.core.net.files;

import io.netpark.core.loop.EventLoop;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;

/**
 * Reads a file channel that others may be using. The JDK closes a channel if its reader's thread is interrupted, so the interrupt flag
 * is put aside for each call. An event loop has no use for the flag, and drops it; on another thread it is set again.
 */
final class UninterruptedChannel {

    /** What is asked of a channel. */
    @FunctionalInterface
    private interface Call {
        long ask(FileChannel channel, ByteBuffer target, long at) throws IOException;
    }

    private static final Call READ = FileChannel::read;
    private static final Call SIZE = (channel, target, at) -> channel.size();
    private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

    private final FileChannel channel;

    UninterruptedChannel(FileChannel channel) {
        this.channel = channel;
    }

    /** Reads into a buffer, from an offset; -1 at the end. */
    int read(ByteBuffer target, long at) throws IOException {
        return (int) ask(READ, target, at);
    }

    long size() throws IOException {
        return ask(SIZE, NOTHING, 0);
    }

    private long ask(Call call, ByteBuffer target, long at) throws IOException {
        boolean interrupted = Thread.interrupted();
        try {
            return call.ask(channel, target, at);
        } finally {
            if (interrupted && EventLoop.current() == null) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
