package io.netpark.core.net.streams;

import io.netpark.core.counting.Counters;
import io.netpark.core.fd.Attendant;
import io.netpark.core.fd.Direction;
import io.netpark.core.fd.Waiter;
import io.netpark.core.linux.Linux;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.loop.Observer;
import io.netpark.core.net.address.Addresses;
import io.netpark.core.net.options.NetOption;
import io.netpark.core.net.options.OptionCalls;
import io.netpark.core.net.options.PeerCredentials;
import io.netpark.core.net.options.TcpInfo;
import io.netpark.core.net.socket.DescriptorPassing;
import io.netpark.core.net.socket.PassedDescriptors;
import io.netpark.core.net.zerocopy.Lingering;
import io.netpark.core.net.zerocopy.ZeroCopy;
import io.netpark.core.poll.Interest;
import io.netpark.core.report.ConnectionSnapshot;
import io.netpark.core.report.ParkedOperation;
import io.netpark.core.sys.AddressText;
import io.netpark.core.sys.Due;
import io.netpark.core.sys.Errno;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.OpenDescriptor;
import io.netpark.core.sys.SockAddr;
import io.netpark.core.sys.UnixAddress;
import io.netpark.core.tls.TlsSession;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A connection of TCP or of unix stream sockets: a {@link ByteStream} with two addresses, and the ways it begins and ends.
 *
 * <p>Ownership: the connection owns its descriptor and must be closed, or {@linkplain #detach detached}.
 */
public sealed class ConnectionDescriptor extends ByteStream implements ConnectionSnapshot.Source permits AdmittedConnection, Opening.Unasked {

    /** The peer's address as the kernel gave it, in a third of the memory that an object for it takes. Never changed. */
    final byte[] remote;
    /** When it was opened, by the loop's clock. */
    private final long since;
    /** It was dialed, and is not established yet. Written by whoever has the right to the operation that connects. */
    private boolean connecting;
    /** Null if no adapter has more to say. */
    private volatile @Nullable Attendant attendant;

    ConnectionDescriptor(EventLoop loop, int fd, byte[] remote) {
        super(loop, fd);
        this.remote = remote;
        this.since = loop.clock().nanoTime();
    }

    /** Has the loop's poller watch it from now on. Closes it if that fails. */
    void watchForLife() throws NetparkException {
        register(Interest.PARKING);
    }

    /** Tells of a connection that there is from now on. */
    void opened() {
        Counters counters = loop().counters();
        if (counters != null) {
            counters.opened();
        }
        Observer observer = loop().observer();
        if (observer != null) {
            loop().tell(() -> observer.opened(loop(), this));
        }
    }

    /** It is to be {@linkplain #startConnect connected}: until then it has no peer. Before it is opened. */
    void beginsConnecting() {
        connecting = true;
    }

    /**
     * Undoes {@link #opened}.
     *
     * @param lived whether it was a connection, and not only to become one
     */
    void tellClosed(boolean lived) {
        Counters counters = loop().counters();
        Observer observer = loop().observer();
        if (counters == null && observer == null) {
            return;
        }
        long life = loop().clock().nanoTime() - since;
        if (counters != null) {
            counters.closed();
            if (lived) {
                counters.lived(life);
            }
        }
        if (observer != null) {
            loop().tell(() -> observer.closed(loop(), this, Duration.ofNanos(life)));
        }
    }

    @Override
    protected void destroyed() {
        try {
            super.destroyed();
        } finally {
            attendant = null; // what lingers of this must not keep its handler
            tellClosed(!connecting);
        }
    }

    // Two ends of one connection

    /** Two connections, each of which is the other's peer. */
    public record Pair(ConnectionDescriptor first, ConnectionDescriptor second) implements AutoCloseable {

        @Override
        public void close() {
            try {
                first.close();
            } finally {
                second.close();
            }
        }
    }

    /**
     * Makes two connected connections without a port or a path (socketpair(2)): what one writes the other reads. Both are unix stream
     * sockets without a name.
     *
     * @param first where the first lives
     * @param second where the second lives: the same loop, or another one
     * @throws NetparkException if there are no descriptors for it; nothing is left open
     */
    public static Pair pair(EventLoop first, EventLoop second) throws NetparkException {
        return Opening.pair(first, second);
    }

    // Descriptors from elsewhere, and to elsewhere

    /**
     * Takes over a connected stream socket that something else has opened: a parent process, another library. It is made
     * non-blocking and close-on-exec. Bytes that were read from it already are the caller's to put in front.
     *
     * @param descriptor the connection's from now on, unless this throws
     * @throws NetparkException naming what is wrong with the descriptor
     * @throws IllegalStateException if it is closed, or was taken over already
     */
    public static ConnectionDescriptor adopt(EventLoop loop, OpenDescriptor descriptor) throws NetparkException {
        return descriptor.handOver(fd -> Opening.adopt(loop, fd));
    }

    /**
     * Gives the descriptor up: this object is closed, and the connection stays open and is the caller's, non-blocking and
     * no longer watched. Bytes that were read and not used are wherever they were read to.
     *
     * @return the socket, the caller's to close or to give to {@link #adopt}
     * @throws NetparkException.Closed if it is closed
     * @throws IllegalStateException if an operation is going on or parked, or the kernel has bytes on loan (see
     *     {@link ZeroCopy}), or the connection has TLS; the connection is as before
     */
    public OpenDescriptor detach() throws NetparkException.Closed {
        if (hasTls()) {
            throw new IllegalStateException("detach " + this + ": it has TLS, whose keys would stay here; a program that is to go on with"
                    + " it cannot, so let the connection go on here, or detach it before TLS begins");
        }
        OpenDescriptor detached = OpenDescriptor.of(libc(), fd()); // first: there may be no memory for it
        surrenderUnlent("detach " + this);
        return detached;
    }

    // Descriptors that are passed along

    /**
     * Reads as {@link #startRead(ByteBuffer)} does, and takes what descriptors have come with the bytes. The kernel ends a read
     * where other descriptors begin, so the descriptors of two writes never come together. A plain read closes what comes with its bytes.
     *
     * @param into where descriptors go, which must hold none
     * @return as {@link #startRead(ByteBuffer)}
     * @throws IllegalStateException if it is no unix socket, or has TLS, or {@code into} holds some
     * @throws IllegalArgumentException if there is no room for a byte, which descriptors come with
     */
    public int startReadDescriptors(ByteBuffer target, PassedDescriptors into) throws NetparkException {
        if (remote[0] != Linux.AF_UNIX) {
            throw DescriptorPassing.notUnix(this);
        }
        if (!target.hasRemaining()) {
            throw new IllegalArgumentException("descriptors come with bytes, and there is no room for one");
        }
        if (target.isReadOnly()) {
            throw new ReadOnlyBufferException();
        }
        DescriptorPassing.requireEmpty(into);
        return perform(Direction.READ, false, READ_DESCRIPTORS, this, target, into, null);
    }

    private void requirePlain(String operation) {
        if (hasTls()) {
            throw new IllegalStateException(operation + peer() + ": the connection has TLS, whose records no descriptor can go with");
        }
    }

    /** Goes on with {@link #startReadDescriptors}. */
    public int retryReadDescriptors(ByteBuffer target, PassedDescriptors into) throws NetparkException {
        return perform(Direction.READ, true, READ_DESCRIPTORS, this, target, into, null);
    }

    private static final WideOperation<ConnectionDescriptor, ByteBuffer, PassedDescriptors, @Nullable Object, NetparkException>
            READ_DESCRIPTORS = (self, target, into, none) -> self.attemptReadDescriptors(target, into);

    private int attemptReadDescriptors(ByteBuffer target, PassedDescriptors into) throws NetparkException {
        requirePlain("read descriptors from ");
        long result = DescriptorPassing.receive(libc(), fd(), target, into);
        if (result == -Errno.EAGAIN) {
            return PARK;
        }
        if (result <= 0) {
            requireEnd(result);
        }
        if (result > 0) {
            moved(Direction.READ, result);
        }
        return result == 0 ? END_OF_STREAM : (int) result;
    }

    /**
     * Writes some of {@code source}, at least a byte, and passes descriptors along with it (SCM_RIGHTS of unix(7)): the peer
     * gets descriptors of its own for the same open files. What is left of the bytes is for {@link #startWrite} to write: if anything is,
     * this {@linkplain #hold holds} the connection for {@code source}, to be ended by {@link #goOn}.
     *
     * @param descriptors 1 to 253; they stay the caller's, open until this has returned something else than PARK
     * @return the number of bytes, all descriptors being with the first of them; or {@link #PARK}
     * @throws NetparkException naming a descriptor that is not open, or cannot be passed; and as {@link #startWrite}
     * @throws IllegalStateException if it is no unix socket, or has TLS
     * @throws IllegalArgumentException if there is no byte to go with them, or they are too many
     */
    public int startWriteDescriptors(ByteBuffer source, OpenDescriptor... descriptors) throws NetparkException {
        if (remote[0] != Linux.AF_UNIX) {
            throw DescriptorPassing.notUnix(this);
        }
        DescriptorPassing.require(descriptors);
        if (!source.hasRemaining()) {
            throw new IllegalArgumentException("descriptors go with bytes, and there is none");
        }
        return perform(Direction.WRITE, false, WRITE_DESCRIPTORS, this, source, descriptors, null);
    }

    /** Goes on with {@link #startWriteDescriptors}. */
    public int retryWriteDescriptors(ByteBuffer source, OpenDescriptor... descriptors) throws NetparkException {
        return perform(Direction.WRITE, true, WRITE_DESCRIPTORS, this, source, descriptors, null);
    }

    private static final WideOperation<ConnectionDescriptor, ByteBuffer, OpenDescriptor[], @Nullable Object, NetparkException>
            WRITE_DESCRIPTORS = (self, source, descriptors, none) -> self.attemptWriteDescriptors(source, descriptors);

    private int attemptWriteDescriptors(ByteBuffer source, OpenDescriptor[] descriptors) throws NetparkException {
        requirePlain("pass descriptors to ");
        long result = DescriptorPassing.send(libc(), fd(), source, descriptors);
        if (result == -Errno.EAGAIN) {
            noteFull();
            return PARK;
        }
        if (result < 0) {
            noteFailure((int) -result);
            throw DescriptorPassing.failure((int) -result, "pass descriptors in a " + operation(Direction.WRITE));
        }
        if (source.hasRemaining()) {
            hold(source); // while this has the lock still
        }
        if (result > 0) {
            moved(Direction.WRITE, result);
        }
        return (int) result;
    }

    // Connecting

    /**
     * Finishes connecting, as a write-side operation. On failure the connection is closed.
     *
     * @return 0 or {@link #PARK}
     * @throws NetparkException naming why there is no connection
     */
    public int startConnect() throws NetparkException {
        return connect(false);
    }

    /** Goes on with {@link #startConnect}. */
    public int retryConnect() throws NetparkException {
        return connect(true);
    }

    private int connect(boolean retry) throws NetparkException {
        try {
            return perform(Direction.WRITE, retry, CONNECT, this, null, 0);
        } catch (NetparkException.TimedOut e) {
            close();
            throw e.timeout() == NetparkException.Timeout.CONNECT
                    ? e // the kernel's
                    : about(new NetparkException.TimedOut(NetparkException.Timeout.CONNECT,
                            "connect to " + AddressText.of(remoteAddress()) + ": the deadline passed"));
        }
    }

    private static final Operation<ConnectionDescriptor, @Nullable Object, NetparkException> CONNECT = (self, none, most) -> {
        try {
            int connected = self.attemptConnect();
            if (connected == 0) {
                self.connecting = false;
            }
            return connected;
        } catch (Throwable e) {
            self.close();
            throw e;
        }
    };

    int attemptConnect() throws NetparkException {
        // Being writable is no verdict: SO_ERROR is, and 0 only together with a peer (golang/go 14548).
        int errno = Addresses.option(libc(), fd(), Linux.SO_ERROR);
        errno = errno < 0 ? -errno : errno;
        if (errno == 0) {
            errno = Addresses.peerErrno(libc(), fd());
        }
        return switch (errno) {
            case 0 -> 0;
            case Errno.ENOTCONN, Errno.EINPROGRESS, Errno.EALREADY, Errno.EINTR -> PARK;
            default -> throw failure(errno, "connect to " + AddressText.of(remoteAddress()));
        };
    }

    private static NetparkException failure(int errno, String operation) {
        return errno == Errno.ETIMEDOUT
                ? new NetparkException.TimedOut(NetparkException.Timeout.CONNECT,
                        operation + ": " + Errno.describe(errno) + "; the kernel gave up")
                : NetparkException.of(errno, operation);
    }

    /** Whether the kernel has connected it to its own port (golang/go 2690). */
    boolean isConnectedToItself() throws NetparkException {
        return remote[0] != Linux.AF_UNIX && localAddress().equals(remoteAddress());
    }

    /**
     * Makes {@link #close} send a reset and drop what is unsent (SO_LINGER with 0 seconds): for a peer that misbehaves,
     * or a server that must not collect TIME_WAIT.
     *
     * @throws NetparkException.Closed if the connection is closed
     */
    public void resetOnClose() throws NetparkException {
        setOption(NetOption.LINGER, Duration.ZERO);
    }

    /**
     * Closes the connection by a reset, at once: what is unsent and what is unread is dropped, and the peer's next operation fails,
     * also where an operation here is in a system call, or another process holds the same socket. The peer of a unix socket finds
     * an end of stream: such sockets have no reset. No effect on what is closed already.
     */
    public void reset() {
        if (!tryAcquire()) {
            return;
        }
        endAbruptly();
        try {
            OptionCalls.set(libc(), fd(), NetOption.LINGER, Duration.ZERO); // is looked at when the descriptor is closed
        } catch (NetparkException e) {
            // The next does what matters.
        } finally {
            try {
                close();
                if (isTcp()) {
                    Lingering.disconnect(libc(), fd());
                }
            } finally {
                release();
            }
        }
    }

    // Addresses

    /** The peer's address, also after closing: an {@link InetSocketAddress} or a {@link UnixAddress}, often unnamed. */
    public SocketAddress remoteAddress() {
        return SockAddr.of(remote);
    }

    @Override
    boolean emptyAfterShortRead() {
        return isTcp();
    }

    @Override
    boolean isTcp() {
        return remote[0] != Linux.AF_UNIX;
    }

    @Override
    String peer() {
        return AddressText.of(remoteAddress());
    }

    @Override
    String addresses() {
        SocketAddress known = knownLocalAddress();
        return AddressText.of(remoteAddress()) + (known == null ? "" : " (local " + AddressText.of(known) + ")");
    }

    // What can be seen

    /** Says who knows more of it than it does itself, from now on; null for nobody. For Netpark's own adapters. */
    public final void setAttendant(@Nullable Attendant attendant) {
        this.attendant = attendant;
    }

    @Override
    public final @Nullable String handler() {
        Attendant known = attendant;
        return known == null ? null : known.handler();
    }

    @Override
    public final @Nullable Supplier<ConnectionSnapshot> look() {
        if (isClosed()) {
            return null;
        }
        if (!loop().inLoop()) {
            if (loop().isShutdown()) { // a task that meets the very end of the loop runs elsewhere, and everything has been closed
                return null;
            }
            throw new IllegalStateException("look at " + this + ": only its event loop can");
        }
        long now = loop().clock().nanoTime();
        Duration age = Duration.ofNanos(now - since);
        TcpInfo info = isTcp() ? tcpInfoIfOpen() : null;
        TlsSession session = tlsSession();
        ConnectionSnapshot.State state = state(info, session);
        Attendant known = attendant;
        long pending = unsent() + (known == null ? 0 : known.pendingOutput());
        String handler = handler();
        ConnectionSnapshot.TimeLimits limits = new ConnectionSnapshot.TimeLimits(left(Direction.READ, now), left(Direction.WRITE, now),
                timeout(timeoutNanos(Direction.READ)), timeout(timeoutNanos(Direction.WRITE)), timeout(idleTimeoutNanos()));
        long in = bytesIn();
        long out = bytesOut();
        List<Supplier<ParkedOperation>> parked = new ArrayList<>(2);
        look(Direction.READ, parked);
        look(Direction.WRITE, parked);
        return () -> new ConnectionSnapshot(loop().toString(), remoteAddress(), knownLocalAddress(), state,
                session == null ? null : session.protocol() + " " + session.cipherSuite(), age, idle(info, age), in, out, pending, limits,
                handler, parked.stream().map(Supplier::get).toList());
    }

    private void look(Direction direction, List<Supplier<ParkedOperation>> into) {
        Waiter waiter = parked(direction);
        if (waiter != null) {
            String who = waiter.who();
            Supplier<List<StackTraceElement>> frames = waiter.frames();
            if (parked(direction) == waiter) { // or another thread has woken it meanwhile, and it may be anywhere
                String operation = direction == Direction.READ ? "read" : "write";
                into.add(() -> new ParkedOperation(operation, who, framesOf(frames)));
            }
        }
    }

    /** Called by whoever looks, who is to see the rest of this connection, and the others, whatever is wrong with one waiter. */
    private List<StackTraceElement> framesOf(Supplier<List<StackTraceElement>> waiter) {
        try {
            return waiter.get();
        } catch (RuntimeException | LinkageError e) {
            loop().report("It cannot be told where " + this + " is waited for", e);
            return List.of();
        }
    }

    /** Null if it is closed at this moment, or the kernel does not tell. */
    private @Nullable TcpInfo tcpInfoIfOpen() {
        if (!tryAcquire()) {
            return null;
        }
        try {
            return OptionCalls.get(libc(), fd(), OptionCalls.TCP_INFO);
        } catch (NetparkException e) {
            return null;
        } finally {
            release();
        }
    }

    private ConnectionSnapshot.State state(@Nullable TcpInfo info, @Nullable TlsSession session) {
        if (info != null && info.state() == TcpInfo.State.SYN_SENT) {
            return ConnectionSnapshot.State.CONNECTING;
        }
        return switch (peerState()) {
            case PRESENT -> hasTls() && session == null ? ConnectionSnapshot.State.HANDSHAKE : ConnectionSnapshot.State.OPEN;
            case HALF_CLOSED -> ConnectionSnapshot.State.HALF_CLOSED;
            case GONE, CLOSED -> ConnectionSnapshot.State.GONE;
        };
    }

    /** Of a socket that was adopted the kernel knows what was before; and where nothing was sent, an instant long ago. */
    private static @Nullable Duration idle(@Nullable TcpInfo info, Duration age) {
        if (info == null) {
            return null;
        }
        Duration idle = info.lastDataSent().compareTo(info.lastDataReceived()) < 0 ? info.lastDataSent() : info.lastDataReceived();
        return idle.compareTo(age) < 0 ? idle : age;
    }

    private @Nullable Duration left(Direction direction, long now) {
        long deadline = deadline(direction);
        return deadline == 0 ? null : Duration.ofNanos(deadline - now);
    }

    private static @Nullable Duration timeout(long nanos) {
        return nanos >= Due.FOREVER ? null : Duration.ofNanos(nanos);
    }

    // What the kernel knows

    /**
     * What the kernel knows of this connection: round trips, retransmissions, windows.
     *
     * @throws NetparkException.Closed if the connection is closed
     * @throws NetparkException if the connection is not of TCP
     */
    public TcpInfo tcpInfo() throws NetparkException {
        return getOption(OptionCalls.TCP_INFO);
    }

    /**
     * The process at the other end of a unix socket.
     *
     * @throws NetparkException.Closed if the connection is closed
     * @throws IllegalStateException if the connection is of TCP, which does not know
     */
    public PeerCredentials peerCredentials() throws NetparkException {
        if (remote[0] != Linux.AF_UNIX) {
            throw new IllegalStateException("get the peer credentials of " + this + ": only unix sockets have them");
        }
        return getOption(OptionCalls.PEER_CREDENTIALS);
    }

    @Override
    public String toString() {
        return "connection to " + addresses();
    }
}
