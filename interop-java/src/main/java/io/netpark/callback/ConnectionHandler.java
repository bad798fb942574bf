package io.netpark.callback;

/** Told of something that happened to a connection, on the connection's event loop or on its {@link Workers}. */
@FunctionalInterface
public interface ConnectionHandler {

    /** @throws Exception whatever; it is reported, and the connection is closed */
    void handle(CallbackConnection connection) throws Exception;
}
