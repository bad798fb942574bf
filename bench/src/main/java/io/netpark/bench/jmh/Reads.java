package io.netpark.bench.jmh;

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

/** Reads of the coroutine API, in a handler on its connection's loop. Both peers live on that loop. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class Reads {

    private CoroutinePeers peers;

    /** Connects two handlers. */
    @Setup
    public void open() {
        peers = new CoroutinePeers();
    }

    /** Closes them. */
    @TearDown
    public void close() {
        peers.close();
    }

    /** A read of one byte that is there: recv, and what stands around it. */
    @Benchmark
    @OperationsPerInvocation(CoroutinePeers.BATCH)
    public void fast() {
        peers.readWhatIsThere();
    }

    /** A byte to and fro: each side parks, is woken by epoll, reads, writes. Two parked reads, two writes. */
    @Benchmark
    @OperationsPerInvocation(CoroutinePeers.BATCH)
    public void parkedPingPong() {
        peers.pingPong();
    }
}
