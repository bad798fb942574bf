package io.netpark.bench.jmh;

import io.netpark.core.buffer.LeakDetection;
import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.buffer.SegmentPool;
import io.netpark.core.sys.NetparkException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Writing to a buffer and reading from it within one segment, on a loop's thread. Only what returns an object of its own
 * ({@code readLine}, {@code slice}) may allocate.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class Buffers {

    private static final int MESSAGE = 100;

    private final byte[] message = new byte[MESSAGE];
    private final ByteBuffer mine = ByteBuffer.allocateDirect(4096);
    private final byte[] line = "GET /index.html HTTP/1.1\r\n".getBytes(StandardCharsets.US_ASCII);
    private final byte[] crlf = {'\r', '\n'};
    private final String text = "A line of text, in ASCII as most of it is, with one é in it.";

    private SegmentPool pool;
    /** Holds a byte always, so its segment stays: what is measured is the operation. */
    private LinkBuffer buffer;
    /** Empty between operations: takes a segment for each. */
    private LinkBuffer empty;
    /** A KiB, with what is looked for at its end. */
    private LinkBuffer searched;
    /** Where results go, or the compiler would leave their computation out. */
    private long sink;

    /** Makes the buffers. */
    @Setup
    public void open() throws NetparkException {
        pool = SegmentPool.builder().leakDetection(LeakDetection.OFF).build();
        buffer = new LinkBuffer(pool);
        empty = new LinkBuffer(pool);
        searched = new LinkBuffer(pool);
        searched.put(new byte[1022]);
        searched.put(crlf);
        buffer.reserve(SegmentPool.LARGEST);
        buffer.commit(1);
    }

    /** Closes them. */
    @TearDown
    public void close() {
        buffer.close();
        empty.close();
        searched.close();
        pool.close();
    }

    private void repeat(OnLoop loop, Operation operation) throws Exception {
        loop.repeat(() -> {
            try {
                operation.run();
            } catch (NetparkException e) {
                throw new IllegalStateException(e);
            }
        });
    }

    private interface Operation {
        void run() throws NetparkException;
    }

    /** A byte, in the middle of a segment. A new segment every 64 KiB. */
    @Benchmark
    @OperationsPerInvocation(OnLoop.BATCH)
    public void writeByteReadByte(OnLoop loop) throws Exception {
        repeat(loop, () -> {
            buffer.putByte(1);
            sink += buffer.takeByte();
        });
    }

    /** Two bytes. */
    @Benchmark
    @OperationsPerInvocation(OnLoop.BATCH)
    public void writeShortReadShort(OnLoop loop) throws Exception {
        repeat(loop, () -> {
            buffer.putShort(1);
            sink += buffer.takeShort();
        });
    }

    /** Four bytes. */
    @Benchmark
    @OperationsPerInvocation(OnLoop.BATCH)
    public void writeIntReadInt(OnLoop loop) throws Exception {
        repeat(loop, () -> {
            buffer.putInt(1);
            sink += buffer.takeInt();
        });
    }

    /** Eight bytes. */
    @Benchmark
    @OperationsPerInvocation(OnLoop.BATCH)
    public void writeLongReadLong(OnLoop loop) throws Exception {
        repeat(loop, () -> {
            buffer.putLong(1);
            sink += buffer.takeLong();
        });
    }

    /** Four bytes through an empty buffer: a segment is taken and given back too. */
    @Benchmark
    @OperationsPerInvocation(OnLoop.BATCH)
    public void writeIntReadIntEmpty(OnLoop loop) throws Exception {
        repeat(loop, () -> {
            empty.putInt(1);
            sink += empty.takeInt();
        });
    }

    /** Numbers written in place, looked at and skipped. */
    @Benchmark
    @OperationsPerInvocation(OnLoop.BATCH)
    public void reserveCommitGetSkip(OnLoop loop) throws Exception {
        repeat(loop, () -> {
            ByteBuffer room = buffer.reserve(16);
            room.putInt(12).putLong(1);
            buffer.commit(12);
            sink += buffer.getInt(1);
            buffer.skip(12);
        });
    }

    /** A message copied in, and read as a view. */
    @Benchmark
    @OperationsPerInvocation(OnLoop.BATCH)
    public void writeNextRelease(OnLoop loop) throws Exception {
        repeat(loop, () -> {
            buffer.put(message);
            ByteBuffer view = buffer.next(MESSAGE);
            sink += view.get(view.position());
            buffer.release();
        });
    }

    /** As {@link #writeNextRelease}, through an empty buffer. */
    @Benchmark
    @OperationsPerInvocation(OnLoop.BATCH)
    public void writeNextReleaseEmpty(OnLoop loop) throws Exception {
        repeat(loop, () -> {
            empty.put(message);
            ByteBuffer view = empty.next(MESSAGE);
            sink += view.get(view.position());
            empty.release();
        });
    }

    /** A view of what is not taken. */
    @Benchmark
    @OperationsPerInvocation(OnLoop.BATCH)
    public void peekRelease(OnLoop loop) throws Exception {
        repeat(loop, () -> {
            ByteBuffer view = searched.peek(MESSAGE);
            sink += view.get(view.position());
            searched.release();
        });
    }

    /** A message copied in and out again, by the caller's own direct buffer. */
    @Benchmark
    @OperationsPerInvocation(OnLoop.BATCH)
    public void writeRead(OnLoop loop) throws Exception {
        repeat(loop, () -> {
            buffer.put(mine.clear().limit(MESSAGE));
            sink += buffer.take(mine.clear().limit(MESSAGE));
        });
    }

    /** A byte, at the end of a KiB. */
    @Benchmark
    @OperationsPerInvocation(OnLoop.BATCH)
    public void indexOf(OnLoop loop) throws Exception {
        repeat(loop, () -> sink += searched.indexOf((byte) '\n'));
    }

    /** Two bytes, at the end of a KiB. */
    @Benchmark
    @OperationsPerInvocation(OnLoop.BATCH)
    public void indexOfSequence(OnLoop loop) throws Exception {
        repeat(loop, () -> sink += searched.indexOf(crlf));
    }

    /** A byte that is not there, again. */
    @Benchmark
    @OperationsPerInvocation(OnLoop.BATCH)
    public void indexOfInVain(OnLoop loop) throws Exception {
        repeat(loop, () -> sink += searched.indexOf((byte) 1));
    }

    /** A line of 24 bytes, through an empty buffer. Allocates the string, and an array to make it from. */
    @Benchmark
    @OperationsPerInvocation(OnLoop.BATCH)
    @SuppressWarnings("NullAway") // a whole line is there
    public void readLine(OnLoop loop) throws Exception {
        repeat(loop, () -> {
            empty.put(line);
            sink += empty.takeLine(100).length();
        });
    }

    /** As {@link #takeLine}, as a view. */
    @Benchmark
    @OperationsPerInvocation(OnLoop.BATCH)
    @SuppressWarnings("NullAway") // a whole line is there
    public void readUntil(OnLoop loop) throws Exception {
        repeat(loop, () -> {
            empty.put(line);
            sink += empty.takeUntil((byte) '\n', 100).remaining();
            empty.release();
        });
    }

    /** A text of 60 characters. */
    @Benchmark
    @OperationsPerInvocation(OnLoop.BATCH)
    public void writeString(OnLoop loop) throws Exception {
        repeat(loop, () -> buffer.skip(buffer.putString(text)));
    }

    /** A segment with 100 bytes moved to another buffer. */
    @Benchmark
    @OperationsPerInvocation(OnLoop.BATCH)
    public void append(OnLoop loop) throws Exception {
        LinkBuffer target = new LinkBuffer(pool);
        repeat(loop, () -> {
            empty.put(message);
            target.append(empty);
            target.skip(MESSAGE);
        });
    }

    /** 2 KiB shared. Allocates the slice and its link. */
    @Benchmark
    @OperationsPerInvocation(OnLoop.BATCH)
    public void slice(OnLoop loop) throws Exception {
        repeat(loop, () -> {
            empty.reserve(2048);
            empty.commit(2048);
            empty.slice(2048).close();
        });
    }

    /** A segment on the loop's thread. */
    @Benchmark
    @OperationsPerInvocation(OnLoop.BATCH)
    public void takeRelease(OnLoop loop) throws Exception {
        repeat(loop, () -> pool.take(4096).release());
    }

    /** A segment on any other thread. */
    @Benchmark
    public void takeReleaseElsewhere() throws NetparkException {
        pool.take(4096).release();
    }
}
