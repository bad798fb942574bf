package io.netpark.core.net.messages;

import io.netpark.core.counting.Counters;
import io.netpark.core.fd.Descriptor;
import io.netpark.core.fd.Direction;
import io.netpark.core.linux.IoVec;
import io.netpark.core.linux.Linux;
import io.netpark.core.linux.MsgHdr;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.memory.DirectBuffers;
import io.netpark.core.memory.NativeMemory;
import io.netpark.core.net.address.Addresses;
import io.netpark.core.net.address.Dialable;
import io.netpark.core.net.address.SocketFile;
import io.netpark.core.net.listening.ListenerDescriptor;
import io.netpark.core.net.options.Multicast;
import io.netpark.core.net.options.NetOption;
import io.netpark.core.net.options.NetOptions;
import io.netpark.core.net.options.PeerCredentials;
import io.netpark.core.net.scratch.Scratch;
import io.netpark.core.net.socket.Bound;
import io.netpark.core.net.socket.DescriptorPassing;
import io.netpark.core.poll.Interest;
import io.netpark.core.sys.AddressText;
import io.netpark.core.sys.Errno;
import io.netpark.core.sys.LibC;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.OpenDescriptor;
import io.netpark.core.sys.Rights;
import io.netpark.core.sys.SockAddr;
import io.netpark.core.sys.Unowned;
import java.lang.ref.Reference;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * A socket that keeps the boundaries of messages: UDP over IPv4 or IPv6 (udp(7)), datagrams of unix, or sequenced packets of
 * unix (unix(7)). Operations follow the template of {@link Descriptor}.
 *
 * <p>A message is received whole or cut to the room there is, which is reported, and sent whole or not at all. One without
 * bytes is a message like others, except for sequenced packets: there the kernel says "nothing" at the end of the stream as
 * well, so {@link #END_OF_STREAM} is what an empty packet looks like, and a protocol should have none.
 *
 * <p>Connected, a datagram socket exchanges messages with one peer only, and learns that nobody is there: the next operation
 * fails with {@link NetparkException.Refused}, after which the socket is as good as before; one of unix is not connected any more
 * then, and can be connected again.
 *
 * <p>Direct buffers are handed to the kernel as they are. Bytes of heap buffers pass through native memory; of more than 64 KiB
 * through some that is allocated for them. Plain receives drop descriptors that come with a message; the kernel closes them.
 *
 * <p>Ownership: the socket owns its descriptor and must be closed. The file of a bound unix path goes with it.
 */
public final class MessageDescriptor extends MessageInput {

    private final @Nullable SocketFile file;
    /** Whom it is connected to. */
    private volatile @Nullable SocketAddress remote;
    /** Made when first needed, by whoever holds the write lock. */
    private volatile @Nullable SendPause pause;

    private MessageDescriptor(EventLoop loop, int fd, int family, boolean packets, @Nullable SocketFile file,
            @Nullable SocketAddress remote) {
        super(loop, fd, family, packets);
        this.file = file;
        this.remote = remote;
    }

    // Opening

    /**
     * Binds a datagram socket. The IPv6 wildcard {@code ::} takes IPv4 as well, and so does an address without a host, as for a
     * {@link ListenerDescriptor}. SO_BROADCAST is on, as it is in Go; SO_REUSEADDR
     * is not, so two sockets cannot have one address unless options say so.
     *
     * <p>A unix path becomes a file, which is removed when the socket is closed, unless {@link #keepFile} says otherwise; one
     * that a killed process has left must be removed first. With an unnamed unix address it is not bound: such a socket can
     * send, and nobody can answer.
     *
     * @param address resolved, or a {@link io.netpark.core.sys.UnixAddress}; port 0 takes a free one
     * @throws NetparkException naming the address: in use, not of this machine, not permitted
     * @throws NetparkException.UnknownHost if the address is unresolved
     */
    public static MessageDescriptor bind(EventLoop loop, SocketAddress address, NetOptions options) throws NetparkException {
        MessageDescriptor socket;
        try (Bound bound = Bound.datagrams(loop.libc(), address, options)) {
            socket = new MessageDescriptor(loop, bound.fd(), SockAddr.family(bound.local()), false, bound.file(), null);
            socket.knowLocalAddress(bound.local());
            bound.release();
        }
        socket.register(Interest.PARKING);
        return socket;
    }

    /**
     * Opens a datagram socket that is connected to one peer, from an address that the kernel chooses. Nothing is sent by that.
     * A unix socket has no name then, so the peer cannot answer: to be answered {@link #bind} it, then {@link #connect}.
     *
     * @throws NetparkException if there is no way there, or (unix) nobody
     * @throws NetparkException.UnknownHost if the address is unresolved
     * @throws IllegalArgumentException if its port is 0, or it is unnamed
     */
    public static MessageDescriptor dial(EventLoop loop, SocketAddress remote, NetOptions options) throws NetparkException {
        return dial(loop, remote, options, Linux.SOCK_DGRAM);
    }

    /**
     * Connects a socket of sequenced packets to a {@link MessageListenerDescriptor}, at once: connecting never parks.
     *
     * @param remote a unix address
     * @throws NetparkException.Refused if nobody listens there
     * @throws NetparkException if the backlog is full, or the path cannot be used
     * @throws IllegalArgumentException if it is no unix address, or unnamed
     */
    public static MessageDescriptor dialPackets(EventLoop loop, SocketAddress remote, NetOptions options)
            throws NetparkException {
        MessageListenerDescriptor.requireUnix(remote);
        return dial(loop, remote, options, Linux.SOCK_SEQPACKET);
    }

    private static MessageDescriptor dial(EventLoop loop, SocketAddress remote, NetOptions options, int type)
            throws NetparkException {
        SocketAddress to = Dialable.require(Addresses.usable(remote));
        LibC libc = loop.libc();
        int family = SockAddr.family(to);
        MessageDescriptor socket;
        try (Unowned fresh = new Unowned(libc)) {
            int fd = fresh.hold(
                    libc.socket(family, type | Linux.SOCK_NONBLOCK | Linux.SOCK_CLOEXEC, Addresses.protocol(family, type)));
            if (fd < 0) {
                throw NetparkException.of(-fd, "socket to connect to " + AddressText.of(to));
            }
            if (family != Linux.AF_UNIX) {
                NetOptions.set(libc, fd, NetOption.BROADCAST, true);
            }
            options.applyToDatagrams(libc, fd, family, false);
            connect(libc, fd, to, family);
            socket = new MessageDescriptor(loop, fd, family, type == Linux.SOCK_SEQPACKET, null, to);
            fresh.release();
        }
        socket.register(Interest.PARKING);
        return socket;
    }

    /**
     * Watches a socket of sequenced packets that was accepted, and owns it; or closes it.
     *
     * @return null if the loop has just retired: another one will do, and nobody owns the socket
     */
    static @Nullable MessageDescriptor watchAccepted(EventLoop loop, Unowned fresh, SocketAddress remote) throws NetparkException {
        MessageDescriptor socket = new MessageDescriptor(loop, fresh.fd(), Linux.AF_UNIX, true, null, remote);
        try {
            loop.poller().add(fresh.fd(), socket, Interest.PARKING);
            fresh.release();
            return socket;
        } catch (Throwable e) {
            if (loop.isRetiring() && e instanceof NetparkException.Closed) {
                return null;
            }
            fresh.release();
            socket.close();
            throw e;
        }
    }

    private static void connect(LibC libc, int fd, SocketAddress to, int family) throws NetparkException {
        Scratch scratch = Scratch.take();
        int result;
        try {
            int length = SockAddr.write(scratch.memory(), Scratch.SOCKADDR, to, family);
            boolean interrupted = false;
            do {
                interrupted |= (result = libc.connect(fd, scratch.address(Scratch.SOCKADDR), length)) == -Errno.EINTR;
            } while (result == -Errno.EINTR);
            if (interrupted && result == -Errno.EISCONN) {
                result = 0; // by the call that was interrupted
            }
        } finally {
            scratch.giveBack();
        }
        if (result < 0) {
            throw Dialable.failure(-result, to);
        }
    }

    /**
     * Connects a datagram socket, or connects it to another peer: from now on it sends there, and receives nothing from others
     * but what has arrived already.
     *
     * @param peer resolved
     * @throws NetparkException.Closed if the socket is closed
     * @throws NetparkException if there is no way there, or (unix) nobody
     * @throws IllegalArgumentException if a socket of this family cannot reach it
     * @throws IllegalStateException if it is a socket of sequenced packets: it is connected for life
     */
    public void connect(SocketAddress peer) throws NetparkException {
        if (packets) {
            throw new IllegalStateException("connect " + this + ": sequenced packets have one peer for life");
        }
        SocketAddress to = Dialable.require(Addresses.usable(peer));
        acquire("connect " + this);
        try {
            connect(libc(), fd(), to, family);
            remote = to;
            SocketAddress local = Addresses.local(libc(), fd()); // it may have got one
            if (local != null) {
                knowLocalAddress(local);
            }
        } finally {
            release();
        }
    }

    /** The peer's address, also after closing; null if the socket is not connected, or (unix) the peer was found to be gone. */
    public @Nullable SocketAddress remoteAddress() {
        return remote;
    }

    /** The file of a bound unix path stays when this is closed: somebody else goes on with the socket. */
    public void keepFile() {
        if (file != null) {
            file.keep();
        }
    }

    /** Whether these are sequenced packets, which come in order, are not lost, and end. */
    public boolean isSequenced() {
        return packets;
    }

    // Sending

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

    private static final WideOperation<MessageDescriptor, ByteBuffer, SocketAddress, OpenDescriptor[], NetparkException> SEND =
            MessageDescriptor::attemptSend;

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
            int control = descriptors.length == 0 ? 0 : DescriptorPassing.write(scratch, descriptors);
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

    /** Whether this is a reason to wait. */
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

    /** While it pauses nothing that the poller reports is of use; one that reports what is ready now would keep the loop spinning. */
    @Override
    protected void requestReport(Direction direction) throws NetparkException {
        SendPause waiting = direction == Direction.WRITE ? pause : null;
        if (waiting == null || !waiting.isPausing()) {
            super.requestReport(direction);
        }
    }

    /**
     * Sends the messages of a batch that have not been sent, by as few sendmmsg(2) as possible. {@link MessageBatch#sent} tells
     * how far it got, also when this parks or throws: then that is the message it is about, and starting again goes on with
     * it, unless it is {@linkplain MessageBatch#skip passed over}.
     *
     * @return 0 when all are sent, or {@link #PARK}. Throws as {@link #startSend(ByteBuffer, SocketAddress, int...)} does
     */
    public int startSend(MessageBatch batch) throws NetparkException {
        batch.prepareToSend(family);
        return perform(Direction.WRITE, false, SEND_BATCH, this, batch, 0);
    }

    /** Goes on with {@link #startSend(MessageBatch)}. */
    public int retrySend(MessageBatch batch) throws NetparkException {
        return perform(Direction.WRITE, true, SEND_BATCH, this, batch, 0);
    }

    private static final Operation<MessageDescriptor, MessageBatch, NetparkException> SEND_BATCH =
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

    /** The end of a send. */
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

    /** Ends the outgoing stream of sequenced packets: the peer receives what was sent, then end of stream. Idempotent. */
    public void shutdownOutput() throws NetparkException {
        shutdown(Linux.SHUT_WR, "shut down the output");
    }

    // Multicast

    /**
     * Joins a multicast group: from now on the socket receives what is sent to it and to the port that it is bound to. Is undone
     * by {@link #leave} or when the socket is closed. Several sockets of a machine can share the port, with
     * {@link NetOption#REUSE_ADDRESS} on each.
     *
     * @param on where; null for the interface that the kernel has a route to the group through
     * @throws NetparkException if the socket is a member already, or there is no such interface or route
     * @throws IllegalArgumentException if it is no multicast address
     */
    public void join(InetAddress group, @Nullable NetworkInterface on) throws NetparkException {
        acquire("join " + AddressText.of(group) + " with " + this);
        try {
            Multicast.join(libc(), fd(), group, on);
        } finally {
            release();
        }
    }

    /** Leaves a group that was joined on the same interface. */
    public void leave(InetAddress group, @Nullable NetworkInterface on) throws NetparkException {
        acquire("leave " + AddressText.of(group) + " with " + this);
        try {
            Multicast.leave(libc(), fd(), group, on);
        } finally {
            release();
        }
    }

    /** Through which interface multicasts are sent. Others than {@link NetOption} has are set there: hops, and loop. */
    public void sendMulticastThrough(NetworkInterface on) throws NetparkException {
        acquire("set the multicast interface of " + this);
        try {
            Multicast.sendThrough(libc(), fd(), family, on);
        } finally {
            release();
        }
    }

    // What the kernel knows

    /**
     * Who is at the other end.
     *
     * @throws NetparkException.Closed if the socket is closed
     * @throws IllegalStateException if it is not one of sequenced packets: others have no other end
     */
    public PeerCredentials peerCredentials() throws NetparkException {
        if (!packets) {
            throw new IllegalStateException("get the peer credentials of " + this + ": only connected unix sockets have them");
        }
        return PeerCredentials.read(getOption(PeerCredentials.OPTION));
    }

    @Override
    protected void releasing() {
        if (file != null) {
            file.remove(); // before the name is free for others
        }
    }

    @Override
    protected void destroyed() {
        SendPause waiting = pause;
        if (waiting != null) {
            waiting.stop();
        }
    }

    // What it is called

    @Override
    protected String operation(Direction direction) {
        return direction == Direction.READ ? "receive" + addresses(" from ") : sendTo(null);
    }

    private String sendTo(@Nullable SocketAddress to) {
        return to == null ? "send" + addresses(" to ") : "send" + addresses("") + " to " + AddressText.of(to);
    }

    /** {@code on 127.0.0.1:80 to 127.0.0.1:70}. */
    private String addresses(String relation) {
        SocketAddress local = knownLocalAddress();
        SocketAddress peer = remote;
        return (local == null ? "" : " on " + AddressText.of(local))
                + (peer == null || relation.isEmpty() ? "" : relation + AddressText.of(peer));
    }

    @Override
    protected NetparkException.Timeout timeout(Direction direction) {
        return direction == Direction.READ ? NetparkException.Timeout.READ : NetparkException.Timeout.WRITE;
    }

    @Override
    public String toString() {
        return "message socket" + addresses(" to ");
    }
}
