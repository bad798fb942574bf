package io.netpark.core.net.secure;

import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.sys.Errno;
import java.nio.ByteBuffer;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLEngineResult.Status;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * The outgoing half of a TLS connection: plaintext becomes records, in the order of their numbers. A writer, a reader that has to answer
 * (a key update, an alert) and the end of the connection all make records, on whichever thread they are; so all is done under the monitor
 * of this, and no call waits in it.
 *
 * <pre>
 *   plaintext --wrap--> records --send--> socket
 *                          +--what it does not take--> pending --flush, when it has room--> socket
 *
 *   OPEN --end, close, a failure--> ENDED: close_notify, or an alert, is the last record
 * </pre>
 */
final class RecordOutput {

    private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);
    /** How often in a row an engine may say that it has done nothing, and mean to go on. */
    private static final int IDLE_CALLS = 8;
    /**
     * How much may be pending that a reader had to answer, before the peer is not read any more: beyond what one write makes, which must
     * never keep a reader from reading. A peer that reads only when it has written all would wait for ever.
     */
    private static final int MOST_PENDING = RecordScratch.OUT + 64 * 1024;

    private final SSLEngine engine;
    private final boolean heap;
    private final Kept pending = new Kept();
    /** As {@link #pending}, for those that only look. */
    private volatile int pendingBytes;
    /** Ciphertext that the socket has taken, ever. */
    private long sent;
    /** How much of what the last write has taken the socket may not have: it is pending, or was lost. */
    private long unsent;
    /** The last record is made, or cannot be. */
    private volatile boolean ended;
    /** {@link #end} is to come, when the handshake or a task is over: data is refused already. */
    private volatile boolean ending;
    /** {@link #end} has been called, and what it has made is sent or pending. */
    private volatile boolean leaveTaken;
    /** What ended it, as the kernel has said it. */
    private int errno;
    /** What the engine still says is not sent. */
    private boolean mute;
    /** As {@link #roomForRecord}; 0 before the first data. */
    private int recordRoom;

    RecordOutput(SSLEngine engine, boolean heap) {
        this.engine = engine;
        this.heap = heap;
    }

    boolean hasPending() {
        return pendingBytes > 0;
    }

    /** Whether a peer has to take answers first, before it may cause more of them. */
    boolean isChoked() {
        return pendingBytes > MOST_PENDING;
    }

    /** Whether nothing will be sent any more, close_notify included. */
    boolean isOver() {
        return leaveTaken && pendingBytes == 0;
    }

    synchronized long sent() {
        return sent;
    }

    synchronized long unsent() {
        return unsent;
    }

    /**
     * Makes records of what is to be written, as many as {@link RecordScratch#OUT} holds, and sends them. What the socket does not take is
     * pending afterwards.
     *
     * @return how many bytes of plaintext were taken; 0 also if only what was pending has been sent; or minus errno
     */
    synchronized <A> long write(Wire wire, Plaintext<A> kind, A source) throws SSLException {
        int flushed = flush(wire);
        if (flushed < 0) {
            return flushed;
        }
        if (ended || ending) {
            return errno != 0 ? -errno : -Errno.EPIPE;
        }
        RecordScratch scratch = RecordScratch.take(heap);
        boolean engineDone = false;
        try {
            ByteBuffer out = scratch.out(heap);
            long taken = 0;
            try {
                taken = seal(kind, source, scratch, out);
                engineDone = true;
            } finally { // whatever is thrown: the numbers of the records that were made are used
                int result = send(wire, scratch, out);
                unsent = hasPending() || result < 0 ? Math.max(0, taken) : 0;
                if (result < 0 && taken >= 0) {
                    taken = result;
                }
            }
            return taken;
        } catch (RuntimeException | Error e) {
            if (!engineDone) { // else the socket threw, and the records are kept
                engineThrew(wire, e);
            }
            throw e;
        } finally {
            scratch.giveBack();
        }
    }

    private <A> long seal(Plaintext<A> kind, A source, RecordScratch scratch, ByteBuffer out) throws SSLException {
        int room = roomForRecord();
        long taken = 0;
        int idle = 0;
        HandshakeStatus said = HandshakeStatus.NOT_HANDSHAKING;
        while (kind.hasMore(source) && (out.position() == 0 || out.remaining() >= room)) {
            SSLEngineResult result = kind.seal(source, engine, scratch.plain(heap), out);
            taken += result.bytesConsumed();
            said = result.getHandshakeStatus();
            if (result.getStatus() == Status.CLOSED) {
                ended = true;
                return taken > 0 || out.position() > 0 ? taken : -Errno.EPIPE;
            } else if (result.getStatus() == Status.BUFFER_OVERFLOW && out.position() > 0) {
                return taken;
            } else if (result.getStatus() != Status.OK) {
                throw new SSLException("the engine answered " + result.getStatus() + " to " + out.remaining() + " bytes of room");
            }
            idle = result.bytesConsumed() + result.bytesProduced() > 0 ? 0 : idle + 1;
            if (idle == IDLE_CALLS) {
                throw new SSLException("the engine makes no records; it is at " + result.getHandshakeStatus());
            }
        }
        if (said != HandshakeStatus.NOT_HANDSHAKING) {
            answer(out, room);
        }
        return taken;
    }

    /**
     * An engine asks for so much, however short the record. It may ask for more later, if the peer sends records longer than TLS allows:
     * then it says that there is not enough, which ends the batch.
     */
    private int roomForRecord() {
        if (recordRoom == 0) {
            recordRoom = engine.getSession().getPacketBufferSize();
        }
        return recordRoom;
    }

    /** Records that the engine wants to send of its own accord: a key update, a session ticket, an alert, a handshake. */
    private void answer(ByteBuffer out, int room) throws SSLException {
        for (int idle = 0; engine.getHandshakeStatus() == HandshakeStatus.NEED_WRAP && idle < IDLE_CALLS
                && (out.position() == 0 || out.remaining() >= room); ) {
            SSLEngineResult result = engine.wrap(NOTHING, out);
            if (result.getStatus() != Status.OK) {
                return; // closed, or there is more than fits: then the next call goes on
            }
            idle = result.bytesProduced() > 0 ? 0 : idle + 1;
        }
    }

    /**
     * Sends what the engine has to say of its own accord.
     *
     * @return how many bytes it has said, sent or pending; or minus errno
     */
    synchronized int answer(Wire wire) throws SSLException {
        int flushed = flush(wire);
        if (flushed < 0 && flushed != -Errno.EAGAIN) {
            return flushed;
        }
        RecordScratch scratch = RecordScratch.take(heap);
        boolean engineDone = true;
        try {
            int said = 0;
            do {
                ByteBuffer out = scratch.out(heap);
                int result;
                engineDone = false;
                try {
                    answer(out, engine.getSession().getPacketBufferSize());
                    engineDone = true;
                } finally {
                    result = send(wire, scratch, out);
                }
                if (result < 0) {
                    return result;
                }
                said += out.limit();
                if (out.limit() == 0) {
                    break;
                }
            } while (engine.getHandshakeStatus() == HandshakeStatus.NEED_WRAP && !isChoked());
            flushed = flush(wire); // whoever only answers does not come back: only a full socket reports that it has room
            return flushed < 0 && flushed != -Errno.EAGAIN ? flushed : said;
        } catch (RuntimeException | Error e) {
            if (!engineDone) {
                engineThrew(wire, e);
            }
            throw e;
        } finally {
            scratch.giveBack();
        }
    }

    private int send(Wire wire, RecordScratch scratch, ByteBuffer out) {
        out.flip();
        if (!out.hasRemaining() || errno != 0 || mute) {
            return -errno;
        }
        if (pendingBytes == 0) {
            long result;
            try {
                result = wire.send(scratch.outAddress(out), out.limit());
            } catch (Throwable e) { // the numbers of the records are used
                keep(wire, out, false);
                throw e;
            }
            if (result >= 0) {
                sent += result;
                out.position((int) result);
            } else if (result != -Errno.EAGAIN) {
                return broken(wire, (int) -result);
            }
        }
        if (out.hasRemaining()) {
            keep(wire, out, true);
        }
        return 0;
    }

    private void keep(Wire wire, ByteBuffer out, boolean full) {
        boolean first = pendingBytes == 0;
        try {
            pending.put(out);
        } catch (OutOfMemoryError e) { // records are missing: the peer could make nothing of what follows
            broken(wire, Errno.ENOMEM);
            throw e;
        }
        pendingBytes = pending.size();
        if (first) {
            wire.awaitRoom(full);
        }
    }

    /** The number of a record may be used that is not there (no memory, say): the peer could make nothing of what follows. */
    private void engineThrew(Wire wire, Throwable e) {
        if (errno == 0) {
            broken(wire, e instanceof OutOfMemoryError ? Errno.ENOMEM : Errno.EPROTO);
        }
    }

    private int broken(Wire wire, int why) {
        boolean choked = isChoked();
        errno = why;
        ended = true;
        pending.close();
        pendingBytes = 0;
        if (choked) {
            wire.resumeReading();
        }
        return -why;
    }

    /**
     * Sends what the socket has not taken before.
     *
     * @return 0 when nothing is pending, or minus errno
     */
    synchronized int flush(Wire wire) {
        while (pendingBytes > 0) {
            long result = wire.send(pending.firstAddress(), pending.firstLength());
            if (result < 0) {
                return result == -Errno.EAGAIN ? -Errno.EAGAIN : broken(wire, (int) -result);
            }
            sent += result;
            pending.skip(result);
            boolean choked = isChoked();
            pendingBytes = pending.size();
            if (choked && !isChoked()) {
                wire.resumeReading();
            }
            if (isOver()) {
                wire.outputSent();
            }
        }
        if (errno == 0) {
            unsent = 0;
        }
        return -errno;
    }

    /** {@link #end} is to come: data is refused from now on. */
    void refuseData() {
        ending = true;
    }

    /** Ends the output by close_notify, behind everything that was written. */
    synchronized void end(Wire wire) throws SSLException {
        try {
            if (!ended) {
                engine.closeOutbound();
                ended = true;
                sendRest(wire); // engines differ in whether they say that they have something to send
            }
        } finally {
            leaveTaken = true;
        }
    }

    /** Sends what the engine makes without being given anything, until it makes nothing, or throws what has happened to it. */
    synchronized void sendRest(Wire wire) throws SSLException {
        RecordScratch scratch = RecordScratch.take(heap);
        boolean engineDone = false;
        try {
            ByteBuffer out = scratch.out(heap);
            try {
                while (!engine.isOutboundDone() && out.remaining() >= engine.getSession().getPacketBufferSize()
                        && engine.wrap(NOTHING, out).bytesProduced() > 0) {
                    continue;
                }
                engineDone = true;
            } finally {
                send(wire, scratch, out);
                flush(wire); // as for answers
            }
        } catch (RuntimeException | Error e) {
            if (!engineDone) {
                engineThrew(wire, e);
            }
            throw e;
        } finally {
            scratch.giveBack();
        }
    }

    /** Ends the output at the very end, and lets the engine end as it wants to: Conscrypt's gives its descriptors back only then. */
    synchronized void close(Wire wire, Farewell farewell) throws SSLException {
        mute = farewell != Farewell.ORDERLY;
        if (farewell == Farewell.ABRUPT) {
            errno = Errno.EPIPE;
        }
        try {
            end(wire);
            flush(wire);
        } finally {
            engine.closeOutbound();
        }
    }

    /**
     * Nothing more is kept here, nor sent from here.
     *
     * @return what is still to be sent, for somebody else to do that; null for nothing, or if it is not to be sent
     */
    synchronized @Nullable LinkBuffer forget(Farewell farewell) {
        ended = true;
        pendingBytes = 0;
        if (errno == 0 && farewell != Farewell.ABRUPT) {
            return pending.surrender();
        }
        pending.close();
        return null;
    }
}
