package io.netpark.callback.input;

import io.netpark.core.buffer.LeakDetection;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Memory that the connections of a loop read into by turns, so that none of them holds any while it waits for bytes.
 *
 * <p>A block is either here, or in the hands of the one connection that reads into it and shows the bytes to its callback:
 *
 * <pre>
 *   here --{@link #take}--> a connection's, until its callback has returned --{@link #giveBack}--> here
 *                               `--an error in between--> nobody's: the garbage collector's
 * </pre>
 *
 * So nobody can look at bytes of another connection: what has not been taken cannot be reached, and a connection that reads while
 * the callback of another is running (one that is dialed in it, say) takes another block. Of one thread, that of an event loop.
 */
final class LoopMemory {

    static final int BLOCK_SIZE = 64 * 1024;
    /** Blocks that are kept for callbacks inside of which other connections are read. */
    private static final int MOST_KEPT = 4;
    private static final boolean PARANOID = LeakDetection.ofProcess() == LeakDetection.PARANOID;

    private static final ThreadLocal<LoopMemory> OF_THREAD = ThreadLocal.withInitial(LoopMemory::new);

    /** Memory, and how much of it may be anything but zero. */
    static final class Block {
        final ByteBuffer bytes = ByteBuffer.allocateDirect(BLOCK_SIZE);
        private int used;

        /** A read has filled it so far. What others have left behind that goes, as a callback may move the limits of its view. */
        void filled(int count) {
            if (used > count) {
                bytes.put(count, ZEROS, 0, used - count);
            }
            used = count;
        }
    }

    private static final byte[] ZEROS = new byte[BLOCK_SIZE];

    private final @Nullable Block[] kept = new Block[MOST_KEPT];
    private int count;

    private LoopMemory() {}

    static LoopMemory ofThread() {
        return OF_THREAD.get();
    }

    /** A block that nobody else has. */
    Block take() {
        Block block = count == 0 ? null : kept[--count];
        if (block == null) {
            return new Block();
        }
        kept[count] = null;
        return block;
    }

    /** Nobody looks at it any more; {@code used} bytes of it were. */
    void giveBack(Block block, int used) {
        if (PARANOID) {
            for (int i = 0; i < used; i++) {
                block.bytes.put(i, LeakDetection.POISON);
            }
        }
        if (count < MOST_KEPT) {
            kept[count++] = block;
        }
    }

    /** Whether the next reader is to see another object than the one before, so that whoever has kept that is found out. */
    static boolean isParanoid() {
        return PARANOID;
    }
}
