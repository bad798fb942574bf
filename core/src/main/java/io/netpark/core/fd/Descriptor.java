package io.netpark.core.fd;

import io.netpark.core.loop.EventLoop;
import io.netpark.core.sys.LibC;
import io.netpark.core.sys.NetparkException;
import org.jspecify.annotations.Nullable;

/**
 * An open file of the kernel on which operations park until it is ready.
 *
 * <p>Every operation of every subclass has the same shape, which {@link #perform} has. It <i>starts</i>: takes the lock of its
 * direction and a reference, looks at the error word, makes the system call. If that says EAGAIN the operation returns
 * {@link #PARK}: it keeps the lock, gives up the reference, and its adapter
 *
 * <ol>
 *   <li>publishes a {@link Waiter} with {@link #park}; where that returns false there is no need to wait,
 *   <li>once the waiter runs, <i>retries</i>, which may return PARK again, or
 *   <li>{@linkplain #abandon abandons} the operation, if it does not want to go on.
 * </ol>
 *
 * Any other return, and whatever is thrown, has ended the operation and released the lock. So an operation costs nothing
 * to give up: nothing is read, written or accepted except by a start or a retry that says so. A {@link NetparkException} that
 * an operation throws {@linkplain NetparkException#isAbout is about} its descriptor.
 *
 * <p>What an operation parks in is {@link Watched}; how long it may take, {@link Timed}; which write comes next, {@link Sequenced};
 * who may begin one, and who may close the number, the word of an {@link FdLock}. Here are the template of an operation, and the end.
 *
 * <p>Safe for use by any thread. Two operations of one direction at a time are a mistake and the second throws
 * IllegalStateException; reading, writing and closing at the same time are fine. When several things have happened to
 * an operation, it reports the first that applies: closed, then a timeout or deadline passed, then what the system call says.
 */
public abstract non-sealed class Descriptor extends Sequenced {

    /** Returned by an operation that has to wait. */
    public static final int PARK = -2;

    private final LibC libc;
    private final int fd;
    private final FdLock lock = new FdLock();

    /**
     * Takes over a descriptor number: it is closed by this object and by nobody else.
     *
     * @param fd open, non-blocking, close-on-exec
     */
    protected Descriptor(EventLoop loop, int fd) {
        super(loop);
        this.libc = loop.libc();
        this.fd = fd;
    }

    /**
     * Starts watching, once, for life. Whatever it fails with, the descriptor number is closed.
     *
     * @throws NetparkException if epoll refuses: a limit, or a file that cannot be polled
     */
    protected final void register(int interest) throws NetparkException {
        try {
            loop.poller().add(fd, this, interest);
        } catch (Throwable e) {
            close();
            throw e;
        }
    }

    @Override
    protected void requestReport(Direction direction) throws NetparkException {
        if (!loop.poller().edgeTriggered()) {
            loop.poller().arm(fd, this, direction.interest);
        }
    }

    /** Gives up an operation that returned {@link #PARK} and is not parked any more. */
    public final void abandon(Direction direction) {
        try {
            abandoned(direction);
        } finally {
            lock.unlock(direction.lockBit);
            ended(direction);
        }
    }

    /** An operation is given up; its lock is still held. */
    protected void abandoned(Direction direction) {}

    /**
     * For a write that is {@link #abandoned} in the midst of what is of no use in part: no write gets behind it any more. As it has the
     * lock still, none has come between.
     */
    protected final void cutOffOutput() {
        lock.cutOff();
    }

    /** Whether a write has ended in the midst of what is of no use in part, so that none begins or goes on any more. */
    public final boolean isOutputCutOff() {
        return lock.isCutOff();
    }

    /** Why no write begins or goes on any more, though the descriptor is open. */
    protected NetparkException outputCutOff() {
        return new NetparkException.Closed(
                operation(Direction.WRITE) + ": the output is broken, an earlier write ended in the midst of its bytes");
    }

    /**
     * Takes the lock of a direction for an operation that begins later: by a retry, or it is {@linkplain #abandon abandoned}, as if
     * it had been parked. Its timeout counts from now.
     *
     * @return false if an operation of that direction is going on, or the descriptor is closed, or its output {@linkplain #isOutputCutOff
     *     cut off}
     */
    public final boolean reserve(Direction direction) {
        if (lock.enter(direction.lockBit) != FdLock.ENTERED) {
            return false;
        }
        try {
            beginTime(direction);
        } catch (Throwable e) { // no memory to move its timer
            leave(direction, false);
            throw e;
        }
        release();
        return true;
    }

    // The operation template

    /**
     * What one kind of operation does while it holds the lock of its direction and a reference: the part of the template that
     * differs. One object for all calls, without state, so that nothing is allocated.
     *
     * @param <S> what kind of descriptor it is of
     * @param <A> what it works on
     * @param <X> what it throws, besides what {@link #perform} does
     */
    @FunctionalInterface
    protected interface Operation<S extends Descriptor, A extends @Nullable Object, X extends Exception> {

        /**
         * Makes the system call.
         *
         * @param most as it was given to {@link #perform}
         * @return {@link #PARK} to go on later; anything else, and whatever is thrown, ends the operation
         */
        int attempt(S self, A subject, long most) throws X;
    }

    /** As {@link Operation}, for an operation that works on several things. */
    @FunctionalInterface
    protected interface WideOperation<S extends Descriptor, A, B extends @Nullable Object, C extends @Nullable Object,
            X extends Exception> {

        /** As {@link Operation#attempt}. */
        int attempt(S self, A first, B second, C third) throws X;
    }

    /** As {@link Operation}, for an operation that yields an object; null to go on later. */
    @FunctionalInterface
    protected interface Production<S extends Descriptor, T, X extends Exception> {

        /** As {@link Operation#attempt}. */
        @Nullable T attempt(S self) throws X;
    }

    /**
     * Starts or retries an operation. This, with its likes below, is the only way to have one: whatever happens in it, the lock and
     * the reference are where they have to be afterwards.
     *
     * @param retry whether it goes on with an operation that returned {@link #PARK}
     * @throws NetparkException.Closed if the descriptor is closed
     * @throws NetparkException.TimedOut if the deadline has passed, or the operation has waited for its timeout, even if there is data
     * @throws IllegalStateException if another operation of this direction is going on; or, for a retry, if none is
     */
    protected final <S extends Descriptor, A extends @Nullable Object, X extends Exception> int perform(Direction direction, boolean retry,
            Operation<? super S, ? super A, ? extends X> operation, S self, A subject, long most) throws X, NetparkException {
        enter(direction, retry);
        int outcome;
        try {
            requireTime(direction, retry);
            outcome = operation.attempt(self, subject, most);
            if (outcome == PARK && !retry) {
                beginTime(direction);
            }
        } catch (Throwable e) {
            failed(direction, e);
            throw e;
        }
        leave(direction, outcome == PARK);
        return outcome;
    }

    /** As the other, for an operation that works on several things. */
    protected final <S extends Descriptor, A, B extends @Nullable Object, C extends @Nullable Object, X extends Exception> int perform(
            Direction direction, boolean retry,
            WideOperation<? super S, ? super A, ? super B, ? super C, ? extends X> operation, S self, A first, B second, C third)
            throws X, NetparkException {
        enter(direction, retry);
        int outcome;
        try {
            requireTime(direction, retry);
            outcome = operation.attempt(self, first, second, third);
            if (outcome == PARK && !retry) {
                beginTime(direction);
            }
        } catch (Throwable e) {
            failed(direction, e);
            throw e;
        }
        leave(direction, outcome == PARK);
        return outcome;
    }

    /** As the other, for an operation that yields an object; null is its {@link #PARK}. */
    protected final <S extends Descriptor, T, X extends Exception> @Nullable T produce(Direction direction, boolean retry,
            Production<? super S, ? extends T, ? extends X> operation, S self) throws X, NetparkException {
        enter(direction, retry);
        T outcome;
        try {
            requireTime(direction, retry);
            outcome = operation.attempt(self);
            if (outcome == null && !retry) {
                beginTime(direction);
            }
        } catch (Throwable e) {
            failed(direction, e);
            throw e;
        }
        leave(direction, outcome == null);
        return outcome;
    }

    private void enter(Direction direction, boolean retry) throws NetparkException {
        int entered = retry ? lock.reenter(direction.lockBit) : lock.enter(direction.lockBit);
        if (entered != FdLock.ENTERED) {
            throw refused(direction, entered);
        }
    }

    private NetparkException refused(Direction direction, int entered) {
        if (entered == FdLock.IS_CLOSED) {
            return about(closed(direction));
        }
        if (entered == FdLock.IS_CUT_OFF) {
            return about(outputCutOff());
        }
        throw new IllegalStateException(entered == FdLock.IS_BUSY
                ? "another operation is going on: " + operation(direction) + "; one reader and one writer at a time"
                : "there is no operation to go on with: " + operation(direction) + "; it has ended, or was abandoned");
    }

    private void requireTime(Direction direction, boolean hasWaited) throws NetparkException {
        if (mustNotWait(direction, hasWaited)) {
            throw interrupted(direction, hasWaited);
        }
    }

    /** Allocates nothing before the lock is dropped. */
    private void failed(Direction direction, Throwable e) {
        try {
            if (e instanceof NetparkException failure) {
                about(failure);
            }
            abandoned(direction);
        } finally {
            leave(direction, false);
        }
    }

    private void leave(Direction direction, boolean parks) {
        if (parks ? lock.release() : lock.leave(direction.lockBit)) {
            destroy();
        }
        if (!parks) {
            ended(direction);
        }
    }

    /** Says that a failure is about this descriptor. */
    protected final <E extends NetparkException> E about(E failure) {
        failure.setAbout(this);
        return failure;
    }

    /** For a system call that belongs to no operation. To be followed by {@link #release}. */
    protected final void acquire(String operation) throws NetparkException {
        if (!lock.acquire()) {
            throw about(new NetparkException.Closed(operation + ": closed here"));
        }
    }

    /** As {@link #acquire}, but only says so if the descriptor is closed. */
    protected final boolean tryAcquire() {
        return lock.acquire();
    }

    /** Drops the reference that {@link #acquire} has taken. */
    protected final void release() {
        if (lock.release()) {
            destroy();
        }
    }

    /** Whether nobody but the caller, who holds a reference, is in a system call on it. */
    protected final boolean isOnlyUse() {
        return lock.references() <= 1;
    }

    /** The descriptor number. Valid while a reference is held. */
    protected final int fd() {
        return fd;
    }

    /** The C library. */
    protected final LibC libc() {
        return libc;
    }

    private NetparkException interrupted(Direction direction, boolean hasWaited) {
        int flags = error.flags();
        if ((flags & ErrorWord.CLOSING) != 0) {
            return closed(direction);
        }
        TimeLimit limit = limit(direction);
        // A timeout that struck before the deadline has been told of; a timeout that would have struck later does not strike.
        String what = hasWaited && (flags & direction.timedOut) != 0 && limit != null ? limit.timeoutPassed() : "the deadline passed";
        return new NetparkException.TimedOut(timeout(direction), operation(direction) + ": " + what);
    }

    /** Why an operation cannot go on: the descriptor is closed. */
    protected NetparkException closed(Direction direction) {
        return new NetparkException.Closed(operation(direction) + ": closed here"
                + (loop.isShutdown() ? ", with its event loop" : ""));
    }

    /** What an operation of this direction is called in messages, with the addresses: {@code read from a}. */
    protected abstract String operation(Direction direction);

    /** What a missed deadline of this direction is called. */
    protected abstract NetparkException.Timeout timeout(Direction direction);

    // Closing

    @Override
    final boolean isGoingOn(Direction direction) {
        return lock.isLocked(direction.lockBit);
    }

    /** Whether an operation is going on, or parked, at this moment. */
    public final boolean isInUse() {
        return lock.isLocked();
    }

    /** As {@link #isInUse()}, of one direction. */
    public final boolean isInUse(Direction direction) {
        return lock.isLocked(direction.lockBit);
    }

    /** Whether {@link #close} has been called, here or by the end of the event loop. */
    @Override
    public final boolean isClosed() {
        return lock.isClosed();
    }

    /**
     * Closes the descriptor. Parked operations are woken and report "closed", as do later ones. The number is given
     * back when the last system call in progress has returned, at once if there is none. Never waits; calling it
     * again has no effect.
     */
    @Override
    public final void close() {
        if (!lock.close()) {
            return;
        }
        try {
            error.set(ErrorWord.CLOSING); // before the slots are looked at
            wake(slot(Direction.READ).take());
        } finally { // a waiter that is run here may throw
            try {
                wake(slot(Direction.WRITE).take());
                passWriteTurn();
            } finally {
                release();
            }
        }
    }

    /**
     * Ends the life of this object, and not that of the descriptor, which is the caller's from now on and is not watched
     * any more.
     *
     * @throws NetparkException.Closed if it is closed
     * @throws IllegalStateException if an operation is going on or parked
     */
    protected final void surrender(String operation) throws NetparkException.Closed {
        if (!lock.closeIfIdle()) {
            if (lock.isClosed()) {
                throw about(new NetparkException.Closed(operation + ": closed here"));
            }
            throw new IllegalStateException(operation + ": an operation is going on; end or cancel it first");
        }
        error.set(ErrorWord.CLOSING);
        try {
            unwatch();
        } finally {
            destroyed();
        }
    }

    /** Called once, by whoever dropped the last reference. Whatever is thrown meanwhile, the number is given back. */
    private void destroy() {
        boolean handedOver = false;
        try {
            unwatch();
            releasing();
            handedOver = handsOver();
        } finally {
            if (!handedOver) {
                libc.close(fd); // never again, whatever it returns: the number is free from here on (close(2))
            }
            destroyed();
        }
    }

    /** Before the number goes to another: epoll watches the open file, which a duplicate may keep alive. */
    private void unwatch() {
        try {
            closeLimits();
        } finally {
            loop.poller().remove(fd, this);
        }
    }

    /** The descriptor number is about to be given back. Runs on any thread, once. */
    protected void releasing() {}

    /** The descriptor is about to be closed, unless this gives it to somebody who will do that. Runs on any thread, once. */
    protected boolean handsOver() {
        return false;
    }

    /** The descriptor number has been given back, or up. Runs on any thread, once. */
    protected void destroyed() {}
}
