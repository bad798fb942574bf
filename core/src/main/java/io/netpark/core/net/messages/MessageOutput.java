package io.netpark.core.net.messages;

import io.netpark.core.counting.Counters;
import io.netpark.core.fd.Direction;
import io.netpark.core.linux.IoVec;
import io.netpark.core.linux.Linux;
import io.netpark.core.linux.MsgHdr;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.memory.DirectBuffers;
import io.netpark.core.memory.NativeMemory;
import io.netpark.core.net.address.Addresses;
import io.netpark.core.net.scratch.Scratch;
import io.netpark.core.net.socket.DescriptorPassing;
import io.netpark.core.sys.AddressText;
import io.netpark.core.sys.Errno;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.OpenDescriptor;
import io.netpark.core.sys.Rights;
import io.netpark.core.sys.SockAddr;
import java.lang.ref.Reference;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * The outgoing half of a {@link MessageDescriptor}. Where the kernel does not report when there is room again, a {@link SendPause}
 * tries anew after a while.
 */
public abstract sealed class MessageOutput extends MessageInput permits MessageDescriptor {

    /** The peer of a connected socket. Null for none. */
    volatile @Nullable SocketAddress remote;
    /** Made when first needed, by the operation that holds the write lock. */
    private volatile @Nullable SendPause pause;

    /** @param packets whether these are sequenced packets */
    MessageOutput(EventLoop loop, int fd, int family, boolean packets, @Nullable SocketAddress remote) {
        super(loop, fd, family, packets);
        this.remote = remote;
    }

    // A message

    /**
     * Sends a message, whole; its position advances to its limit then. Parks while the kernel, or a unix receiver, has no room
     * for it.
     *
     * @param to resolved; null for the peer of a connected socket
     * @param descriptors to go with the message, for a unix socket only, at most 253. They stay the caller's, open until this
     *     has returned something else than PARK; the receiver gets descriptors of its own
     * @return 0 when it is sent, or {@link #PARK}
     * @throws NetparkException.Refused if nobody is there; of UDP that may be about an earlier message. It can go on
     * @throws NetparkException.Reset if the peer of sequenced packets is gone
     * @throws NetparkException naming the address, and what to do: too long, not connected, not permitted
     * @throws NetparkException.TimedOut if the write deadline has passed
     * @throws NetparkException.Closed if the socket is closed
     * @throws IllegalArgumentException if a socket of this family cannot reach the address
     */
    public int startSend(ByteBuffer source, @Nullable SocketAddress to, OpenDescriptor... descriptors) throws NetparkException {
        if (descriptors.length > 0) {
            DescriptorPassing.require(descriptors);
            if (family != Linux.AF_UNIX) {
                throw DescriptorPassing.notUnix(this);
            }
        }
        return perform(Direction.WRITE, false, SEND, this, source, to, descriptors);
    }

    /** Goes on with {@link #startSend}. */
    public int retrySend(ByteBuffer source, @Nullable SocketAddress to, OpenDescriptor... descriptors) throws NetparkException {
        return perform(Direction.WRITE, true, SEND, this, source, to, descriptors);
    }

    private static final WideOperation<MessageOutput, ByteBuffer, @Nullable SocketAddress, OpenDescriptor[], NetparkException>
            SEND = MessageOutput::attemptSend;

    private int attemptSend(ByteBuffer source, @Nullable SocketAddress to, OpenDescriptor[] descriptors) throws NetparkException {
        int length = source.remaining();
        Scratch scratch = Scratch.take();
        long result;
        try {
            result = send(scratch, source, to == null ? null : Addresses.usable(to), descriptors);
        } finally {
            scratch.giveBack();
        }
        if (result >= 0) {
            source.position(source.limit());
            written(length);
            return sent(null);
        }
        if (parksSending(result, to)) {
            return PARK;
        }
        NetparkException failure =
                SendFailure.of((int) -result, family, sendTo(to), length + " bytes", descriptors.length > 0);
        refused(result, to);
        return sent(failure);
    }

    private long send(Scratch scratch, ByteBuffer source, @Nullable SocketAddress to, OpenDescriptor[] descriptors) {
        int length = source.remaining();
        NativeMemory copy = source.isDirect() || length <= Scratch.CAPACITY ? null : NativeMemory.allocate(length);
        ByteBuffer memory = scratch.memory();
        long address;
        if (source.isDirect()) {
            address = DirectBuffers.address(source) + source.position();
        } else if (copy != null) {
            copy.buffer().put(0, source, source.position(), length);
            address = copy.address();
        } else {
            memory.put(Scratch.BYTES, source, source.position(), length);
            address = scratch.address(Scratch.BYTES);
        }
        int nameLength = to == null ? 0 : SockAddr.write(memory, Scratch.SOCKADDR, to, family);
        IoVec.write(memory, Scratch.IOVECS, 0, address, length);
        long result;
        Rights.hold(descriptors);
        try {
            int control = descriptors.length == 0 ? 0 : DescriptorPassing.write(memory, descriptors);
            MsgHdr.write(memory, Scratch.MSGHDR, nameLength == 0 ? 0 : scratch.address(Scratch.SOCKADDR), nameLength,
                    scratch.address(Scratch.IOVECS), 1, control == 0 ? 0 : scratch.address(Scratch.CONTROL), control);
            do {
                result = libc().sendmsg(fd(), scratch.address(Scratch.MSGHDR), Linux.MSG_NOSIGNAL);
            } while (result == -Errno.EINTR);
        } finally {
            Rights.release(descriptors);
        }
        Reference.reachabilityFence(source);
        Reference.reachabilityFence(copy);
        return result;
    }

    /** The kernel has disconnected a unix socket whose peer is gone ({@code unix_dgram_sendmsg}). */
    private void refused(long result, @Nullable SocketAddress to) {
        noteFailure((int) -result);
        if (result == -Errno.ECONNREFUSED && family == Linux.AF_UNIX && to == null) {
            remote = null;
        }
    }

    /** Whether an errno is a reason to wait. */
    private boolean parksSending(long result, @Nullable SocketAddress to) {
        boolean unreported = result == -Errno.ENOBUFS || result == -Errno.EAGAIN && family == Linux.AF_UNIX && to != null;
        if (!unreported && result != -Errno.EAGAIN) {
            return false;
        }
        if (unreported) {
            SendPause waiting = pause;
            if (waiting == null) {
                waiting = new SendPause(this);
                pause = waiting;
            }
            waiting.begin();
        } else {
            endPause();
        }
        return true;
    }

    private void endPause() {
        SendPause waiting = pause;
        if (waiting != null) {
            waiting.end();
        }
    }

    /** Asks the poller for nothing during a pause: a poller that reports what is ready now would keep the loop spinning. */
    @Override
    protected void requestReport(Direction direction) throws NetparkException {
        SendPause waiting = direction == Direction.WRITE ? pause : null;
        if (waiting == null || !waiting.isPausing()) {
            super.requestReport(direction);
        }
    }

    // A batch of messages

    /**
     * Sends the messages of a batch that have not been sent, by as few sendmmsg(2) as possible. {@link MessageBatch#sent} tells
     * how far it got, also when this parks or throws: then that is the message it is about, and starting again goes on with
     * it, unless it is {@linkplain MessageBatch#skip passed over}.
     *
     * @return 0 when all are sent, or {@link #PARK}. Throws as {@link #startSend(ByteBuffer, SocketAddress, OpenDescriptor...)} does
     */
    public int startSend(MessageBatch batch) throws NetparkException {
        batch.prepareToSend(family);
        return perform(Direction.WRITE, false, SEND_BATCH, this, batch, 0);
    }

    /** Goes on with {@link #startSend(MessageBatch)}. */
    public int retrySend(MessageBatch batch) throws NetparkException {
        return perform(Direction.WRITE, true, SEND_BATCH, this, batch, 0);
    }

    private static final Operation<MessageOutput, MessageBatch, NetparkException> SEND_BATCH =
            (self, batch, most) -> self.attemptSend(batch);

    private int attemptSend(MessageBatch batch) throws NetparkException {
        long bytes = 0;
        long result = 0;
        try {
            while (result >= 0 && batch.sent() < batch.count()) {
                do {
                    result = libc().sendmmsg(fd(), batch.next(), batch.count() - batch.sent(), Linux.MSG_NOSIGNAL);
                } while (result == -Errno.EINTR);
                if (result > 0) {
                    bytes += batch.advance((int) result);
                }
            }
        } finally {
            Reference.reachabilityFence(batch);
            if (bytes > 0) {
                written(bytes);
                endPause();
            }
        }
        if (bytes > 0) {
            beginTime(Direction.WRITE);
        }
        if (result >= 0) {
            return sent(null);
        }
        SocketAddress to = batch.nextAddress();
        if (parksSending(result, to)) {
            return PARK;
        }
        NetparkException failure = SendFailure.of((int) -result, family, sendTo(to), batch.describeNext(), false);
        refused(result, to);
        return sent(failure);
    }

    // The end of either

    /** Ends a send: throws its failure, if there is one. */
    private int sent(@Nullable NetparkException failure) throws NetparkException {
        endPause();
        if (failure != null) {
            throw failure;
        }
        return 0;
    }

    private void written(long bytes) {
        Counters counters = loop().counters();
        if (counters != null && bytes > 0) {
            counters.written(bytes, loop().inLoop());
        }
    }

    @Override
    protected void destroyed() {
        SendPause waiting = pause;
        if (waiting != null) {
            waiting.stop();
        }
    }

    // What it is called, in messages

    final String sendTo(@Nullable SocketAddress to) {
        return to == null ? "send" + addresses(" to ") : "send" + addresses("") + " to " + AddressText.of(to);
    }

    /** {@code on 127.0.0.1:80 to 127.0.0.1:70}. */
    final String addresses(String relation) {
        SocketAddress local = knownLocalAddress();
        SocketAddress peer = remote;
        return (local == null ? "" : " on " + AddressText.of(local))
                + (peer == null || relation.isEmpty() ? "" : relation + AddressText.of(peer));
    }
}
