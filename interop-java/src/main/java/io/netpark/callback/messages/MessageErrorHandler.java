package io.netpark.callback.messages;

import io.netpark.core.sys.NetparkException;

/** Told of a message that could not be sent later, or of what the network says of earlier ones, on the socket's event loop. */
@FunctionalInterface
public interface MessageErrorHandler {

    /**
     * @param error {@link NetparkException.Refused} if nobody is there, {@link NetparkException.Unreachable} and so on; the socket
     *     is open and goes on
     * @throws Exception whatever; it is reported
     */
    void failed(CallbackMessages socket, NetparkException error) throws Exception;
}
