package io.netpark.callback.input;

import io.netpark.callback.delivery.Delivery;
import io.netpark.callback.delivery.Receiver;
import io.netpark.callback.output.OutputQueue;
import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.fd.Direction;
import io.netpark.core.net.streams.AwaitedInput;
import io.netpark.core.net.streams.ConnectionDescriptor;
import io.netpark.core.sys.Due;
import io.netpark.core.sys.NetparkException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Of a callback that workers run. Two chains: what arrives goes into one, which is always the loop's; the other is in the
 * hands of the worker during a call. Before each call the first is emptied into the second.
 */
final class WorkerInbox extends Inbox {

    /** A worker that wants more bytes before its callback goes on. It does not touch its chain until this is over. */
    private static final class Wait implements BooleanSupplier {
        final Thread worker = Thread.currentThread();
        final long count;
        volatile boolean over;

        Wait(long count) {
            this.count = count;
        }

        @Override
        public boolean getAsBoolean() {
            return over;
        }
    }

    private final Input input;

    /** The loop's. */
    private @Nullable LinkBuffer arriving;
    /** The loop's at rest, the worker's during a call. */
    private @Nullable LinkBuffer current;
    /** The size of {@link #current} when the loop last had it. */
    private long handedOut;
    private @Nullable Wait wait;
    /** A read is going on. Written by the loop, before and after it has taken bytes from the socket. */
    private volatile boolean reading;
    /** There are bytes that no callback has been called with. Written by the loop. */
    private volatile boolean hasFresh;
    /** Who is in the call that is out. The worker's. */
    private @Nullable Receiver called;

    WorkerInbox(Input input) {
        this.input = input;
    }

    @Override
    boolean receiver(Receiver next) {
        return true; // each call asks anew
    }

    private LinkBuffer arriving() {
        LinkBuffer known = arriving;
        if (known == null) {
            known = arriving = input.limits.newBuffer();
        }
        return known;
    }

    @Override
    long unread() {
        return handedOut + (arriving == null ? 0 : arriving.available());
    }

    @Override
    long left() {
        return handedOut;
    }

    @Override
    boolean callsHere() {
        return false;
    }

    @Override
    boolean isAwaited() {
        return wait != null;
    }

    @Override
    int read(ConnectionDescriptor core, boolean retry) throws NetparkException {
        reading = true;
        try {
            int count = InputInbox.readInto(arriving(), core, retry, holds());
            hasFresh |= count > 0;
            return count;
        } finally {
            reading = false;
        }
    }

    @Override
    boolean isOnItsWay() {
        return reading || hasFresh;
    }

    /**
     * Whether memory is kept for a message that is not complete. It is given back only when the rest of that comes, so a read must
     * not wait until others give some back: those might wait for this one. A worker that is at work gives it back by itself.
     */
    private boolean holds() {
        return handedOut > 0 && (wait != null || !input.delivery.isOut());
    }

    /** The bytes of a message that is not complete are here to stay: a read that waits for memory meanwhile must not. */
    private void stay(ConnectionDescriptor core) {
        if (holds() && core.awaitsMemory()) {
            core.nudge(Direction.READ);
        }
    }

    @Override
    void deliverFresh() {
        if (wait != null) {
            feed();
        } else if (input.receiver().isNobody()) {
            arriving().skip(arriving().available());
            hasFresh = false;
            arriving().release();
        } else {
            input.delivery.want(Delivery.INPUT);
        }
    }

    @Override
    void deliver() {
        input.delivery.want(Delivery.AGAIN);
    }

    @Override
    void put(ByteBuffer bytes) throws NetparkException.LimitExceeded {
        arriving().put(bytes);
        hasFresh = true;
    }

    // A call

    @Override
    void handOut() {
        LinkBuffer arrived = arriving;
        if (current == null || current.available() == 0) {
            arriving = current;
            current = arrived;
        } else if (arrived != null) {
            OutputQueue.move(arrived, current);
        }
        hasFresh = false;
        handedOut = current == null ? 0 : current.available();
    }

    @Override
    void call() {
        LinkBuffer in = current;
        if (in == null || in.available() == 0) {
            return;
        }
        Receiver now = input.receiver();
        called = now;
        try {
            if (now.takesInput()) {
                input.callbacks.input(now, in);
            } else if (now.takesRequests()) {
                call(now, in);
            }
        } catch (Throwable e) {
            input.ending.callbackFailed(now.takesInput() ? "onInput" : "onRequest", e);
        } finally {
            called = null;
            in.release();
        }
    }

    private void call(Receiver now, LinkBuffer in) throws Exception {
        int end = (int) in.available();
        // A copy of the view: the callback may set its limits.
        ByteBuffer view = in.peek(end).slice().order(ByteOrder.BIG_ENDIAN);
        input.callbacks.request(now, view);
        in.skip(Math.min(view.position(), end));
    }

    @Override
    void takeBack() {
        handedOut = current == null ? 0 : current.available();
        stay(input.core);
    }

    // Waiting for more of them

    /** On the worker, within an input callback. */
    @Override
    boolean await(long count) throws NetparkException, InterruptedException {
        Receiver called = this.called;
        if (called == null || !called.takesInput() || called.framing() != null) {
            throw new IllegalStateException("await input of " + input.core
                    + ": the buffer of a request or a message cannot grow; use an input callback");
        }
        LinkBuffer in = current;
        assert in != null;
        if (in.available() >= count) {
            return true;
        }
        int limit = called.inputLimit(input.limits);
        if (count > limit) {
            throw AwaitedInput.tooMany(count, input.core, limit, "inputLimit");
        }
        Wait wanted = new Wait(count);
        boolean interrupted = false;
        if (input.loop().tryExecute(() -> begin(wanted))) {
            while (!wanted.over) {
                if (isInterruptedBefore(wanted) && !interrupted) {
                    interrupted = true;
                    // The loop may have the chain at this moment; it says when that is over.
                    if (!input.loop().tryWake(this::endWait)) {
                        endWait();
                    }
                }
            }
        }
        if (interrupted) {
            throw new InterruptedException("while waiting for input of " + input.core);
        }
        if (in.available() < count && !input.ending.isOpen()) {
            throw input.ending.closed("await input of");
        }
        return in.available() >= count;
    }

    /** Waits until it is over, or something else wakes the thread. */
    private boolean isInterruptedBefore(Wait wanted) {
        try {
            if (!input.loop().clock().awaits(Due.FOREVER, wanted)) {
                LockSupport.park(this);
            }
            return Thread.interrupted();
        } catch (InterruptedException e) {
            return true;
        }
    }

    private void begin(Wait wanted) {
        wait = wanted;
        try {
            takeBack(); // the worker has read some of it
            input.expect();
            input.idle.touch(); // it is the peer's turn from now on
            feed();
            if (wait != null) {
                stay(input.core);
                input.wantedAgain(); // reading may have stopped at the limit, and there is room now
            }
        } catch (Throwable e) { // nobody would ever wake the worker
            input.ending.failed("its input could not be waited for", e);
        }
    }

    /** Adds what has arrived to the chain of the worker that waits; it is enough, or never will be, or not yet. */
    @Override
    void feed() {
        Wait waiting = wait;
        if (waiting == null) {
            return;
        }
        if (fresh() > 0) {
            assert current != null;
            OutputQueue.move(arriving(), current);
            hasFresh = false;
            takeBack();
        }
        if (handedOut >= waiting.count || input.isEnded() || !input.ending.isOpen()) {
            endWait();
        }
    }

    private void endWait() {
        Wait waiting = wait;
        wait = null;
        if (waiting != null) {
            input.unexpect(); // it is the callback's turn again
            waiting.over = true;
            LockSupport.unpark(waiting.worker);
        }
    }

    // The end

    @Override
    byte[] copy() {
        byte[] first = InputInbox.copy(current);
        byte[] fresh = InputInbox.copy(arriving);
        byte[] all = Arrays.copyOf(first, first.length + fresh.length);
        System.arraycopy(fresh, 0, all, first.length, fresh.length);
        return all;
    }

    @Override
    byte[] take() {
        handOut();
        handedOut = 0;
        return current == null ? new byte[0] : current.takeBytes((int) current.available());
    }

    @Override
    void clear() {
        if (arriving != null) {
            arriving.close();
        }
        if (current != null) {
            current.close();
        }
    }
}
