package io.netpark.blocking;

/** Serves one connection, on a thread of its own. */
@FunctionalInterface
public interface BlockingHandler {

    /**
     * Serves a connection from its beginning to its end. When this returns, what the writer holds is flushed and the connection is
     * closed.
     *
     * @throws Exception whatever: what the writer holds is dropped and the connection is closed, by a reset in the midst of an answer
     */
    void handle(BlockingConnection connection) throws Exception;
}
