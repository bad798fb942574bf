package io.netpark.core.net.messages;

import io.netpark.core.counting.Counters;
import io.netpark.core.fd.Direction;
import io.netpark.core.linux.IoVec;
import io.netpark.core.linux.Linux;
import io.netpark.core.linux.MsgHdr;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.memory.DirectBuffers;
import io.netpark.core.memory.NativeMemory;
import io.netpark.core.net.scratch.Scratch;
import io.netpark.core.net.socket.DescriptorPassing;
import io.netpark.core.net.socket.PassedDescriptors;
import io.netpark.core.net.socket.SocketDescriptor;
import io.netpark.core.sys.Errno;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.SockAddr;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;
import org.jspecify.annotations.Nullable;

/** The incoming half of a {@link MessageDescriptor}. */
public abstract sealed class MessageInput extends SocketDescriptor permits MessageOutput {

    /** Returned by a receive of sequenced packets: the peer has closed its socket, or shut down its output. */
    public static final int END_OF_STREAM = -1;

    /** What no errno is. */
    private static final long END = Long.MIN_VALUE;

    final int family;
    final boolean packets;
    /** The peer of sequenced packets has reset them. The kernel says so once, to whichever operation comes first. */
    private volatile boolean reset;

    /** @param packets whether these are sequenced packets, which end */
    MessageInput(EventLoop loop, int fd, int family, boolean packets) {
        super(loop, fd);
        this.family = family;
        this.packets = packets;
    }

    /**
     * Receives a message, at most as much of it as {@code target} has room for, and advances its position.
     *
     * @param envelope gets what is known of the message; null if that is not wanted
     * @param into descriptors that come with the message, which must hold none; null if none are wanted
     * @return the number of bytes, which may be 0; {@link #END_OF_STREAM}; or {@link #PARK}
     * @throws NetparkException.Refused if the socket is connected and nobody is there; it can go on
     * @throws NetparkException.Reset if the peer of sequenced packets has closed its socket with messages unread
     * @throws NetparkException.TimedOut if the read deadline has passed, even if there is a message
     * @throws NetparkException.Closed if the socket is closed
     * @throws IllegalStateException if descriptors are wanted from a socket that is not a unix socket
     */
    public int startReceive(ByteBuffer target, @Nullable Envelope envelope, @Nullable PassedDescriptors into)
            throws NetparkException {
        if (target.isReadOnly()) {
            throw new ReadOnlyBufferException();
        }
        if (into != null) {
            if (family != Linux.AF_UNIX) {
                throw DescriptorPassing.notUnix(this);
            }
            DescriptorPassing.requireEmpty(into);
        }
        return perform(Direction.READ, false, RECEIVE, this, target, envelope, into);
    }

    /** Goes on with {@link #startReceive}. */
    public int retryReceive(ByteBuffer target, @Nullable Envelope envelope, @Nullable PassedDescriptors into)
            throws NetparkException {
        return perform(Direction.READ, true, RECEIVE, this, target, envelope, into);
    }

    private static final WideOperation<MessageInput, ByteBuffer, @Nullable Envelope, @Nullable PassedDescriptors, NetparkException>
            RECEIVE = MessageInput::attemptReceive;

    private int attemptReceive(ByteBuffer target, @Nullable Envelope envelope, @Nullable PassedDescriptors into)
            throws NetparkException {
        Scratch scratch = Scratch.take();
        long result;
        try {
            result = receive(scratch, target, envelope, into);
        } finally {
            scratch.giveBack();
        }
        return received(result, result);
    }

    private long receive(Scratch scratch, ByteBuffer target, @Nullable Envelope envelope, @Nullable PassedDescriptors into) {
        // No datagram of IP has more than the scratch has room for.
        int room = target.isDirect() || family == Linux.AF_UNIX
                ? target.remaining() : Math.min(target.remaining(), Scratch.CAPACITY);
        NativeMemory copy = target.isDirect() || room <= Scratch.CAPACITY ? null : NativeMemory.allocate(room);
        long address = target.isDirect() ? DirectBuffers.address(target) + target.position()
                : copy != null ? copy.address() : scratch.address(Scratch.BYTES);
        ByteBuffer memory = scratch.memory();
        IoVec.write(memory, Scratch.IOVECS, 0, address, room);
        long result;
        do {
            MsgHdr.write(memory, Scratch.MSGHDR, scratch.address(Scratch.SOCKADDR), SockAddr.MAX_SIZE,
                    scratch.address(Scratch.IOVECS), 1,
                    into == null ? 0 : scratch.address(Scratch.CONTROL), into == null ? 0 : DescriptorPassing.ROOM);
            // MSG_TRUNC: the result is how long the message was (recv(2)).
            result = libc().recvmsg(fd(), scratch.address(Scratch.MSGHDR), Linux.MSG_TRUNC | Linux.MSG_CMSG_CLOEXEC);
        } while (result == -Errno.EINTR);
        Reference.reachabilityFence(target);
        if (result < 0) {
            return result;
        }
        if (into != null) {
            DescriptorPassing.read(libc(), memory, into);
        }
        if (result == 0 && packets && (into == null || into.count() + into.surplus() == 0)) {
            return END;
        }
        int length = (int) Math.min(result, room);
        if (!target.isDirect()) {
            target.put(target.position(), copy != null ? copy.buffer() : memory, copy != null ? 0 : Scratch.BYTES, length);
        }
        target.position(target.position() + length);
        if (envelope != null) {
            envelope.fill(memory, Scratch.SOCKADDR, MsgHdr.nameLength(memory, Scratch.MSGHDR), (int) result, result > room);
        }
        return length;
    }

    @Override
    protected final void noteFailure(int errno) {
        if (packets && errno == Errno.ECONNRESET) {
            reset = true;
        }
    }

    /** For a receiver at an end: a sender that was told otherwise may be about to say so. */
    private boolean isReset() {
        for (int looks = 0; !reset && othersMayTell(looks); looks++) {
            Thread.yield();
        }
        return reset;
    }

    /** What a system call's result means to a receive. */
    private int received(long result, long bytes) throws NetparkException {
        if (result == -Errno.EAGAIN) {
            return PARK;
        }
        if (result == END && !isReset()) {
            return END_OF_STREAM;
        }
        if (result < 0) {
            int errno = result == END ? Errno.ECONNRESET : (int) -result;
            noteFailure(errno);
            throw NetparkException.of(errno, operation(Direction.READ));
        }
        Counters counters = loop().counters();
        if (counters != null) {
            counters.read(bytes, loop().inLoop());
        }
        return (int) result;
    }

    /**
     * Receives the messages that are there, as many as a batch holds, by one recvmmsg(2). What the batch held is forgotten, also
     * when this parks.
     *
     * @return how many messages, at least 1; {@link #END_OF_STREAM}; or {@link #PARK}. Throws as
     *     {@link #startReceive(ByteBuffer, Envelope, PassedDescriptors)} does
     */
    public int startReceive(MessageBatch batch) throws NetparkException {
        return perform(Direction.READ, false, RECEIVE_BATCH, this, batch, 0);
    }

    /** Goes on with {@link #startReceive(MessageBatch)}. */
    public int retryReceive(MessageBatch batch) throws NetparkException {
        return perform(Direction.READ, true, RECEIVE_BATCH, this, batch, 0);
    }

    private static final Operation<MessageInput, MessageBatch, NetparkException> RECEIVE_BATCH =
            (self, batch, most) -> self.attemptReceive(batch);

    private int attemptReceive(MessageBatch batch) throws NetparkException {
        long result;
        do {
            result = libc().recvmmsg(fd(), batch.prepareToReceive(), batch.capacity(), Linux.MSG_TRUNC);
        } while (result == -Errno.EINTR);
        Reference.reachabilityFence(batch);
        if (result < 0) {
            return received(result, 0);
        }
        batch.received((int) result, packets);
        return received(batch.count() == 0 ? END : batch.count(), batch.receivedBytes());
    }
}
