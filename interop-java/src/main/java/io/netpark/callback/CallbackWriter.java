package io.netpark.callback;

import io.netpark.callback.futures.PlacedFuture;
import io.netpark.callback.lifecycle.Lifecycle;
import io.netpark.callback.output.Output;
import io.netpark.callback.socket.CallbackSocket;
import io.netpark.callback.state.Limits;
import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.net.files.FileTransfer;
import io.netpark.core.net.streams.ConnectionDescriptor;
import io.netpark.core.sys.Due;
import io.netpark.core.sys.NetparkException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/** The outgoing half of a {@link CallbackConnection}: users see it in that. */
abstract sealed class CallbackWriter extends CallbackSocket permits CallbackConnection {

    CallbackWriter(ConnectionDescriptor core) {
        super(core);
    }

    abstract Output output();

    abstract Limits limits();

    abstract Lifecycle life();

    /**
     * Writes all bytes of {@code source} after those written before, and never waits: what the kernel does not take at
     * once is copied and sent when it can be. On the loop, with nothing pending, the bytes go to the kernel straight
     * from the buffer, without a copy. The bytes of one call stay together. There is one order of output, whichever way it is
     * written: calls of one thread keep theirs, and files and copies from other connections have their place in it.
     *
     * <p>One call has two mebibytes of the loop's time, and what is left is copied for later, which for hundreds of megabytes takes
     * its time as well: what is that large is better {@linkplain io.netpark.core.buffer.BufferWriter#link linked} into a
     * {@link #write(LinkBuffer) buffer}, or sent as a {@link #sendFile file}.
     *
     * <p>If the connection fails while it writes, it is closed with that as the cause, and this returns normally: the
     * failure may just as well come later, when nobody is calling.
     *
     * @return whether to go on: false while more than the high-water mark is pending. Nothing enforces it, but memory
     *     is used until the peer reads; {@link Callbacks.Builder#onWritable} tells when to go on.
     * @throws NetparkException.Closed if the connection is closed, or the output was ended by {@link #shutdownOutput}
     *     or {@link #closeAfterWrites}; the buffer is untouched
     */
    public boolean write(ByteBuffer source) throws NetparkException.Closed {
        requireWritable();
        output().write(source, null);
        return isWritable();
    }

    /**
     * As {@link #write}, with a result: a future that completes, on the loop, when the kernel has taken all the bytes,
     * which does not mean that the peer has read them. It does not complete during this call, and what is chained to it never
     * runs inside the call that chains it, so a chain of writes may be as long as it likes. Cancelling it does not take the
     * bytes back.
     *
     * @return fails with {@link NetparkException.Closed} if the connection is closed before; its cause says why
     */
    public CompletableFuture<Void> writeAsync(ByteBuffer source) {
        try {
            requireWritable();
        } catch (NetparkException.Closed e) {
            return limits().failedFuture(loop(), e);
        }
        PlacedFuture<Void> future = limits().newFuture(loop());
        output().write(source, future);
        return future;
    }

    /** An empty buffer from the connection's pool, to write a message into. To be closed. */
    public LinkBuffer newBuffer() {
        return limits().newBuffer();
    }

    /**
     * Writes everything that a buffer holds, without a copy; it is empty then, and still the caller's. Otherwise as
     * {@link #write(ByteBuffer)}: from any thread, and the bytes of one call stay together.
     */
    public boolean write(LinkBuffer source) throws NetparkException.Closed {
        requireWritable();
        output().write(source, null);
        return isWritable();
    }

    /** As {@link #write(LinkBuffer)}, with a result as that of {@link #writeAsync(ByteBuffer)}. */
    public CompletableFuture<Void> writeAsync(LinkBuffer source) {
        try {
            requireWritable();
        } catch (NetparkException.Closed e) {
            return limits().failedFuture(loop(), e);
        }
        PlacedFuture<Void> future = limits().newFuture(loop());
        output().write(source, future);
        return future;
    }

    /**
     * Sends a file after everything written before, and never waits: its bytes go from the kernel's page cache to the socket
     * and take no memory here, unless the transfer is one of a channel, or there is TLS: then it is read and encrypted, a record at a time.
     * It is taken over, and closed when it is over, also if
     * it is refused. From any thread, as {@link #write(ByteBuffer)}, and with the same failures; a file that is cut off
     * meanwhile, or cannot be read, closes the connection, as the peer would wait for the rest.
     *
     * <p>What has not been sent of it counts as pending, for {@link #pendingBytes} and the high-water mark: meanwhile the
     * connection is not read. It does not count for the output limit. What is not in the page cache is waited for, by the
     * whole loop.
     *
     * @return as {@link #write(ByteBuffer)}
     */
    public boolean sendFile(FileTransfer transfer) throws NetparkException.Closed {
        send(transfer, null, null);
        return isWritable();
    }

    /** As {@link #sendFile(FileTransfer)}, of all of a file that is opened now; that throws if it cannot be. */
    public boolean sendFile(Path path) throws IOException {
        return sendFile(FileTransfer.open(path));
    }

    /**
     * As {@link #sendFile(FileTransfer)}, with a result as that of {@link #writeAsync(ByteBuffer)}.
     *
     * @param progress told on the loop how many bytes the kernel has taken, whenever it takes no more for now; or null
     */
    public CompletableFuture<Void> sendFileAsync(FileTransfer transfer, @Nullable LongConsumer progress) {
        PlacedFuture<Void> future = limits().newFuture(loop());
        try {
            send(transfer, progress, future);
        } catch (NetparkException.Closed e) {
            return limits().failedFuture(loop(), e);
        }
        return future;
    }

    private void send(FileTransfer transfer, @Nullable LongConsumer progress, @Nullable PlacedFuture<Void> future)
            throws NetparkException.Closed {
        try {
            requireWritable();
        } catch (NetparkException.Closed e) {
            transfer.close();
            throw e;
        }
        output().send(transfer, progress, future);
    }

    /** Whether it is open, and still its borrower's, if it was borrowed. */
    abstract boolean isUsable();

    final void requireUsable(String operation) throws NetparkException.Closed {
        if (!isUsable()) {
            throw life().ending().closed(operation);
        }
    }

    private void requireWritable() throws NetparkException.Closed {
        requireUsable("write to");
        if (output().isClosing()) {
            throw new NetparkException.Closed("write to " + this + ": its output has been shut down here");
        }
    }

    /** Bytes that were given to {@link #write}, or are in files to be sent, and that the kernel has not taken; 0 once closed. */
    public long pendingBytes() {
        return isOpen() ? output().pendingBytes() : 0;
    }

    /** Whether bytes may be written and no more than the high-water mark is pending. */
    public boolean isWritable() {
        return isUsable() && !output().isClosing() && output().isBelowHighWaterMark();
    }

    /**
     * Ends the outgoing stream once everything written before has been sent: the peer reads that, then end of stream.
     * Reading goes on; if the peer has ended its stream already, the connection is closed then. Writing afterwards is
     * refused. Has no effect on a closed connection, or if called again.
     *
     * <p>With TLS the peer is told by close_notify. Up to TLS 1.2 it ends its own stream then, and throws away what it has not sent yet
     * (RFC 5246, 7.2.1): only TLS 1.3 has streams that end one by one.
     */
    public void shutdownOutput() {
        output().shutdown();
    }

    /**
     * Closes the connection if pending output makes no progress for so long; see {@link CallbackServer.Builder#writeTimeout}. Replaces the
     * timeout in force, and counts from now on.
     *
     * @param time positive; {@link io.netpark.core.sys.Due#INFINITE} for none
     * @throws IllegalArgumentException if it is not positive
     */
    public void setWriteTimeout(Duration time) {
        output().setTimeout(Settings.timeoutNanos(time, "write timeout"));
    }

    /**
     * Closes the connection once everything written before has been sent. Nothing is read and no request callback is
     * called from now on. A peer that does not read delays it without limit: the idle timeout and {@link #close} do
     * not wait. Bytes of the peer that nobody has read make the kernel send a reset behind the last byte, which can take that
     * from the peer again; where the peer may still be sending, use {@link #closeLingering}.
     */
    public void closeAfterWrites() {
        output().close();
    }

    /**
     * As {@link #closeAfterWrites}, and so that the last answer arrives though the peer is still sending: a request that was
     * refused before it had ended, say. The output is ended, and what comes is thrown away until the peer has ended its stream;
     * then, or when the time is over, the connection is closed. For callbacks and servers it is closed when everything has been
     * sent; what lingers costs a descriptor, and ends with the event loop.
     *
     * @param atMost how long the peer has to end its stream; a few seconds are usual. Zero or less does not wait for that
     */
    public void closeLingering(Duration atMost) {
        output().closeLingering(Math.max(0, Due.nanos(atMost)));
    }
}
