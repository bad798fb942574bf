package io.netpark.core.net;

import io.netpark.core.fd.Descriptor;
import io.netpark.core.fd.Direction;
import io.netpark.core.loop.Counters;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.loop.Observer;
import io.netpark.core.loop.Timer;
import io.netpark.core.poll.Interest;
import io.netpark.core.poll.Readiness;
import io.netpark.core.poll.WokenBatch;
import io.netpark.core.sys.Errno;
import io.netpark.core.sys.LibC;
import io.netpark.core.sys.Linux;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.SockAddr;
import java.net.Inet6Address;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A listening stream socket, of TCP or of unix. Operations follow the template of {@link Descriptor}.
 *
 * <p>Level-triggered: while connections wait to be accepted every wait of the loop says so. That is why an accept
 * needs no second call to find the queue empty, and why the registration is disarmed while nobody accepts: it would
 * keep the loop spinning.
 *
 * <p>When descriptors or memory run out, accepting pauses and tries again by a timer, at growing intervals, for as
 * long as it takes; it is reported once an episode, and what is open goes on being served.
 */
public final class Listener extends Socket {

    /** Of the pause after the first failure of an episode; doubled up to the last. Go's net/http has the same. */
    static final long FIRST_PAUSE = TimeUnit.MILLISECONDS.toNanos(5);
    static final long LAST_PAUSE = TimeUnit.SECONDS.toNanos(1);

    private static final int REFUSALS_A_TURN = 16;

    /** In the place of a pause: no timer ends it, but a connection that is closed. */
    private static final long UNTIL_ROOM = -1;

    private final EventLoopGroup group;
    private final @Nullable Admission admission;
    /**
     * The loops of the group when each got a listener of its own, to which the kernel spreads connections: as long as the
     * group has these, they stay where they are accepted. Null if there is one listener for all.
     */
    private final @Nullable List<EventLoop> spread;
    private final SocketAddress local;
    /** What is to be removed with the socket; null if that is nothing. */
    private final @Nullable SocketFile file;
    private final Timer retry;

    /** Whether the poller reports connections that wait; guarded by {@link #retry}'s monitor, as is the next. */
    private boolean armed = true;
    /** Out of descriptors: do not ask the kernel before this pause (nanoseconds) is over. 0 if all is well. */
    private long pause;

    /**
     * A connection was accepted and the registration is armed: if more are waiting the poller will say so. Belongs to
     * whoever holds the read lock.
     */
    private boolean drained;

    private Listener(EventLoop loop, int fd, SocketAddress local, @Nullable SocketFile file, EventLoopGroup group,
            @Nullable Admission admission, @Nullable List<EventLoop> spread) {
        super(loop, fd);
        this.group = group;
        this.admission = admission;
        this.spread = spread;
        this.local = local;
        this.file = file;
        this.retry = loop.newTimer(() -> nudge(Direction.READ));
    }

    /** As the other, and lets in whoever comes. */
    public static Listener listen(EventLoopGroup group, SocketAddress address, SocketOptions options)
            throws NetparkException {
        return listen(group, address, options, null);
    }

    /**
     * Listens on an address, with the longest backlog the system allows. SO_REUSEADDR is on, so a server can be started
     * again at once. The IPv6 wildcard {@code ::} takes IPv4 as well.
     *
     * <p>A unix socket's path becomes a file, with the rights that the umask leaves. It is removed when the listener is closed,
     * unless {@link #keepFile} says otherwise; a process that is killed leaves it, and the next must remove it first.
     *
     * @param group where accepted connections go, as its balancing has it
     * @param address resolved, or a {@link io.netpark.core.sys.UnixAddress}; port 0 takes a free one
     * @param admission how many may come; null for no limit
     * @throws NetparkException naming the address: in use, not of this machine, not permitted
     * @throws IllegalArgumentException if the address is unresolved
     */
    public static Listener listen(EventLoopGroup group, SocketAddress address, SocketOptions options,
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
     * @throws IllegalArgumentException if the address is unresolved, or of a unix socket
     */
    public static List<Listener> listenOnEachLoop(EventLoopGroup group, SocketAddress address, SocketOptions options,
            @Nullable Admission admission) throws NetparkException {
        List<EventLoop> loops = group.loops();
        List<Listener> listeners = new ArrayList<>();
        if (!(address instanceof InetSocketAddress inet)) {
            throw new IllegalArgumentException("listen on " + Addresses.text(address)
                    + " with a socket for each loop: unix sockets cannot share a name; use one listener");
        }
        InetSocketAddress chosen = inet;
        try {
            for (EventLoop loop : loops) {
                Listener listener = listen(group, loop, chosen, options.withReusePort(true), admission, loops);
                listeners.add(listener);
                chosen = new InetSocketAddress(chosen.getAddress(), listener.port());
            }
        } catch (NetparkException | RuntimeException | Error e) {
            listeners.forEach(Listener::close);
            throw e;
        }
        return List.copyOf(listeners);
    }

    private static Listener listen(EventLoopGroup group, EventLoop loop, SocketAddress given, SocketOptions options,
            @Nullable Admission admission, @Nullable List<EventLoop> spread) throws NetparkException {
        SocketAddress address = Addresses.usable(given);
        LibC libc = loop.libc();
        int family = SockAddr.family(address);
        int fd = libc.socket(family, Linux.SOCK_STREAM | Linux.SOCK_NONBLOCK | Linux.SOCK_CLOEXEC,
                Addresses.protocol(family, Linux.SOCK_STREAM));
        if (fd < 0) {
            throw NetparkException.of(-fd, "socket to listen on " + Addresses.text(address));
        }
        SocketAddress local;
        SocketFile file = null;
        try {
            if (address instanceof InetSocketAddress inet) {
                SocketOptions.set(libc, fd, SocketOption.REUSE_ADDRESS, true);
                if (inet.getAddress() instanceof Inet6Address inet6) {
                    SocketOptions.set(libc, fd, SocketOption.V6_ONLY, !inet6.isAnyLocalAddress());
                }
            }
            options.applyToListener(libc, fd, family);
            Addresses.bind(libc, fd, address);
            file = SocketFile.of(address);
            int result = libc.listen(fd, Backlog.ofSystem());
            if (result < 0) {
                throw NetparkException.of(-result, "listen on " + Addresses.text(address));
            }
            local = Addresses.local(libc, fd);
        } catch (NetparkException | RuntimeException | Error e) {
            if (file != null) {
                file.remove();
            }
            libc.close(fd);
            throw e;
        }
        Listener listener = new Listener(loop, fd, local == null ? address : local, file, group, admission, spread);
        listener.register(Interest.READ);
        return listener;
    }

    /** The address it listens on, with the port that was chosen for 0. */
    @Override
    public SocketAddress localAddress() {
        return local;
    }

    /**
     * The port it listens on.
     *
     * @throws IllegalStateException if it is a unix socket, which has none
     */
    public int port() {
        if (local instanceof InetSocketAddress inet) {
            return inet.getPort();
        }
        throw new IllegalStateException(this + " has no port");
    }

    /** The file of a unix socket stays when this is closed: somebody else goes on with the socket. */
    public void keepFile() {
        if (file != null) {
            file.keep();
        }
    }

    /** Where accepted connections go. */
    public EventLoopGroup group() {
        return group;
    }

    // Accepting

    /**
     * Accepts a connection and places it on a loop of the group. Connections that broke off while they waited are passed
     * over, those in excess of the {@link Admission} refused; a lack of descriptors only delays.
     *
     * @return the connection, or null for {@link #PARK}
     * @throws NetparkException.Closed if the listener is closed
     * @throws NetparkException.TimedOut if its deadline has passed
     */
    public @Nullable Connection startAccept() throws NetparkException {
        start(Direction.READ);
        return attemptAccept();
    }

    /** Goes on with {@link #startAccept}. */
    public @Nullable Connection retryAccept() throws NetparkException {
        resume(Direction.READ);
        return attemptAccept();
    }

    private @Nullable Connection attemptAccept() throws NetparkException {
        if (drained) {
            drained = false;
            if (!isReady(Direction.READ)) {
                pause();
                return null;
            }
        }
        int refused = 0;
        Scratch scratch = Scratch.take();
        try {
            while (true) {
                if (admission != null && !admission.reserve(this)) {
                    waitForRoom();
                    return null;
                }
                scratch.memory().putInt(Scratch.LENGTH, SockAddr.MAX_SIZE);
                int result = libc().accept4(fd(), scratch.address(Scratch.SOCKADDR),
                        scratch.address(Scratch.LENGTH), Linux.SOCK_NONBLOCK | Linux.SOCK_CLOEXEC);
                if (result >= 0) {
                    byte[] remote = SockAddr.copy(
                            scratch.memory(), Scratch.SOCKADDR, scratch.memory().getInt(Scratch.LENGTH));
                    if (admission == null || admission.enter(remote)) {
                        return accepted(result, remote);
                    }
                    refuse(result, remote, admission);
                    if (++refused == REFUSALS_A_TURN) { // those who are connected have their turn
                        nudge(Direction.READ);
                        pause();
                        return null;
                    }
                    continue;
                }
                if (admission != null) {
                    admission.unreserve();
                }
                if (result == -Errno.EAGAIN) {
                    synchronized (retry) {
                        pause = 0; // whoever waited has gone
                    }
                    pause();
                    return null;
                }
                if (Errno.isExhaustion(-result)) {
                    exhausted(NetparkException.of(-result, operation(Direction.READ)));
                    return null;
                }
                if (!isTransient(-result)) {
                    NetparkException failure = NetparkException.of(-result, operation(Direction.READ));
                    finish(Direction.READ);
                    throw failure;
                }
            }
        } finally {
            scratch.giveBack();
        }
    }

    /** Errors that belong to the one connection that was being accepted (accept(2), "Error handling"). */
    private static boolean isTransient(int errno) {
        return switch (errno) {
            case Errno.EINTR, Errno.ECONNABORTED, Errno.EPROTO, Errno.ENOPROTOOPT, Errno.ENETDOWN,
                    Errno.EHOSTDOWN, Errno.EHOSTUNREACH, Errno.ENETUNREACH, Errno.EOPNOTSUPP -> true;
            default -> false;
        };
    }

    private @Nullable Connection accepted(int connected, byte[] remote) throws NetparkException {
        EventLoop loop;
        Connection connection = null;
        do {
            loop = place(connected, remote);
            try {
                connection = Connection.watchAccepted(loop, connected, remote, admission);
            } catch (NetparkException e) {
                if (loop.isShutdown()) {
                    finish(Direction.READ);
                    throw e;
                }
                exhausted(e); // epoll's own limits: memory, max_user_watches
                return null;
            }
        } while (connection == null);
        synchronized (retry) {
            pause = 0;
            drained = armed;
        }
        finish(Direction.READ);
        return connection;
    }

    private EventLoop place(int connected, byte[] remote) {
        if (spread == group.loops()) {
            return loop();
        }
        try {
            return Objects.requireNonNull(group.next(SockAddr.addressHash(remote)), "what the balancing has chosen");
        } catch (RuntimeException | Error e) { // user code
            libc().close(connected);
            if (admission != null) {
                admission.leave(remote);
            }
            finish(Direction.READ);
            throw e;
        }
    }

    private void refuse(int connected, byte[] remote, Admission admission) {
        try {
            SocketOptions.set(libc(), connected, SocketOption.LINGER, Duration.ZERO);
        } catch (NetparkException e) {
            // Closed in the ordinary way, then.
        }
        libc().close(connected);
        Counters counters = loop().counters();
        if (counters != null) {
            counters.refused();
        }
        Observer observer = loop().observer();
        if (observer != null) {
            loop().tell(() -> observer.refused(loop(), this));
        }
        if (admission.beginsRefusing()) {
            loop().report("Connections to " + Addresses.text(local) + " are refused", admission.refusal(remote));
        }
    }

    // As many connections as are allowed

    private void waitForRoom() {
        synchronized (retry) {
            pause = UNTIL_ROOM;
            disarm();
        }
        pause();
    }

    /** By whoever closes a connection, on any thread. */
    void roomAgain() {
        synchronized (retry) {
            if (pause == UNTIL_ROOM) {
                pause = 0;
            }
        }
        nudge(Direction.READ);
    }

    // Running out of descriptors

    private void exhausted(NetparkException cause) {
        boolean first;
        synchronized (retry) {
            first = pause <= 0;
            pause = first ? FIRST_PAUSE : Math.min(2 * pause, LAST_PAUSE);
            disarm(); // the waiting connection would be reported for ever
            retry.arm(System.nanoTime() + pause);
        }
        if (first) {
            tellExhausted(cause);
        }
        pause();
    }

    private void tellExhausted(NetparkException cause) {
        loop().report("Accepting on " + Addresses.text(local) + " pauses and will be tried again by itself", cause);
        Counters counters = loop().counters();
        if (counters != null) {
            counters.acceptPaused();
        }
        Observer observer = loop().observer();
        if (observer != null) {
            loop().tell(() -> observer.acceptPaused(loop(), this, cause));
        }
    }

    private void disarm() {
        if (armed) {
            armed = false;
            modify(Interest.NONE);
        }
    }

    private void modify(int interest) {
        try {
            loop().poller().modify(fd(), this, interest);
        } catch (NetparkException e) {
            loop().report("The interest of " + this + " could not be changed", e); // ENOMEM at worst
        }
    }

    @Override
    protected void armed(Direction direction) {
        synchronized (retry) {
            if (!armed && pause == 0) { // during a pause it is the timer that wakes
                armed = true;
                modify(Interest.READ);
            }
        }
    }

    @Override
    public void ready(int readiness, WokenBatch woken) {
        boolean waited = isParked(Direction.READ);
        super.ready(readiness, woken);
        if (!waited && (readiness & Readiness.WAKES_READER) != 0) {
            synchronized (retry) {
                // Another thread may have been woken, accepted and parked again meanwhile. Either it is seen here, or it
                // comes to armed() after this and finds the registration disarmed.
                if (!isParked(Direction.READ)) {
                    disarm();
                }
            }
        }
    }

    @Override
    protected void releasing() {
        if (file != null) {
            file.remove(); // before the name is free for others
        }
    }

    @Override
    protected void destroyed() {
        if (admission != null) {
            admission.forget(this);
        }
        retry.disarm();
    }

    @Override
    protected String operation(Direction direction) {
        return "accept on " + Addresses.text(local);
    }

    @Override
    protected NetparkException.Timeout timeout(Direction direction) {
        return NetparkException.Timeout.ACCEPT;
    }

    @Override
    public String toString() {
        return "listener on " + Addresses.text(local);
    }
}
