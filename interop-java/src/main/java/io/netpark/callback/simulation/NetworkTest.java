package io.netpark.callback.simulation;

import io.netpark.simulation.kernel.Network;
import io.netpark.simulation.scene.Scene;
import io.netpark.simulation.schedule.Schedule;
import io.netpark.simulation.schedule.StuckException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PrimitiveIterator;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.function.BooleanSupplier;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * A test on a simulated network: hosts that are in memory, a time that passes when nobody has anything to do, and threads that run one at a
 * time in an order that a seed draws. The same seed does the same again. It works in any test framework, as {@link #run} returns when the
 * test is over.
 *
 * <pre>{@code
 * NetworkTest.run(1, test -> {
 *     TestHost server = test.host("server");
 *     TestHost client = test.host("client");
 *     CompletableFuture<ByteBuffer> answer = new CompletableFuture<>();
 *     try (CallbackServer echo = server.server().onRequest((connection, in) -> connection.write(in)).listen(server.address(7000));
 *             CallbackClient asking = client.client().open()) {
 *         asking.dial("server", echo.port(), Callbacks.builder()
 *                 .onConnect(connection -> connection.write(ByteBuffer.wrap(new byte[] {1, 2, 3})))
 *                 .onRequest((connection, in) -> answer.complete(ByteBuffer.allocate(in.remaining()).put(in)))
 *                 .build());
 *         assertEquals(3, test.await(answer).position());
 *     }
 * });
 * }</pre>
 *
 * <p>The test waits by {@link #await} and {@link #advanceTimeBy}, or in calls of the blocking API. What waits in another way, such as
 * {@code CompletableFuture.get}, has no part in the order, and the time does not wait for it; the same goes for threads that the program
 * starts itself.
 *
 * <p>When the test returns, the event loops of its hosts are closed. The threads that it has {@linkplain #start started} come to their end.
 *
 * <p>Any thread may use it.
 */
public final class NetworkTest {

    /** What a test does. */
    @FunctionalInterface
    public interface Body {

        /**
         * Runs the test.
         *
         * @throws Exception if it fails
         */
        void run(NetworkTest test) throws Exception;
    }

    private final Scene scene;
    private final Executor threads;
    /** With the monitor of this. */
    private final Map<String, TestHost> hosts = new HashMap<>();
    private final List<Started<?>> started = new CopyOnWriteArrayList<>();

    private NetworkTest(Scene scene) {
        this.scene = scene;
        this.threads = scene.schedule().overShared(Runnable::run); // which it does not need: each task gets a thread
    }

    /**
     * Runs a test in the order of a seed. The calling thread runs it.
     *
     * @throws StuckException if nothing can happen any more before the test is over; it says which thread waits where, and who is parked on
     *     which connection
     * @throws AssertionError if a descriptor is still open when all event loops are closed
     * @throws Exception what the test throws, or a thread that it has started and not awaited, with the seed and the last system calls as a
     *     suppressed exception
     */
    public static void run(long seed, Body body) throws Exception {
        Scene.run(seed, scene -> new NetworkTest(scene).run(body));
    }

    /**
     * Runs a test as the other does, once for each seed, up to the first that fails: {@code LongStream.rangeClosed(1, 100)}, say.
     *
     * @throws Exception as the other
     */
    public static void run(LongStream seeds, Body body) throws Exception {
        for (PrimitiveIterator.OfLong each = seeds.iterator(); each.hasNext(); ) {
            run(each.nextLong(), body);
        }
    }

    private void run(Body body) throws Exception {
        try {
            body.run(this);
            throwUnheardFailure();
            scene.close(); // so those that wait for a connection end
            scene.schedule().await(() -> started.stream().allMatch(Future::isDone));
        } catch (Throwable e) {
            for (Started<?> each : started) {
                each.cancel(true);
                Throwable other = each.unheardFailure();
                if (other != null && other != e) {
                    e.addSuppressed(other);
                }
            }
            throw e;
        }
    }

    private void throwUnheardFailure() throws Exception {
        for (Started<?> each : started) {
            Throwable failure = each.unheardFailure();
            if (failure instanceof Error error) {
                throw error;
            }
            if (failure instanceof Exception exception) {
                throw exception;
            }
        }
    }

    /** The host with this name. It is made when it is first asked for. */
    public TestHost host(String name) {
        synchronized (hosts) {
            return hosts.computeIfAbsent(name, key -> new TestHost(scene.host(key), network()));
        }
    }

    /** The hosts, and the links between them, which can be slow, lossy or cut. */
    public Network network() {
        return scene.network();
    }

    /** The time and the order of the test. */
    public Schedule schedule() {
        return scene.schedule();
    }

    /** How much simulated time has passed. */
    public Duration elapsed() {
        return schedule().elapsed();
    }

    /** Lets the others go on for this time. */
    public void advanceTimeBy(Duration time) {
        schedule().sleep(time);
    }

    /**
     * Waits for the result of a future, which others bring about. By the test, or by a thread of it.
     *
     * @throws ExecutionException if it fails
     * @throws StuckException if it cannot come any more
     */
    public <T extends @Nullable Object> T await(Future<T> future) throws ExecutionException, InterruptedException {
        if (future instanceof Started<?> own) {
            own.awaited();
        }
        return schedule().await(future);
    }

    /**
     * Waits until a condition holds, which others bring about. By the test, or by a thread of it.
     *
     * @param condition any thread looks at it; it must not wait, nor call anything of Netpark that does
     * @throws StuckException if that cannot happen any more
     */
    public void await(BooleanSupplier condition) {
        schedule().await(condition);
    }

    /**
     * Starts a thread that takes part in the order, for calls that wait. What it throws is told to whoever {@linkplain #await(Future)
     * awaits} it; if nobody has by the end of the test, the test fails with it. It may go on after that end, and finds everything closed.
     */
    public <T extends @Nullable Object> Future<T> start(Callable<T> body) {
        Started<T> task = new Started<>(body);
        started.add(task);
        threads.execute(task);
        return task;
    }

    /**
     * Each task has a thread of its own that takes part in the order: for {@code Workers.on(test.threads())}, or
     * {@code listener.serve(test.threads(), handler, null)}.
     */
    public Executor threads() {
        return threads;
    }

    @Override
    public String toString() {
        return "a test on " + network();
    }
}
