package io.netpark.bench.own;

import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.dialing.Connecting;
import io.netpark.core.net.options.NetOptions;
import io.netpark.core.sys.Clock;
import io.netpark.simulation.kernel.SimulatedKernel;
import java.net.InetSocketAddress;
import java.util.concurrent.CountDownLatch;
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
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * A request through the complete stack: the loop asks for what is ready, the handler is resumed or called back, parses and answers, and
 * parks again. There is no kernel below, and so no noise of other processes' making.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 8, time = 1)
@Measurement(iterations = 8, time = 1)
@Fork(3)
public class Own {

    private static final int REQUESTS = 100_000;
    private static final int SOON_SECONDS = 30;

    /** Which server. */
    @Param({"echo-coroutine", "echo-callback", "frame-coroutine", "frame-callback", "http-coroutine"})
    public String server = "";

    /** How many connections have a request in each turn of the loop. */
    @Param({"1", "100"})
    public int connections;

    private EventLoopGroup clients;
    private Subject.Served served;
    private AlwaysReady libc;
    private long answer;

    /** Opens the server, and the connections. */
    @Setup
    public void open() throws Exception {
        SimulatedKernel kernel = new SimulatedKernel(Clock.SYSTEM);
        Subject subject = Subject.of(server);
        libc = new AlwaysReady(kernel, subject.head(), subject.length());
        served = subject.serve(builder -> builder.loops(1).daemon(true).libc(libc));
        clients = EventLoopGroup.builder().loops(1).daemon(true).libc(kernel).open();
        for (int i = 0; i < connections; i++) {
            Connecting.begin(clients.loops().get(0), new InetSocketAddress("127.0.0.1", served.port()), NetOptions.DEFAULT);
        }
        awaitConnections();
        answer = run(connections) / connections;
        if (answer == 0) {
            throw new IllegalStateException("nothing was answered");
        }
    }

    private void awaitConnections() throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SOON_SECONDS);
        while (libc.connections() < connections) {
            if (System.nanoTime() - end > 0) {
                throw new IllegalStateException("only " + libc.connections() + " connections of " + connections + " were accepted");
            }
            Thread.sleep(1);
        }
    }

    /** Closes all. */
    @TearDown
    public void close() {
        clients.close();
        served.group().close();
    }

    /** Has requests answered, and says how many bytes that took. */
    private long run(int requests) throws InterruptedException {
        CountDownLatch done = new CountDownLatch(1);
        served.loop().execute(() -> libc.begin(requests, done));
        if (!done.await(SOON_SECONDS, TimeUnit.SECONDS)) {
            throw new IllegalStateException("the loop does not get through " + requests + " requests");
        }
        return libc.answered();
    }

    /** Many requests, each of which is an operation. */
    @Benchmark
    @OperationsPerInvocation(REQUESTS)
    public long request() throws InterruptedException {
        return requests(REQUESTS);
    }

    /** Has requests answered, each as the first ones were. */
    long requests(int count) throws InterruptedException {
        long answered = run(count);
        if (answered != count * answer) {
            throw new IllegalStateException(answered + " bytes were answered, and not " + count * answer);
        }
        return answered;
    }
}
