package io.netpark.core.net.messages;

import io.netpark.core.linux.IoVec;
import io.netpark.core.linux.Linux;
import io.netpark.core.linux.MMsgHdr;
import io.netpark.core.linux.MsgHdr;
import io.netpark.core.memory.NativeMemory;
import io.netpark.core.net.address.Addresses;
import io.netpark.core.sys.SockAddr;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Messages that are received, or sent, by one system call (recvmmsg(2), sendmmsg(2)), with an address each. Their memory is
 * allocated once, outside the heap: {@code capacity * (messageSize + 192)} bytes, which the garbage collector frees.
 *
 * <pre>
 *   empty --put, put …--> to be sent --send--> some sent --send--> all sent --clear--> empty
 *   any --receive--> received, the state of which is "to be sent": each to where it came from
 * </pre>
 *
 * So an answer is written over what it answers, and sending the batch sends every message back to its sender, without an
 * object being made. {@link #put} after receiving adds to what was received, unless the batch is {@linkplain #clear cleared}.
 *
 * <p>NOT thread safe, and not to be touched while an operation uses it.
 */
public final class MessageBatch {

    private final int messageSize;
    private final NativeMemory memory;
    private final ByteBuffer structs;
    private final int iovecs;
    private final int names;
    private final int payload;

    /** One view a message, made once. Position and limit tell what is sent of it. */
    private final ByteBuffer[] views;
    /** As it was when it was sent; and how much room it had. */
    private final int[] lengths;

    private int count;
    private int sent;
    /** So many structs, from the first on, are not as a receive wants them. */
    private int dirty;

    /**
     * Allocates a batch.
     *
     * @param capacity most messages, 1 to 1024 (the kernel takes no more at once)
     * @param messageSize most bytes of each; what is received beyond that is lost, and reported
     */
    public MessageBatch(int capacity, int messageSize) {
        if (capacity < 1 || capacity > Linux.IOV_MAX) {
            throw new IllegalArgumentException("a batch holds 1 to " + Linux.IOV_MAX + " messages, not " + capacity);
        }
        long bytes = (long) capacity * (MMsgHdr.SIZE + IoVec.SIZE + SockAddr.MAX_SIZE + (long) messageSize);
        if (messageSize < 1 || bytes > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("messages have at least 1 byte, and a batch less than 2 GiB: " + capacity
                    + " of " + messageSize + " bytes");
        }
        this.messageSize = messageSize;
        this.iovecs = capacity * MMsgHdr.SIZE;
        this.names = iovecs + capacity * IoVec.SIZE;
        this.payload = names + capacity * SockAddr.MAX_SIZE;
        this.memory = NativeMemory.allocate((int) bytes);
        this.structs = memory.buffer();
        this.views = new ByteBuffer[capacity];
        this.lengths = new int[capacity];
        for (int i = 0; i < capacity; i++) {
            views[i] = structs.slice(payload + i * messageSize, messageSize);
        }
        this.dirty = capacity;
    }

    /** Most messages it can hold. */
    public int capacity() {
        return views.length;
    }

    /** Most bytes a message can have. */
    public int messageSize() {
        return messageSize;
    }

    /** How many messages it holds: received, or put. */
    public int count() {
        return count;
    }

    /** How many of them have been sent, or {@linkplain #skip passed over}. */
    public int sent() {
        return sent;
    }

    private int require(int index) {
        return Objects.checkIndex(index, count);
    }

    /**
     * The bytes of a message, from position to limit: always the same object, a direct buffer in network order, valid until the
     * next operation with the batch. What is between position and limit when the batch is sent is what is sent; up to
     * {@link #messageSize} bytes can be written.
     */
    public ByteBuffer bytes(int index) {
        return views[require(index)];
    }

    /** How many bytes a received message had when it was sent, also those for which there was no room. */
    public int length(int index) {
        return lengths[require(index)];
    }

    /** Whether a received message had more bytes than there was room for. The rest is lost. */
    public boolean isTruncated(int index) {
        return lengths[require(index)] > messageSize;
    }

    /**
     * The sender of a received message, or the receiver of one that was put; unnamed if none was named. A new object each time it
     * is asked for; until then the address is a few bytes in the batch.
     */
    public SocketAddress address(int index) {
        int header = require(index) * MMsgHdr.SIZE;
        return SockAddr.read(structs, names + index * SockAddr.MAX_SIZE, MsgHdr.nameLength(structs, header));
    }

    // Filling

    /** Forgets all messages. */
    public void clear() {
        count = 0;
        sent = 0;
    }

    /**
     * Adds a copy of a message, whose position advances to its limit.
     *
     * @param to resolved; null for the peer of a connected socket
     * @return false if the batch is full
     * @throws IllegalArgumentException if the message has more than {@link #messageSize} bytes, or the address is unresolved
     */
    public boolean put(ByteBuffer message, @Nullable SocketAddress to) {
        if (message.remaining() > messageSize) {
            throw new IllegalArgumentException(
                    "a message of this batch has at most " + messageSize + " bytes, not " + message.remaining());
        }
        SocketAddress usable = to == null ? null : Addresses.ours(to);
        if (count == views.length) {
            return false;
        }
        int index = count;
        int nameLength = usable == null ? 0 : SockAddr.write(structs, names + index * SockAddr.MAX_SIZE, usable);
        MsgHdr.nameLength(structs, index * MMsgHdr.SIZE, nameLength);
        ByteBuffer view = views[index];
        view.clear();
        lengths[index] = message.remaining();
        view.put(message).flip();
        count++;
        dirty = Math.max(dirty, count);
        return true;
    }

    /**
     * Passes over the next message that would be sent: the one at {@link #sent}, after it has failed. Sending again goes on
     * behind it.
     */
    public void skip() {
        sent = Math.min(sent + 1, count);
    }

    /** All messages are to be sent, again. */
    public void rewind() {
        sent = 0;
    }

    // For the system calls

    /** Makes every struct one to receive with, and returns their address. */
    long prepareToReceive() {
        for (int i = 0; i < dirty; i++) {
            header(i, SockAddr.MAX_SIZE, messageSize, 0);
        }
        dirty = 0;
        clear();
        return memory.address();
    }

    private void header(int index, int nameLength, int length, int from) {
        int iovec = iovecs + index * IoVec.SIZE;
        int name = names + index * SockAddr.MAX_SIZE;
        long base = memory.address();
        IoVec.write(structs, iovec, 0, base + payload + (long) index * messageSize + from, length);
        MsgHdr.write(structs, index * MMsgHdr.SIZE, nameLength == 0 ? 0 : base + name, nameLength, base + iovec, 1, 0, 0);
    }

    /**
     * So many have come.
     *
     * @param endsEmpty the socket is at its end where there is nothing but empty messages
     */
    void received(int came, boolean endsEmpty) {
        dirty = came;
        int messages = came;
        while (endsEmpty && messages > 0 && MMsgHdr.length(structs, (messages - 1) * MMsgHdr.SIZE) == 0) {
            messages--;
        }
        count = messages;
        for (int i = 0; i < messages; i++) {
            int length = MMsgHdr.length(structs, i * MMsgHdr.SIZE);
            lengths[i] = length;
            views[i].position(0).limit(Math.min(length, messageSize));
        }
    }

    /** Bytes of the messages that a receive has brought, without what was lost. */
    long receivedBytes() {
        long bytes = 0;
        for (int i = 0; i < count; i++) {
            bytes += views[i].limit();
        }
        return bytes;
    }

    /**
     * Makes the structs of what is not sent yet ready to be sent.
     *
     * @throws IllegalArgumentException if a socket of this family cannot reach one of the addresses
     */
    void prepareToSend(int family) {
        for (int i = sent; i < count; i++) {
            int nameLength = MsgHdr.nameLength(structs, i * MMsgHdr.SIZE);
            if (nameLength > 0) {
                nameLength = SockAddr.fit(structs, names + i * SockAddr.MAX_SIZE, nameLength, family);
            }
            header(i, nameLength, views[i].remaining(), views[i].position());
        }
        dirty = Math.max(dirty, count);
    }

    /** Address of the struct of the next message to be sent. */
    long next() {
        return memory.address() + (long) sent * MMsgHdr.SIZE;
    }

    /** Returns the bytes of the messages that have just been sent. */
    long advance(int messages) {
        long bytes = 0;
        for (int end = sent + messages; sent < end; sent++) {
            bytes += views[sent].remaining();
        }
        return bytes;
    }

    /** The next message to be sent, for a message about it. */
    String describeNext() {
        return "message " + sent + " of " + count + ", of " + views[sent].remaining() + " bytes";
    }

    @Nullable SocketAddress nextAddress() {
        return MsgHdr.nameLength(structs, sent * MMsgHdr.SIZE) == 0 ? null : address(sent);
    }

    @Override
    public String toString() {
        return "batch of " + count + " of at most " + views.length + " messages, " + sent + " sent";
    }
}
