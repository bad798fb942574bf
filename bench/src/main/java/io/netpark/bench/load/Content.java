package io.netpark.bench.load;

import io.netpark.bench.server.Block;
import io.netpark.core.memory.NativeMemory;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Random;

/**
 * The bytes of an endless stream that repeats after a period. Position by position it says what is sent and what must
 * come back, so a byte that is lost, doubled, or of another connection is seen at once. Nothing is copied: what is
 * sent lies in this memory, and a slice that runs over the period's end lies there in one piece.
 */
final class Content {

    /** A prime: no two requests in a row have the same bytes, whatever their size. */
    private static final int REQUEST_PERIOD = 65_521;
    /** A prime, for the same reason. */
    private static final int FRAMES = 61;

    private final int period;
    private final NativeMemory memory;
    private final ByteBuffer expected;

    private Content(byte[] cycle, int slice) {
        period = cycle.length;
        memory = NativeMemory.allocate(period + slice);
        expected = memory.buffer().duplicate();
        for (int i = 0; i < memory.size(); i++) {
            memory.buffer().put(i, cycle[i % period]);
        }
    }

    /** What is sent as requests, in pieces of at most {@code slice} bytes. */
    static Content ofRequests(int slice) {
        byte[] cycle = new byte[REQUEST_PERIOD];
        new Random(1).nextBytes(cycle);
        return new Content(cycle, slice);
    }

    /** What is sent as messages of {@code size} bytes: a length of four bytes, and that much payload. */
    static Content ofFrames(int size, int slice) {
        byte[] cycle = new byte[FRAMES * size];
        new Random(2).nextBytes(cycle);
        for (int i = 0; i < FRAMES; i++) {
            ByteBuffer.wrap(cycle).putInt(i * size, size - Integer.BYTES);
        }
        return new Content(cycle, slice);
    }

    /** The blocks that a source sends. */
    static Content ofBlocks(int size, int slice) {
        return new Content(Block.bytes(size), slice);
    }

    /** Sends bytes from a position on, at most a slice of them; what {@link Wire#send} says. */
    long send(Wire wire, long position, int length) throws IOException {
        return wire.send(memory, (int) (position % period), length);
    }

    /** Compares bytes {@code 0} to {@code length} of what was received with those from a position on. */
    void check(ByteBuffer received, int length, long position) throws LoadFailure {
        int from = (int) (position % period);
        received.limit(length).position(0);
        expected.limit(from + length).position(from);
        int wrong = received.mismatch(expected);
        if (wrong >= 0) {
            throw new LoadFailure("wrong byte at position " + (position + wrong) + " of the answer: "
                    + received.get(wrong) + " instead of " + expected.get(from + wrong));
        }
    }
}
