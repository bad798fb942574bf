package io.netpark.core.net.streams;

import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.buffer.SegmentPool;
import io.netpark.core.fd.Direction;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.memory.DirectBuffers;
import io.netpark.core.net.scratch.Scratch;
import io.netpark.core.net.scratch.Vector;
import io.netpark.core.net.secure.SecureStream;
import io.netpark.core.sys.Errno;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.Pipe;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;
import org.jspecify.annotations.Nullable;

/** The incoming half of a {@link ByteStream}. */
public abstract sealed class ByteInput extends SecureSocket permits LendingOutput {

    /**
     * The direct buffer that was read into last, and its address. Mostly it is the same buffer again, and asking the JDK costs an
     * object where the JIT does not see through it. Belongs to the operation that holds the read lock.
     */
    private @Nullable ByteBuffer lastTarget;
    private long lastTargetAddress;

    /** Set while the read waits for memory. Belongs to the operation that holds the read lock, and at last to the end. */
    private volatile @Nullable MemoryWait memory;

    ByteInput(EventLoop loop, int fd) {
        super(loop, fd);
    }

    // Into buffers

    /**
     * Reads what there is, at most what {@code target} has room for, and advances its position.
     *
     * @return the number of bytes, at least 1 unless there is no room; {@link #END_OF_STREAM}; or {@link #PARK}
     * @throws NetparkException.Reset if the peer has reset the connection
     * @throws NetparkException.TimedOut if the read deadline has passed, even if there are bytes
     * @throws NetparkException.Closed if the connection is closed
     */
    public int startRead(ByteBuffer target) throws NetparkException {
        requireWritable(target);
        return perform(Direction.READ, false, READ_BUFFER, this, target, 0);
    }

    /** Goes on with {@link #startRead}; the buffer may be another one. */
    public int retryRead(ByteBuffer target) throws NetparkException {
        return perform(Direction.READ, true, READ_BUFFER, this, target, 0);
    }

    private static final Operation<ByteInput, ByteBuffer, NetparkException> READ_BUFFER =
            (self, target, most) -> self.attemptRead(target);

    private int attemptRead(ByteBuffer target) throws NetparkException {
        int room = target.remaining();
        if (room == 0) {
            return 0;
        }
        SecureStream secure = secure();
        if (secure != null) {
            return readSecure(secure, target);
        }
        if (parksWithoutAsking()) {
            return PARK;
        }
        return target.isDirect() ? readDirect(target, room) : readThroughScratch(target, room);
    }

    private static void requireWritable(ByteBuffer target) {
        if (target.isReadOnly()) {
            throw new ReadOnlyBufferException();
        }
    }

    private long address(ByteBuffer target) {
        if (target != lastTarget) {
            lastTargetAddress = DirectBuffers.address(target);
            lastTarget = target;
        }
        return lastTargetAddress;
    }

    private long receive(long address, int length) {
        long result;
        do {
            result = libc().recv(fd(), address, length, 0);
        } while (result == -Errno.EINTR);
        return result;
    }

    private int readDirect(ByteBuffer target, int room) throws NetparkException {
        int position = target.position();
        long result = receive(address(target) + position, room);
        if (result > 0) {
            target.position(position + (int) result);
        }
        Reference.reachabilityFence(target);
        return received(result, room);
    }

    private int readThroughScratch(ByteBuffer target, int room) throws NetparkException {
        Scratch scratch = Scratch.take();
        int length = Math.min(room, Scratch.CAPACITY);
        long result;
        try {
            result = receive(scratch.address(Scratch.BYTES), length);
            if (result > 0) {
                target.put(target.position(), scratch.memory(), Scratch.BYTES, (int) result);
                target.position(target.position() + (int) result);
            }
        } finally {
            scratch.giveBack();
        }
        return received(result, length);
    }

    /**
     * Reads into several buffers, one after another, by one readv(2).
     *
     * @return as {@link #startRead(ByteBuffer)}
     */
    public int startRead(ByteBuffer[] targets) throws NetparkException {
        for (ByteBuffer target : targets) {
            requireWritable(target);
        }
        return perform(Direction.READ, false, READ_BUFFERS, this, targets, 0);
    }

    /** Goes on with {@link #startRead(ByteBuffer[])}. */
    public int retryRead(ByteBuffer[] targets) throws NetparkException {
        return perform(Direction.READ, true, READ_BUFFERS, this, targets, 0);
    }

    private static final Operation<ByteInput, ByteBuffer[], NetparkException> READ_BUFFERS =
            (self, targets, most) -> self.attemptRead(targets);

    private int attemptRead(ByteBuffer[] targets) throws NetparkException {
        SecureStream secure = secure();
        if (secure != null) {
            return readSecure(secure, targets);
        }
        knownEmpty = false; // rare enough to ask the kernel each time
        Vector vector = Vector.take();
        long room;
        long result;
        try {
            room = vector.fillForReading(targets);
            if (room == 0) {
                return 0;
            }
            do {
                result = libc().readv(fd(), vector.iovecs(), vector.count());
            } while (result == -Errno.EINTR);
            if (result > 0) {
                vector.advanceAfterReading(targets, result);
            }
        } finally {
            vector.giveBack();
            Reference.reachabilityFence(targets);
        }
        return received(result, room);
    }

    /** Into the first that has room, and from then on what is there already. */
    private int readSecure(SecureStream secure, ByteBuffer[] targets) throws NetparkException {
        int read = 0;
        for (ByteBuffer target : targets) {
            if (!target.hasRemaining()) {
                continue;
            }
            if (read > 0 && !secure.hasUnread()) {
                break;
            }
            int part = readSecure(secure, target);
            if (part <= 0) {
                return part;
            }
            read += part;
            if (target.hasRemaining()) {
                break;
            }
        }
        return read;
    }

    // Into a chain of segments

    /**
     * Reads what there is into a chain of segments, at most one segment. While it is parked it holds no memory; it also
     * parks while the pool has none for it, unless the target holds some already.
     *
     * @return as {@link #startRead(ByteBuffer)}, but never 0
     * @throws NetparkException.LimitExceeded if the pool has no memory, and this is not to wait for it; nothing has been
     *     read
     */
    public int startRead(LinkBuffer target) throws NetparkException {
        return startRead(target, Integer.MAX_VALUE);
    }

    /** Goes on with {@link #startRead(LinkBuffer)}. */
    public int retryRead(LinkBuffer target) throws NetparkException {
        return retryRead(target, Integer.MAX_VALUE);
    }

    /**
     * As {@link #startRead(LinkBuffer)}, for a reader that keeps what has been read in more than one buffer.
     *
     * @param holds whether the others hold memory as well: then this does not wait for any, as if the target held it
     */
    public int startRead(LinkBuffer target, boolean holds) throws NetparkException {
        return perform(Direction.READ, false, holds ? READ_MORE : READ_CHAIN, this, target, Integer.MAX_VALUE);
    }

    /** Goes on with a read into a chain. */
    public int retryRead(LinkBuffer target, boolean holds) throws NetparkException {
        return perform(Direction.READ, true, holds ? READ_MORE : READ_CHAIN, this, target, Integer.MAX_VALUE);
    }

    /**
     * Whether a read is parked that waits for memory of its pool, and not for bytes. A reader that comes to hold some meanwhile
     * {@linkplain #nudge nudges} the read, and retries with {@code holds}.
     */
    public boolean awaitsMemory() {
        MemoryWait wait = memory;
        return wait != null && !wait.isTold();
    }

    /** As {@link Splicing#read}. */
    final int startRead(LinkBuffer target, long most) throws NetparkException {
        return perform(Direction.READ, false, READ_CHAIN, this, target, most);
    }

    /** Goes on with {@link #startRead(LinkBuffer, long)}, or with another read that was parked. */
    final int retryRead(LinkBuffer target, long most) throws NetparkException {
        return perform(Direction.READ, true, READ_CHAIN, this, target, most);
    }

    private static final Operation<ByteInput, LinkBuffer, NetparkException> READ_CHAIN =
            (self, target, most) -> self.attemptRead(target, most, false);

    private static final Operation<ByteInput, LinkBuffer, NetparkException> READ_MORE =
            (self, target, most) -> self.attemptRead(target, most, true);

    private int attemptRead(LinkBuffer target, long most, boolean holds) throws NetparkException {
        SecureStream secure = secure();
        if (secure == null ? parksWithoutAsking() : parksWithoutAsking(secure)) { // before it takes memory, of which there may be none
            return PARK;
        }
        long address;
        try {
            address = target.openRoom();
        } catch (NetparkException.LimitExceeded e) {
            if (target.pool().readersWait() && !holds && !target.mustNotWait()) {
                awaitMemory(target.pool());
                return PARK;
            }
            throw e;
        }
        if (memory != null) {
            memory = null; // told, and used
        }
        if (secure != null) {
            return readSecure(secure, target, most);
        }
        int room = (int) Math.min(most, target.roomSize());
        long result = 0;
        try {
            result = receive(address, room);
        } finally {
            target.filled((int) Math.max(0, result));
        }
        return received(result, room);
    }

    private boolean parksWithoutAsking(SecureStream secure) throws NetparkException {
        return mustAwaitHandshake() || !secure.hasInput() && parksWithoutAsking();
    }

    private int readSecure(SecureStream secure, LinkBuffer target, long most) throws NetparkException {
        ByteBuffer room = target.room();
        int start = room.position();
        if (most < room.remaining()) {
            room.limit(start + (int) most);
        }
        try {
            return readSecure(secure, room);
        } finally {
            target.filled(room.position() - start);
        }
    }

    // While the pool has no memory

    /** Memory that comes back is like bytes that come in: the read is tried again. */
    private void awaitMemory(SegmentPool pool) {
        MemoryWait wait = memory;
        if (wait == null || wait.isTold()) {
            wait = new MemoryWait(this, pool);
            memory = wait;
            pool.whenRoom(SegmentPool.LARGEST, wait);
        }
    }

    /** Whether a wait for memory is the one that the read in progress has begun last. */
    final boolean waitsFor(MemoryWait wait) {
        return memory == wait;
    }

    final void forgetMemory() {
        MemoryWait wait = memory;
        if (wait != null) {
            memory = null;
            wait.end();
        }
    }

    @Override
    protected void abandoned(Direction direction) {
        if (direction == Direction.READ) {
            forgetMemory();
        }
    }

    // Into a pipe

    /** As {@link Splicing#fill}. */
    final int startSplice(Pipe into, long most) throws NetparkException {
        return perform(Direction.READ, false, FILL_PIPE, this, into, most);
    }

    /** Goes on with {@link #startSplice}, or with another read that was parked. */
    final int retrySplice(Pipe into, long most) throws NetparkException {
        return perform(Direction.READ, true, FILL_PIPE, this, into, most);
    }

    private static final Operation<ByteInput, Pipe, NetparkException> FILL_PIPE =
            (self, into, most) -> self.attemptSplice(into, most);

    private int attemptSplice(Pipe into, long most) throws NetparkException {
        if (hasTls()) {
            return Splicing.NOT_SPLICED; // what the socket has are records
        }
        if (parksWithoutAsking()) {
            return PARK;
        }
        long result = into.fill(fd(), most);
        return Errno.isNotHere(result)
                ? Splicing.NOT_SPLICED
                : received(result, 0); // a pipe may be full before it has what was asked for: that says nothing of the socket
    }
}
