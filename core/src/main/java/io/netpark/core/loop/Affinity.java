package io.netpark.core.loop;

import io.netpark.core.memory.NativeMemory;
import io.netpark.core.sys.LibC;
import io.netpark.core.sys.NetparkException;

/** Binds threads to processors (sched_setaffinity(2)). */
final class Affinity {

    /** The size of the C library's {@code cpu_set_t}, in bits; the kernel ignores what it has not. */
    static final int MOST = 1024;

    private Affinity() {}

    /** Lets the calling thread run on this processor only. */
    static void pin(LibC libc, int processor) throws NetparkException {
        NativeMemory mask = NativeMemory.allocate(MOST / Byte.SIZE);
        for (int i = 0; i < MOST / Byte.SIZE; i++) {
            mask.buffer().put(i, (byte) 0);
        }
        mask.buffer().put(processor / Byte.SIZE, (byte) (1 << processor % Byte.SIZE)); // both architectures: little-endian
        int result = libc.schedSetaffinity(0, MOST / Byte.SIZE, mask.address());
        if (result < 0) {
            throw NetparkException.of(-result, "bind " + Thread.currentThread().getName() + " to processor " + processor);
        }
    }
}
