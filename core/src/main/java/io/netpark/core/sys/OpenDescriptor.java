package io.netpark.core.sys;

import io.netpark.core.memory.DirectBuffers;
import io.netpark.core.memory.NativeMemory;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;

/**
 * A descriptor with an owner, who must close it: a pipe's end, an eventfd, a timerfd, a socket that was detached or that came
 * from another process.
 *
 * <p>Ownership ends once: by {@link #close}, which closes the descriptor; by {@link #release}, which hands the number out; or by
 * {@link #handOver}, which adopting functions use. The first of these calls wins, and later ones have no effect or say so. Every
 * method may be called by any thread. A close while another thread reads or writes is done when that thread has returned, so the
 * number never belongs to another file meanwhile.
 *
 * <p>An object that is dropped without being closed leaks its descriptor. Nothing waits for the garbage collector.
 */
public sealed class OpenDescriptor implements AutoCloseable permits EventFd, TimerFd {

    /** What a read returns when the other end of a pipe or a stream is closed. */
    public static final int END_OF_STREAM = -1;

    private final Ownership ownership;

    OpenDescriptor(LibC libc, int number) {
        if (number < 0) {
            throw new IllegalArgumentException("not a descriptor: " + number);
        }
        this.ownership = new Ownership(this, libc, number);
    }

    /**
     * Takes ownership of a descriptor that something else has opened: a library, a parent process. It is not changed in any way.
     *
     * @param number an open descriptor, which nobody else closes from now on
     * @throws IllegalArgumentException if it is negative
     */
    public static OpenDescriptor of(int number) {
        return of(Binding.defaultLibC(), number);
    }

    /** As {@link #of(int)}, for descriptors that a certain C library has opened. For Netpark's own adapters. */
    public static OpenDescriptor of(LibC libc, int number) {
        return new OpenDescriptor(libc, number);
    }

    // Makers

    /**
     * A pipe: what is written to its write end can be read from its read end. Both are non-blocking and close-on-exec.
     *
     * @throws NetparkException if there are no descriptors for it
     */
    public static OpenPipe pipe() throws NetparkException {
        return OpenPipe.open(Binding.defaultLibC());
    }

    /**
     * A counter that a poller reports as readable while it is not 0 (eventfd(2)): to wake whoever polls it.
     *
     * @param initial its value at first; not negative
     * @throws NetparkException if there is no descriptor for it
     */
    public static EventFd eventFd(int initial) throws NetparkException {
        return EventFd.open(Binding.defaultLibC(), initial);
    }

    /**
     * A timer that a poller reports as readable when it expires (timerfd_create(2)), not armed yet. It runs on the monotonic
     * clock, which no change of the wall clock moves and which stands still while the machine is suspended.
     *
     * @throws NetparkException if there is no descriptor for it
     */
    public static TimerFd timerFd() throws NetparkException {
        return TimerFd.open(Binding.defaultLibC());
    }

    // Ownership

    /**
     * The number, for a system call. The number is this descriptor's only until it is closed, so the caller must not let it be closed
     * meanwhile.
     *
     * @throws IllegalStateException if it is closed, or was taken over
     */
    public final int number() {
        if (ownership.hasEnded()) {
            throw ownership.ended("use");
        }
        return ownership.number();
    }

    /** Whether it is neither closed nor taken over. */
    public final boolean isOpen() {
        return !ownership.hasEnded();
    }

    /** Closes the descriptor, unless it is closed already or was taken over. */
    @Override
    public final void close() {
        ownership.close();
    }

    /**
     * Hands the number out. The caller owns the descriptor from now on and closes it; this object is closed.
     *
     * @throws IllegalStateException if it is closed or was taken over, or another thread is using it
     */
    public final int release() {
        ownership.beginHandingOver("release");
        ownership.handedOver();
        return ownership.number();
    }

    /**
     * Moves the descriptor to another owner. If that fails it stays this object's, and open; unless it was closed meanwhile, then
     * it is closed now.
     *
     * @param owner gets the number, and owns it when it returns normally
     * @return what the owner has returned
     * @throws X what the owner has thrown
     * @throws IllegalStateException if it is closed or was taken over, or another thread is using it
     */
    public final <T, X extends Throwable> T handOver(Taker<T, X> owner) throws X {
        ownership.beginHandingOver("hand over");
        boolean taken = false;
        try {
            T result = owner.take(ownership.number());
            taken = true;
            return result;
        } finally {
            if (taken) {
                ownership.handedOver();
            } else {
                ownership.refused();
            }
        }
    }

    /** What a descriptor is moved to by {@link OpenDescriptor#handOver}. */
    @FunctionalInterface
    public interface Taker<T, X extends Throwable> {

        /** Owns the descriptor from now on, unless it throws. */
        T take(int number) throws X;
    }

    // Use

    final LibC libc() {
        return ownership.libc();
    }

    /** Keeps the number this descriptor's until {@link #endUse}. */
    final int beginUse(String operation) throws NetparkException.Closed {
        return ownership.beginUse(operation);
    }

    /**
     * As {@link #beginUse}, for a system call that is about another descriptor.
     *
     * @throws IllegalStateException if it is closed or was taken over, or another thread is handing it over
     */
    final void hold(String operation) {
        try {
            beginUse(operation);
        } catch (NetparkException.Closed e) {
            throw ownership.ended(operation);
        }
    }

    /** The number, also if it was closed while it is held. */
    final int heldNumber() {
        return ownership.number();
    }

    final void endUse() {
        ownership.endUse();
    }

    /**
     * Reads what is there, as read(2) does, and advances the position. Into a direct buffer nothing is copied; for one on the heap
     * memory is taken for the call.
     *
     * @return the number of bytes; 0 if nothing is there now and the descriptor is non-blocking; {@link #END_OF_STREAM}
     * @throws NetparkException.Closed if it is closed
     * @throws NetparkException naming why it cannot be read
     */
    public final int read(ByteBuffer target) throws NetparkException {
        if (target.isReadOnly()) {
            throw new ReadOnlyBufferException();
        }
        int room = target.remaining();
        if (room == 0) {
            return 0;
        }
        NativeMemory copy = target.isDirect() ? null : NativeMemory.allocate(room);
        long address = copy == null ? DirectBuffers.address(target) + target.position() : copy.address();
        long result = readInto(address, room);
        if (result > 0) {
            if (copy != null) {
                target.put(target.position(), copy.buffer(), 0, (int) result);
            }
            target.position(target.position() + (int) result);
        }
        Reference.reachabilityFence(copy);
        Reference.reachabilityFence(target);
        return result == 0 ? END_OF_STREAM : result < 0 ? 0 : (int) result;
    }

    /** How many bytes, 0 at the end, -1 if nothing is there. */
    final long readInto(long address, int length) throws NetparkException {
        int fd = beginUse("read");
        long result;
        try {
            do {
                result = libc().read(fd, address, length);
            } while (result == -Errno.EINTR);
        } finally {
            endUse();
        }
        return outcome(result, "read");
    }

    /**
     * Writes what there is room for, as write(2) does, and advances the position. Copies as {@link #read} does.
     *
     * @return the number of bytes; 0 if there is no room now and the descriptor is non-blocking
     * @throws NetparkException.Closed if it is closed
     * @throws NetparkException.Reset if nobody can read it any more
     * @throws NetparkException naming why it cannot be written
     */
    public final int write(ByteBuffer source) throws NetparkException {
        int length = source.remaining();
        if (length == 0) {
            return 0;
        }
        NativeMemory copy = source.isDirect() ? null : NativeMemory.allocate(length);
        long address;
        if (copy == null) {
            address = DirectBuffers.address(source) + source.position();
        } else {
            copy.buffer().put(0, source, source.position(), length);
            address = copy.address();
        }
        int written = (int) Math.max(writeFrom(address, length), 0);
        source.position(source.position() + written);
        Reference.reachabilityFence(copy);
        Reference.reachabilityFence(source);
        return written;
    }

    /** How many bytes, -1 if there is no room. */
    final long writeFrom(long address, int length) throws NetparkException {
        int fd = beginUse("write");
        long result;
        try {
            do {
                result = libc().write(fd, address, length);
            } while (result == -Errno.EINTR);
        } finally {
            endUse();
        }
        return outcome(result, "write");
    }

    private long outcome(long result, String operation) throws NetparkException {
        if (result >= 0) {
            return result;
        }
        if (result == -Errno.EAGAIN) {
            return -1;
        }
        throw NetparkException.of((int) -result, operation + " " + this);
    }

    @Override
    public String toString() {
        return "descriptor " + ownership.number();
    }
}
