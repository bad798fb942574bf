package io.netpark.simulation.description;

import io.netpark.core.sys.Errno;

/** How a system call fails: its errno. It has no stack, as failures are ordinary here. */
public final class Failure extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final int errno;

    /** @param errno positive, of {@link Errno} */
    public Failure(int errno) {
        super(Errno.describe(errno), null, false, false);
        this.errno = errno;
    }

    /** A positive number. */
    public int errno() {
        return errno;
    }
}
