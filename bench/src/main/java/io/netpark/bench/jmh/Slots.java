package io.netpark.bench.jmh;

import io.netpark.core.fd.Direction;
import io.netpark.core.fd.Waiter;
import io.netpark.core.net.streams.ConnectionDescriptor;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** What parking costs when nothing else is measured: no system call, no coroutine. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class Slots {

    private final Waiter waiter = () -> {};

    /** A waiter is published and taken out again, as by a cancellation. */
    @Benchmark
    @OperationsPerInvocation(OnLoop.BATCH)
    public void parkUnpark(OnLoop loop) throws Exception {
        ConnectionDescriptor connection = loop.connection();
        loop.repeat(() -> {
            connection.park(Direction.READ, waiter);
            connection.unpark(Direction.READ, waiter);
        });
    }

    /** Readiness that nobody waits for, and a park that finds it. */
    @Benchmark
    @OperationsPerInvocation(OnLoop.BATCH)
    public void nudgePark(OnLoop loop) throws Exception {
        ConnectionDescriptor connection = loop.connection();
        loop.repeat(() -> {
            connection.nudge(Direction.READ);
            connection.park(Direction.READ, waiter);
        });
    }
}
