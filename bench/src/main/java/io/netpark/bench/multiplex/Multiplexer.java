package io.netpark.bench.multiplex;

import java.io.Closeable;

/** A way to wait for many descriptors, asked whether they are readable. */
interface Multiplexer extends Closeable {

    /** How it is made. */
    @FunctionalInterface
    interface Factory {
        /** @param fds what is to be watched */
        Multiplexer open(int[] fds);
    }

    /** Looks once, without waiting, and visits those that are ready as a server would: returns how many. */
    int look();

    @Override
    default void close() {}
}
