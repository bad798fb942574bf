package io.netpark.core.net.secure;

import io.netpark.core.sys.Errno;
import io.netpark.core.sys.NetparkException.TlsFault;
import java.nio.ByteBuffer;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;
import org.jspecify.annotations.Nullable;

/**
 * The incoming half of a TLS connection: records become plaintext. All that has been read is decrypted at once, so that only the
 * beginning of a record is ever kept as it came; plaintext for which the reader had no room is kept as such.
 *
 * <pre>
 *   socket --receive--> records --unwrap--> the reader's buffer
 *                          |                    +--no room--> unread --the next read--> the reader's buffer
 *                          +--not a whole one--> begun --the next read--> records
 * </pre>
 *
 * Belongs to whoever handshakes, then to the operation that holds the read lock of the connection.
 */
final class RecordInput {

    /** Returned when the peer has ended its output by close_notify. */
    static final int END = 0;
    /** Returned when the socket has ended, and no close_notify has come. */
    static final int CUT_OFF = Integer.MIN_VALUE;
    /** Returned when many records had no data in them, and others should have their turn. */
    static final int TURN_OVER = Integer.MIN_VALUE + 1;

    private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);
    /** How many system calls without data are a turn. */
    private static final int CALLS_A_TURN = 16;
    /** How many records without data are a turn: key updates are the costliest, of which a flood comes to some hundred ms a megabyte. */
    private static final int RECORDS_A_TURN = 128;
    /** As {@link #RECORDS_A_TURN}, for a step of a handshake: there are many steps in a turn. */
    private static final int RECORDS_A_STEP = 16;
    /** How often in a row an engine may do nothing with a record. */
    private static final int IDLE_CALLS = 8;
    /** How much a handshake may have in all: certificate chains are long, and nobody sends more than this. */
    private static final int MOST_OF_HANDSHAKE = 1024 * 1024;

    private final SSLEngine engine;
    private final boolean heap;
    private final SecureStream stream;
    private final Kept begun = new Kept();
    private final Kept unread = new Kept();
    /** There is a whole record in {@link #begun}: data that came with the end of the handshake, or in front of it. */
    private boolean holdsRecord;
    private boolean ended;
    private @Nullable SSLException failure;
    /** Bytes were received, or decrypted, and have not come to where they belong: there was no memory for them. */
    private boolean lost;
    private int handshakeBytes;
    /** Records of this turn that had no data in them. */
    private int fruitless;
    private int idle;
    /** Set by {@link #unwrap}, as is the next. */
    private boolean finished;
    private HandshakeStatus said = HandshakeStatus.NOT_HANDSHAKING;

    RecordInput(SSLEngine engine, boolean heap, SecureStream stream) {
        this.engine = engine;
        this.heap = heap;
        this.stream = stream;
    }

    /** Ciphertext that was read before the handshake began. */
    void putAhead(ByteBuffer bytes) {
        begun.put(bytes);
        holdsRecord = begun.hasWholeRecord();
    }

    boolean hasUnread() {
        return !unread.isEmpty();
    }

    /** Whether a read returns or throws something without asking the socket. */
    boolean hasInput() {
        return !unread.isEmpty() || holdsRecord || ended || lost || failure != null;
    }

    /** Whether a read may find something without a system call. */
    boolean holdsAnything() {
        return holdsRecord || !unread.isEmpty();
    }

    // The handshake

    /**
     * Reads until the engine wants something else than to read.
     *
     * @return 1 when it does, {@link #CUT_OFF}, {@link #END}, or minus errno
     */
    int handshake(Wire wire) throws SSLException {
        RecordScratch scratch = RecordScratch.take(heap);
        try {
            int read = 0;
            if (!holdsRecord) {
                long result = wire.receive(scratch.inAddress(), RecordScratch.MAX_RECORD);
                if (result == -Errno.EAGAIN && isMovedByNothing(scratch)) {
                    return 1;
                } else if (result <= 0) {
                    return result == 0 ? CUT_OFF : (int) result;
                }
                read = (int) result;
                handshakeBytes += read;
                if (handshakeBytes > MOST_OF_HANDSHAKE) {
                    throw new SSLHandshakeException("a handshake of more than " + MOST_OF_HANDSHAKE + " bytes");
                }
            }
            ByteBuffer in = scratch.in(heap, begun, read);
            int records = 0;
            try {
                do {
                    if (!Record.isWhole(in)) {
                        return 1;
                    }
                    int alert = PlainAlert.in(in);
                    if (alert >= 0) {
                        throw refused(alert, in, scratch);
                    }
                    unwrap(in, null, scratch);
                } while (!ended && !finished && ++records < RECORDS_A_STEP && needsInput());
                return ended ? END : 1;
            } finally {
                begun.put(in);
                holdsRecord = begun.hasWholeRecord();
            }
        } finally {
            scratch.giveBack();
        }
    }

    private SSLException refused(int alert, ByteBuffer in, RecordScratch scratch) {
        try {
            unwrap(in, null, scratch);
        } catch (SSLException e) {
            // It says the same, or less.
        }
        return PlainAlert.failure(alert);
    }

    /** Netty's engine is at the end of a handshake only when it has looked once more at what it has read already. */
    private boolean isMovedByNothing(RecordScratch scratch) throws SSLException {
        engine.unwrap(NOTHING, scratch.plain(heap));
        return !needsInput();
    }

    private boolean needsInput() {
        HandshakeStatus status = engine.getHandshakeStatus();
        return status == HandshakeStatus.NEED_UNWRAP || status == HandshakeStatus.NEED_UNWRAP_AGAIN;
    }

    /** Whether the peer has sent anything. */
    boolean hasReceived() {
        return handshakeBytes > 0;
    }

    /** Whether an unwrap has said that the handshake is over. */
    boolean isFinished() {
        return finished;
    }

    // Data

    /**
     * Reads what there is.
     *
     * @param target where it goes; null to see whether there is any, which is kept
     * @return how many bytes, {@link #END}, {@link #CUT_OFF}, {@link #TURN_OVER}, or minus errno
     */
    int read(Wire wire, @Nullable ByteBuffer target) throws SSLException {
        fruitless = 0;
        for (int calls = 0; ; calls++) {
            if (!unread.isEmpty()) {
                return target == null ? unread.size() : unread.take(target);
            }
            if (failure != null) {
                throw failure;
            }
            if (lost) {
                throw new SSLException("there was no memory for what the peer has sent, and it is lost");
            }
            stream.requireNoThrownTask();
            if (ended) {
                return END;
            }
            boolean empty = wire.isKnownEmpty(); // asked in any case, as that forgets it: a read that has parked asks the socket
            if (empty && !holdsRecord || stream.isStalled()) {
                return -Errno.EAGAIN;
            }
            if (calls == CALLS_A_TURN || fruitless >= RECORDS_A_TURN) {
                return TURN_OVER;
            }
            int read = step(wire, target);
            if (read != 0) {
                return read;
            }
        }
    }

    /**
     * Before the socket is closed: takes records out of it that have no data, such as a session ticket or close_notify, for which no reader
     * was there. The kernel resets a connection that is closed with anything unread, and drops what is on its way to the peer.
     */
    void takeIdleRecords(Wire wire) throws SSLException {
        if (!hasInput()) {
            wire.isKnownEmpty(); // is forgotten: the poller may not have told yet
            read(wire, null);
        }
    }

    /** One system call. Returns 0 to go on. */
    private int step(Wire wire, @Nullable ByteBuffer target) throws SSLException {
        RecordScratch scratch = RecordScratch.take(heap);
        try {
            int read = 0;
            boolean shorter = false;
            if (!holdsRecord) {
                int asked = target == null ? RecordScratch.MAX_RECORD
                        : Math.min(RecordScratch.BATCH, Math.max(target.remaining(), RecordScratch.MAX_RECORD));
                long result = wire.receive(scratch.inAddress(), asked);
                if (result <= 0) {
                    return result == 0 ? CUT_OFF : (int) result;
                }
                read = (int) result;
                shorter = read < asked;
            }
            lost = true; // until it is where it belongs: nobody can make anything of what is behind a gap
            ByteBuffer in = scratch.in(heap, begun, read);
            int put = 0;
            try {
                while (!ended && fruitless < RECORDS_A_TURN && Record.isWhole(in) && !stream.isStalled()) {
                    put += unwrap(in, target, scratch);
                    stream.attend(wire, said);
                }
            } catch (SSLException e) {
                failure = e; // what came in front of it is read first
            }
            if (failure == null && !ended) {
                begun.put(in);
                holdsRecord = begun.hasWholeRecord();
            }
            lost = false;
            // Without data this read goes on. What it then parks for it has to ask the kernel for when it is woken.
            wire.noteRead(shorter && put > 0);
            return put;
        } finally {
            scratch.giveBack();
        }
    }

    /** Decrypts one record. Returns how many bytes it has put into the target. */
    private int unwrap(ByteBuffer in, @Nullable ByteBuffer target, RecordScratch scratch) throws SSLException {
        if (Record.isHandshake(in)) {
            stream.requireHandshaking();
        }
        int length = Record.length(in);
        boolean ofTls = Record.isTls(in.get(in.position()), in.get(in.position() + 1));
        ByteBuffer into = target != null && unread.isEmpty() && target.remaining() >= length // an engine wants room for all of it
                ? target : scratch.plain(heap);
        int before = into.position();
        SSLEngineResult result = engine.unwrap(in, into);
        finished |= result.getHandshakeStatus() == HandshakeStatus.FINISHED;
        switch (result.getStatus()) {
            case OK -> requireProgress(result);
            case CLOSED -> {
                // Others than the JDK's say so from the end of the output on, with data in their hands; and it is not the peer's end.
                if (result.bytesConsumed() == 0 && !engine.isInboundDone()) {
                    throw new SSLException("the engine is closed");
                }
            }
            case BUFFER_UNDERFLOW -> throw new Refusal(TlsFault.BAD_RECORD, "the peer sent a record that says it has " + length
                    + " bytes, and the engine wants more");
            case BUFFER_OVERFLOW -> throw length > RecordScratch.MAX_RECORD || !ofTls
                    ? new Refusal(TlsFault.BAD_RECORD, "the peer sent something that is no record of TLS, or a longer one than TLS allows")
                    : new SSLException("a record of " + length + " bytes does not fit into " + (into.capacity() - before));
        }
        said = result.getHandshakeStatus();
        fruitless += result.bytesProduced() == 0 ? 1 : 0;
        if (engine.isInboundDone()) {
            ended = true;
        }
        if (into == target) {
            return into.position() - before;
        }
        into.flip();
        int put = 0;
        if (target != null && unread.isEmpty()) {
            put = Math.min(target.remaining(), into.remaining());
            target.put(target.position(), into, 0, put);
            target.position(target.position() + put);
            into.position(put);
        }
        unread.put(into);
        return put;
    }

    /** An engine may want something else first, but not again and again. */
    private void requireProgress(SSLEngineResult result) throws SSLException {
        if (result.bytesConsumed() > 0 || result.bytesProduced() > 0) {
            idle = 0;
            return;
        }
        idle++;
        if (idle == IDLE_CALLS || result.getHandshakeStatus() == HandshakeStatus.NEED_UNWRAP
                || result.getHandshakeStatus() == HandshakeStatus.NOT_HANDSHAKING) {
            throw new SSLException("the engine takes no record; it is at " + result.getHandshakeStatus());
        }
    }

    void close() {
        begun.close();
        unread.close();
    }
}
