package io.netpark.callback.messages;

import io.netpark.core.sys.NetparkException;
import org.jspecify.annotations.Nullable;

/** Told that a message socket is closed, once, on its event loop, after everything else that it is told of. */
@FunctionalInterface
public interface MessageCloseHandler {

    /**
     * @param cause null for a normal end: a close here, or the end of the peer's packets. Otherwise {@link NetparkException.Reset}
     *     if the peer of packets broke it off, or {@link NetparkException.Closed} if the server or the event loop was closed
     * @throws Exception whatever; it is reported
     */
    void closed(CallbackMessages socket, @Nullable NetparkException cause) throws Exception;
}
