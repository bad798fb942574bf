package io.netpark.core.net.secure;

import io.netpark.core.memory.NativeMemory;
import java.nio.ByteBuffer;
import org.jctools.queues.atomic.MpmcAtomicArrayQueue;
import org.jspecify.annotations.Nullable;

/**
 * Memory for the time of one operation on records, in a small pool, because there are far fewer operations at a time than
 * connections: so an idle connection has none.
 *
 * <pre>
 *   in     | the beginning of a record, kept from an earlier read | what this read gets, up to {@link #BATCH} |
 *   out    | records of 64 KiB or more, for one send                                                          |
 *   plain  | the plaintext of one record                                                                      |
 * </pre>
 *
 * Each is there on the heap for engines that work on arrays, as the JDK's does (a direct buffer costs it a copy of its own), and outside
 * of it for the others and for the kernel. Those that a kind of engine needs are made when the first of it comes.
 */
@SuppressWarnings("NullAway") // take() has made all that its kind of engine needs
final class RecordScratch {

    /** RFC 5246, 6.2.3: what a record may grow to. RFC 8446 allows less. */
    static final int MAX_RECORD = Record.HEADER + Record.MAX_PLAINTEXT + 2048;
    /** How much ciphertext one system call moves. */
    static final int BATCH = 64 * 1024;
    /**
     * For what mostly is written at a time, 64 KiB, and for one send: five records as engines reserve room for them. Four would do, had
     * not each record of the JDK's engine 17 bytes less than it may have (TLS 1.3). The rest of the 64 KiB would cost a send of its own.
     */
    static final int OUT = 5 * MAX_RECORD;

    private static final MpmcAtomicArrayQueue<RecordScratch> POOL = new MpmcAtomicArrayQueue<>(64);

    private final NativeMemory nativeIn = NativeMemory.allocate(MAX_RECORD + BATCH);
    private final ByteBuffer directIn = nativeIn.buffer().duplicate();
    private final NativeMemory nativeOut = NativeMemory.allocate(OUT);
    private final ByteBuffer directOut = nativeOut.buffer().duplicate();
    private @Nullable ByteBuffer directPlain;
    private @Nullable ByteBuffer heapIn;
    private @Nullable ByteBuffer heapOut;
    private @Nullable ByteBuffer heapPlain;

    private RecordScratch() {}

    /**
     * One with all its memory: if there is none it is missed here, and not when records have been read, or their numbers used.
     *
     * @param heap as it is given to the other methods
     */
    static RecordScratch take(boolean heap) {
        RecordScratch pooled = POOL.relaxedPoll();
        RecordScratch scratch = pooled != null ? pooled : new RecordScratch();
        scratch.prepare(heap);
        return scratch;
    }

    private void prepare(boolean heap) {
        if (heap && heapPlain == null) {
            heapIn = ByteBuffer.allocate(MAX_RECORD + BATCH);
            heapOut = ByteBuffer.allocate(OUT);
            heapPlain = ByteBuffer.allocate(MAX_RECORD);
        } else if (!heap && directPlain == null) {
            directPlain = ByteBuffer.allocateDirect(MAX_RECORD);
        }
    }

    /** Gives the scratch back. If the pool is full the garbage collector gets it. */
    void giveBack() {
        POOL.relaxedOffer(this);
    }

    /** Where what is read goes: behind room for the beginning of a record. */
    long inAddress() {
        return nativeIn.address() + MAX_RECORD;
    }

    /**
     * What was kept, and behind it what was read to {@link #inAddress}: for the engine, which destroys it.
     *
     * @param kept is read empty
     */
    ByteBuffer in(boolean heap, Kept kept, int read) {
        ByteBuffer in;
        if (heap) {
            in = heapIn.clear();
            kept.take(in);
            in.put(in.position(), nativeIn.buffer(), MAX_RECORD, read);
            return in.position(in.position() + read).flip();
        }
        in = directIn.clear();
        int before = kept.size();
        if (read == 0) { // what is kept may be whole records
            kept.take(in);
            return in.flip();
        }
        in.limit(MAX_RECORD).position(MAX_RECORD - before);
        kept.take(in);
        return in.limit(MAX_RECORD + read).position(MAX_RECORD - before);
    }

    /** Where records go. */
    ByteBuffer out(boolean heap) {
        return heap ? heapOut.clear() : directOut.clear();
    }

    /** The address of what is in {@link #out}, for the kernel, from index 0. */
    long outAddress(ByteBuffer out) {
        if (out != directOut) {
            nativeOut.buffer().put(0, out, 0, out.limit());
        }
        return nativeOut.address();
    }

    /** Room for a record's plaintext. */
    ByteBuffer plain(boolean heap) {
        return heap ? heapPlain.clear() : directPlain.clear();
    }
}
