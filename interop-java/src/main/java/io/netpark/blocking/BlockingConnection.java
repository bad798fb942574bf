package io.netpark.blocking;

import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.buffer.SegmentPool;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.dialing.Dialer;
import io.netpark.core.net.socket.Detached;
import io.netpark.core.net.streams.ConnectionDescriptor;
import io.netpark.core.sys.Due;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.OpenDescriptor;
import io.netpark.core.tls.ClientTls;
import io.netpark.core.tls.Tls;
import io.netpark.core.tls.TlsSession;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.channels.ByteChannel;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A connection, of TCP or of unix sockets, as a thread sees it: operations wait. On a virtual thread (JDK 21) a wait parks it and
 * blocks no other.
 *
 * <pre>{@code
 * while (connection.await(4)) {
 *     int length = connection.awaitInt();
 *     connection.awaitRest(length);
 *     handle(connection.reader().next(length));
 *     connection.reader().release();
 * }
 * }</pre>
 *
 * <p>Reading, in one table:
 *
 * <table>
 *   <caption>What a read does at the end of the input</caption>
 *   <tr><th>method<th>nothing is left<th>some bytes are left, but fewer
 *   <tr><td>{@code await(n)}<td>false<td>{@code Truncated}
 *   <tr><td>{@code awaitRest(n)}, {@code awaitByte}, {@code awaitInt}, ..., {@code awaitBytes(n)}, {@code awaitString(n)}
 *     <td>{@code Truncated}<td>{@code Truncated}
 *   <tr><td>{@code awaitLine}, {@code awaitUntil}, {@code awaitMessage}<td>null<td>{@code Truncated}
 *   <tr><td>{@code read}, {@code asInputStream}, {@code asChannel}<td>-1<td>what there is
 *   <tr><td>{@code awaitRequest}<td>false<td>true
 * </table>
 *
 * <p>Threads: any but those of event loops. One may read while another writes and a third closes; a second reader, or a second
 * writer, gets an {@link IllegalStateException}.
 *
 * <p>Interrupts: a thread that is interrupted while it waits, or waits though it is interrupted, gets an
 * {@link InterruptedIOException} and stays interrupted. The connection stays open, and what is lost is said by each method; mostly
 * nothing. What need not wait goes ahead. The channel is no {@link java.nio.channels.InterruptibleChannel}, and is not closed either.
 *
 * <p>Ownership: whoever got it closes it; a handler's is closed when the handler returns. The reader, the writer and what they handed
 * out end with that: what they hold is given back at once, or, if another thread is in the midst of a call of them, when that
 * returns. A view that another thread may be looking at stays what it is until the garbage collector finds it. Memory comes from
 * {@link SegmentPool#shared}.
 */
public final class BlockingConnection extends BlockingOutput implements AutoCloseable {

    /** In bytes, of a peer that sends on though it is told that nobody reads. */
    private static final long MOST_THROWN_AWAY = 64L << 20;

    /** Of a connection that nobody has asked anything of. */
    private static final Duration IDLE_LINGERS = Duration.ofSeconds(5);

    /** Who serves it; null if it was dialed or accepted by hand. */
    private @Nullable Handling handling;

    /** Nobody else could use it. */
    private volatile boolean spoiled;

    BlockingConnection(ConnectionDescriptor core) {
        this(core, new LinkBuffer(SegmentPool.shared()), new LinkBuffer(SegmentPool.shared()));
    }

    private BlockingConnection(ConnectionDescriptor core, LinkBuffer in, LinkBuffer out) {
        super(core, in, out);
    }

    // How it begins

    /**
     * Connects, and waits until that is done.
     *
     * @param group one of its event loops watches the connection
     * @param remote an {@link InetSocketAddress}, whose name is looked up if it is unresolved, or a unix address
     * @throws NetparkException naming why there is no connection; nothing is left open
     * @throws InterruptedIOException if the thread is interrupted while it waits, and stays so; nothing is left open
     */
    public static BlockingConnection dial(EventLoopGroup group, SocketAddress remote) throws IOException {
        return dial(Dialer.of(group), remote);
    }

    /** As {@link #dial(EventLoopGroup, SocketAddress)}, to a host by its name or IP literal. */
    public static BlockingConnection dial(EventLoopGroup group, String host, int port) throws IOException {
        return dial(group, InetSocketAddress.createUnresolved(host, port));
    }

    /**
     * As {@link #dial(EventLoopGroup, SocketAddress)}.
     *
     * @param timeout how long it may take, as {@link Dialer#withTimeout} has it
     */
    public static BlockingConnection dial(EventLoopGroup group, SocketAddress remote, Duration timeout) throws IOException {
        return dial(Dialer.of(group).withTimeout(timeout), remote);
    }

    /**
     * As {@link #dial(EventLoopGroup, SocketAddress)}, with TLS: the handshake is over when this returns. The server has to prove that it is
     * who was dialed, by the name that the address object has, or by the address itself.
     *
     * @throws NetparkException.TlsFailure if the handshake has failed, saying why; nothing is left open
     */
    public static BlockingConnection dial(EventLoopGroup group, SocketAddress remote, ClientTls tls) throws IOException {
        return dial(Dialer.of(group).withTls(Objects.requireNonNull(tls, "tls")), remote);
    }

    /** As {@link #dial(EventLoopGroup, SocketAddress, ClientTls)}, to a host by its name or IP literal. */
    public static BlockingConnection dial(EventLoopGroup group, String host, int port, ClientTls tls) throws IOException {
        return dial(group, InetSocketAddress.createUnresolved(host, port), tls);
    }

    /** As {@link #dial(EventLoopGroup, SocketAddress)}, with everything that a dialer can be told: socket options, a resolver, TLS. */
    public static BlockingConnection dial(Dialer dialer, SocketAddress remote) throws IOException {
        return BlockingDial.connect(dialer, remote);
    }

    /**
     * Two connections that are connected to each other, without a port or a path (socketpair(2)): for tests of what is made for
     * connections. Both are of unix sockets.
     *
     * @param group its event loops watch them
     * @throws NetparkException if there are no descriptors for it
     */
    public static Pair pair(EventLoopGroup group) throws NetparkException {
        ConnectionDescriptor.Pair pair = ConnectionDescriptor.pair(group.next(), group.next());
        try {
            return new Pair(new BlockingConnection(pair.first()), new BlockingConnection(pair.second()));
        } catch (Throwable e) { // no memory
            pair.first().close();
            pair.second().close();
            throw e;
        }
    }

    /** What {@link #pair} makes. Closing it closes both. */
    public record Pair(BlockingConnection first, BlockingConnection second) implements AutoCloseable {
        @Override
        public void close() {
            first.close();
            second.close();
        }
    }

    /**
     * Takes over a connected stream socket that something else has opened: a parent process, another library.
     *
     * @param group one of its event loops watches the connection
     * @param descriptor the connection's from now on, unless this throws
     * @throws NetparkException naming what is wrong with the descriptor
     * @throws IllegalStateException if it is closed, or was taken over already
     */
    public static BlockingConnection adopt(EventLoopGroup group, OpenDescriptor descriptor) throws NetparkException {
        return adopt(group, new Detached(descriptor, new byte[0]));
    }

    /** As the other, of what another API, or this one, has {@linkplain #detach detached}. What was read from it already is the reader's. */
    public static BlockingConnection adopt(EventLoopGroup group, Detached detached) throws NetparkException {
        LinkBuffer in = new LinkBuffer(SegmentPool.shared()); // first: there may be no memory for it
        try {
            in.put(detached.unread());
            LinkBuffer out = new LinkBuffer(SegmentPool.shared());
            ConnectionDescriptor core = group.place(loop -> ConnectionDescriptor.adopt(loop, detached.descriptor()));
            try {
                return new BlockingConnection(core, in, out);
            } catch (Throwable e) { // no memory
                core.close();
                throw e;
            }
        } catch (Throwable e) {
            in.close();
            throw e;
        }
    }

    // As the JDK's channel

    /**
     * The connection as a channel, whose reads wait for at least a byte and whose writes send all: {@link #read(java.nio.ByteBuffer)} and
     * {@link #write(java.nio.ByteBuffer)}, and so it is when they are interrupted. Closing it closes the connection.
     */
    public ByteChannel asChannel() {
        return new ConnectionChannel(this);
    }

    // TLS

    /** As {@link #startTls(Tls, String, int)}, of a server; or of a client whose configuration names the server, or verifies no name. */
    public TlsSession startTls(Tls tls) throws IOException {
        return beginTls(Objects.requireNonNull(tls, "tls"), null, -1);
    }

    /**
     * Encrypts a plain connection from here on, in the middle of a protocol (STARTTLS), and waits until the handshake is over. What the
     * writer holds is flushed before, as the last of the plain part. What the reader holds is the first of the peer's handshake, and is
     * never read as data: so what somebody has put behind the last plain message is not obeyed (CVE-2011-0411); it makes the handshake
     * fail.
     *
     * @param tls of a server or of a client, which settles what this side is
     * @param host the name that was dialed, for the server to prove
     * @param port the port that was dialed
     * @return what the handshake has agreed on
     * @throws IOException as {@link #flush} and {@link #awaitTls}, also if interrupted: once it has begun, the handshake goes on
     * @throws IllegalStateException if it has TLS already, or another thread reads or writes
     */
    public TlsSession startTls(Tls tls, String host, int port) throws IOException {
        return beginTls(Objects.requireNonNull(tls, "tls"), Objects.requireNonNull(host, "host"), port);
    }

    private TlsSession beginTls(Tls tls, @Nullable String host, int port) throws IOException {
        flush();
        requireUsable();
        ThreadWaiter.requireNoLoop(core);
        checkInput();
        checkOutput();
        LinkBuffer ahead = ownedInput.enter();
        try {
            core.startTls(tls, host, port, ahead);
        } catch (NetparkException e) {
            giveBackIfClosed();
            throw told(e);
        } finally {
            ownedInput.exit(ahead);
        }
        return awaitTls();
    }

    // Copying

    /** As {@link #copyTo(BlockingConnection, long)}, to the end of the stream. */
    public long copyTo(BlockingConnection target) throws IOException {
        return copyTo(target, Long.MAX_VALUE);
    }

    /**
     * Copies what the peer sends to another connection, to the end of the stream or so many bytes, and waits until that is done. A
     * stream that is full goes from socket to socket inside the kernel (splice(2)), unless either side has TLS. What this reader holds goes first, and what the
     * target's writer holds before that. The end of the stream is not passed on: that is {@link #shutdownOutput}'s, and
     * {@link #relay} does it. A source that is reset resets the target when that is closed.
     *
     * <p>If it fails, or the thread is interrupted, nothing is lost: bytes that the target has not taken go back to the reader. In the
     * midst of a write it breaks the output of the target, as {@link #write(byte[], int, int)} does.
     *
     * @param count how many bytes at most
     * @return how many bytes of this connection the target has got
     * @throws NetparkException as {@link #await} and {@link #flush}; the message says of which
     * @throws InterruptedIOException if the thread is interrupted while it waits, and stays so
     * @throws IllegalStateException if another thread reads from the one, or writes to the other
     */
    public long copyTo(BlockingConnection target, long count) throws IOException {
        return Copying.copy(this, target, count);
    }

    /**
     * Makes this connection and another one to the peers at their ends, and waits until both streams have ended: copies in both
     * directions, as {@link #copyTo(BlockingConnection, long)} does, also if interrupted. The end of either stream is passed on as the end of the other's
     * output, and the other direction goes on; a failure of one direction ends both. Both stay the caller's to close.
     *
     * @return how many bytes were copied
     * @throws NetparkException the first failure, as {@link #copyTo(BlockingConnection, long)}
     */
    public Relayed relay(BlockingConnection other) throws IOException {
        return Copying.relay(this, other);
    }

    // Being served

    /**
     * Waits for the first byte of a request, as {@link #await} of one byte does, also if interrupted; or until no request is wanted any
     * more, as the {@linkplain BlockingListener#shutdown listener is shut down}: then the handler should return. A request that has
     * arrived by then is not lost.
     *
     * @return false if the input has ended, or no request is wanted any more
     */
    public boolean awaitRequest() throws IOException {
        Handling mine = handling;
        if (mine == null) {
            return reader().available() > 0 || await(1);
        }
        mine.awaitsRequest();
        if (reader().available() == 0) {
            int found = fillUnless(mine);
            if (found <= 0) {
                mine.endsWithoutRequest(found == 0);
                return false;
            }
        }
        mine.hasRequest();
        return true;
    }

    /** Whether the listener that it is served by is coming to its end: the time for a handler to say goodbye. False if there is none. */
    public boolean isDraining() {
        Handling mine = handling;
        return mine != null && mine.isDraining();
    }

    /** Before the handler has it. */
    void servedBy(Handling handling) {
        this.handling = handling;
    }

    // How it ends

    /**
     * Ends the outgoing stream: the peer reads what was flushed, then the end. Reading goes on.
     *
     * <p>With TLS the peer is told by close_notify. Up to TLS 1.2 it ends its own stream then, and throws away what it has not sent yet
     * (RFC 5246, 7.2.1): only TLS 1.3 has streams that end one by one.
     *
     * @throws IllegalStateException if the writer holds bytes that have not been flushed: they would never be sent
     * @throws NetparkException.Closed if the connection is closed, or an earlier write has broken the output
     */
    public void shutdownOutput() throws NetparkException {
        requireUsable();
        requireFlushed("shut down the output of");
        checkOutput();
        spoiled = true;
        answering = false;
        core.shutdownOutput();
    }

    /**
     * Closes the connection. Threads that wait on it get {@link NetparkException.Closed}. What was written and not flushed is
     * dropped, as is what another thread is writing of an array or a file, and then the peer finds a reset: an end would tell it that
     * it has got all. Never waits; calling it again has no effect.
     */
    @Override
    public void close() {
        if (!isRefused()) { // or it is another's by now
            if (isCutOffByEnd()) { // also while another thread is writing: its message will not get there whole
                core.reset();
            } else {
                core.close();
            }
            giveBack();
        }
    }

    /**
     * Closes the connection, as {@link #close}, by a reset: what is on its way is dropped, and the peer learns that what it has got
     * is not all. To pass on that a stream was broken off. The peer of a unix socket finds an end: such sockets have no reset.
     */
    public void reset() {
        if (!isRefused()) {
            core.reset();
            giveBack();
        }
    }

    /**
     * Flushes, and closes the connection so that what was sent arrives though the peer is still sending; {@link #close} would answer
     * what nobody reads by a reset, which can take the last answer from the peer again. It is closed when this returns; behind
     * that the output is ended, and what comes is thrown away, until the peer has ended its stream or the time is over.
     *
     * @param atMost how long the peer has to end its stream; a few seconds are usual
     * @throws IOException as {@link #flush}, also if interrupted; the connection is closed then
     */
    public void closeLingering(Duration atMost) throws IOException {
        long nanos = Due.notNegativeNanos(atMost, "time");
        if (isRefused()) {
            return;
        }
        try {
            flush();
            if (!isOutputBroken()) { // its end would look like that of something whole
                core.closeLingering(MOST_THROWN_AWAY, nanos);
            }
        } finally {
            close(); // has no effect if it lingers
        }
    }

    /**
     * Gives the connection to other code: it is taken off its event loop, open and non-blocking. This object is closed; the caller owns
     * what it gets, and closes it or has it adopted.
     *
     * @return the socket, and the bytes that the reader holds
     * @throws NetparkException.Closed if the connection is closed
     * @throws IllegalStateException if a thread is reading or writing, or the writer has not been flushed, or the kernel has bytes on
     *     loan (see {@link #setZeroCopy}), or it has TLS, whose keys would stay here
     */
    public Detached detach() throws NetparkException {
        requireUsable();
        requireFlushed("detach");
        OpenDescriptor descriptor = core.detach();
        try {
            return new Detached(descriptor, reader().takeBytes((int) reader().available()));
        } catch (Throwable e) { // no memory for them, and without them it is of no use
            descriptor.close();
            throw e;
        } finally {
            giveBack();
        }
    }

    @Override
    void giveBackIfClosed() {
        if (core.isClosed()) {
            giveBack();
        }
    }

    private void giveBack() {
        ownedInput.end();
        core.loop().countDropped(ownedOutput.end());
    }

    // How a handler ends

    /** The handler has returned. */
    void flushRest() throws IOException {
        if (!core.isClosed()) {
            flush();
        }
    }

    /** The handler has failed, or takes too long: what it may have cut off does not look complete to the peer. Returns what is dropped. */
    long breakOff() {
        long dropped = unflushed();
        if (dropped > 0 || answering || isCutOffByEnd()) {
            core.reset();
        } else {
            core.close();
        }
        return dropped;
    }

    /** The handler has left. An answer may be on its way still, and a request that comes now must not reset it. */
    void closeBehindHandler(boolean withoutRequest) {
        if (withoutRequest && !isCutOffByEnd()) { // or its end would look like that of something whole
            core.closeLingering(Long.MAX_VALUE, Due.nanos(IDLE_LINGERS));
        }
        close();
    }

    // Being lent

    /** Nobody else could use it. */
    void spoil() {
        spoiled = true;
    }

    /**
     * The lease ends: it refuses from now on.
     *
     * @return whether nothing of an exchange is left; if not, and something was cut off by that, it has been reset
     */
    boolean endLease(String why) {
        refuse(why); // before it is looked whether anything goes on
        boolean clean = !spoiled && !core.isInUse() && !isCutOffByEnd() && isInputClean();
        if (isCutOffByEnd()) {
            core.reset();
        }
        ownedInput.refuse(why);
        core.loop().countDropped(ownedOutput.refuse(why));
        return clean;
    }
}
