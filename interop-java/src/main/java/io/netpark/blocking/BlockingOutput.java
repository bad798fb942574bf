package io.netpark.blocking;

import io.netpark.core.buffer.BufferWriter;
import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.buffer.OwnedBuffer;
import io.netpark.core.buffer.SegmentPool;
import io.netpark.core.fd.Descriptor;
import io.netpark.core.fd.Direction;
import io.netpark.core.net.files.FileTransfer;
import io.netpark.core.net.streams.ConnectionDescriptor;
import io.netpark.core.sys.AddressText;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.tls.TlsSession;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** The outgoing half of a {@link BlockingConnection}. */
abstract sealed class BlockingOutput extends BlockingInput permits BlockingConnection {

    final OwnedBuffer ownedOutput;
    private final BufferWriter output;
    private final ThreadWaiter writing;
    /** Something has ended in the midst of its bytes: what that was. */
    private volatile @Nullable String brokenOutput;

    BlockingOutput(ConnectionDescriptor core, LinkBuffer in, LinkBuffer out) {
        super(core, in);
        in.beside(out); // both are in the same hands
        this.ownedOutput = new OwnedBuffer(core, out);
        this.output = ownedOutput.writer();
        this.writing = new ThreadWaiter(core, Direction.WRITE);
    }

    /** Collects what {@link #flush} sends. */
    public BufferWriter writer() {
        return output;
    }

    /**
     * Sends everything that the writer holds, and waits until the kernel has taken it. If it fails, what has not been sent stays in
     * the writer, and a later flush goes on there.
     *
     * @throws NetparkException.TimedOut if the write deadline or timeout has passed; progress extends it
     * @throws NetparkException.Reset if the peer is gone
     * @throws NetparkException.Closed if it is closed, before or meanwhile, or an earlier write has broken the output
     * @throws InterruptedIOException if the thread is interrupted while it waits, and stays so; the rest stays in the writer
     */
    public void flush() throws IOException {
        if (output.buffered() == 0 && !ownedOutput.hasDropped()) {
            return;
        }
        beginWrite();
        try {
            int outcome = flush(false);
            while (outcome == Descriptor.PARK) {
                writing.await();
                outcome = flush(true);
            }
        } catch (NetparkException e) {
            giveBackIfClosed();
            throw told(e);
        }
    }

    private int flush(boolean again) throws NetparkException {
        LinkBuffer out = ownedOutput.enter();
        try {
            return again ? core.retryWrite(out) : core.startWrite(out);
        } finally {
            ownedOutput.exit(out);
        }
    }

    /**
     * As {@link #flush}, if the writer holds 64 KiB or more: to be called between the parts of a long answer, so that it is not
     * collected as a whole.
     */
    public void flushIfFull() throws IOException {
        if (output.buffered() >= SegmentPool.LARGEST) {
            flush();
        }
    }

    /**
     * Sends all of {@code source} as it lies, after everything that the writer holds, and waits until the kernel has taken it.
     * Otherwise as {@link #flush}; if it fails, or the thread is interrupted while it waits, the position of {@code source} says how
     * much has been sent.
     */
    public void write(ByteBuffer source) throws IOException {
        write(source, false);
    }

    /** @param whole whether the output is broken if it is cut off */
    private void write(ByteBuffer source, boolean whole) throws IOException {
        flush();
        beginWrite();
        try {
            int outcome = whole ? core.startWhole(source) : core.startWrite(source);
            while (outcome == Descriptor.PARK) {
                writing.await();
                outcome = whole ? core.retryWhole(source) : core.retryWrite(source);
            }
        } catch (NetparkException e) {
            giveBackIfClosed();
            throw told(e);
        }
    }

    /** As {@link #write(byte[], int, int)}, of all of an array. */
    public void write(byte[] source) throws IOException {
        write(source, 0, source.length);
    }

    /**
     * As {@link #write(ByteBuffer)}, of a part of an array. If it fails, or the thread is interrupted, after some of that has been sent,
     * it breaks the output, as nobody could tell how far it got: later writes fail with {@link NetparkException.Closed} and say so.
     */
    public void write(byte[] source, int offset, int length) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(source, offset, length);
        boolean done = false;
        try {
            write(bytes, true);
            done = true;
        } finally {
            int written = bytes.position() - offset;
            if (!done && written > 0 && bytes.hasRemaining()) {
                breakOutput("an earlier write ended after " + written + " of " + length + " bytes");
            }
        }
    }

    // Files

    /** As {@link #sendFile(Path, long, long)}, of all of it. */
    public long sendFile(Path path) throws IOException {
        return sendFile(path, 0, FileTransfer.REST);
    }

    /**
     * Sends a part of a file, after everything that the writer holds, and waits until the kernel has taken it (sendfile(2)): the bytes
     * never come here, unless there is TLS, which reads and encrypts them, a record at a time. If it fails, or the thread is interrupted, after some of the file has been sent, it breaks the output, as
     * {@link #write(byte[], int, int)} does. To go on after that, {@link #send(FileTransfer) send} a transfer.
     *
     * @param offset of the first byte
     * @param count how many, or {@link FileTransfer#REST}
     * @return how many bytes were sent
     * @throws NetparkException.Truncated if there are fewer bytes, or the file has been cut off meanwhile
     * @throws IOException if it cannot be opened or read: see {@link io.netpark.core.net.files.OpenFile#open}; otherwise as {@link #flush}
     * @throws IllegalArgumentException if the offset is beyond the end of the file
     */
    public long sendFile(Path path, long offset, long count) throws IOException {
        try (FileTransfer transfer = FileTransfer.open(path, offset, count)) {
            boolean done = false;
            try {
                send(transfer, true);
                done = true;
            } finally {
                if (!done && transfer.sent() > 0 && transfer.sent() < transfer.count()) {
                    breakOutput("an earlier write ended within " + transfer);
                }
            }
            return transfer.sent();
        }
    }

    /**
     * Sends what is left of a transfer, after everything that the writer holds, and waits until the kernel has taken it. If it fails,
     * or the thread is interrupted, {@code transfer} says how much has been sent, and sending it again goes on there. It stays the
     * caller's to close.
     *
     * @throws NetparkException.Truncated if the file has been cut off meanwhile
     * @throws IOException if it cannot be read; otherwise as {@link #flush}
     */
    public void send(FileTransfer transfer) throws IOException {
        send(transfer, false);
    }

    private void send(FileTransfer transfer, boolean whole) throws IOException {
        flush();
        beginWrite();
        try {
            int outcome = whole ? core.startWhole(transfer) : core.startSend(transfer);
            while (outcome == Descriptor.PARK) {
                writing.await();
                outcome = whole ? core.retryWhole(transfer) : core.retrySend(transfer);
            }
        } catch (NetparkException.Truncated e) {
            @SuppressWarnings("NullAway") // all that Netpark throws has a message
            NetparkException.Truncated ofTheFile = new NetparkException.Truncated(e.getMessage()); // and not of the connection
            ofTheFile.initCause(e);
            throw ofTheFile;
        } catch (NetparkException e) {
            giveBackIfClosed();
            throw told(e);
        }
    }

    /**
     * The output as a stream. It collects in the writer, and flushes when that holds 64 KiB or more. Closing it flushes and closes
     * the connection, as for a {@link java.net.Socket}; {@link BlockingConnection#shutdownOutput} ends the output only. If
     * interrupted, it writes as {@link #flush}: what has been given to it is in the writer.
     */
    public OutputStream asOutputStream() {
        return new ConnectionOutput((BlockingConnection) this);
    }

    // TLS

    /**
     * Waits until the TLS handshake is over. Whoever dials has it over; whoever accepts by hand need not call this, as what reads and
     * writes waits as well. The handshake goes on by itself, and has a limit of its own; the write timeout does not end it.
     *
     * @return what it has agreed on
     * @throws NetparkException.TlsFailure if it has failed, saying why; the connection is closed
     * @throws NetparkException.TimedOut if its time was over, and the connection is closed; or if the write deadline has passed, and it
     *     goes on
     * @throws NetparkException.Closed if the connection is closed, before or meanwhile
     * @throws InterruptedIOException if the thread is interrupted while it waits, and stays so; the handshake goes on
     * @throws IllegalStateException if the connection has no TLS, or another thread writes
     */
    public TlsSession awaitTls() throws IOException {
        requireUsable();
        if (!core.hasTls()) {
            throw new IllegalStateException("wait for the TLS handshake of " + this + ": it is a plain connection");
        }
        TlsSession agreed = core.tlsSession();
        if (agreed == null) {
            ThreadWaiter.requireNoLoop(core);
            try {
                awaitHandshake();
            } catch (NetparkException e) { // which the core has counted
                giveBackIfClosed();
                throw e;
            }
            agreed = core.tlsSession();
        }
        assert agreed != null;
        return agreed;
    }

    private void awaitHandshake() throws IOException {
        int outcome = core.startHandshake();
        while (outcome == Descriptor.PARK) {
            writing.await();
            outcome = core.retryHandshake();
        }
    }

    // What is wrong with it

    private void beginWrite() throws NetparkException {
        requireUsable();
        ThreadWaiter.requireNoLoop(core);
        checkOutput();
        answering = true;
    }

    /** What was reset stays reset, and what was closed (for being idle, say) closed: the operation says so. */
    final void checkOutput() throws NetparkException {
        String why = brokenOutput == null && core.isOutputCutOff() ? "an earlier write ended in the midst of its bytes" : brokenOutput;
        if (why != null && !core.isClosed() && !core.isReset()) {
            NetparkException.Closed closed =
                    new NetparkException.Closed("write to " + AddressText.of(core.remoteAddress()) + ": the output is broken, " + why);
            closed.setAbout(core);
            throw closed;
        }
    }

    final void breakOutput(String why) {
        brokenOutput = why;
    }

    final boolean isOutputBroken() {
        return brokenOutput != null || core.isOutputCutOff();
    }

    /**
     * Whether an end now would cut something off, so that it must not look like the end of the whole. The order matters: a write that
     * breaks the output says so before it is over.
     */
    final boolean isCutOffByEnd() {
        return unflushed() > 0 || core.isCutOffByEnd() || isOutputBroken();
    }

    /** How much would be lost if it ended now. */
    final long unflushed() {
        return ownedOutput.size();
    }

    final void requireFlushed(String what) {
        long held = unflushed();
        if (held > 0 && !core.isClosed()) {
            throw new IllegalStateException(what + " " + this + ": flush the writer first, it holds " + held + " bytes");
        }
    }
}
