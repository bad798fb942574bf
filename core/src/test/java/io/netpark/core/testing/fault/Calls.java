package io.netpark.core.testing.fault;

import io.netpark.core.heap.Block;
import io.netpark.core.sys.LibC;

/** What a program has of the system: calls, and memory for segments, which is counted and fails as a call does. */
public interface Calls {

    /** In the place of the name of a call: memory for a segment. */
    String MEMORY = "memory";

    /** By which it makes its calls. */
    LibC libc();

    /** Where its pool of segments has memory from. */
    Block allocate(int size);
}
