package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.core.net.options.NetOption;
import io.netpark.core.sys.NetparkException;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Idle is who waits for its peer, wherever callbacks run. */
@Timeout(60)
class IdleTimeoutTest {

    /** It begins with the first callback: a client may take any time from its connect to its first byte. */
    private static final Duration IDLE = Duration.ofMillis(700);

    private volatile CompletableFuture<Throwable> closed = new CompletableFuture<>();

    private CallbackServer.Builder builder(Workers workers) {
        CallbackServer.Builder builder = Support.server().loops(1).idleTimeout(Duration.ofHours(1))
                .onClose((connection, why) -> closed.complete(why));
        return workers == null ? builder : builder.workers(workers);
    }

    private void assertIdle() throws Exception {
        Throwable why = Support.get(closed);
        assertEquals(NetparkException.Timeout.IDLE, assertInstanceOf(NetparkException.TimedOut.class, why).timeout());
    }

    @ParameterizedTest
    @MethodSource("io.netpark.callback.Support#threads")
    void anExchangeInProgressIsNotIdle(String threads) throws Exception {
        CompletableFuture<Exchange> begun = new CompletableFuture<>();
        CompletableFuture<CallbackConnection> connected = new CompletableFuture<>();
        try (Workers workers = Support.workers(threads);
                CallbackServer server = builder(workers).onConnect(connected::complete)
                        .onRequest((connection, in) -> {
                            in.position(in.limit());
                            connection.setIdleTimeout(IDLE);
                            begun.complete(connection.beginExchange());
                        }).listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            Support.send(socket, "x");
            Exchange exchange = Support.get(begun);
            awaitTimers(Support.get(connected), 3);
            assertFalse(closed.isDone());
            Support.get(connected).write(Support.bytes("answer"));
            exchange.close();
            assertEquals("answer", Support.receive(socket, 6));
            assertIdle();
        }
    }

    /** Until timers of so many idle times have run on its loop, one after the other. */
    private static void awaitTimers(CallbackConnection connection, int times) throws Exception {
        Support.get(connection.loop().schedule(() -> {}, times * IDLE.toMillis(), TimeUnit.MILLISECONDS));
    }

    @ParameterizedTest
    @MethodSource("io.netpark.callback.Support#threads")
    void aCallbackThatTakesItsTimeIsNotIdle(String threads) throws Exception {
        CountDownLatch inside = new CountDownLatch(1);
        CountDownLatch next = new CountDownLatch(1);
        try (Workers workers = Support.workers(threads);
                CallbackServer server = builder(workers).onRequest((connection, in) -> {
                    if (inside.getCount() > 0) {
                        connection.setIdleTimeout(IDLE); // once, as it would count anew from then on
                    }
                    inside.countDown();
                    Support.sleep(2 * IDLE.toMillis());
                    Support.await(next); // or the client could be the one that takes its time
                    connection.write(in);
                }).listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            Support.send(socket, "x");
            Support.await(inside);
            Support.send(socket, "y"); // for another callback
            next.countDown();
            assertEquals("xy", Support.receive(socket, 2));
            assertIdle();
        }
    }

    @ParameterizedTest
    @MethodSource("io.netpark.callback.Support#threads")
    void aCallbackThatAwaitsInputIsIdle(String threads) throws Exception {
        CompletableFuture<Throwable> awaited = new CompletableFuture<>();
        try (Workers workers = Support.workers(threads);
                CallbackServer server = builder(workers).onInput((connection, in) -> {
                    connection.setIdleTimeout(IDLE);
                    if (workers != null) {
                        try {
                            connection.awaitInput(100);
                        } catch (NetparkException e) {
                            awaited.complete(e);
                            throw e;
                        }
                    }
                }).listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            Support.send(socket, "x");
            assertIdle();
            if (workers != null) {
                assertInstanceOf(NetparkException.TimedOut.class, Support.get(awaited).getCause());
            }
        }
    }

    /** Everything has been written here, and the kernel has it. */
    @Test
    void aPeerThatTakesItsAnswerSlowlyIsNotIdle() throws Exception {
        Duration idle = Duration.ofSeconds(1); // longer than the kernels' lumps
        Pace.within(idle, pace -> {
            closed = new CompletableFuture<>();
            readSlowly(idle, pace);
        });
    }

    private void readSlowly(Duration idle, Pace pace) throws Exception {
        int size = 300_000;
        try (CallbackServer server = builder(null).idleTimeout(idle).onConnect(connection -> {
                    connection.setOption(NetOption.SEND_BUFFER, 212_992);
                    connection.write(ByteBuffer.allocate(size));
                }).ignoreInput().listen(Support.loopback());
                Socket socket = Support.connect(server, 16_384)) { // so that it acknowledges often
            long end = Support.nanoTime() + 5 * idle.toNanos() / 2;
            int read = 0;
            while (Support.nanoTime() - end < 0) {
                read += socket.getInputStream().readNBytes(4096).length;
                Support.sleep(50);
                pace.step();
            }
            assertFalse(closed.isDone());
            assertEquals(size - read, socket.getInputStream().readNBytes(size - read).length);
            assertIdle();
        }
    }

    @Test
    void whoAwaitsInputAfterWorkHasAllOfTheTime() throws Exception {
        CountDownLatch waiting = new CountDownLatch(1);
        long[] started = new long[1];
        try (Workers workers = Support.pool(1, 10);
                CallbackServer server = builder(workers).onInput((connection, in) -> {
                    connection.setIdleTimeout(IDLE);
                    Support.sleep(IDLE.toMillis() * 3 / 2);
                    started[0] = Support.nanoTime();
                    waiting.countDown();
                    connection.awaitInput(100);
                }).listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            Support.send(socket, "x");
            Support.await(waiting);
            assertIdle();
            assertTrue(Support.nanoTime() - started[0] >= IDLE.toNanos());
        }
    }
}
