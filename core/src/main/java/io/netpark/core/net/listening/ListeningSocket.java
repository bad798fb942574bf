package io.netpark.core.net.listening;

import io.netpark.core.counting.Counters;
import io.netpark.core.fd.Descriptor;
import io.netpark.core.fd.Direction;
import io.netpark.core.linux.Linux;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.options.NetOption;
import io.netpark.core.net.options.NetOptions;
import io.netpark.core.net.options.OptionCalls;
import io.netpark.core.net.scratch.Scratch;
import io.netpark.core.net.socket.Bound;
import io.netpark.core.net.socket.SocketDescriptor;
import io.netpark.core.net.socket.SocketFile;
import io.netpark.core.net.streams.ConnectionDescriptor;
import io.netpark.core.poll.Readiness;
import io.netpark.core.poll.WokenBatch;
import io.netpark.core.report.GroupHealth.ListenerHealth;
import io.netpark.core.sys.AddressText;
import io.netpark.core.sys.Errno;
import io.netpark.core.sys.LibC;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.OpenDescriptor;
import io.netpark.core.sys.SockAddr;
import io.netpark.core.sys.Unowned;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A socket that listens, and accepts others. Operations follow the template of {@link Descriptor}.
 *
 * <p>Level-triggered: while connections wait to be accepted every wait of the loop says so. That is why an accept
 * needs no second call to find the queue empty, and why the registration is disarmed while nobody accepts: it would
 * keep the loop spinning.
 *
 * <p>A socket that another holder (a duplicate, another process) shuts down listens no more: an accept says so, and closes it.
 *
 * <p>When descriptors, memory or registrations with epoll run out, accepting pauses and tries again by a timer, at growing intervals,
 * for as long as it takes; it is reported once an episode, and what is open goes on being served. Nobody who comes then is lost.
 *
 * @param <T> what it accepts
 */
public abstract class ListeningSocket<T extends SocketDescriptor> extends SocketDescriptor implements ListenerHealth.Source {

    private static final int REFUSALS_A_TURN = 16;

    private static final int HUNG_UP = Readiness.HANGUP | Readiness.READ_CLOSED;

    private final EventLoopGroup group;
    private final SocketAddress local;
    /** What is to be removed with the socket; null if that is nothing. */
    private final @Nullable SocketFile file;
    private final AcceptedOptions options;
    private final AcceptInterest interest;
    private final Unwatched unwatched;
    /**
     * A connection was accepted, and the poller is going to say whether more are waiting. Belongs to whoever holds the read lock.
     */
    private boolean leftToPoller;

    protected ListeningSocket(EventLoop loop, Bound bound, EventLoopGroup group) {
        super(loop, bound.fd());
        this.group = group;
        this.local = bound.local();
        this.file = bound.file();
        this.options = new AcceptedOptions(bound.forAccepted());
        this.interest = new AcceptInterest(this);
        this.unwatched = new Unwatched(loop.libc());
    }

    /** Before it is watched: so many that will be accepted first have not inherited the options. */
    final void setOnOlder(NetOptions inherited, int count) {
        options.setOnOlder(inherited, count);
    }

    /** The address it listens on, with the port that was chosen for 0. */
    @Override
    public final SocketAddress localAddress() {
        return local;
    }

    /** The file of a unix socket stays when this is closed: somebody else goes on with the socket. */
    public final void keepFile() {
        if (file != null) {
            file.keep();
        }
    }

    /**
     * The file of a unix socket's path is removed when this is closed. That is so unless {@link #keepFile} has been called, or the
     * socket was adopted: then the file belongs to whoever has bound it. It is the file that was there when the socket was adopted.
     */
    public final void removeFileOnClose() {
        if (file != null) {
            file.take();
        }
    }

    /**
     * Another descriptor of the same socket, close-on-exec: to be passed to a process that goes on with it
     * ({@link ConnectionDescriptor#startWriteDescriptors}) while this one still accepts. Connections come to whichever accepts them,
     * and wait in the same queue: none is lost when this one is closed. Of a unix socket with a path {@link #keepFile} is to be
     * called before.
     *
     * @return the caller's to close
     * @throws NetparkException.Closed if this is closed
     * @throws NetparkException if there are no descriptors
     */
    public final OpenDescriptor duplicate() throws NetparkException {
        String operation = "duplicate " + this;
        acquire(operation);
        try (Unowned fresh = new Unowned(libc())) {
            int result = fresh.hold(libc().fcntl(fd(), Linux.F_DUPFD_CLOEXEC, 0));
            if (result < 0) {
                throw NetparkException.of(-result, operation);
            }
            OpenDescriptor duplicate = OpenDescriptor.of(libc(), result);
            fresh.release();
            return duplicate;
        } finally {
            release();
        }
    }

    /** Where accepted connections go. */
    public final EventLoopGroup group() {
        return group;
    }

    // What kinds of listeners differ in

    /** Whether one more may come. If not, {@link #roomAgain} will be called when it may. */
    boolean reserve() {
        return true;
    }

    /** What has been reserved is not needed: nobody came. */
    void unreserve() {}

    /** Whether this peer may come, for whom there is room. */
    boolean enter(byte[] remote) {
        return true;
    }

    /** A peer that has come in is not there any more. */
    void left(byte[] remote) {}

    /** Gets rid of a peer that may not come, and closes its socket. */
    void refuse(Unowned socket, byte[] remote) {
        socket.close();
    }

    /** Closes a socket so that its peer knows, and this side keeps no TIME_WAIT. One of unix has no reset, and is closed. */
    static void reset(LibC libc, Unowned socket) {
        try (socket) {
            OptionCalls.set(libc, socket.fd(), NetOption.LINGER, Duration.ZERO);
        } catch (NetparkException e) {
            // Closed in the ordinary way, then.
        }
    }

    /** The loop for a peer. May be user code. */
    EventLoop place(byte[] remote) {
        return Objects.requireNonNull(group.next(SockAddr.addressHash(remote)), "what the balancing has chosen");
    }

    /**
     * Watches what has been accepted, and owns it then. Where it has not come to that, the socket is the caller's still.
     *
     * @return null if the loop has just retired: another one will do
     */
    protected abstract @Nullable T watch(EventLoop loop, Unowned socket, byte[] remote) throws NetparkException;

    /** Accepting pauses, for the first time of an episode. */
    void tellPaused(NetparkException cause) {}

    // Accepting

    /**
     * Accepts a connection and places it on a loop of the group. Connections that broke off while they waited are passed
     * over, those in excess of what is admitted refused; a lack of descriptors only delays.
     *
     * @return the connection, or null for {@link #PARK}
     * @throws NetparkException.Closed if the listener is closed
     * @throws NetparkException.TimedOut if its deadline has passed
     * @throws NetparkException if another holder of the socket has shut it down; then it is closed
     */
    public @Nullable T startAccept() throws NetparkException {
        return this.<ListeningSocket<T>, T, NetparkException>produce(Direction.READ, false, ListeningSocket::attemptAccept, this);
    }

    /** Goes on with {@link #startAccept}. */
    public @Nullable T retryAccept() throws NetparkException {
        return this.<ListeningSocket<T>, T, NetparkException>produce(Direction.READ, true, ListeningSocket::attemptAccept, this);
    }

    private @Nullable T attemptAccept() throws NetparkException {
        if (leftToPoller) {
            leftToPoller = false;
            if (!isReady(Direction.READ)) {
                return null;
            }
        }
        Scratch scratch = Scratch.take();
        try (Unowned socket = new Unowned(libc())) {
            if (unwatched.isSomebody()) {
                unwatched.take(socket);
                return accepted(socket, unwatched.remote(), unwatched.hasOptions());
            }
            for (int refused = 0; reserve(); refused++) {
                if (refused == REFUSALS_A_TURN) { // those who are connected have their turn
                    unreserve();
                    turnOver(Direction.READ);
                    return null;
                }
                byte[] remote;
                boolean mayEnter;
                try {
                    if (!accept(scratch, socket)) {
                        return null;
                    }
                    remote = SockAddr.copy(scratch.memory(), Scratch.SOCKADDR, scratch.memory().getInt(Scratch.LENGTH));
                    mayEnter = enter(remote); // the place that was reserved is the peer's from here on
                } catch (Throwable e) {
                    unreserve();
                    throw e;
                }
                if (mayEnter) {
                    return accepted(socket, remote, false);
                }
                refuse(socket, remote);
            }
            interest.pauseUntilRoom();
            return null;
        } finally {
            scratch.giveBack();
        }
    }

    /** Returns whether somebody has come; if not, the operation parks, and the place is free again. */
    private boolean accept(Scratch scratch, Unowned socket) throws NetparkException {
        while (true) {
            scratch.memory().putInt(Scratch.LENGTH, SockAddr.MAX_SIZE);
            int result = socket.hold(libc().accept4(fd(), scratch.address(Scratch.SOCKADDR),
                    scratch.address(Scratch.LENGTH), Linux.SOCK_NONBLOCK | Linux.SOCK_CLOEXEC));
            if (result >= 0) {
                return true;
            }
            // A unix socket that is shut down says EAGAIN; but it is reported as hung up, by every wait.
            if (result == -Errno.EINVAL || result == -Errno.EAGAIN && (stickyReadiness() & HUNG_UP) != 0) {
                close();
                throw NetparkException.of(Errno.EINVAL, operation(Direction.READ)
                        + ": it does not listen any more, as another holder of the socket has shut it down");
            }
            if (result == -Errno.EAGAIN) {
                unreserve();
                interest.endPause(); // whoever waited has gone
                return false;
            }
            if (Errno.isExhaustion(-result)) {
                unreserve();
                exhausted(NetparkException.of(-result, operation(Direction.READ)));
                return false;
            }
            if (!isTransient(-result)) {
                throw NetparkException.of(-result, operation(Direction.READ));
            }
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

    private @Nullable T accepted(Unowned fresh, byte[] remote, boolean given) throws NetparkException {
        EventLoop loop = null;
        T socket = null;
        boolean hasOptions = given;
        try {
            do {
                loop = place(remote);
                if (!hasOptions) {
                    options.apply(libc(), fresh.fd(), local);
                    hasOptions = true;
                }
                socket = watch(loop, fresh, remote);
            } while (socket == null);
        } catch (NetparkException e) {
            if (loop == null || loop.isShutdown()) {
                throw e;
            }
            if (isPassing(e)) {
                unwatched.keep(fresh, remote, hasOptions);
            } // else it is, at worst, an option that was allowed to the listener, and would be refused for ever
            exhausted(e);
            return null;
        } finally {
            if (fresh.isHeld()) { // user code has thrown, say
                fresh.close();
                left(remote);
            }
        }
        leftToPoller = interest.accepted();
        return socket;
    }

    /** Epoll's own limits: memory, max_user_watches. */
    private static boolean isPassing(NetparkException e) {
        return e instanceof NetparkException.SystemError error
                && (error.errno() == Errno.ENOSPC || Errno.isExhaustion(error.errno()));
    }

    /** By whoever closes a connection, on any thread. */
    final void roomAgain() {
        interest.endPauseUntilRoom();
        nudge(Direction.READ);
    }

    private void exhausted(NetparkException cause) {
        if (interest.pause()) {
            loop().report("Accepting on " + AddressText.of(local) + " pauses and will be tried again by itself", cause);
            Counters counters = loop().counters();
            if (counters != null) {
                counters.acceptPaused();
            }
            tellPaused(cause);
        }
    }

    @Override
    public final @Nullable ListenerHealth health() {
        return isClosed() ? null : new ListenerHealth(loop().toString(), local, interest.state());
    }

    // For the interest

    /** Whether somebody waits for a connection. */
    final boolean isAccepting() {
        return isParked(Direction.READ);
    }

    final void setInterest(int events) throws NetparkException {
        loop().poller().modify(fd(), this, events);
    }

    @Override
    protected void requestReport(Direction direction) {
        interest.watch();
    }

    @Override
    public void ready(int readiness, WokenBatch woken) {
        boolean waited = isAccepting();
        super.ready(readiness, woken);
        if (!waited && (readiness & Readiness.WAKES_READER) != 0) {
            interest.unwatchUnlessAccepting();
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
        try {
            interest.end();
        } finally {
            if (unwatched.isSomebody()) {
                unwatched.reset();
                left(unwatched.remote());
            }
        }
    }

    @Override
    protected final String operation(Direction direction) {
        return "accept on " + AddressText.of(local);
    }

    @Override
    protected final NetparkException.Timeout timeout(Direction direction) {
        return NetparkException.Timeout.ACCEPT;
    }

    @Override
    public String toString() {
        return "listener on " + AddressText.of(local);
    }
}
