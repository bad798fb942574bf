package io.netpark.bench.multiplex;

import com.sun.jna.Native;
import io.netpark.core.memory.NativeMemory;
import java.nio.ByteBuffer;

/**
 * select(2): a bit a descriptor number, which the kernel overwrites, so that the set is made anew for every call. The
 * set has {@value #SETSIZE} bits: a descriptor with a higher number cannot be watched at all.
 */
final class Select implements Multiplexer {

    /** FD_SETSIZE of the C library. */
    static final int SETSIZE = 1024;
    private static final int BYTES = SETSIZE / Byte.SIZE;

    static {
        Native.register(Select.class, "c");
    }

    private final ByteBuffer wanted;
    private final NativeMemory set = NativeMemory.allocate(BYTES);
    private final NativeMemory atOnce = NativeMemory.allocate(2 * Long.BYTES);
    private final int limit;
    private long visited;

    Select(int[] fds) {
        wanted = NativeMemory.allocate(BYTES).buffer();
        int highest = 0;
        for (int fd : fds) {
            int word = fd / Long.SIZE * Long.BYTES;
            wanted.putLong(word, wanted.getLong(word) | 1L << fd);
            highest = Math.max(highest, fd);
        }
        limit = highest + 1;
    }

    private static native int select(int limit, long readable, long writable, long exceptional, long timeout);

    @Override
    public int look() {
        set.buffer().put(0, wanted, 0, BYTES);
        atOnce.buffer().putLong(0, 0).putLong(Long.BYTES, 0);
        int found = select(limit, set.address(), 0, 0, atOnce.address());
        for (int word = 0; word < BYTES; word += Long.BYTES) {
            long ready = set.buffer().getLong(word);
            while (ready != 0) {
                visited += word * Long.BYTES + Long.numberOfTrailingZeros(ready);
                ready &= ready - 1;
            }
        }
        return found;
    }

    @Override
    public String toString() {
        return "select after " + visited;
    }
}
