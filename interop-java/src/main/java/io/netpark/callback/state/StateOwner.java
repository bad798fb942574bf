package io.netpark.callback.state;

/** What the end of a connection and its idle timeout need to know of the connection, and whom they tell. */
public interface StateOwner {

    /** From any thread: bytes were accepted that the kernel has not taken, so a peer that finds an end has not got all. */
    boolean hasPendingOutput();

    /** On the loop: the peer waits for this side, and not the other way round. */
    boolean isAtWork();

    /** On the loop, once, as a task: the connection has ended, and its socket is closed. */
    void ended();

    /** From any thread: something was thrown on behalf of the connection after its end. */
    void thrown(String because, Throwable thrown);
}
