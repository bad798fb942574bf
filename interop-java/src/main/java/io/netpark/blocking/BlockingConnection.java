package io.netpark.blocking;

import io.netpark.core.buffer.BufferReader;
import io.netpark.core.buffer.BufferWriter;
import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.buffer.OwnedBuffer;
import io.netpark.core.buffer.SegmentPool;
import io.netpark.core.fd.Descriptor;
import io.netpark.core.fd.Direction;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.ConnectionDescriptor;
import io.netpark.core.net.Dial;
import io.netpark.core.net.Dialer;
import io.netpark.core.net.FileTransfer;
import io.netpark.core.net.NetOptions;
import io.netpark.core.net.PeerState;
import io.netpark.core.sys.Due;
import io.netpark.core.sys.NetparkException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * A TCP connection as a thread sees it: operations wait. On a virtual thread (JDK 21) a wait parks it and blocks no other.
 *
 * <pre>{@code
 * while (connection.await(4)) {
 *     int length = connection.reader().takeInt();
 *     connection.awaitRest(length);
 *     handle(connection.reader().next(length));
 *     connection.reader().release();
 * }
 * }</pre>
 *
 * <p>Threads: any but those of event loops. One may read while another writes and a third closes. A thread that is
 * interrupted while it waits gets an {@link InterruptedIOException} and stays interrupted; the connection is as before.
 *
 * <p>Ownership: whoever got it closes it. The reader, the writer and what they handed out end with that: what they hold is
 * given back at once, or, if another thread is in the midst of a call of them, when that returns. A view that another thread may be
 * looking at stays what it is until the garbage collector finds it. Memory comes from
 * {@link SegmentPool#shared}.
 */
public final class BlockingConnection implements AutoCloseable {

    /** Of a frame or line that is waited for, unless told otherwise. */
    private static final int DEFAULT_INPUT_LIMIT = 16 * 1024 * 1024;

    /** In bytes, of a peer that sends on though it is told that nobody reads. */
    private static final long MOST_THROWN_AWAY = 64L << 20;

    private final ConnectionDescriptor core;
    /** Something that the peer has done to it. */
    private volatile boolean counted;
    private volatile int inputLimit = DEFAULT_INPUT_LIMIT;
    private final OwnedBuffer ownedInput;
    private final OwnedBuffer ownedOutput;
    private final BufferReader input;
    private final BufferWriter output;

    BlockingConnection(ConnectionDescriptor core, SegmentPool pool) {
        this.core = core;
        LinkBuffer in = new LinkBuffer(pool);
        LinkBuffer out = new LinkBuffer(pool);
        in.beside(out); // both are in the same hands
        this.ownedInput = new OwnedBuffer(core.loop(), in);
        this.ownedOutput = new OwnedBuffer(core.loop(), out);
        this.input = ownedInput.reader();
        this.output = ownedOutput.writer();
    }

    /**
     * Connects, and waits until that is done.
     *
     * @param group one of its event loops watches the connection
     * @param remote an {@link java.net.InetSocketAddress}, whose name is looked up if it is unresolved, or a unix address
     * @param timeout how long it may take; {@link io.netpark.core.sys.Due#INFINITE} leaves it to the kernel, which gives up after
     *     about two minutes
     * @throws NetparkException naming why there is no connection; nothing is left open
     * @throws InterruptedIOException if the thread is interrupted, and stays so; nothing is left open
     */
    public static BlockingConnection dial(
            EventLoopGroup group, SocketAddress remote, Duration timeout, NetOptions options) throws IOException {
        return dial(Dialer.of(group).withTimeout(timeout).withOptions(options), remote);
    }

    /** As the other, with everything that a dialer can be told. */
    public static BlockingConnection dial(Dialer dialer, SocketAddress remote) throws IOException {
        if (EventLoop.current() != null) {
            throw new IllegalStateException(
                    "an event loop must not wait for a connection to " + remote + "; use another thread, or callbacks");
        }
        CompletableFuture<ConnectionDescriptor> connected = new CompletableFuture<>();
        Dial dial = dialer.dial(remote, new Dial.Outcome() {
            @Override
            public void connected(ConnectionDescriptor connection) {
                if (!connected.complete(connection)) {
                    connection.close(); // the thread was interrupted
                }
            }

            @Override
            public void failed(NetparkException cause) {
                connected.completeExceptionally(cause);
            }
        });
        try {
            return new BlockingConnection(connected.get(), SegmentPool.shared());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            dial.cancel();
            if (!connected.cancel(false) && !connected.isCompletedExceptionally()) {
                connected.join().close();
            }
            throw new InterruptedIOException("interrupted while it connected to " + remote);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof NetparkException cause) {
                throw cause;
            }
            throw new IllegalStateException(e.getCause());
        }
    }

    /** Parses what has come; {@link #await} waits for more. */
    public BufferReader reader() {
        return input;
    }

    /** Collects what {@link #flush} sends. */
    public BufferWriter writer() {
        return output;
    }

    /**
     * Waits until so many bytes can be taken from the reader.
     *
     * @return false if the input has ended instead and nothing is left of it
     * @throws NetparkException.Truncated if it has ended with fewer bytes left; they can still be read
     * @throws NetparkException.LimitExceeded if more is asked for than {@link #setInputLimit} allows
     * @throws NetparkException.TimedOut if the read deadline has passed
     * @throws NetparkException.Reset if the peer has reset the connection
     * @throws NetparkException.Closed if it is closed, before or meanwhile
     */
    public boolean await(int count) throws IOException {
        if (count > inputLimit && input.available() < count) {
            throw told(new NetparkException.LimitExceeded("await " + count + " bytes from " + remoteAddress()
                    + ": the input limit is " + inputLimit + "; refuse what is longer, or raise setInputLimit"));
        }
        while (input.available() < count) {
            if (fill() == ConnectionDescriptor.END_OF_STREAM) {
                if (input.available() == 0) {
                    return false;
                }
                throw truncated(count);
            }
        }
        return true;
    }

    /**
     * Waits until so many bytes can be taken, of something that has begun: the input must not end before. Otherwise as
     * {@link #await}.
     *
     * @throws NetparkException.Truncated if it has ended with fewer left; they can still be read
     */
    public void awaitRest(int count) throws IOException {
        if (!await(count)) {
            throw truncated(count);
        }
    }

    private NetparkException.Truncated truncated(int count) {
        return told(new NetparkException.Truncated("read from " + remoteAddress() + ": the input ended after "
                + input.available() + " of " + count + " bytes"));
    }

    /**
     * Waits for a line that ends with LF or CRLF, as UTF-8.
     *
     * @param limit the most bytes that it may have, with its end
     * @return without its end; null if the input has ended and nothing is left of it
     * @throws NetparkException.LimitExceeded if it is longer
     * @throws NetparkException.Truncated if the input has ended in the middle of it
     */
    public @Nullable String awaitLine(int limit) throws IOException {
        String line = readLine(limit);
        while (line == null) {
            if (fill() == ConnectionDescriptor.END_OF_STREAM) {
                if (input.available() == 0) {
                    return null;
                }
                throw told(new NetparkException.Truncated("read from " + remoteAddress() + ": the input ended "
                        + input.available() + " bytes into a line"));
            }
            line = readLine(limit);
        }
        return line;
    }

    private @Nullable String readLine(int limit) throws NetparkException {
        try {
            return input.takeLine(limit);
        } catch (NetparkException.LimitExceeded e) {
            throw told(e);
        }
    }

    /** What the peer has done to its connection is counted, once; who called knows what to do about it. */
    private <E extends NetparkException> E told(E failure) {
        failure.setAbout(core);
        if (!counted && failure.isAbout(core)) {
            counted = core.loop().countIfByPeer(failure);
        }
        return failure;
    }

    private int fill() throws IOException {
        ThreadWaiter.requireNoLoop(core);
        try {
            int count = read(false);
            while (count == Descriptor.PARK) {
                ThreadWaiter.await(core, Direction.READ);
                count = read(true);
            }
            return count;
        } catch (NetparkException e) {
            giveBackIfClosed();
            throw told(e);
        }
    }

    private int read(boolean again) throws NetparkException {
        LinkBuffer in = ownedInput.enter();
        try {
            int count = again ? core.retryRead(in) : core.startRead(in);
            if (count == Descriptor.PARK) {
                in.trim();
            }
            return count;
        } finally {
            ownedInput.exit(in);
        }
    }

    /**
     * Sends everything that has been written, and waits until the kernel has taken it. If it fails, what has not been sent
     * stays in the writer, and a later flush goes on there.
     *
     * @throws NetparkException.TimedOut if the write deadline has passed; progress extends it
     * @throws NetparkException.Reset if the peer is gone
     * @throws NetparkException.Closed if it is closed, before or meanwhile
     */
    public void flush() throws IOException {
        if (output.buffered() == 0 && !ownedOutput.hasDropped()) {
            return;
        }
        ThreadWaiter.requireNoLoop(core);
        try {
            int outcome = write(false);
            while (outcome == Descriptor.PARK) {
                ThreadWaiter.await(core, Direction.WRITE);
                outcome = write(true);
            }
        } catch (NetparkException e) {
            giveBackIfClosed();
            throw told(e);
        }
    }

    private int write(boolean again) throws NetparkException {
        LinkBuffer out = ownedOutput.enter();
        try {
            return again ? core.retryWrite(out) : core.startWrite(out);
        } finally {
            ownedOutput.exit(out);
        }
    }

    /**
     * Flushes, then sends what is left of a file, and waits until the kernel has taken it. If it fails, {@code transfer} says how
     * much has been sent, and sending it again goes on there. It stays the caller's to close.
     *
     * @throws NetparkException.Truncated if the file has been cut off meanwhile
     * @throws IOException if it cannot be read; otherwise as {@link #flush}
     */
    public void send(FileTransfer transfer) throws IOException {
        flush();
        ThreadWaiter.requireNoLoop(core);
        try {
            int outcome = core.startSend(transfer);
            while (outcome != 0) {
                if (outcome == Descriptor.PARK) {
                    ThreadWaiter.await(core, Direction.WRITE);
                }
                outcome = core.retrySend(transfer);
            }
        } catch (NetparkException e) {
            giveBackIfClosed();
            throw told(e);
        }
    }

    private void giveBackIfClosed() {
        if (core.isClosed()) {
            giveBack();
        }
    }

    /** The input as a stream that waits for at least a byte. Closing it closes the connection. */
    public InputStream asInputStream() {
        return new InputStream() {
            @Override
            public int read() throws IOException {
                return await(1) ? input.takeByte() & 0xFF : -1;
            }

            @Override
            public int read(byte[] target, int offset, int length) throws IOException {
                Objects.checkFromIndexSize(offset, length, target.length);
                return length == 0 ? 0 : await(1) ? input.take(ByteBuffer.wrap(target, offset, length)) : -1;
            }

            @Override
            public int available() {
                return (int) Math.min(Integer.MAX_VALUE, input.available());
            }

            @Override
            public void close() {
                BlockingConnection.this.close();
            }
        };
    }

    /** The output as a stream, whose flush is {@link #flush}. More than 64 KiB are sent at once. Closing it closes the connection. */
    public OutputStream asOutputStream() {
        return new OutputStream() {
            @Override
            public void write(int value) throws IOException {
                output.putByte(value);
                flushIfFull();
            }

            @Override
            public void write(byte[] source, int offset, int length) throws IOException {
                output.put(source, offset, length);
                flushIfFull();
            }

            private void flushIfFull() throws IOException {
                if (output.buffered() >= SegmentPool.LARGEST) {
                    flush();
                }
            }

            @Override
            public void flush() throws IOException {
                BlockingConnection.this.flush();
            }

            @Override
            public void close() throws IOException {
                try {
                    flush();
                } finally {
                    BlockingConnection.this.close();
                }
            }
        };
    }

    /**
     * Lets reads fail with {@link NetparkException.TimedOut} from an instant on, so long from now; also one that waits. Zero
     * takes the deadline away.
     */
    public void setReadDeadline(Duration after) {
        setDeadline(Direction.READ, after);
    }

    /** As {@link #setReadDeadline}, for flushing; progress extends it. */
    public void setWriteDeadline(Duration after) {
        setDeadline(Direction.WRITE, after);
    }

    private void setDeadline(Direction direction, Duration after) {
        if (after.isZero()) {
            core.clearDeadline(direction);
        } else {
            core.setDeadline(direction, Due.in(after));
        }
    }

    /** The most bytes that may be waited for at once; 16 MiB by default. So a length that a peer invents is an error. */
    public void setInputLimit(int bytes) {
        if (bytes < 1) {
            throw new IllegalArgumentException("a limit must be positive, not " + bytes);
        }
        inputLimit = bytes;
    }

    /**
     * What is known of the peer, without asking it or waiting: whether it has ended its stream, or is gone, though nobody reads. For
     * who works on an answer that may be in vain.
     */
    public PeerState peerState() {
        return core.peerState();
    }

    /** The peer's address, also after closing. */
    public SocketAddress remoteAddress() {
        return core.remoteAddress();
    }

    /** The address of this side. */
    public SocketAddress localAddress() throws NetparkException {
        return core.localAddress();
    }

    /**
     * Ends the outgoing stream: the peer reads what was flushed, then the end. Reading goes on.
     *
     * @throws IllegalStateException if the writer holds bytes that have not been flushed: they would never be sent
     */
    public void shutdownOutput() throws NetparkException {
        if (output.buffered() > 0 && !core.isClosed()) {
            throw new IllegalStateException("shut down the output of " + this + ": flush the writer first, it holds "
                    + output.buffered() + " bytes");
        }
        core.shutdownOutput();
    }

    /**
     * Closes the connection. Threads that wait on it get {@link NetparkException.Closed}. What was written and not flushed is
     * dropped, and then the peer finds a reset: an end would tell it that it has got all. Calling it again has no effect.
     */
    @Override
    public void close() {
        if (output.buffered() > 0) { // also while another thread is writing: its message will not get there whole
            core.reset();
        } else {
            core.close();
        }
        giveBack();
    }

    /**
     * Closes the connection, as {@link #close}, by a reset: what is on its way is dropped, and the peer learns that what it has got
     * is not all. To pass on that a stream was broken off. The peer of a unix socket finds an end: such sockets have no reset.
     */
    public void reset() {
        core.reset();
        giveBack();
    }

    /**
     * Flushes, and closes the connection so that what was sent arrives though the peer is still sending; {@link #close} would answer
     * what nobody reads by a reset, which can take the last answer from the peer again. It is closed when this returns; behind
     * that the output is ended, and what comes is thrown away, until the peer has ended its stream or the time is over.
     *
     * @param atMost how long the peer has to end its stream; a few seconds are usual
     * @throws IOException as {@link #flush}; the connection is closed then
     */
    public void closeLingering(Duration atMost) throws IOException {
        long nanos = Due.notNegativeNanos(atMost, "time");
        if (output.buffered() > 0) {
            ThreadWaiter.requireNoLoop(core);
        }
        try {
            flush();
            core.closeLingering(MOST_THROWN_AWAY, nanos);
        } finally {
            close(); // has no effect if it lingers
        }
    }

    private void giveBack() {
        ownedInput.end();
        ownedOutput.end();
    }

    @Override
    public String toString() {
        return core.toString();
    }
}
