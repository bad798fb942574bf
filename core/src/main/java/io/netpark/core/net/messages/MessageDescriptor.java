package io.netpark.core.net.messages;

import io.netpark.core.fd.Descriptor;
import io.netpark.core.fd.Direction;
import io.netpark.core.linux.Linux;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.net.address.Addresses;
import io.netpark.core.net.address.Dialable;
import io.netpark.core.net.listening.ListenerDescriptor;
import io.netpark.core.net.options.Multicast;
import io.netpark.core.net.options.NetOption;
import io.netpark.core.net.options.NetOptions;
import io.netpark.core.net.options.OptionCalls;
import io.netpark.core.net.options.PeerCredentials;
import io.netpark.core.net.scratch.Scratch;
import io.netpark.core.net.socket.Bound;
import io.netpark.core.net.socket.SocketFile;
import io.netpark.core.poll.Interest;
import io.netpark.core.sys.AddressText;
import io.netpark.core.sys.Errno;
import io.netpark.core.sys.LibC;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.SockAddr;
import io.netpark.core.sys.Unowned;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketAddress;
import org.jspecify.annotations.Nullable;

/**
 * A socket that keeps the boundaries of messages: UDP over IPv4 or IPv6 (udp(7)), datagrams of unix, or sequenced packets of
 * unix (unix(7)). Operations follow the template of {@link Descriptor}.
 *
 * <p>A message is received whole or cut to the room there is, which is reported, and sent whole or not at all. One without
 * bytes is a message like others, except for sequenced packets: there the kernel says "nothing" at the end of the stream as
 * well, so {@link #END_OF_STREAM} is what an empty packet looks like, and a protocol should have none.
 *
 * <p>A connected datagram socket exchanges messages with one peer only, and learns if there is none: the next operation fails with
 * {@link NetparkException.Refused}, and the socket is as good as before. After that a unix socket is not connected any more, and can
 * be connected again.
 *
 * <p>Direct buffers are handed to the kernel as they are. Bytes of heap buffers pass through native memory; of more than 64 KiB
 * through some that is allocated for them. Plain receives drop descriptors that come with a message; the kernel closes them.
 *
 * <p>Ownership: the socket owns its descriptor and must be closed. The file of a bound unix path goes with it.
 */
public final class MessageDescriptor extends MessageOutput {

    private final @Nullable SocketFile file;

    private MessageDescriptor(EventLoop loop, int fd, int family, boolean packets, @Nullable SocketFile file,
            @Nullable SocketAddress remote) {
        super(loop, fd, family, packets, remote);
        this.file = file;
    }

    // Opening

    /**
     * Binds a datagram socket. The IPv6 wildcard {@code ::} takes IPv4 as well, and so does an address without a host, as for a
     * {@link ListenerDescriptor}. SO_BROADCAST is on, as it is in Go. SO_REUSEADDR is not, so two sockets cannot have one address
     * unless options say so.
     *
     * <p>A unix path becomes a file, which is removed when the socket is closed, unless {@link #keepFile} says otherwise; one
     * that a killed process has left must be removed first. With an unnamed unix address it is not bound: such a socket can
     * send, and cannot be answered.
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
                OptionCalls.set(libc, fd, NetOption.BROADCAST, true);
            }
            OptionCalls.applyToDatagrams(options, libc, fd, family, false);
            connect(libc, fd, to, family);
            socket = new MessageDescriptor(loop, fd, family, type == Linux.SOCK_SEQPACKET, null, to);
            fresh.release();
        }
        socket.register(Interest.PARKING);
        return socket;
    }

    /**
     * Watches a socket of sequenced packets that was accepted, and owns it then. If it cannot be watched it stays the caller's.
     *
     * @return null if the loop has just retired: another loop will do
     */
    static @Nullable MessageDescriptor watchAccepted(EventLoop loop, Unowned fresh, SocketAddress remote) throws NetparkException {
        MessageDescriptor socket = new MessageDescriptor(loop, fresh.fd(), Linux.AF_UNIX, true, null, remote);
        try {
            loop.poller().add(fresh.fd(), socket, Interest.PARKING);
            fresh.release();
            return socket;
        } catch (NetparkException.Closed e) {
            if (loop.isRetiring()) {
                return null;
            }
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
            try {
                knowLocalAddress(Addresses.local(libc(), fd(), "get the local address of " + this)); // it may have got one
            } catch (NetparkException e) {
                knowLocalAddress(null); // it is connected all the same; whoever wants the address asks again
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
     * The process at the other end.
     *
     * @throws NetparkException.Closed if the socket is closed
     * @throws IllegalStateException if it is not one of sequenced packets: others have no other end
     */
    public PeerCredentials peerCredentials() throws NetparkException {
        if (!packets) {
            throw new IllegalStateException("get the peer credentials of " + this + ": only connected unix sockets have them");
        }
        return getOption(OptionCalls.PEER_CREDENTIALS);
    }

    @Override
    protected void releasing() {
        if (file != null) {
            file.remove(); // before the name is free for others
        }
    }

    // What it is called

    @Override
    protected String operation(Direction direction) {
        return direction == Direction.READ ? "receive" + addresses(" from ") : sendTo(null);
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
