package io.netpark.blocking;

import io.netpark.core.buffer.BufferReader;
import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.buffer.OwnedBuffer;
import io.netpark.core.fd.Descriptor;
import io.netpark.core.fd.Direction;
import io.netpark.core.framing.Framing;
import io.netpark.core.net.streams.AwaitedInput;
import io.netpark.core.net.streams.AwaitedInput.Part;
import io.netpark.core.net.streams.ConnectionDescriptor;
import io.netpark.core.sys.AddressText;
import io.netpark.core.sys.NetparkException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.Charset;
import org.jspecify.annotations.Nullable;

/** The incoming half of a {@link BlockingConnection}. */
abstract sealed class BlockingInput extends BlockingSocket permits BlockingOutput {

    /** Of a frame or line that is waited for, unless told otherwise. */
    private static final int DEFAULT_INPUT_LIMIT = 16 * 1024 * 1024;

    /** Gives something that is awaited, if it is there as a whole. */
    private interface Whole<T> {
        @Nullable T take() throws NetparkException;
    }

    final OwnedBuffer ownedInput;
    private final BufferReader input;
    private final AwaitedInput awaited;
    private final ThreadWaiter reading;
    /** Bytes of it have been lost: why. */
    private volatile @Nullable String brokenInput;
    /** Something has been written since a read was last begun: an end now would come in the midst of an answer, for all that is known. */
    volatile boolean answering;

    BlockingInput(ConnectionDescriptor core, LinkBuffer in) {
        super(core);
        this.ownedInput = new OwnedBuffer(core, in);
        this.input = ownedInput.reader();
        this.awaited = new AwaitedInput(core, ownedInput, DEFAULT_INPUT_LIMIT, "setInputLimit") {
            @Override
            protected <E extends NetparkException> E about(E failure) {
                return told(failure);
            }
        };
        this.reading = new ThreadWaiter(core, Direction.READ);
    }

    /** An operation has failed: if that is because the connection is closed, its memory is given back. */
    abstract void giveBackIfClosed();

    /** Takes what has come; the methods that await wait for more. */
    public BufferReader reader() {
        return input;
    }

    /** The most bytes that may be waited for at once, or kept for views; 16 MiB by default. So a length that a peer invents is an error. */
    public void setInputLimit(int bytes) {
        awaited.setLimit(bytes);
    }

    // Waiting for bytes, which are the reader's then

    /**
     * Waits until so many bytes can be taken from the reader.
     *
     * @return false if the input has ended instead and nothing is left of it
     * @throws NetparkException.Truncated if it has ended with fewer bytes left; they can still be read
     * @throws NetparkException.LimitExceeded if more is asked for than {@link #setInputLimit} allows
     * @throws NetparkException.TimedOut if the read deadline or timeout has passed
     * @throws NetparkException.Reset if the peer has reset the connection
     * @throws NetparkException.Closed if it is closed, before or meanwhile
     * @throws InterruptedIOException if the thread is interrupted while it waits, and stays so; what has come is unread
     */
    public boolean await(int count) throws IOException {
        if (input.available() >= count) {
            return true;
        }
        awaited.requireWithinLimit(count);
        do {
            if (fill() == ConnectionDescriptor.END_OF_STREAM) {
                if (input.available() == 0) {
                    return false;
                }
                throw awaited.endedBefore(count);
            }
        } while (input.available() < count);
        return true;
    }

    /**
     * Waits until more bytes can be taken than now, whatever they are: for a parser that has looked at all there is, and needs more.
     * Otherwise, and if interrupted, as {@link #await}.
     *
     * @return false if the input has ended instead; what is there can still be taken
     */
    public boolean awaitMore() throws IOException {
        awaited.requireWithinLimit(input.available() + 1);
        return fill() != ConnectionDescriptor.END_OF_STREAM;
    }

    /**
     * Waits until so many bytes can be taken, of something that has begun: the input must not end before. Otherwise, and if
     * interrupted, as {@link #await}.
     *
     * @throws NetparkException.Truncated if it has ended with fewer left; they can still be read
     */
    public void awaitRest(int count) throws IOException {
        if (!await(count)) {
            throw awaited.endedBefore(count);
        }
    }

    // Waiting for something whole, and taking it. Each as awaitRest: an end before is Truncated.

    /** Waits for a byte and takes it. The input must not end before; if that, or interrupted, as {@link #awaitRest}. */
    public byte awaitByte() throws IOException {
        awaitRest(Byte.BYTES);
        return input.takeByte();
    }

    /** Waits for two bytes and takes them, big-endian. Otherwise as {@link #awaitByte}. */
    public short awaitShort() throws IOException {
        awaitRest(Short.BYTES);
        return input.takeShort();
    }

    /** As {@link #awaitShort}, the least byte first. */
    public short awaitShortLe() throws IOException {
        return Short.reverseBytes(awaitShort());
    }

    /** Waits for four bytes and takes them, big-endian. Otherwise as {@link #awaitByte}. */
    public int awaitInt() throws IOException {
        awaitRest(Integer.BYTES);
        return input.takeInt();
    }

    /** As {@link #awaitInt}, the least byte first. */
    public int awaitIntLe() throws IOException {
        return Integer.reverseBytes(awaitInt());
    }

    /** Waits for eight bytes and takes them, big-endian. Otherwise as {@link #awaitByte}. */
    public long awaitLong() throws IOException {
        awaitRest(Long.BYTES);
        return input.takeLong();
    }

    /** As {@link #awaitLong}, the least byte first. */
    public long awaitLongLe() throws IOException {
        return Long.reverseBytes(awaitLong());
    }

    /**
     * Waits for so many bytes and takes them as an array of their own. Otherwise as {@link #awaitByte}; nothing is taken if it fails.
     *
     * @throws IndexOutOfBoundsException if the count is negative
     */
    public byte[] awaitBytes(int count) throws IOException {
        awaitRest(count);
        return input.takeBytes(count);
    }

    /** As {@link #awaitBytes}, as text in UTF-8. Malformed input becomes U+FFFD. */
    public String awaitString(int count) throws IOException {
        awaitRest(count);
        return input.takeString(count);
    }

    /** As {@link #awaitString(int)}, in another encoding. */
    public String awaitString(int count, Charset charset) throws IOException {
        awaitRest(count);
        return input.takeString(count, charset);
    }

    // Waiting for what a delimiter ends

    /** As {@link #awaitLine(int)}, of a line of at most 8 KiB. */
    public @Nullable String awaitLine() throws IOException {
        return awaitLine(AwaitedInput.LINE_LIMIT);
    }

    /**
     * Waits for a line that ends with LF or CRLF, and takes it, as UTF-8. Otherwise, and if interrupted, as {@link #await}.
     *
     * @param limit the most bytes that it may have, with its end; never more than {@link #setInputLimit} allows
     * @return without its end; null if the input has ended and nothing is left of it
     * @throws NetparkException.LimitExceeded if it is longer
     * @throws NetparkException.Truncated if the input has ended in the middle of it
     */
    public @Nullable String awaitLine(int limit) throws IOException {
        int most = awaited.atMost(limit);
        String line = awaited.line(most);
        return line != null ? line : awaitWhole(Part.LINE, () -> awaited.line(most));
    }

    /**
     * Waits for a delimiter, and takes everything up to and with it, as a view of the reader's. Otherwise, and if interrupted, as
     * {@link #await}.
     *
     * @param limit the most bytes that it may have, with the delimiter; never more than {@link #setInputLimit} allows
     * @return null if the input has ended and nothing is left of it
     * @throws NetparkException.LimitExceeded if the delimiter is not among the first {@code limit} bytes
     * @throws NetparkException.Truncated if the input has ended before the delimiter
     */
    public @Nullable ByteBuffer awaitUntil(byte[] delimiter, int limit) throws IOException {
        int most = awaited.atMost(limit);
        ByteBuffer found = awaited.until(delimiter, most);
        return found != null ? found : awaitWhole(Part.DELIMITED, () -> awaited.until(delimiter, most));
    }

    /** As the other, for a delimiter of one byte. */
    public @Nullable ByteBuffer awaitUntil(byte delimiter, int limit) throws IOException {
        int most = awaited.atMost(limit);
        ByteBuffer found = awaited.until(delimiter, most);
        return found != null ? found : awaitWhole(Part.DELIMITED, () -> awaited.until(delimiter, most));
    }

    /**
     * Waits for a whole message, and takes it, as a view that is valid until the reader's {@link BufferReader#release}. Otherwise, and if
     * interrupted, as {@link #await}.
     *
     * @return null if the input has ended and nothing is left of it
     * @throws NetparkException.LimitExceeded if a message is longer than the framing allows
     * @throws NetparkException.Truncated if the input has ended in the middle of a message
     * @throws IllegalStateException if the framing allows longer messages than {@link #setInputLimit} has room for
     */
    public @Nullable ByteBuffer awaitMessage(Framing framing) throws IOException {
        awaited.requireRoom(framing);
        ByteBuffer message = awaited.message(framing);
        return message != null ? message : awaitWhole(Part.MESSAGE, () -> awaited.message(framing));
    }

    /** Of something that is not there yet. */
    private <T> @Nullable T awaitWhole(Part part, Whole<T> whole) throws IOException {
        T taken;
        do {
            if (fill() == ConnectionDescriptor.END_OF_STREAM) {
                awaited.requireCleanEnd(part);
                return null;
            }
            taken = whole.take();
        } while (taken == null);
        return taken;
    }

    // Into the caller's memory

    /**
     * Reads what has come, at most what {@code target} has room for, and advances its position; waits until there is a byte. What the
     * reader holds comes first. With no room it returns 0 at once. Otherwise, and if interrupted, as {@link #await}.
     *
     * @return how many bytes; -1 if the input has ended
     */
    public int read(ByteBuffer target) throws IOException {
        if (input.available() > 0 || !target.hasRemaining()) {
            return input.take(target);
        }
        beginRead();
        try {
            int count = core.startRead(target);
            while (count == Descriptor.PARK) {
                reading.await();
                count = core.retryRead(target);
            }
            return count;
        } catch (NetparkException e) {
            giveBackIfClosed();
            throw told(e);
        }
    }

    /** As {@link #read(ByteBuffer)}, into an array. */
    public int read(byte[] target) throws IOException {
        return read(ByteBuffer.wrap(target));
    }

    /** As {@link #read(ByteBuffer)}, into a part of an array. */
    public int read(byte[] target, int offset, int length) throws IOException {
        return read(ByteBuffer.wrap(target, offset, length));
    }

    /**
     * The input as a stream, which waits for at least a byte and reads what the reader holds first. Closing it closes the connection,
     * as for a {@link java.net.Socket}. If interrupted, it reads as {@link #await}.
     */
    public InputStream asInputStream() {
        return new ConnectionInput((BlockingConnection) this);
    }

    // How the reader gets more

    /** Reads once, at least a byte. */
    private int fill() throws IOException {
        beginRead();
        try {
            int count = fill(false);
            while (count == Descriptor.PARK) {
                reading.await();
                count = fill(true);
            }
            return count;
        } catch (NetparkException e) {
            giveBackIfClosed();
            throw told(e);
        }
    }

    /**
     * As {@link #await} of one byte, until no request is wanted any more.
     *
     * @return 1 if there is a byte, {@link ConnectionDescriptor#END_OF_STREAM}, or 0 if none is wanted and there is none
     */
    final int fillUnless(Handling unwanted) throws IOException {
        beginRead();
        try {
            int count = fill(false);
            while (count == Descriptor.PARK) {
                if (unwanted.wantsNoRequest() && abandonIfNothing()) {
                    return 0;
                }
                reading.await();
                count = fill(true);
            }
            return Math.min(count, 1);
        } catch (NetparkException e) {
            giveBackIfClosed();
            throw told(e);
        }
    }

    /** For a read that has parked, which may have been a guess: so the kernel is asked. */
    private boolean abandonIfNothing() throws NetparkException {
        boolean nothing = true;
        try {
            nothing = core.peekInput() == 0;
        } finally {
            if (nothing) { // or it has thrown
                core.abandon(Direction.READ);
            }
        }
        return nothing;
    }

    private int fill(boolean again) throws NetparkException {
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

    private void beginRead() throws NetparkException {
        requireUsable();
        ThreadWaiter.requireNoLoop(core);
        checkInput();
        answering = false;
    }

    // What is wrong with it

    final void checkInput() throws NetparkException {
        String why = brokenInput;
        if (why != null) {
            throw new NetparkException.Closed("read from " + AddressText.of(core.remoteAddress()) + ": the input is broken, " + why);
        }
    }

    /** Bytes of it are lost, and the next are not those that follow the last. */
    final void breakInput(String why) {
        brokenInput = why;
    }

    final boolean isInputClean() {
        return brokenInput == null && input.available() == 0;
    }
}
