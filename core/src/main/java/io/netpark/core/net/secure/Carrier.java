package io.netpark.core.net.secure;

import io.netpark.core.fd.Direction;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.poll.Pollable;
import io.netpark.core.sys.LibC;
import io.netpark.core.sys.NetparkException;

/** The connection that carries TLS: what a {@link SecureLayer} needs of it. Calls never wait. */
public interface Carrier {

    EventLoop loop();

    /** What is watched by the loop's poller, for observers. */
    Pollable connection();

    LibC libc();

    /** The number of the socket. Valid while a reference is held, and at the very end. */
    int fd();

    boolean isClosed();

    /** Takes a reference, to be dropped by {@link #release}; false if the connection is closed. */
    boolean acquire();

    void release();

    /** As {@link Wire#isKnownEmpty}. */
    boolean isKnownEmpty();

    /** As {@link Wire#noteRead}. */
    void noteRead(boolean shorter);

    /** The socket has given or taken bytes, of whatever kind of records. */
    void noteMoved();

    /** The socket has failed so. */
    void noteFailure(int errno);

    /** Has the poller report something once, where it does not report everything anyway. */
    void askFor(int interest) throws NetparkException;

    /** Pretends readiness: what is parked looks again. */
    void nudge(Direction direction);

    /** Ends the socket's output, behind all that was sent. */
    void endOutput() throws NetparkException;

    /**
     * From now on whoever closes the connection closes it so that the peer can still read what was sent last; so does a close that
     * waits for the caller's reference. To be called with one, before anybody learns of a failure.
     */
    void lingerOnClose();

    /** Closes the connection so that the peer can still read why. */
    void closeAfterFailure();

    /** Closes the connection. */
    void close();

    /** What an operation is called in messages. */
    String operation(Direction direction);

    /** The peer, as it is called in messages. */
    String peer();
}
