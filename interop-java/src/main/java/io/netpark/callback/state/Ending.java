package io.netpark.callback.state;

import io.netpark.callback.futures.OneByOne;
import io.netpark.core.net.streams.ConnectionDescriptor;
import io.netpark.core.report.PeerFault;
import io.netpark.core.sys.NetparkException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/** How a connection ends: once, for the reason that the first caller gives, from any thread. */
public final class Ending implements Runnable {

    private static final VarHandle ENDING;

    static {
        try {
            ENDING = MethodHandles.lookup().findVarHandle(Ending.class, "ending", Object.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** The value of {@link #ending} for an end without a cause. */
    private static final Object NORMAL = new Object();
    /** The cause where there is no memory for another. */
    private static final NetparkException.Closed WORDLESS =
            new NetparkException.Closed("closed here, because something was thrown on its behalf; it has been reported");

    /** In bytes, of a peer that sends on though it is told that nobody reads. */
    private static final long MOST_THROWN_AWAY = 64L << 20;

    final ConnectionDescriptor core;
    final StateOwner owner;

    /**
     * <pre>
     *   null (open) --end(), once, from any thread--> NORMAL or the cause: the socket is closed
     *     --a task on the loop--> {@link StateOwner#ended}
     * </pre>
     */
    private volatile @Nullable Object ending;
    /** What was thrown and has ended it, and where; null if it has ended otherwise. Written before the task that tells of it is. */
    private @Nullable Throwable thrown;
    private String because = "";

    public Ending(ConnectionDescriptor core, StateOwner owner) {
        this.core = core;
        this.owner = owner;
    }

    public boolean isOpen() {
        return ending == null;
    }

    /** Why the connection has ended; null if nothing went wrong. */
    public @Nullable NetparkException cause() {
        return ending instanceof NetparkException cause ? cause : null;
    }

    /** What was thrown and has ended the connection; null if it has ended otherwise. */
    public @Nullable Throwable thrown() {
        return thrown;
    }

    /** Where that was thrown. */
    public String because() {
        return because;
    }

    /**
     * Ends the connection. If output is pending, its peer finds a reset: what it has got is not all. So it does, however the connection
     * ends, if a copy is in the midst of bytes, or was.
     *
     * @return whether that was this call
     */
    public boolean end(@Nullable NetparkException cause) {
        return end(cause, owner.hasPendingOutput(), 0, "", null);
    }

    /** As {@link #end}, and its peer finds a reset, whatever is pending: what it has got is not all. */
    public boolean reset(@Nullable NetparkException cause) {
        return end(cause, true, 0, "", null);
    }

    /**
     * As {@link #end}, when everything has been written: what is on its way to the peer gets there, though the peer sends.
     *
     * @param lingerNanos how long the peer has to end its stream; 0 not to wait for that
     */
    public boolean endOrderly(@Nullable NetparkException cause, long lingerNanos) {
        return end(cause, false, lingerNanos, "", null);
    }

    /** As {@link #endOrderly}, because of a handshake that has failed, which the core has counted. */
    public boolean endAfterHandshake(NetparkException cause) {
        return endUncounted(cause, false, 0, "", null);
    }

    /** Ends the connection and not its socket, with which another connection goes on. Returns false if it has ended already. */
    public boolean endWithoutSocket() {
        return ENDING.compareAndSet(this, null, NORMAL);
    }

    private boolean end(
            @Nullable NetparkException cause, boolean reset, long lingerNanos, String because, @Nullable Throwable thrown) {
        boolean ends = endUncounted(cause, reset, lingerNanos, because, thrown);
        if (ends && cause != null) {
            count(cause);
        }
        return ends;
    }

    private boolean endUncounted(
            @Nullable NetparkException cause, boolean reset, long lingerNanos, String because, @Nullable Throwable thrown) {
        if (!ENDING.compareAndSet(this, null, cause == null ? NORMAL : cause)) {
            return false;
        }
        this.because = because;
        this.thrown = thrown;
        try {
            if (reset || core.isCutOffByEnd()) {
                core.reset();
            } else if (lingerNanos > 0) {
                core.closeLingering(MOST_THROWN_AWAY, lingerNanos);
            } else {
                core.close();
            }
        } finally {
            OneByOne.onLoop(core.loop(), this); // always as a task: whoever is calling may be in the midst of a callback
        }
        return true;
    }

    /** The task that an end is followed by. Not an object of its own, as there may be no memory for one when it is needed. */
    @Override
    public void run() {
        owner.ended();
    }

    /** Of what the peer does to its own connection it is enough to know how often. */
    private void count(NetparkException cause) {
        if (isByOwnPeer(cause)) {
            core.loop().countIfByPeer(cause);
        }
    }

    /** What says nothing of whom it is about comes from a reader: of this connection. */
    private boolean isByOwnPeer(NetparkException thrown) {
        if (PeerFault.of(thrown) == null) {
            return false;
        }
        thrown.setAbout(core);
        return thrown.isAbout(core);
    }

    /**
     * A callback threw: told as a failure, unless all it says is what has become of this very connection, by its peer or meanwhile; that is
     * the cause of the end, then.
     */
    public void callbackFailed(String callback, Throwable thrown) {
        if (thrown instanceof NetparkException failure && isByOwnPeer(failure)) {
            end(failure);
        } else {
            failed("its " + callback + " callback threw", thrown);
        }
    }

    /**
     * Something was thrown on behalf of this connection, and nobody would go on with it: it ends, and that is told, unless all it
     * says is that this connection has ended before. Throws nothing, and finds words only where there is memory for them.
     */
    public void failed(String because, Throwable thrown) {
        failed(because, thrown, owner.hasPendingOutput());
    }

    /** As {@link #failed}, in the midst of output: its peer finds a reset. */
    public void brokeOff(String because, Throwable thrown) {
        failed(because, thrown, true);
    }

    private void failed(String because, Throwable thrown, boolean reset) {
        NetparkException.Closed cause = WORDLESS;
        String what = "something was thrown on its behalf";
        try {
            what = because + "; the connection is closed";
            cause = new NetparkException.Closed(core + ": closed here, because " + because);
            cause.initCause(thrown);
        } catch (Throwable noMemory) {
            // As it is, then.
        }
        try {
            if (!end(cause, reset, 0, what, thrown)
                    && !(thrown instanceof NetparkException.Closed closed && closed.isAbout(core))) {
                owner.thrown(what, thrown);
            }
        } catch (Throwable noMemory) {
            // It has ended, and who reports has done what it could.
        }
    }

    /** The exception for an operation that comes too late. */
    public NetparkException.Closed closed(String operation) {
        NetparkException cause = cause();
        NetparkException.Closed closed = new NetparkException.Closed(
                operation + " " + core + ": closed " + (cause == null ? "here" : "because of " + cause.getMessage()));
        closed.setAbout(core);
        if (cause != null) {
            closed.initCause(cause);
        }
        return closed;
    }
}
