package io.netpark.callback.messages;

/** Told that something has happened to a message socket, on its event loop. */
@FunctionalInterface
public interface MessageSocketHandler {

    /**
     * @throws Exception whatever; it is reported, and the socket goes on
     */
    void handle(CallbackMessages socket) throws Exception;
}
