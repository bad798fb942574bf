package io.netpark.callback;

import io.netpark.core.sys.NetparkException;
import org.jspecify.annotations.Nullable;

/** Told that a connection is closed, once, on the connection's event loop. */
@FunctionalInterface
public interface CloseHandler {

    /**
     * @param cause null for a normal end: the peer's end of stream with everything written, or a close here. Otherwise
     *     {@link NetparkException.Reset} if the peer broke it off, {@link NetparkException.TimedOut},
     *     {@link NetparkException.LimitExceeded}, what a callback threw that its peer had done, or
     *     {@link NetparkException.Closed} if the server, the client or the event loop was closed under it, or a
     *     callback threw (that is then {@link Throwable#getCause}).
     * @throws Exception whatever; it is reported, and the other close callbacks run nevertheless
     */
    void closed(CallbackConnection connection, @Nullable NetparkException cause) throws Exception;
}
