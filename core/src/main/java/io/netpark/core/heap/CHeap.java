package io.netpark.core.heap;

import java.lang.ref.Cleaner;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/**
 * {@link Block}s by calloc(3) and free(3). The JVM does not count them among its direct memory, so they are counted here,
 * against the same limit.
 */
abstract class CHeap implements Block.Source {

    /** Below this sum the limit is not asked for: that loads the JDK's management, and a limit so low stops nearly everything. */
    private static final long NEVER_TOO_MUCH = 4 * 1024 * 1024;

    /** The JVM's limit for direct memory, in bytes. */
    private static final class Limit {
        static final long BYTES = find();

        /** By reflection, as a program may run without the modules of these beans. */
        private static long find() {
            try {
                Class<?> type = Class.forName("com.sun.management.HotSpotDiagnosticMXBean");
                Object bean = Class.forName("java.lang.management.ManagementFactory")
                        .getMethod("getPlatformMXBean", Class.class).invoke(null, type);
                Object option = type.getMethod("getVMOption", String.class).invoke(bean, "MaxDirectMemorySize");
                long bytes = Long.parseLong((String) option.getClass().getMethod("getValue").invoke(option));
                return bytes > 0 ? bytes : Runtime.getRuntime().maxMemory();
            } catch (Throwable e) { // OutOfMemoryError too: an initializer that fails fails for good
                return Runtime.getRuntime().maxMemory(); // the JVM's own default
            }
        }
    }

    /** Gives back what nobody can reach any more. */
    private static final Cleaner LOST = Cleaner.create();
    /** Bytes of all blocks. */
    private static final AtomicLong ALLOCATED = new AtomicLong();

    /** Returns an address, or 0. */
    abstract long calloc(long size);

    abstract void free(long address);

    abstract ByteBuffer buffer(long address, int size);

    @Override
    public final Block allocate(int size) {
        Grant grant = new Grant(this, size);
        try {
            grant.obtain();
            ByteBuffer memory = buffer(grant.address, size);
            return new Block(memory, LOST.register(memory, grant)::clean);
        } catch (Throwable e) {
            grant.run();
            throw e;
        }
    }

    /** Memory, and its part of the sum. Ends once. */
    private static final class Grant extends AtomicBoolean implements Runnable {
        private static final long serialVersionUID = 1L;

        private final transient CHeap heap;
        private final int size;
        private long address;

        Grant(CHeap heap, int size) {
            this.heap = heap;
            this.size = size;
        }

        void obtain() {
            long sum = ALLOCATED.addAndGet(size);
            if (sum > NEVER_TOO_MUCH && sum > Limit.BYTES) {
                throw new OutOfMemoryError("Cannot reserve " + size + " bytes of direct memory: " + (sum - size)
                        + " are allocated, the limit is " + Limit.BYTES + " (-XX:MaxDirectMemorySize)");
            }
            address = heap.calloc(size);
            if (address == 0) {
                throw new OutOfMemoryError("Cannot allocate " + size + " bytes of native memory");
            }
        }

        @Override
        public void run() {
            if (compareAndSet(false, true)) {
                ALLOCATED.addAndGet(-size);
                if (address != 0) {
                    heap.free(address);
                }
            }
        }
    }
}
