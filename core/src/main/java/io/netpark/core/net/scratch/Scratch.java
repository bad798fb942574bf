package io.netpark.core.net.scratch;

import io.netpark.core.linux.IoVec;
import io.netpark.core.linux.Linux;
import io.netpark.core.linux.MsgHdr;
import io.netpark.core.memory.NativeMemory;
import io.netpark.core.sys.Rights;
import io.netpark.core.sys.SockAddr;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jctools.queues.atomic.MpmcAtomicArrayQueue;

/**
 * Native memory for the duration of one system call: its structs, and the copy between it and the heap. Kept in a small
 * pool, because a call may be made on any thread and there are far fewer calls at a time than connections.
 *
 * <pre>
 *   0         64               192         512              1600                                +16384            +65536
 *   | msghdr  | sockaddr       | values    | control message  | IOV_MAX iovecs (1024 x 16 bytes)  | bytes to or from the heap |
 * </pre>
 */
public final class Scratch {

    public static final int MSGHDR = 0;
    public static final int SOCKADDR = 64;
    /** An int: how long a sockaddr or an option is. */
    public static final int LENGTH = 192;
    /** The value of an option: an int, or more. */
    public static final int VALUE = 200;
    public static final int VALUE_SIZE = 312;
    public static final int CONTROL = 512;
    public static final int IOVECS = 1600;
    public static final int BYTES = IOVECS + Linux.IOV_MAX * IoVec.SIZE;
    /** How many bytes of a heap buffer one system call moves. */
    public static final int CAPACITY = 64 * 1024;

    private static final MpmcAtomicArrayQueue<Scratch> POOL = new MpmcAtomicArrayQueue<>(64);

    private final NativeMemory memory = NativeMemory.allocate(BYTES + CAPACITY);
    private final ByteBuffer bytes = memory.buffer().slice(BYTES, CAPACITY);
    private final Vector vector = new Vector(this);

    static {
        if (MsgHdr.SIZE > SOCKADDR || SOCKADDR + SockAddr.MAX_SIZE > LENGTH || VALUE + VALUE_SIZE > CONTROL
                || CONTROL + Rights.MAX_SIZE > IOVECS) {
            throw new AssertionError("overlap");
        }
    }

    private Scratch() {}

    /** Takes a scratch for one system call, to be given back. */
    public static Scratch take() {
        Scratch scratch = POOL.relaxedPoll();
        return scratch != null ? scratch : new Scratch();
    }

    /** Gives the scratch back. If the pool is full the garbage collector gets it. */
    public void giveBack() {
        POOL.relaxedOffer(this);
    }

    /** The vector of this scratch's iovecs. It belongs to the caller as long as the scratch does. */
    Vector vector() {
        return vector;
    }

    /** The address of a place in the block. */
    public long address(int offset) {
        return memory.address() + offset;
    }

    /** The block, in native byte order. */
    public ByteBuffer memory() {
        return memory.buffer();
    }

    /** The first bytes at {@link #BYTES}. One object for all calls: its position and limit are this caller's until the next. */
    public ByteBuffer bytes(int size) {
        return bytes.limit(size).position(0);
    }

    /** A view on the first bytes at {@link #VALUE}, all zero. */
    public ByteBuffer value(int size) {
        for (int i = 0; i < size; i++) {
            memory.buffer().put(VALUE + i, (byte) 0);
        }
        return memory.buffer().slice(VALUE, size).order(ByteOrder.nativeOrder());
    }
}
