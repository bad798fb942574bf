package io.netpark.core.poll;

import org.jspecify.annotations.Nullable;

/**
 * What a poller watches: a descriptor together with whoever is told about it. One registration at a time; the
 * {@linkplain #token() token} names it and is never used again for another.
 */
public abstract class Pollable {

    /** No registration. */
    static final long UNREGISTERED = 0;

    /** Written by the poller's slot table; read by any thread. */
    private volatile long token = UNREGISTERED;

    /** For subclasses. */
    protected Pollable() {}

    /** Slot index and generation of the registration (see {@link SlotTable}); 0 when there is none. */
    public final long token() {
        return token;
    }

    final void token(long token) {
        this.token = token;
        if (token != UNREGISTERED) {
            registered((int) (token >>> 32));
        }
    }

    /** A registration begins, with this generation; the kernel does not know of it yet, so no event has come. */
    protected void registered(int generation) {}

    /**
     * Takes readiness in, on the thread that waited, while the rest of the batch is still unread: it may note what it
     * learnt and hand waiters to {@code woken}, but runs no user code.
     */
    public abstract void ready(int readiness, WokenBatch woken);

    /** The poller closes: nothing more will be reported. Called once, on the closing thread. */
    public abstract void pollerClosed(WokenBatch woken);

    /** Whose it is, for somebody who looks, on any thread: the class of a handler, or of callbacks. Null if nobody has said so. */
    public @Nullable String handler() {
        return null;
    }

    /** How many operations are parked, at about this moment. */
    public int parked() {
        return 0;
    }
}
