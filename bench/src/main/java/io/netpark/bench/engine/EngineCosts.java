package io.netpark.bench.engine;

import com.sun.management.ThreadMXBean;
import io.netpark.bench.tls.EngineKind;
import io.netpark.bench.tls.Protocol;
import io.netpark.bench.tls.SelfSigned;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * What a server's engine costs a record, alone in its JVM: {@code EngineCosts CERTIFICATE KIND PROTOCOL CLEAR RECORDS}, where the
 * last two are {@code heap} or {@code direct}: in what memory clear bytes and records are. A line for each size and direction:
 *
 * <pre>
 *   wrap 1024 NANOS ALLOCATED
 * </pre>
 */
public final class EngineCosts {

    /** How many it prints. */
    static final int LINES = 4;

    /** So many records at a time: what a socket's buffer brings, and more than the nearest cache has. */
    private static final int BATCH = 8;
    private static final int[] SIZES = {1024, 16 * 1024};
    private static final int LOOKS = 30;
    private static final long LOOK_NANOS = 100_000_000L;
    private static final int MOST_SAMPLES = 100_000;

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private final SSLEngine client;
    private final SSLEngine server;
    private final ByteBuffer[] clear;
    private final ByteBuffer[] records;
    private final long[] wrapNanos = new long[MOST_SAMPLES];
    private final long[] unwrapNanos = new long[MOST_SAMPLES];
    private int samples;
    private long wrapBytes;
    private long unwrapBytes;

    private EngineCosts(Shaken pair, String clearMemory, String recordMemory) {
        client = pair.client;
        server = pair.server;
        clear = memory(clearMemory);
        records = memory(recordMemory);
    }

    private static ByteBuffer[] memory(String kind) {
        IntFunction<ByteBuffer> make = kind.equals("direct") ? ByteBuffer::allocateDirect : ByteBuffer::allocate;
        return IntStream.range(0, BATCH).mapToObj(i -> make.apply(Shaken.RECORD)).toArray(ByteBuffer[]::new);
    }

    /** Measures. */
    public static void main(String[] arguments) throws SSLException {
        EngineKind kind = EngineKind.valueOf(arguments[1]);
        SelfSigned identity = SelfSigned.read(Path.of(arguments[0]));
        Shaken pair = new Shaken(EngineKind.clients(), kind.servers(identity), Protocol.valueOf(arguments[2]));
        EngineCosts costs = new EngineCosts(pair, arguments[3], arguments[4]);
        // The best of many looks: in the first ones the compilers are not done, and others are on this core in some.
        long[][] best = new long[SIZES.length][];
        for (int look = 0; look < LOOKS; look++) {
            for (int i = 0; i < SIZES.length; i++) {
                costs.work(SIZES[i]);
                best[i] = costs.better(best[i]);
            }
        }
        for (int i = 0; i < SIZES.length; i++) {
            System.out.println("wrap " + SIZES[i] + " " + best[i][0] + " " + best[i][2]);
            System.out.println("unwrap " + SIZES[i] + " " + best[i][1] + " " + best[i][3]);
        }
    }

    /** Nanoseconds of a wrap and an unwrap, then bytes: each the least so far. */
    private long[] better(long @Nullable [] before) {
        long records = (long) samples * BATCH;
        long[] now = {median(wrapNanos, samples), median(unwrapNanos, samples), wrapBytes / records, unwrapBytes / records};
        for (int i = 0; before != null && i < now.length; i++) {
            now[i] = Math.min(now[i], before[i]);
        }
        return now;
    }

    private static long median(long[] nanos, int count) {
        long[] sorted = Arrays.copyOf(nanos, count);
        Arrays.sort(sorted);
        return sorted[count / 2] / BATCH;
    }

    private void work(int size) throws SSLException {
        samples = 0;
        wrapBytes = 0;
        unwrapBytes = 0;
        long end = System.nanoTime() + LOOK_NANOS;
        while (samples < MOST_SAMPLES && System.nanoTime() - end < 0) {
            long allocated = THREADS.getCurrentThreadAllocatedBytes();
            long from = System.nanoTime();
            wrap(server, size);
            wrapNanos[samples] = System.nanoTime() - from;
            wrapBytes += THREADS.getCurrentThreadAllocatedBytes() - allocated;
            wrap(client, size); // the server's records before are read by nobody
            allocated = THREADS.getCurrentThreadAllocatedBytes();
            from = System.nanoTime();
            unwrap(server);
            unwrapNanos[samples++] = System.nanoTime() - from;
            unwrapBytes += THREADS.getCurrentThreadAllocatedBytes() - allocated;
        }
    }

    private void wrap(SSLEngine engine, int size) throws SSLException {
        for (int i = 0; i < BATCH; i++) {
            Shaken.require(engine.wrap(clear[i].limit(size).position(0), records[i].clear()));
        }
    }

    private void unwrap(SSLEngine engine) throws SSLException {
        for (int i = 0; i < BATCH; i++) {
            Shaken.require(engine.unwrap(records[i].flip(), clear[i].clear()));
        }
    }
}
