package io.netpark.callback;

/** Told of what has gone wrong with a connection, on the connection's event loop. */
@FunctionalInterface
public interface FailureHandler {

    /**
     * @param failure what a callback threw; or a {@link io.netpark.core.sys.NetparkException} of the connection itself, which is then
     *     the cause that the close callbacks get
     * @throws Exception whatever; it is reported, and {@code failure} with it
     */
    void failed(CallbackConnection connection, Throwable failure) throws Exception;
}
