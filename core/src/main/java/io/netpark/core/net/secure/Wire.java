package io.netpark.core.net.secure;

/** The socket under a TLS connection: what records need of it. Calls never wait. */
public interface Wire {

    /**
     * Reads ciphertext.
     *
     * @return how many bytes, 0 at the end, or minus errno; never minus EINTR
     */
    long receive(long address, int length);

    /**
     * Writes ciphertext.
     *
     * @return how many bytes, or minus errno; never minus EINTR
     */
    long send(long address, int length);

    /** Whether a read that begins knows that there is nothing: it is asked once, and forgets it. */
    boolean isKnownEmpty();

    /** What a read has learnt: whether it got less than it had asked for. */
    void noteRead(boolean shorter);

    /**
     * Ciphertext is kept that the socket did not take: it is to be {@linkplain SecureStream#flush flushed} when there is room.
     *
     * @param full whether the socket has said that it has none: then the poller will tell when it has
     */
    void awaitRoom(boolean full);

    /** Whatever made a read wait for the peer to take answers has gone. Must not wait, nor call back. */
    void resumeReading();

    /** Behind the end of the output nothing is pending any more, whoever has sent it: the socket's output is to end. Must not wait. */
    void outputSent();

    /** The engine has a {@linkplain SecureStream#runTask task}, though the handshake is over. */
    void beginTask();
}
