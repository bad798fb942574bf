package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.socket.Detached;
import io.netpark.core.sys.NetparkException;
import java.io.IOException;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Connections that are given away by a callback, wherever it runs. */
@Timeout(60)
class DetachAsyncTest {

    private final Support.Reports reports = new Support.Reports();
    private final BlockingQueue<CompletableFuture<Detached>> detached = new LinkedBlockingQueue<>();
    private final BlockingQueue<Optional<NetparkException>> causes = new LinkedBlockingQueue<>();
    private EventLoopGroup group;
    private Workers workers;

    static List<String> threads() {
        return Support.threads();
    }

    @BeforeEach
    void open() throws IOException {
        group = Support.group(1, reports);
    }

    @AfterEach
    void close() {
        group.close();
        if (workers != null) {
            workers.close();
        }
        assertEquals(List.of(), List.copyOf(reports.causes));
    }

    private CallbackServer.Builder server(String threads) {
        workers = Support.workers(threads);
        CallbackServer.Builder builder = CallbackServer.builder().group(group)
                .onClose((connection, cause) -> causes.add(Optional.ofNullable(cause)));
        return workers == null ? builder : builder.workers(workers);
    }

    private CompletableFuture<Detached> next() throws InterruptedException {
        return detached.poll(Support.TIMEOUT_MILLIS, TimeUnit.MILLISECONDS);
    }

    @ParameterizedTest
    @MethodSource("threads")
    void aCallbackGivesItsConnectionAwayWithWhatItHasLeftAndAfterWhatItHasWritten(String threads) throws Exception {
        byte[] much = Support.patternBytes(1, 5_000_000);
        try (CallbackServer server = server(threads)
                        .onRequest((connection, in) -> {
                            assertEquals('a', in.get());
                            connection.write(ByteBuffer.wrap(much));
                            detached.add(connection.detachAsync());
                        })
                        .listen(Support.loopback());
                CallbackClient client = CallbackClient.builder().group(group).open();
                Socket socket = Support.connect(server)) {
            Support.send(socket, "abc");
            CompletableFuture<Detached> future = next();
            Support.assertPattern(1, much.length, socket.getInputStream());
            Detached given = future.get(10, TimeUnit.SECONDS);
            assertNull(causes.poll(10, TimeUnit.SECONDS).orElse(null));
            Support.send(socket, "def");
            assertEquals("bc", new String(given.unread(), StandardCharsets.ISO_8859_1));
            StringBuffer got = new StringBuffer();
            client.adopt(given, Callbacks.builder().onRequest((connection, in) -> {
                got.append(Support.take(in));
                connection.write(Support.bytes("."));
            }).build());
            Support.await("all has come", () -> got.toString().equals("bcdef"));
            assertEquals(1, detached.size() + 1);
        }
    }

    @ParameterizedTest
    @MethodSource("threads")
    void noOtherCallbackIsCalledWithBytesThatComeMeanwhile(String threads) throws Exception {
        CountDownLatch more = new CountDownLatch(1);
        StringBuffer seen = new StringBuffer();
        try (CallbackServer server = server(threads)
                        .onRequest((connection, in) -> {
                            seen.append(Support.take(in));
                            detached.add(connection.detachAsync());
                            more.await();
                        })
                        .listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            Support.send(socket, "first");
            CompletableFuture<Detached> future = next();
            Support.send(socket, "second");
            assertFalse(future.isDone());
            more.countDown();
            try (Detached given = future.get(10, TimeUnit.SECONDS)) {
                ByteBuffer rest = ByteBuffer.allocate(100).put(given.unread());
                while (rest.position() < 6) {
                    given.descriptor().read(rest);
                }
                assertEquals("second", Support.take(rest.flip()));
            }
            assertEquals("first", seen.toString());
            assertEquals(-1, socket.getInputStream().read());
        }
    }

    @ParameterizedTest
    @MethodSource("threads")
    void cancelledInTimeItLeavesTheConnectionAsItWas(String threads) throws Exception {
        CountDownLatch cancelled = new CountDownLatch(1);
        try (CallbackServer server = server(threads)
                        .onInput((connection, in) -> {
                            if (in.takeByte() == 'd') {
                                CompletableFuture<Detached> future = connection.detachAsync();
                                assertTrue(future.cancel(false));
                                cancelled.countDown();
                            } else {
                                connection.write(Support.bytes(in.takeString((int) in.available())));
                            }
                        })
                        .listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            Support.send(socket, "d");
            cancelled.await();
            Support.send(socket, "xgoes on");
            assertEquals("goes on", Support.receive(socket, 7));
        }
    }

    @ParameterizedTest
    @MethodSource("threads")
    void ofAConnectionThatIsClosedItFails(String threads) throws Exception {
        try (CallbackServer server = server(threads)
                        .onRequest((connection, in) -> {
                            CompletableFuture<Detached> future = connection.detachAsync();
                            connection.close();
                            detached.add(future);
                        })
                        .listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            Support.send(socket, "x");
            CompletableFuture<Detached> future = next();
            ExecutionException failure =
                    assertThrows(ExecutionException.class, () -> future.get(10, TimeUnit.SECONDS));
            assertInstanceOf(NetparkException.Closed.class, failure.getCause());
        }
    }

    @ParameterizedTest
    @MethodSource("threads")
    void twiceIsOnceTooOften(String threads) throws Exception {
        try (CallbackServer server = server(threads)
                        .onRequest((connection, in) -> {
                            in.position(in.limit());
                            detached.add(connection.detachAsync());
                            detached.add(connection.detachAsync());
                        })
                        .listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            Support.send(socket, "x");
            try (Detached given = next().get(10, TimeUnit.SECONDS)) {
                assertEquals(0, given.unread().length);
                CompletableFuture<Detached> second = next();
                ExecutionException failure =
                        assertThrows(ExecutionException.class, () -> second.get(10, TimeUnit.SECONDS));
                assertInstanceOf(IllegalStateException.class, failure.getCause());
            }
        }
    }

    @ParameterizedTest
    @MethodSource("threads")
    void cancelledWhileOutputIsPendingItGoesOnAtOnce(String threads) throws Exception {
        byte[] much = new byte[20_000_000];
        CountDownLatch cancelled = new CountDownLatch(1);
        try (CallbackServer server = server(threads).highWaterMark(2 * much.length)
                        .onRequest((connection, in) -> {
                            if (Support.take(in).equals("d")) {
                                connection.write(ByteBuffer.wrap(much));
                                detached.add(connection.detachAsync());
                            } else {
                                cancelled.countDown();
                            }
                        })
                        .listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            Support.send(socket, "d");
            CompletableFuture<Detached> future = next();
            Thread.sleep(50); // so that it waits for the output, mostly
            assertTrue(future.cancel(false));
            Support.send(socket, "x");
            assertTrue(cancelled.await(10, TimeUnit.SECONDS)); // though nobody reads
            assertEquals(much.length, socket.getInputStream().readNBytes(much.length).length);
        }
    }

    @ParameterizedTest
    @MethodSource("threads")
    void whatACallbackHasLeftIsNotTooMuchForWhomeverItGoesTo(String threads) throws Exception {
        try (CallbackServer server = server(threads).inputLimit(1000)
                        .onInput((connection, in) -> {
                            in.skip(1);
                            detached.add(connection.detachAsync());
                        })
                        .listen(Support.loopback());
                Socket socket = Support.connect(server)) {
            Support.send(socket, "x".repeat(5001));
            try (Detached given = next().get(10, TimeUnit.SECONDS)) {
                assertTrue(given.unread().length > 0);
            }
        }
    }
}
