package io.netpark.callback;

import static io.netpark.callback.Support.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.core.buffer.SegmentPool;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.serving.Shutdown;
import io.netpark.core.sys.NetparkException;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Executors that do not run what they are given: closing does not wait for that. */
@Timeout(60)
class LostCallsTest {

    private final Support.Reports reports = new Support.Reports();
    private final BlockingQueue<Optional<NetparkException>> causes = new LinkedBlockingQueue<>();
    private final SegmentPool pool = SegmentPool.builder().build();
    private final CountDownLatch inside = new CountDownLatch(1);
    private final ThreadPoolExecutor executor =
            new ThreadPoolExecutor(1, 1, 0, TimeUnit.SECONDS, new LinkedBlockingQueue<>());

    @AfterEach
    void memoryIsBack() throws InterruptedException {
        executor.shutdownNow();
        await("memory is back", () -> pool.statistics().lentBytes() == 0);
    }

    private CallbackServer.Builder server() {
        return CallbackServer.builder().workers(Workers.on(executor, connection -> Rejection.CLOSE)).segments(pool)
                .loops(group -> group.daemon(true).reporter(reports).reportLimit(Integer.MAX_VALUE))
                .onInput((connection, in) -> {
                    inside.countDown();
                    new CountDownLatch(1).await(); // until it is interrupted
                })
                .onClose((connection, cause) -> causes.add(Optional.ofNullable(cause)));
    }

    /** One connection's callback has the only thread, and another's is in the queue. */
    private void fill(Socket first, Socket second) throws InterruptedException {
        Support.send(first, "x");
        inside.await();
        Support.send(second, "y");
        await("it waits for the thread", () -> executor.getQueue().size() == 1);
    }

    private void assertOneLostAndOneInterrupted() throws InterruptedException {
        await("both are reported", () -> reports.causes.size() >= 2);
        assertEquals(1, reports.causes.stream().filter(cause -> cause instanceof InterruptedException).count());
        List<Throwable> lost =
                reports.causes.stream().filter(cause -> cause instanceof RejectedExecutionException).toList();
        assertEquals(1, lost.size());
        assertTrue(lost.get(0).getMessage().contains("shutdownNow"), lost.get(0).getMessage());
    }

    @Test
    void closingDoesNotWaitForCallsThatAnExecutorHasDropped() throws Exception {
        CallbackServer server = server().loops(1).listen(Support.loopback());
        try (Socket first = Support.connect(server); Socket second = Support.connect(server)) {
            await("both are there", () -> server.connections() == 2 && executor.getActiveCount() == 0);
            fill(first, second);
            CompletableFuture<Void> closed = CompletableFuture.runAsync(server::close, task -> new Thread(task).start());
            await("loops ended", () -> server.group().loops().get(0).isTerminated());
            assertEquals(1, executor.shutdownNow().size());
            closed.get(Support.TIMEOUT_MILLIS, TimeUnit.MILLISECONDS);
        }
        assertEquals(2, causes.size());
        assertEquals(0, server.connections());
        assertOneLostAndOneInterrupted();
    }

    @Test
    void aConnectionEndsThoughItsCallWasDroppedBefore() throws Exception {
        try (EventLoopGroup group = Support.group(1, reports);
                CallbackServer server = server().group(group).listen(Support.loopback());
                Socket first = Support.connect(server);
                Socket second = Support.connect(server)) {
            await("both are there", () -> server.connections() == 2 && executor.getActiveCount() == 0);
            fill(first, second);
            executor.shutdownNow();
            assertTrue(executor.awaitTermination(Support.TIMEOUT_MILLIS, TimeUnit.MILLISECONDS));
            Support.reset(second);
            await("both have ended", () -> server.connections() == 0);
            assertEquals(2, causes.size());
        }
        assertOneLostAndOneInterrupted();
    }

    @Test
    void aCallThatIsDroppedAfterItsConnectionHasEndedIsGivenUp() throws Exception {
        try (EventLoopGroup group = Support.group(1, reports);
                CallbackServer server = server().group(group).listen(Support.loopback());
                Socket first = Support.connect(server);
                Socket second = Support.connect(server)) {
            await("both are there", () -> server.connections() == 2 && executor.getActiveCount() == 0);
            fill(first, second);
            Support.reset(second);
            Support.reset(first);
            executor.shutdownNow();
            await("both have ended", () -> server.connections() == 0);
            assertEquals(2, causes.size());
        }
        assertOneLostAndOneInterrupted();
    }

    @Test
    void aCallThatWasGivenUpIsNotRunByWhoeverHasIt() throws Exception {
        try (EventLoopGroup group = Support.group(1, reports);
                CallbackServer server = server().group(group).listen(Support.loopback());
                Socket first = Support.connect(server);
                Socket second = Support.connect(server)) {
            await("both are there", () -> server.connections() == 2 && executor.getActiveCount() == 0);
            fill(first, second);
            List<Runnable> dropped = executor.shutdownNow();
            assertTrue(executor.awaitTermination(Support.TIMEOUT_MILLIS, TimeUnit.MILLISECONDS));
            Support.reset(second);
            await("both have ended", () -> server.connections() == 0);
            CompletableFuture.runAsync(() -> dropped.forEach(Runnable::run), task -> new Thread(task).start())
                    .get(Support.TIMEOUT_MILLIS, TimeUnit.MILLISECONDS); // it would wait for ever in the callback
        }
        assertOneLostAndOneInterrupted();
    }

    /** Whatever the policy is, and whether it can be asked. */
    @ParameterizedTest
    @EnumSource(Rejection.class)
    void anExecutorThatRejectsEverythingKeepsNobodyWaiting(Rejection policy) throws Exception {
        Workers none = Workers.on(call -> {
            throw new RejectedExecutionException("on purpose");
        }, connection -> policy);
        CallbackServer server = server().loops(1).workers(none)
                .onInput((connection, in) -> connection.write(Support.bytes(in.takeString((int) in.available()))))
                .listen(Support.loopback());
        try (Socket socket = Support.connect(server)) {
            Support.send(socket, "x");
            if (policy == Rejection.RUN_ON_LOOP) {
                assertEquals("x", Support.receive(socket, 1));
            } else if (policy == Rejection.CLOSE) {
                assertInstanceOf(NetparkException.LimitExceeded.class,
                        causes.poll(Support.TIMEOUT_MILLIS, TimeUnit.MILLISECONDS).orElseThrow());
            }
            CompletableFuture.runAsync(server::close, task -> new Thread(task).start())
                    .get(Support.TIMEOUT_MILLIS, TimeUnit.MILLISECONDS);
            assertEquals(0, server.connections());
        }
    }

    /** One that says it has not taken what it has run. */
    @ParameterizedTest
    @EnumSource(Rejection.class)
    void anExecutorThatRunsACallAndThrowsThenHasItRunOnce(Rejection policy) throws Exception {
        Workers strange = Workers.on(call -> {
            call.run();
            throw new RejectedExecutionException("on purpose");
        }, connection -> policy);
        try (CallbackServer server = server().loops(1).workers(strange)
                .onInput((connection, in) -> connection.write(Support.bytes(in.takeString((int) in.available()) + ".")))
                .listen(Support.loopback()); Socket socket = Support.connect(server)) {
            for (String request : List.of("one", "two", "three")) {
                Support.send(socket, request);
                assertEquals(request + ".", Support.receive(socket, request.length() + 1));
            }
            server.shutdown(Shutdown.within(Duration.ofSeconds(5)));
            assertEquals("", Support.receiveAll(socket));
        }
    }
}
