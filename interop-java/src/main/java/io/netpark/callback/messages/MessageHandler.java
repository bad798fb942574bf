package io.netpark.callback.messages;

/** Told of a message, on the event loop of its socket, never two at a time for one socket. */
@FunctionalInterface
public interface MessageHandler {

    /**
     * @param message valid only until this returns: the memory then serves other messages
     * @throws Exception whatever; it is reported, and the socket goes on with the next message
     */
    void message(CallbackMessages socket, Message message) throws Exception;
}
