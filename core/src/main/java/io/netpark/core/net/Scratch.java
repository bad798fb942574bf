package io.netpark.core.net;

import io.netpark.core.sys.IoVec;
import io.netpark.core.sys.Linux;
import io.netpark.core.sys.MsgHdr;
import io.netpark.core.sys.NativeMemory;
import io.netpark.core.sys.SockAddr;
import java.nio.ByteBuffer;
import org.jctools.queues.atomic.MpmcAtomicArrayQueue;

/**
 * Native memory for the duration of one system call: its structs, and the copy between it and the heap. Kept in a small
 * pool, because a call may be made on any thread and there are far fewer calls at a time than connections.
 *
 * <pre>
 *   0         64               96          128                                 16512            +65536
 *   | msghdr  | sockaddr (28)  | int, int  | IOV_MAX iovecs (1024 x 16 bytes)  | bytes to or from the heap |
 * </pre>
 */
final class Scratch {

    static final int MSGHDR = 0;
    static final int SOCKADDR = 64;
    static final int LENGTH = 96;
    static final int VALUE = 100;
    static final int IOVECS = 128;
    static final int BYTES = IOVECS + Linux.IOV_MAX * IoVec.SIZE;
    /** How much of a heap buffer one system call moves. */
    static final int CAPACITY = 64 * 1024;

    private static final MpmcAtomicArrayQueue<Scratch> POOL = new MpmcAtomicArrayQueue<>(64);

    private final NativeMemory memory = NativeMemory.allocate(BYTES + CAPACITY);

    static {
        if (MsgHdr.SIZE > SOCKADDR || SOCKADDR + SockAddr.MAX_SIZE > LENGTH) {
            throw new AssertionError("overlap");
        }
    }

    private Scratch() {}

    static Scratch take() {
        Scratch scratch = POOL.relaxedPoll();
        return scratch != null ? scratch : new Scratch();
    }

    /** Gives it back; one too many is left to the garbage collector. */
    void giveBack() {
        POOL.relaxedOffer(this);
    }

    long address(int offset) {
        return memory.address() + offset;
    }

    ByteBuffer memory() {
        return memory.buffer();
    }
}
