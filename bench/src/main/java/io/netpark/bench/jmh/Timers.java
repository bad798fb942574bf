package io.netpark.bench.jmh;

import io.netpark.core.fd.Direction;
import io.netpark.core.loop.Timer;
import io.netpark.core.net.streams.ConnectionDescriptor;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** Timers beside many others, and the deadline that is set before every read. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class Timers {

    private static final long FAR = TimeUnit.HOURS.toNanos(1);

    /** Timers that are armed already. */
    @Param({"0", "10000"})
    public int others;

    private Timer timer;

    /** Arms the others. */
    @Setup
    public void arm(OnLoop loop) throws Exception {
        timer = loop.loop().newTimer(() -> {});
        long now = System.nanoTime();
        for (int i = 0; i < others; i++) {
            loop.loop().newTimer(() -> {}).arm(now + FAR + i);
        }
    }

    /** Armed, the first of all, and disarmed. */
    @Benchmark
    @OperationsPerInvocation(OnLoop.BATCH)
    public void armDisarm(OnLoop loop) throws Exception {
        loop.repeat(() -> {
            timer.arm(System.nanoTime() + FAR / 2);
            timer.disarm();
        });
    }

    /** A deadline thirty seconds ahead, moved on by every call as by a server with a read timeout. */
    @Benchmark
    @OperationsPerInvocation(OnLoop.BATCH)
    public void deadlineBeforeRead(OnLoop loop) throws Exception {
        ConnectionDescriptor connection = loop.connection();
        loop.repeat(() -> connection.setDeadline(
                Direction.READ, System.nanoTime() + TimeUnit.SECONDS.toNanos(30)));
    }
}
