package io.netpark.core.net.streams;

import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.fd.Direction;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.net.options.NetOption;
import io.netpark.core.net.options.OptionCalls;
import io.netpark.core.net.secure.SecureLayer;
import io.netpark.core.net.secure.SecureStream;
import io.netpark.core.net.secure.Wire;
import io.netpark.core.sys.Errno;
import io.netpark.core.sys.NetparkException;
import java.nio.ByteBuffer;
import java.time.Duration;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * Data over TLS, if the connection has it. Everything above reads and writes as it does without: what passes through the socket are
 * records then, and only here, and in the two places that read and write, does it matter.
 */
public abstract sealed class SecureSocket extends SecuringSocket permits ByteInput {

    SecureSocket(EventLoop loop, int fd) {
        super(loop, fd);
    }

    // Reading

    /** The records between it and the socket; null without TLS. */
    final @Nullable SecureStream secure() {
        SecureLayer known = layer;
        return known == null ? null : known.stream();
    }

    /** What a read does instead of a system call. */
    final int readSecure(SecureStream from, @Nullable ByteBuffer target) throws NetparkException {
        if (mustAwaitHandshake()) {
            return PARK;
        }
        int result;
        try {
            result = from.read(wire(), target);
        } catch (SSLException e) {
            throw recordFailed(e, Direction.READ);
        }
        if (result > 0) {
            if (target != null) {
                moved(Direction.READ, result);
            }
            return result;
        }
        switch (result) {
            case SecureStream.END -> {
                noteInputEnd();
                tellWatches();
                return END_OF_STREAM;
            }
            case SecureStream.TURN_OVER -> {
                return turnOver(Direction.READ);
            }
            case SecureStream.CUT_OFF -> {
                requireEnd(0);
                if (isInputShutDown()) {
                    return END_OF_STREAM;
                }
                throw new NetparkException.Truncated(operation(Direction.READ)
                        + ": the peer has closed the connection without ending TLS (close_notify), so bytes may be missing");
            }
            case -Errno.EAGAIN -> {
                return PARK;
            }
            default -> {
                requireEnd(result);
                return END_OF_STREAM;
            }
        }
    }

    /** Records are wrong: nothing more can be exchanged. */
    @SuppressWarnings("NullAway") // there are no records without a layer
    final NetparkException recordFailed(SSLException e, Direction direction) {
        return layer.recordFailed(e, direction);
    }

    final Wire wire() {
        SecureLayer known = layer;
        assert known != null;
        return known;
    }

    /** Whether this side has ended the incoming stream. */
    abstract boolean isInputShutDown();

    @Override
    final boolean holdsInput() {
        SecureLayer known = layer;
        return known != null && known.stream().holdsInput();
    }

    @Override
    final int attemptWatch() throws NetparkException {
        SecureLayer known = layer;
        if (known == null) {
            return super.attemptWatch();
        }
        knownEmpty = false; // so that the kernel is asked
        int result = readSecure(known.stream(), null);
        return result > 0 ? 1 : result;
    }

    /**
     * As for a plain connection; records without data are no input. Where a read is going on, or parked, they cannot be told from others:
     * then there is input as soon as there is anything, also the end of the socket, before which bytes may be kept.
     */
    @Override
    public final int peekInput() throws NetparkException {
        SecureLayer known = layer;
        if (known == null) {
            return super.peekInput();
        }
        if (!reserve(Direction.READ)) {
            return known.stream().hasUnread() || super.peekInput() != 0 ? 1 : 0;
        }
        try {
            if (!tryAcquire()) {
                throw about(closed(Direction.READ));
            }
            try {
                int result = attemptWatch(); // whatever the time of reads is: this is none
                return result == PARK ? 0 : result;
            } catch (NetparkException e) {
                throw about(e);
            } finally {
                release();
            }
        } finally {
            abandon(Direction.READ);
        }
    }

    // Writing

    /**
     * How many bytes that were written are here still, in records that the socket has had no room for: bytes of the last write, if it has
     * not ended by itself. They are sent when there is room, whether or not the write goes on. 0 without TLS.
     */
    public final long unsent() {
        SecureLayer known = layer;
        return known == null ? 0 : known.stream().unsent();
    }

    // The end

    /** Ends the output by close_notify, and the socket's behind it. */
    @SuppressWarnings("NullAway") // as the one before
    final void endRecords() {
        layer.endOutput();
    }

    /** The close that follows tells the peer by a reset. */
    final void endAbruptly() {
        SecureLayer known = layer;
        if (known != null) {
            known.endAbruptly();
        }
    }

    @Override
    protected final void releasing() {
        SecureLayer known = layer;
        if (known != null) {
            known.close(isResetByClose());
        }
    }

    /** After {@link #releasing}: records that the socket has not taken, the caller's to send and to close; null for none. */
    final @Nullable LinkBuffer takeRest() {
        SecureLayer known = layer;
        return known == null ? null : known.takeRest();
    }

    /** SO_LINGER with 0 seconds. A close_notify in front of the reset would make what was cut off look whole. */
    private boolean isResetByClose() {
        try {
            return Duration.ZERO.equals(OptionCalls.get(libc(), fd(), NetOption.LINGER));
        } catch (NetparkException e) {
            return false;
        }
    }
}
