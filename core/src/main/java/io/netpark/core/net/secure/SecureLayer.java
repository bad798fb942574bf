package io.netpark.core.net.secure;

import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.fd.Direction;
import io.netpark.core.fd.Waiter;
import io.netpark.core.linux.Linux;
import io.netpark.core.poll.Interest;
import io.netpark.core.sys.Errno;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.tls.Diagnosis;
import io.netpark.core.tls.Tls;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * TLS of one connection, from the beginning of its handshake to its end: a {@link SecureStream} over the socket of its
 * {@link Carrier}. What the socket does not take of a record is sent by the next write, or by the loop when the socket has room
 * ({@link #run}), whichever comes first; so a record is never left half-sent because its writer has been cancelled.
 *
 * <pre>
 *   handshaking --the handshake ends--> established --a record is wrong--> failed
 *       +--it fails, its time is over--> failed, and the connection is closed
 * </pre>
 *
 * <p>For Netpark's own streams. Any thread, but what says otherwise.
 */
public final class SecureLayer implements Wire, Waiter {

    private final Carrier carrier;
    private final Tls tls;
    private final SecureStream stream;
    /** While it goes on. */
    private volatile @Nullable Handshake handshake;
    /** Why there will be no data: the handshake's failure, or that of a record. */
    private volatile @Nullable NetparkException failure;
    /** The socket's output is to be ended when all records are sent. */
    private volatile boolean endsOutput;
    /** A reset tells the peer enough. */
    private volatile boolean abrupt;
    /** What is to be sent after the end. Belongs to whoever gives the descriptor back. */
    private @Nullable LinkBuffer rest;

    /**
     * Of a connection that nobody reads or writes. Its handshake is to be {@linkplain #start started}.
     *
     * @param host the name that was dialed; null on servers
     * @param port the port that was dialed; -1 if there is none
     * @param ahead bytes that were read already, which this takes; null for none
     * @param reported nobody waits for the handshake yet: an operator is told of its failure
     */
    public SecureLayer(Carrier carrier, Tls tls, @Nullable String host, int port, @Nullable LinkBuffer ahead, boolean reported)
            throws SSLException {
        this.carrier = carrier;
        this.tls = tls;
        stream = new SecureStream(tls, host, port, carrier.loop().clock());
        try {
            handshake = new Handshake(this, reported);
            stream.begin(ahead);
        } catch (Throwable e) {
            stream.close(this, Farewell.ABRUPT);
            throw e;
        }
    }

    /** What passes through it. */
    public SecureStream stream() {
        return stream;
    }

    Carrier carrier() {
        return carrier;
    }

    Tls tls() {
        return tls;
    }

    /** What an exception of an engine means. */
    public static NetparkException failure(SSLException e, String operation) {
        return e instanceof Refusal refusal
                ? new NetparkException.TlsFailure(refusal.fault(), operation + ": " + refusal.getMessage())
                : Diagnosis.of(e).failure(operation);
    }

    // The handshake

    /** Begins the handshake, which goes on by itself. Throws what there was no memory for: then it never does. */
    public void start() {
        Handshake begun = handshake;
        assert begun != null;
        begun.start();
    }

    /** What the loop runs when the poller has reported anything; null when the handshake is over. */
    public @Nullable Runnable handshake() {
        return handshake;
    }

    /** Whether a handshake goes on in which the peer has not said anything yet: perhaps it never will. */
    public boolean awaitsFirstWord() {
        return handshake != null && !stream.hasReceived();
    }

    /**
     * Why no data can be exchanged any more; null if there is no reason. A new object each time, as it is thrown on many threads.
     */
    public @Nullable NetparkException failure() {
        NetparkException why = failure;
        return why == null ? null : again(why);
    }

    /** Data can be exchanged. On the loop. */
    void established() {
        handshake = null;
        try {
            goOn();
        } finally {
            if (stream.hasPending()) {
                awaitRoom(false); // nobody has asked yet
            }
        }
    }

    /** The handshake is over, or a task in the midst of data: what had to wait goes on. Whatever is thrown, nobody waits any longer. */
    private void goOn() {
        try {
            if (endsOutput) {
                endOutput();
            }
        } catch (Error e) { // no memory, say: nobody else would end the output
            failure = failure(new SSLException(e), carrier.operation(Direction.WRITE));
        } finally {
            wakeAll();
        }
    }

    /** The handshake has failed, and the connection is closed so that the peer can still read the alert. On the loop. */
    void failed(NetparkException why) {
        failure = why;
        handshake = null;
        wakeAll();
        carrier.closeAfterFailure();
    }

    /** Records of the peer, or those that were to be made, are wrong: nothing more can be exchanged. Returns what to throw. */
    public NetparkException recordFailed(SSLException e, Direction direction) {
        NetparkException why = failure(e, carrier.operation(direction));
        failure = why;
        carrier.nudge(direction == Direction.READ ? Direction.WRITE : Direction.READ); // what waits there would wait in vain
        return again(why);
    }

    @SuppressWarnings("NullAway") // all that Netpark throws has a message
    private static NetparkException again(NetparkException why) {
        return NetparkException.like(why, why.getMessage());
    }

    private void wakeAll() {
        carrier.nudge(Direction.READ);
        carrier.nudge(Direction.WRITE);
    }

    // Records that the socket had no room for

    /** There is room in the socket. On the loop. */
    @Override
    public void run() {
        if (!stream.hasPending() || !carrier.acquire()) {
            return;
        }
        try {
            int result = stream.flush(this);
            if (result == -Errno.EAGAIN) {
                carrier.askFor(Interest.WRITE);
            } else if (result != 0) {
                carrier.noteFailure(-result);
                wakeAll();
            }
        } catch (NetparkException e) {
            wakeAll(); // operations find out what it is
        } finally {
            carrier.release();
        }
    }

    // The end

    /** Ends the output by close_notify, and the socket's behind it. */
    public void endOutput() {
        endsOutput = true;
        stream.refuseData(); // whoever writes next has waited for the handshake, perhaps, and not for the end that follows it
        if (!stream.isEstablished() || stream.isTasking() || !carrier.acquire()) {
            return; // the end of the handshake, or of the task, goes on
        }
        try {
            stream.endOutput(this);
            if (stream.isOutputOver()) {
                outputSent();
            }
        } catch (SSLException | RuntimeException e) { // an engine may throw anything
            failure = failure(e instanceof SSLException known ? known : new SSLException(e), carrier.operation(Direction.WRITE));
            wakeAll(); // what waits would wait in vain
        } finally {
            carrier.release();
        }
    }

    @Override
    public void outputSent() {
        if (!carrier.isClosed()) { // else the socket ends as a whole
            try {
                carrier.endOutput();
            } catch (NetparkException e) {
                // It is closed by now, or gone.
            }
        }
    }

    /** The close that follows tells the peer by a reset. */
    public void endAbruptly() {
        abrupt = true;
    }

    /**
     * The descriptor is about to be given back, and no operation is going on.
     *
     * @param resets whether the close resets the connection: a close_notify in front of that would make what was cut off look whole
     */
    public void close(boolean resets) {
        Handshake going = handshake;
        try {
            if (going != null) {
                going.end();
            }
        } finally { // whatever is thrown, the engine is given back
            rest = stream.close(this, abrupt || resets ? Farewell.ABRUPT : farewell());
        }
    }

    private Farewell farewell() {
        if (failure == null) {
            return stream.isEstablished() ? Farewell.ORDERLY : Farewell.ABRUPT;
        }
        return failure instanceof NetparkException.TlsFailure ? Farewell.FAILED : Farewell.ABRUPT; // no alert says that a time is over
    }

    /** After {@link #close}: records that the socket has not taken, the caller's to send and to close; null for none. */
    public @Nullable LinkBuffer takeRest() {
        LinkBuffer taken = rest;
        rest = null;
        return taken;
    }

    // The socket

    @Override
    public long receive(long address, int length) {
        long result;
        do {
            result = carrier.libc().recv(carrier.fd(), address, length, 0);
        } while (result == -Errno.EINTR);
        return moved(result);
    }

    @Override
    public long send(long address, int length) {
        long result;
        do {
            result = carrier.libc().send(carrier.fd(), address, length, Linux.MSG_NOSIGNAL);
        } while (result == -Errno.EINTR);
        return moved(result);
    }

    private long moved(long result) {
        if (result > 0) {
            carrier.noteMoved();
        }
        return result;
    }

    @Override
    public boolean isKnownEmpty() {
        return carrier.isKnownEmpty();
    }

    @Override
    public void noteRead(boolean shorter) {
        carrier.noteRead(shorter);
    }

    /**
     * The report of room may have come since the socket was full, unless this is the thread that would have got it: then the socket
     * is asked once more.
     */
    @Override
    public void awaitRoom(boolean full) {
        if (handshake == null && !(full && carrier.loop().inLoop() && carrier.loop().poller().edgeTriggered())) {
            carrier.loop().tryWake(this); // a loop that has ended has closed it
        }
    }

    @Override
    public void resumeReading() {
        carrier.nudge(Direction.READ);
    }

    @Override
    public void beginTask() {
        Handshake.runTask(this, this::goOn);
    }
}
