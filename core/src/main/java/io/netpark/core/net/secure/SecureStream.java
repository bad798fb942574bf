package io.netpark.core.net.secure;

import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.sys.Clock;
import io.netpark.core.sys.Errno;
import io.netpark.core.sys.NetparkException.TlsFault;
import io.netpark.core.tls.Engines;
import io.netpark.core.tls.Tls;
import io.netpark.core.tls.TlsSession;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;
import org.jspecify.annotations.Nullable;

/**
 * TLS between a connection and its socket: any {@link SSLEngine}, whose records are moved by the two halves, {@link RecordInput} and
 * {@link RecordOutput}. Here is what concerns both: the handshake, tasks of the engine, the end.
 *
 * <p>Nothing here waits. What has to wait says so, and the connection calls again.
 */
public final class SecureStream {

    /** As {@link #read} returns it: the peer has ended its output by close_notify. */
    public static final int END = RecordInput.END;
    /** As {@link #read} returns it: the socket has ended, without close_notify. */
    public static final int CUT_OFF = RecordInput.CUT_OFF;
    /** As {@link #read} returns it: go on when others have had their turn. */
    public static final int TURN_OVER = RecordInput.TURN_OVER;

    private static final int STEPS_A_TURN = 64;

    private final SSLEngine engine;
    private final RecordInput input;
    private final RecordOutput output;
    private final Tls tls;
    private final Clock clock;
    private final long beganNanos;

    /**
     * <pre>
     *   false --handshake says NOTHING--> true
     * </pre>
     */
    private volatile boolean established;
    private volatile @Nullable TlsSession session;
    /** Renegotiation would show in the records, which it does up to TLS 1.2 only. */
    private boolean showsHandshakes;

    /**
     * A task of the engine is running, or about to: nobody may use the engine. Guarded by {@link #output}, as are the next three.
     *
     * <pre>
     *   false --the engine wants it--> true, due --runTask--> true --its end--> false
     *                                            --close----> false: nobody waits for what it would compute
     * </pre>
     */
    private volatile boolean tasking;
    private boolean taskDue;
    private boolean closed;
    private boolean released;
    /** What a task has thrown: an engine that does not notice would wait for it for ever. */
    private volatile @Nullable Throwable thrownByTask;

    /** Of a connection that begins its handshake now. */
    public SecureStream(Tls tls, @Nullable String host, int port, Clock clock) {
        this.tls = tls;
        this.clock = clock;
        engine = Engines.of(tls, host, port);
        try {
            boolean heap = Engines.prefersHeap(engine);
            output = new RecordOutput(engine, heap);
            input = new RecordInput(engine, heap, this);
        } catch (Throwable e) {
            Engines.release(tls, engine);
            throw e;
        }
        beganNanos = clock.nanoTime();
    }

    // The handshake

    /** Begins the handshake, with ciphertext that was read already. */
    public void begin(@Nullable LinkBuffer ahead) throws SSLException {
        if (ahead != null && ahead.available() > 0) {
            if (ahead.available() > RecordScratch.BATCH) {
                throw new Refusal(TlsFault.NOT_TLS, ahead.available() + " bytes were read ahead, which is more than a peer sends before"
                        + " the handshake: are they of the plain part?");
            }
            ByteBuffer bytes = ByteBuffer.allocate((int) ahead.available());
            ahead.take(bytes);
            input.putAhead(bytes.flip());
        }
        engine.beginHandshake();
    }

    /** Goes on with the handshake until it needs something. One thread at a time, and none while a task runs. */
    public Need handshake(Wire wire) throws IOException {
        requireNoThrownTask();
        for (int steps = 0; steps < STEPS_A_TURN; steps++) {
            int flushed = output.flush(wire);
            if (flushed < 0) {
                return flushed == -Errno.EAGAIN ? Need.ROOM : refused(flushed);
            }
            switch (engine.getHandshakeStatus()) {
                case NEED_TASK -> {
                    beginTasking();
                    return Need.TASK;
                }
                case NEED_WRAP -> {
                    int answered = output.answer(wire);
                    if (answered < 0) {
                        return refused(answered);
                    }
                    if (engine.isOutboundDone()) {
                        throw new SSLHandshakeException("the engine has ended the handshake");
                    }
                    if (answered == 0 && engine.getHandshakeStatus() == HandshakeStatus.NEED_WRAP) {
                        throw new SSLException("the engine wants to send something, and makes nothing");
                    }
                }
                case NEED_UNWRAP, NEED_UNWRAP_AGAIN -> {
                    int read = input.handshake(wire);
                    if (read == -Errno.EAGAIN) {
                        return Need.INPUT;
                    } else if (read == RecordInput.END || read == RecordInput.CUT_OFF) {
                        throw new Refusal(TlsFault.ENDED, read == RecordInput.END
                                ? "the peer ended the handshake" : "the peer closed the connection in the handshake");
                    } else if (read < 0) {
                        return refused(read);
                    }
                }
                case FINISHED, NOT_HANDSHAKING -> {
                    establish(wire);
                    return Need.NOTHING;
                }
            }
        }
        return Need.TURN;
    }

    private static Need refused(int errno) throws SocketFailure {
        throw new SocketFailure(-errno);
    }

    private void establish(Wire wire) throws SSLException {
        output.answer(wire); // session tickets
        TlsSession agreed = TlsSession.of(tls, engine, sinceBeginning());
        showsHandshakes = !agreed.protocol().equals("TLSv1.3");
        session = agreed;
        established = true;
    }

    /** Sends the alert that a failed handshake has left in the engine, as far as the socket takes it. */
    public void sendAlert(Wire wire) {
        try {
            output.answer(wire);
        } catch (SSLException | RuntimeException e) {
            // An engine tells the failure again, after the alert.
        }
    }

    /** Whether data can be exchanged. */
    public boolean isEstablished() {
        return established;
    }

    /** How long it has been since the handshake began. */
    Duration sinceBeginning() {
        return Duration.ofNanos(clock.nanoTime() - beganNanos);
    }

    /** Whether the peer has sent anything in the handshake. */
    public boolean hasReceived() {
        return input.hasReceived();
    }

    /** What the handshake has agreed on; null before its end. */
    public @Nullable TlsSession session() {
        return session;
    }

    // Tasks

    /** Whether a task is to be run, or runs. */
    public boolean isTasking() {
        return tasking;
    }

    private void beginTasking() {
        synchronized (output) {
            taskDue = true;
            tasking = true;
        }
    }

    /**
     * Runs what the engine wants to have run; on any thread. Then it is to be gone on with. What it throws is told there.
     *
     * @return false if another call has done it, or does, or it is closed
     */
    public boolean runTask() {
        synchronized (output) {
            if (!taskDue) {
                return false;
            }
            taskDue = false;
        }
        try {
            boolean ran = false;
            for (Runnable task; (task = engine.getDelegatedTask()) != null; ran = true) {
                task.run();
            }
            if (!ran && engine.getHandshakeStatus() == HandshakeStatus.NEED_TASK) {
                throw new SSLException("the engine waits for a task that it does not give");
            }
        } catch (Throwable e) {
            thrownByTask = e;
        } finally {
            boolean release;
            synchronized (output) {
                tasking = false;
                release = closed && isFirstRelease();
            }
            if (release) {
                Engines.release(tls, engine);
            }
        }
        return true;
    }

    /** Under the monitor of {@link #output}: an engine's source takes it back once. */
    private boolean isFirstRelease() {
        boolean first = !released;
        released = true;
        return first;
    }

    void requireNoThrownTask() throws SSLException {
        Throwable thrown = thrownByTask;
        if (thrown != null) {
            throw new SSLException(thrown.toString(), thrown);
        }
    }

    /** Whether reading has to pause: a task runs, or the peer does not take the answers that it has asked for. */
    boolean isStalled() {
        return tasking || output.isChoked();
    }

    /**
     * After each record: what the engine wants besides.
     *
     * @param said what it has said with the record: Netty's speaks of an alert there, and nowhere else
     */
    void attend(Wire wire, HandshakeStatus said) throws SSLException {
        if (said == HandshakeStatus.NOT_HANDSHAKING) {
            return;
        }
        HandshakeStatus status = engine.getHandshakeStatus();
        if (status == HandshakeStatus.NEED_WRAP) {
            output.answer(wire);
        } else if (said == HandshakeStatus.NEED_WRAP) {
            output.sendRest(wire);
        } else if (status == HandshakeStatus.NEED_TASK) {
            beginTasking();
            wire.beginTask();
        }
    }

    /** A handshake message in the open, after the handshake, is a renegotiation: no server needs it, and it costs much. */
    void requireHandshaking() throws SSLException {
        if (established && showsHandshakes) {
            throw new Refusal(TlsFault.RENEGOTIATION, "the peer wanted to negotiate again, which is refused: it costs much, and nothing needs it");
        }
    }

    // Data

    /**
     * Reads, decrypts.
     *
     * @param target where it goes; null to see whether there is any, which is kept
     * @return how many bytes, {@link #END}, {@link #CUT_OFF}, {@link #TURN_OVER}, or minus errno
     * @throws SSLException what the engine has refused; an alert is sent
     */
    public int read(Wire wire, @Nullable ByteBuffer target) throws SSLException {
        try {
            return input.read(wire, target);
        } catch (SSLException e) {
            sendAlert(wire);
            throw e;
        }
    }

    /** Whether there is plaintext that was decrypted and not read. */
    public boolean hasUnread() {
        return input.hasUnread();
    }

    /** Whether a read has something to say, though the socket may have nothing: plaintext, a whole record, an end, a failure. */
    public boolean hasInput() {
        return input.hasInput();
    }

    /** Whether a read may find something without a system call. */
    public boolean holdsInput() {
        return input.holdsAnything();
    }

    /**
     * Encrypts and writes, at least 64 KiB if there are so many.
     *
     * @return how many bytes of plaintext were taken, or minus errno; minus EAGAIN also while a task runs
     * @throws SSLException what the engine has failed with; an alert is sent
     */
    public <A> long write(Wire wire, Plaintext<A> kind, A source) throws SSLException {
        if (tasking) {
            return -Errno.EAGAIN;
        }
        try {
            return output.write(wire, kind, source);
        } catch (SSLException e) {
            sendAlert(wire);
            throw e;
        }
    }

    /** Whether there are records that the socket has not taken. */
    public boolean hasPending() {
        return output.hasPending();
    }

    /** Ciphertext that the socket has taken so far. */
    public long sent() {
        return output.sent();
    }

    /** How many bytes of plaintext a write has taken that the socket may not have: less than were taken by the last call of {@link #write}. */
    public long unsent() {
        return output.unsent();
    }

    /**
     * Sends records that the socket has not taken before.
     *
     * @return 0 when there are none left, or minus errno
     */
    public int flush(Wire wire) {
        return output.flush(wire);
    }

    // The end

    /** The output is about to be ended: from now on nothing can be written, though close_notify may have to wait for the handshake. */
    public void refuseData() {
        output.refuseData();
    }

    /** Sends close_notify behind everything that was written: nothing can be written any more. */
    public void endOutput(Wire wire) throws SSLException {
        output.end(wire);
    }

    /** Whether {@link #endOutput} has been called, and the socket has taken all of it. */
    public boolean isOutputOver() {
        return output.isOver();
    }

    private void takeIdleRecords(Wire wire) {
        try {
            input.takeIdleRecords(wire);
        } catch (SSLException | RuntimeException e) {
            // Whatever it is, nobody wants to read it any more.
        }
    }

    /**
     * Gives everything back. On any thread, when no operation is going on. The second time it does nothing.
     *
     * @return what the socket has not taken, for the caller to send and to close; null for nothing
     */
    public @Nullable LinkBuffer close(Wire wire, Farewell farewell) {
        boolean orderly = farewell == Farewell.ORDERLY;
        LinkBuffer rest = null;
        boolean release = false;
        boolean returns = false;
        try {
            synchronized (output) {
                closed = true;
                if (taskDue) {
                    taskDue = false;
                    tasking = false;
                }
                release = !tasking && isFirstRelease(); // while one runs, its end does it
                try {
                    if (release) {
                        if (orderly) {
                            takeIdleRecords(wire); // first, as the peer may have asked for an answer
                        }
                        output.close(wire, farewell);
                        if (orderly) {
                            takeIdleRecords(wire); // what has come meanwhile: nothing unread may be there when the socket is closed
                        }
                    }
                } catch (SSLException | RuntimeException e) {
                    // There is nobody to be told, and nothing to be done.
                } finally {
                    rest = output.forget(farewell);
                }
            }
            returns = true;
        } finally { // whether or not there was memory for close_notify
            if (!returns && rest != null) {
                rest.close(); // the caller does not get it
            }
            input.close();
            if (release) {
                Engines.release(tls, engine);
            }
        }
        return rest;
    }
}
