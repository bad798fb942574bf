package io.netpark.core.net.listening;

import io.netpark.core.counting.Counters;
import io.netpark.core.linux.Linux;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.loop.Observer;
import io.netpark.core.net.address.Addresses;
import io.netpark.core.net.address.Literal;
import io.netpark.core.net.options.NetOptions;
import io.netpark.core.net.options.OptionCalls;
import io.netpark.core.net.socket.Adoption;
import io.netpark.core.net.socket.Bound;
import io.netpark.core.net.streams.ConnectionDescriptor;
import io.netpark.core.net.streams.Opening;
import io.netpark.core.poll.Interest;
import io.netpark.core.sys.AddressText;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.OpenDescriptor;
import io.netpark.core.sys.Unowned;
import io.netpark.core.tls.ServerTls;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A listening stream socket, of TCP or of unix: accepts {@link ConnectionDescriptor connections}, as many as its {@link Admission} lets
 * in, and places them on the loops of its group.
 */
public final class ListenerDescriptor extends ListeningSocket<ConnectionDescriptor> {

    private final @Nullable Admission admission;
    /** One object, by which the admission knows this listener. */
    private final Runnable roomAgain = this::roomAgain;
    /**
     * The loops of the group when each got a listener of its own, to which the kernel spreads connections: as long as the
     * group has these, they stay where they are accepted. Null if there is one listener for all.
     */
    private final @Nullable List<EventLoop> spread;
    private volatile @Nullable ServerTls tls;

    private ListenerDescriptor(EventLoop loop, Bound bound, EventLoopGroup group, @Nullable Admission admission,
            @Nullable List<EventLoop> spread) {
        super(loop, bound, group);
        this.admission = admission;
        this.spread = spread;
    }

    /** As the other, and lets in whoever comes. */
    public static ListenerDescriptor listen(EventLoopGroup group, SocketAddress address, NetOptions options)
            throws NetparkException {
        return listen(group, address, options, null);
    }

    /**
     * Listens on an address, with the longest backlog the system allows. SO_REUSEADDR is on, so a server can be started
     * again at once.
     *
     * <p>An address without a host, {@code new InetSocketAddress(port)}, takes IPv6 and IPv4, as the JDK's own sockets do, where
     * this machine has both; the local address is {@code ::} then, and peers of IPv4 have addresses of IPv4. So does the IPv6
     * wildcard {@code ::}. IPv4 alone is {@code 0.0.0.0}, or {@code -Djava.net.preferIPv4Stack=true}.
     *
     * <p>A unix socket's path becomes a file, with the rights that the umask leaves. It is removed when the listener is closed,
     * unless {@link #keepFile} says otherwise; a process that is killed leaves it, and the next must remove it first.
     *
     * @param group where accepted connections go, as its balancing has it
     * @param address resolved, or a {@link io.netpark.core.sys.UnixAddress}; port 0 takes a free one
     * @param admission how many may come; null for no limit
     * @throws NetparkException naming the address: in use, not of this machine, not permitted
     * @throws NetparkException.UnknownHost if the address is unresolved
     */
    public static ListenerDescriptor listen(EventLoopGroup group, SocketAddress address, NetOptions options,
            @Nullable Admission admission) throws NetparkException {
        return listen(group, group.first(), address, options, admission, null);
    }

    /**
     * Listens on an address with one socket for each loop (SO_REUSEPORT): the kernel spreads connections over them by a hash of
     * their addresses, each loop accepts its own, and no loop has to pass any on. When the group is resized later, the
     * listeners stay as they are, and what they accept is balanced as for one listener.
     *
     * @return one for each loop, all on the same port; they are closed one by one
     * @throws NetparkException as the other; then none is left open
     * @throws NetparkException.UnknownHost if the address is unresolved
     * @throws IllegalArgumentException if of a unix socket
     */
    public static List<ListenerDescriptor> listenOnEachLoop(EventLoopGroup group, SocketAddress address, NetOptions options,
            @Nullable Admission admission) throws NetparkException {
        List<EventLoop> loops = group.loops();
        List<ListenerDescriptor> listeners = new ArrayList<>();
        if (!(address instanceof InetSocketAddress inet)) {
            throw new IllegalArgumentException("listen on " + AddressText.of(address)
                    + " with a socket for each loop: unix sockets cannot share a name; use one listener");
        }
        InetSocketAddress chosen = inet;
        try {
            for (EventLoop loop : loops) {
                ListenerDescriptor listener = listen(group, loop, chosen, options.withReusePort(true), admission, loops);
                listeners.add(listener);
                chosen = new InetSocketAddress(chosen.getAddress(), listener.port());
            }
        } catch (NetparkException | RuntimeException | Error e) {
            listeners.forEach(ListenerDescriptor::close);
            throw e;
        }
        return List.copyOf(listeners);
    }

    /**
     * The address of a host, to listen on. An IP literal is taken as it is. A name is looked up by the system, which blocks the
     * calling thread; so that is not for event loops, on which only {@code localhost} is known.
     *
     * @param host {@code 0.0.0.0}, {@code ::}, {@code fe80::1%eth0}, {@code localhost}, a name of this machine
     * @throws NetparkException.UnknownHost if the name has no address
     * @throws IllegalArgumentException if the host has a port in it, or the port is none
     * @throws IllegalStateException if it is a name, and the caller is on an event loop
     */
    public static InetSocketAddress addressOf(String host, int port) throws NetparkException.UnknownHost {
        String operation = "listen on " + host + ":" + port;
        try {
            InetAddress literal = Literal.parse(host);
            if (literal != null) {
                return new InetSocketAddress(literal, port);
            }
            if (Literal.hasPort(host)) {
                throw new IllegalArgumentException("listen on " + host + ": " + Literal.separately(host));
            }
            if (EventLoop.current() == null) {
                return new InetSocketAddress(InetAddress.getByName(host), port);
            }
        } catch (UnknownHostException e) {
            throw Addresses.unknownHost(operation, host, e);
        }
        if (host.equalsIgnoreCase("localhost")) {
            return new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
        }
        throw new IllegalStateException(operation + ": looking a name up blocks, and this is an event loop; "
                + "give an address, or look the name up on another thread");
    }

    private static ListenerDescriptor listen(EventLoopGroup group, EventLoop loop, SocketAddress given, NetOptions options,
            @Nullable Admission admission, @Nullable List<EventLoop> spread) throws NetparkException {
        ListenerDescriptor listener;
        try (Bound bound = Bound.listening(loop.libc(), given, Linux.SOCK_STREAM, options)) {
            listener = new ListenerDescriptor(loop, bound, group, admission, spread);
            bound.release();
        }
        listener.register(Interest.READ);
        return listener;
    }

    /**
     * Takes over a listening stream socket that something else has opened: the service manager ({@link ListenFds}), or the process
     * that this one succeeds ({@link #duplicate}). It is made non-blocking, for all who have it, and close-on-exec. Connections that
     * wait already are accepted like later ones.
     *
     * <p>The file of a unix socket's path is not removed when this is closed, unless {@link #removeFileOnClose} says so.
     *
     * @param group where accepted connections go, as its balancing has it
     * @param descriptor the listener's from now on, unless this throws
     * @param options set on the socket, and so on what it accepts
     * @param admission how many may come; null for no limit
     * @throws NetparkException saying what the descriptor is instead, and what to do; or as {@link #listen}
     * @throws IllegalStateException if it is closed, or was taken over already
     */
    public static ListenerDescriptor adopt(EventLoopGroup group, OpenDescriptor descriptor, NetOptions options,
            @Nullable Admission admission) throws NetparkException {
        EventLoop loop = group.first();
        return descriptor.handOver(fd -> {
            Bound bound = Adoption.listening(loop.libc(), fd, options);
            ListenerDescriptor listener = new ListenerDescriptor(loop, bound, group, admission, null);
            listener.setOnOlder(OptionCalls.inherited(options), Adoption.queued(loop.libc(), fd, bound.local()));
            loop.poller().add(fd, listener, Interest.READ); // if it is refused, the descriptor stays the caller's
            return listener;
        });
    }

    /**
     * The port it listens on.
     *
     * @throws IllegalStateException if it is a unix socket, which has none
     */
    public int port() {
        if (localAddress() instanceof InetSocketAddress inet) {
            return inet.getPort();
        }
        throw new IllegalStateException(this + " has no port");
    }

    /**
     * Connections that are accepted from now on have TLS. Each begins its handshake at once, and is accepted before the end of it: what
     * reads and writes waits for that, as does {@link ConnectionDescriptor#startHandshake}. A handshake that fails closes its connection
     * and is reported, of many in a second some; if the peer has not sent a byte it is only counted.
     *
     * @param tls null for none
     */
    public void setTls(@Nullable ServerTls tls) {
        this.tls = tls;
    }

    /** What the connections that it accepts are encrypted with; null if they are not. */
    public @Nullable ServerTls tls() {
        return tls;
    }

    // Who is let in, and where to

    @Override
    boolean reserve() {
        return admission == null || admission.reserve(roomAgain);
    }

    @Override
    void unreserve() {
        if (admission != null) {
            admission.unreserve();
        }
    }

    @Override
    boolean enter(byte[] remote) {
        return admission == null || admission.enter(remote);
    }

    @Override
    void left(byte[] remote) {
        if (admission != null) {
            admission.leave(remote);
        }
    }

    @Override
    void refuse(Unowned socket, byte[] remote) {
        reset(libc(), socket);
        Counters counters = loop().counters();
        if (counters != null) {
            counters.refused();
        }
        Observer observer = loop().observer();
        if (observer != null) {
            loop().tell(() -> observer.refused(loop(), this));
        }
        if (admission != null && admission.beginsRefusing()) {
            loop().report("Connections to " + AddressText.of(localAddress()) + " are refused", admission.refusal(remote));
        }
    }

    @Override
    EventLoop place(byte[] remote) {
        return spread == group().loops() ? loop() : super.place(remote);
    }

    @Override
    protected @Nullable ConnectionDescriptor watch(EventLoop loop, Unowned socket, byte[] remote) throws NetparkException {
        ConnectionDescriptor connection =
                Opening.watchAccepted(loop, socket, remote, admission == null ? null : admission.departure());
        ServerTls known = tls;
        if (connection != null && known != null) {
            Opening.secure(connection, known);
        }
        return connection;
    }

    @Override
    void tellPaused(NetparkException cause) {
        Observer observer = loop().observer();
        if (observer != null) {
            loop().tell(() -> observer.acceptPaused(loop(), this, cause));
        }
    }

    @Override
    protected void destroyed() {
        if (admission != null) {
            admission.forget(roomAgain);
        }
        super.destroyed();
    }
}
