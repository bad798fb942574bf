package io.netpark.blocking;

/** Told of what has gone wrong with a connection that is served, on its handler's thread; or, if it got none, where it was accepted. */
@FunctionalInterface
public interface BlockingFailureHandler {

    /**
     * @param connection closed, or about to be
     * @param failure what the handler has thrown, or the executor that was to run it
     * @throws Exception whatever; it is reported, and {@code failure} with it
     */
    void failed(BlockingConnection connection, Throwable failure) throws Exception;
}
