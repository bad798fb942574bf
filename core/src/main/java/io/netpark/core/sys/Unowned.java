package io.netpark.core.sys;

/**
 * A descriptor number from the moment at which the kernel gives it until somebody owns it: closed at the end of a {@code try},
 * unless it was {@linkplain #release released}. Made before the system call, so that nothing can go wrong between that and the
 * {@code try}: not even the memory for an object can be missing.
 *
 * <pre>{@code
 *   try (Unowned event = new Unowned(libc)) {
 *       event.hold(libc.eventfd(0, flags));
 *       OpenDescriptor owner = OpenDescriptor.of(libc, event.fd());
 *       event.release();
 *   }
 * }</pre>
 *
 * NOT thread safe.
 *
 * <p>For Netpark's own adapters.
 */
public final class Unowned implements AutoCloseable {

    private static final int NONE = -1;

    private final LibC libc;
    /** NONE --hold--> a number --release--> NONE; closed instead, if that has not come. */
    private int fd = NONE;

    /** Of numbers that this C library gives. */
    public Unowned(LibC libc) {
        this.libc = libc;
    }

    /**
     * Takes the result of a system call that makes a descriptor.
     *
     * @param result the number, or minus errno
     * @return the same
     */
    public int hold(int result) {
        fd = result < 0 ? NONE : result;
        return result;
    }

    /** The number; -1 if there is none. */
    public int fd() {
        return fd;
    }

    /** Whether it is this that will close it. */
    public boolean isHeld() {
        return fd != NONE;
    }

    /** Somebody else owns it from now on. Returns the number. */
    public int release() {
        int released = fd;
        fd = NONE;
        return released;
    }

    @Override
    public void close() {
        if (fd != NONE) {
            libc.close(release());
        }
    }
}
