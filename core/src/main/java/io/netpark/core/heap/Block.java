package io.netpark.core.heap;

import io.netpark.core.sys.Binding;
import java.nio.ByteBuffer;

/**
 * A zeroed block of memory outside the heap whose owner gives it back to the operating system, at once. The garbage collector gives
 * back a block that becomes unreachable before that.
 *
 * <p>Where a block comes from depends on the JDK.
 *
 * <table>
 *   <caption>Sources</caption>
 *   <tr><td>up to JDK 21</td><td>a direct buffer, freed by {@code Unsafe.invokeCleaner}; newer JDKs warn of that method, and will
 *       lose it</td></tr>
 *   <tr><td>from JDK 22 on, and without {@code jdk.unsupported}</td><td>the heap of the C library, through the binding that is in
 *       use</td></tr>
 *   <tr><td>without either</td><td>a direct buffer that the collector frees</td></tr>
 * </table>
 *
 * <p>For Netpark's own adapters.
 */
public final class Block {

    /** One way to have such memory. */
    interface Source {
        /** @throws OutOfMemoryError if there is none, or the JVM's limit for direct memory is reached */
        Block allocate(int size);
    }

    private static final String FFM_HEAP = "io.netpark.core.heap.FfmHeap";

    /** Made when the first block is asked for: then the binding is chosen. */
    private static final class Chosen {
        static final Source SOURCE = choose();
    }

    private final ByteBuffer memory;
    private final Runnable giveBack;

    /** @param giveBack has no effect when it runs again */
    Block(ByteBuffer memory, Runnable giveBack) {
        this.memory = memory;
        this.giveBack = giveBack;
    }

    /**
     * A block of {@code size} bytes, aligned to at least 8.
     *
     * @throws OutOfMemoryError if there is none, or the JVM's limit for direct memory is reached (-XX:MaxDirectMemorySize)
     */
    public static Block allocate(int size) {
        return Chosen.SOURCE.allocate(size);
    }

    /** All of it, big-endian. Shared: use absolute access, or {@code duplicate} it. */
    public ByteBuffer memory() {
        return memory;
    }

    /**
     * Gives it back. Neither the buffer nor a view of it may be used afterwards: that would be the end of the process. Never
     * throws; calling it again has no effect.
     */
    public void free() {
        giveBack.run();
    }

    private static Source choose() {
        try {
            if (Runtime.version().feature() < 22) {
                Source direct = UnsafeCleaner.find();
                return direct != null ? direct : new JnaHeap();
            }
            return Binding.choose(System.getProperty(Binding.PROPERTY, "auto")) == Binding.JNA ? new JnaHeap()
                    : (Source) Class.forName(FFM_HEAP).getDeclaredConstructor().newInstance();
        } catch (ReflectiveOperationException | RuntimeException | LinkageError e) {
            return Block::collected; // whoever opens the binding is told what is wrong with it
        }
    }

    private static Block collected(int size) {
        return new Block(ByteBuffer.allocateDirect(size), () -> { });
    }
}
