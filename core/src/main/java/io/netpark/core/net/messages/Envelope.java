package io.netpark.core.net.messages;

import io.netpark.core.sys.AddressText;
import io.netpark.core.sys.SockAddr;
import io.netpark.core.sys.UnixAddress;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * What is known of a message besides its bytes: its length and its sender. Made once, and filled by one
 * {@link MessageDescriptor#startReceive receive} after another; NOT thread safe.
 */
public final class Envelope {

    private final byte[] name = new byte[SockAddr.MAX_SIZE];
    private final ByteBuffer view = ByteBuffer.wrap(name).order(ByteOrder.nativeOrder());
    private int nameLength;
    private int length;
    private boolean truncated;

    /** An empty one. */
    public Envelope() {}

    void fill(ByteBuffer memory, int offset, int nameLength, int length, boolean truncated) {
        this.nameLength = Math.min(nameLength, name.length);
        memory.get(offset, name, 0, this.nameLength);
        this.length = length;
        this.truncated = truncated;
    }

    /** Bytes that the message had when it was sent, also those for which there was no room. */
    public int length() {
        return length;
    }

    /** Whether the message had more bytes than there was room for. The rest is lost. */
    public boolean isTruncated() {
        return truncated;
    }

    /**
     * The sender's address: an {@link java.net.InetSocketAddress} or a {@link UnixAddress}, unnamed if the sender is not bound, or
     * has connected. A new object each time it is asked for.
     */
    public SocketAddress sender() {
        return SockAddr.read(view, 0, nameLength);
    }

    @Override
    public String toString() {
        return length + " bytes from " + AddressText.of(sender()) + (truncated ? ", truncated" : "");
    }
}
